//! Texts that people write: what was taken is in its normal form, and is taken again as it is. Must not know why a text is
//! refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rejoinder::base::text::{Body, Name, Note, PageKey, ReasonText, Title};

macro_rules! again {
    ($($kind:ident),*) => {
        fuzz_target!(|text: &str| {
            $(if let Ok(taken) = $kind::parse(text) {
                let once = taken.as_str();
                assert!((1..=$kind::CHARS_MAX).contains(&once.chars().count()));
                assert!(!once.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')));
                assert!(!once.chars().any(|c| matches!(c, '\u{202D}' | '\u{202E}')));
                let twice = $kind::parse(once).expect("what was taken is taken again");
                assert_eq!(twice.as_str(), once);
            })*
        });
    };
}

again!(Body, Name, Note, PageKey, ReasonText, Title);
