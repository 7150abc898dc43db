//! E-mail addresses within texts, and texts without one of them. Must not know whose address is looked for, nor what the
//! texts are.

use crate::base::email::{EmailAddress, EmailKey, LOCAL_BYTES_MAX};
use crate::base::text::is_invisible;

/// What stands in the place of an address.
const REDACTED: &str = "[…]";

/// The text without the addresses that are meant, or none where none of them stands in it. Never longer than the text.
///
/// An address is met as a whole only: `ada@example.org` is no part of `x.ada@example.org` or `ada@example.org.uk`.
pub fn redact(text: &str, is_meant: impl Fn(&EmailKey) -> bool) -> Option<String> {
    let mut redacted = String::new();
    let mut rest = 0;
    for (at, _) in text.match_indices('@') {
        let before = text.get(rest..at).unwrap_or_default();
        let domain = domain_of(text.get(at + 1..).unwrap_or_default());
        let meant = local_parts(before).find(|local| {
            let address = EmailAddress::parse_account(&format!("{local}@{domain}"));
            address.is_ok_and(|address| is_meant(address.key()))
        });
        if let Some(local) = meant {
            redacted.push_str(before.strip_suffix(local).unwrap_or_default());
            redacted.push_str(REDACTED);
            rest = at + 1 + domain.len();
        }
    }
    // What is redacted has an @, so something lies behind.
    if rest == 0 {
        return None;
    }
    redacted.push_str(text.get(rest..).unwrap_or_default());
    Some(redacted)
}

/// What may be the part before the `@`, longest first: all that could belong to it, then what follows a sign that hardly
/// stands in an address, but in links and markup before one; each also without the signs that begin no address.
fn local_parts(before: &str) -> impl Iterator<Item = &str> {
    let run = before.len() - tail_of(before).len();
    let least = before.len().saturating_sub(LOCAL_BYTES_MAX);
    before
        .char_indices()
        .skip_while(move |(at, _)| *at < run)
        .filter(move |(at, c)| *at == run || !is_inner(*c))
        .flat_map(move |(at, c)| {
            let from_here = (at == run && is_local(c)).then_some(at);
            let behind = (!is_inner(c)).then_some(at + c.len_utf8());
            from_here.into_iter().chain(behind)
        })
        .filter(move |at| *at >= least)
        .filter_map(|at| before.get(at..))
        .flat_map(|local| {
            let stripped = local.trim_start_matches(['.', '-', '_', '+']);
            let stripped = (stripped.len() < local.len()).then_some(stripped);
            [Some(local), stripped].into_iter().flatten()
        })
        .filter(|local| !local.is_empty())
}

/// The end of the text that may belong to one local part.
fn tail_of(before: &str) -> &str {
    let begins = before
        .char_indices()
        .rev()
        .take_while(|(_, c)| is_local(*c))
        .last();
    begins
        .and_then(|(at, _)| before.get(at..))
        .unwrap_or_default()
}

/// The beginning of the text that may be a domain: letters, digits, dots, hyphens, but no dot or hyphen at its end.
fn domain_of(after: &str) -> &str {
    let is_outside = |c: char| !(c.is_alphanumeric() || c == '.' || c == '-');
    let end = after.find(is_outside).unwrap_or(after.len());
    let run = after.get(..end).unwrap_or_default();
    run.trim_end_matches(['.', '-'])
}

fn is_local(c: char) -> bool {
    !is_invisible(c) && !"@<>()[]{},;:\"\\".contains(c)
}

/// What stands within addresses rather than around them.
fn is_inner(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '+' | '-' | '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn without_ada(text: &str) -> Option<String> {
        let ada = EmailAddress::parse("ada@example.org").unwrap();
        redact(text, |key| key == ada.key())
    }

    #[test]
    fn an_address_goes_wherever_it_stands() {
        for (text, left) in [
            ("ada@example.org", "[…]"),
            ("Write to Ada@EXAMPLE.org.", "Write to […]."),
            (
                "<ada@example.org>, or bob@example.org",
                "<[…]>, or bob@example.org",
            ),
            ("[mail](mailto:ada@example.org)", "[mail](mailto:[…])"),
            (
                "https://example.org/?from=ada@example.org&x=1",
                "https://example.org/?from=[…]&x=1",
            ),
            ("*ada@example.org* _ada@example.org_", "*[…]* _[…]_"),
            (
                "-ada@example.org\n\u{201c}ada@example.org\u{201d}",
                "-[…]\n\u{201c}[…]\u{201d}",
            ),
            ("ada@example.org/ada@example.org", "[…]/[…]"),
            ("'ada@example.org'", "'[…]'"),
            ("é ada@example.org é", "é […] é"),
        ] {
            assert_eq!(without_ada(text).as_deref(), Some(left), "{text}");
        }
    }

    #[test]
    fn other_addresses_stay() {
        for text in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.org",
            "x.ada@example.org",
            "ada@example.org.uk",
            "lada@example.org",
            "ada@example.orga",
            "ada @example.org",
            "bob@example.org",
        ] {
            assert_eq!(without_ada(text), None, "{text}");
        }
    }

    #[test]
    fn a_domain_is_the_same_in_both_its_forms() {
        let meant = EmailAddress::parse("ada@bücher.example").unwrap();
        let redact = |text| redact(text, |key| key == meant.key());
        assert_eq!(redact("(ada@bücher.example)").unwrap(), "([…])");
        assert_eq!(redact("ada@xn--bcher-kva.example!").unwrap(), "[…]!");
    }

    #[test]
    fn a_long_run_of_signs_is_looked_at_no_further_than_an_address_is_long() {
        let text = format!("{}ada@example.org", "!".repeat(10_000));
        assert!(without_ada(&text).unwrap().ends_with("!![…]"));
        let text = format!("{}ada@example.org", "a".repeat(10_000));
        assert_eq!(without_ada(&text), None);
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic_and_none_grows(text in ".*") {
            if let Some(redacted) = redact(&text, |_| true) {
                prop_assert!(redacted.len() <= text.len());
                prop_assert!(redacted.contains(REDACTED));
            }
        }

        #[test]
        fn what_stands_around_an_address_stays(
            before in "[a-z ,;:<(]{0,20}[ ,;:<(]", after in "([ ,;:>)!][a-z ,;:>)]{0,20})?",
        ) {
            let text = format!("{before}ada@example.org{after}");
            prop_assert_eq!(without_ada(&text), Some(format!("{before}{REDACTED}{after}")));
        }
    }
}
