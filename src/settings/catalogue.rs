//! The one list of all settings: the start, `--help` and the reference page are made from it. Must not know values.

use super::{
    accounts, database, http, logs,
    setting::{Setting, Shape, Visibility},
    sites, traces,
};

/// `REJOINDER_CONFIG`
pub static CONFIG: Setting = Setting {
    variable: "REJOINDER_CONFIG",
    key: None,
    flag: Some("config"),
    placeholder: "FILE",
    shape: Shape::Text,
    default: None,
    bound: "the path of a TOML file",
    help: "A TOML file with settings, named like the variables without REJOINDER_, in lower case",
    visibility: Visibility::Open,
};

/// Every setting, in the order in which people need them.
pub static ALL: [&Setting; 20] = [
    &CONFIG,
    &database::URL,
    &http::LISTEN,
    &database::DATA_DIR,
    &http::PUBLIC_URL,
    &accounts::SECRET,
    &sites::SITE_ORIGINS,
    &http::TRUSTED_PROXIES,
    &http::CLIENT_ADDRESS_HEADER,
    &accounts::ADMIN_EMAIL,
    &accounts::ADMIN_PASSWORD,
    &http::RATE_LIMIT,
    &database::POSTGRES_BIN,
    &sites::DEMO,
    &logs::LOG,
    &logs::LOG_FORMAT,
    &http::METRICS_LISTEN,
    &http::LIST_CACHE_MB,
    &traces::TRACES_ENDPOINT,
    &traces::TRACES_SAMPLED,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_follow_from_the_variable_and_are_unique() {
        let mut names = BTreeSet::new();
        for setting in ALL {
            let word = setting
                .variable
                .trim_start_matches("REJOINDER_")
                .to_lowercase();
            if setting.variable != CONFIG.variable {
                assert_eq!(setting.key, Some(word.as_str()));
            }
            match setting.flag {
                Some(flag) => assert_eq!(flag, word.replace('_', "-")),
                None => assert!(setting.is_secret(), "{word} has no flag"),
            }
            assert!(names.insert(setting.variable));
        }
    }

    #[test]
    fn a_secret_has_neither_flag_nor_default() {
        for setting in ALL.into_iter().filter(|setting| setting.is_secret()) {
            assert_eq!(
                (setting.flag, setting.default),
                (None, None),
                "{}",
                setting.variable
            );
            assert!(
                setting
                    .file_variable()
                    .is_some_and(|name| name.ends_with("_FILE"))
            );
        }
    }
}
