//! The settings file: right, or every mistake named, never with what was written behind a secret's name. Must not know what
//! settings do.
#![no_main]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use rejoinder::settings::{Flags, Settings, Sources};

const SECRET: &str = "a-secret-that-nobody-may-see";

fuzz_target!(|file: &str| {
    let text = format!("{file}\nsecret = \"{SECRET}\"\n");
    let config = (
        "REJOINDER_CONFIG".to_owned(),
        OsString::from("/settings.toml"),
    );
    let sources = Sources {
        flags: Flags::default(),
        environment: BTreeMap::from([config]),
        read: Box::new(move |_: &Path| Ok(text.clone())),
    };
    match Settings::gather(sources) {
        Ok(settings) => assert!(!format!("{settings:?}").contains(SECRET)),
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            assert!(
                mistakes
                    .iter()
                    .all(|mistake| !mistake.to_string().contains(SECRET))
            );
        }
    }
});
