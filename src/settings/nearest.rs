//! The known name that was probably meant. Must not know what the names are for.

/// Names longer than this are not compared: the cost grows with the product of lengths.
const NAME_CHARACTERS_MAX: usize = 64;

/// The candidate with the fewest changes to `name`, if they are few enough to be a slip.
pub(super) fn find_nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = name.chars().count();
    if length > NAME_CHARACTERS_MAX {
        return None;
    }
    let changes_max = (length / 4).clamp(1, 4);
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(changes, _)| *changes <= changes_max)
        .min_by_key(|(changes, _)| *changes)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions and replacements from one to the other, case not counted.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().map(|c| c.to_ascii_lowercase()).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, from_char) in from.chars().map(|c| c.to_ascii_lowercase()).enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut left = line + 1;
        next.push(left);
        for ((above_left, above), to_char) in row.iter().zip(row.iter().skip(1)).zip(&to) {
            let replaced = above_left + usize::from(from_char != *to_char);
            left = replaced.min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_none() {
        let names = ["REJOINDER_LISTEN", "REJOINDER_LOG", "REJOINDER_SECRET"];
        assert_eq!(
            find_nearest("REJOINDER_LISTENN", names),
            Some("REJOINDER_LISTEN")
        );
        assert_eq!(
            find_nearest("REJOINDER_SERCET", names),
            Some("REJOINDER_SECRET")
        );
        assert_eq!(find_nearest("listne", ["listen", "log"]), None);
        assert_eq!(find_nearest("lisen", ["listen", "log"]), Some("listen"));
        assert_eq!(find_nearest("REJOINDER_COLOUR_OF_SKY", names), None);
        assert_eq!(find_nearest(&"x".repeat(100_000), names), None);
    }

    #[test]
    fn the_distance_counts_changes() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("same", "SAME"), 0);
    }
}
