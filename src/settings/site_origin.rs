//! How an operator names a web origin. Must not know which settings hold one.

use super::layers::Problem;
use crate::base::page_url::Origin;

/// Takes an origin; a single trailing slash is tolerated, since people copy it from the address bar.
pub(super) fn parse_origin(text: &str) -> Result<Origin, Problem> {
    let bare = text.strip_suffix('/').unwrap_or(text);
    let origin = Origin::parse(bare).ok();
    origin.ok_or_else(|| "is not scheme, host and port alone".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_behind_is_tolerated_and_nothing_else() {
        for given in ["https://example.org", "https://example.org:443/"] {
            let origin = parse_origin(given).unwrap();
            assert_eq!(origin.as_str(), "https://example.org", "{given}");
        }
        for given in [
            "",
            "/",
            "https://example.org//",
            "https://example.org/blog",
            "null",
            "*",
        ] {
            assert!(parse_origin(given).is_err(), "{given}");
        }
    }
}
