//! A wrong command line, said in two lines as every other error. Must not know which commands there are.

/// What is wrong and what to do, out of the parser's longer text.
pub(super) fn shorten(text: &str) -> (String, String) {
    let mut lines = text.lines().map(str::trim);
    let first = lines.next().unwrap_or_default();
    let mut what = first
        .strip_prefix("error:")
        .unwrap_or(first)
        .trim()
        .to_owned();
    let mut tip = None;
    for line in lines {
        if let Some(text) = line.strip_prefix("tip:") {
            tip = tip.or(Some(text.trim().to_owned()));
        } else if what.ends_with(':') && !line.is_empty() {
            what = format!("{what} {line}");
            break;
        }
    }
    (what, tip.unwrap_or_else(|| "`rejoinder --help`".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tip_is_what_to_do() {
        let text = "error: unexpected argument '--lisen' found\n\n  tip: a similar argument exists: '--listen'\n\nUsage: x\n";
        let (what, to_do) = shorten(text);
        assert_eq!(what, "unexpected argument '--lisen' found");
        assert_eq!(to_do, "a similar argument exists: '--listen'");
    }

    #[test]
    fn without_a_tip_there_is_the_help() {
        let (what, to_do) = shorten("error: the following were not given:\n  <FILE>\n\nUsage: x\n");
        assert_eq!(what, "the following were not given: <FILE>");
        assert_eq!(to_do, "`rejoinder --help`");
    }
}
