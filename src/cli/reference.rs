//! `rejoinder settings`: every setting, as the reference page or as a configuration file to start from, made from the
//! catalogue. Must not know a single setting, nor the value of one that is in use.

use std::fmt::Write as _;

use clap::ValueEnum;

use super::output;
use crate::settings::{Flags, Setting, Shape, catalogue};

/// What the settings are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// The reference page
    Markdown,
    /// A configuration file: what was given as a flag is set in it, all else stands there as a remark
    Toml,
}

const PAGE: &str = "\
<!-- Written by scripts/regen from src/settings. -->

# Settings

Each setting is taken from the first of these that has it:

1. a flag on the command line;
2. a variable of the environment; an empty one counts as none;
3. a TOML file, which `--config FILE` or `REJOINDER_CONFIG` names; [rejoinder.toml](../deploy/rejoinder.toml) has every key;
4. the default.

A setting that is unknown or malformed stops the start; all mistakes are named at once, with their places and never with a value.
Secrets are never flags, because others on the machine can read those.
Each secret can be given as the name of a file instead, by the variable or key that ends in `_FILE`; a line break at the end of that file doesn't count.
In lists the entries are separated by commas; in the file an array works, too. There are at most 100.
`NO_COLOR` turns colours off in the log, as in other programs.
`rejoinder doctor` reads the settings, says what is wrong and looks at what they lead to.

| setting | default | what |
|---|---|---|
";

const FILE: &str = "\
# Settings of Rejoinder. A line that is commented out shows the default, or the form of a value where there is none.
# Flags and the environment come before this file; docs/settings.md has the rules. `rejoinder doctor` checks it.
";

pub(super) fn run(format: Format, flags: &Flags) {
    let text = match format {
        Format::Markdown => page(),
        Format::Toml => file(flags),
    };
    output::say(&text.trim_end());
}

fn page() -> String {
    let mut page = String::from(PAGE);
    // Writing to a String can't fail.
    for setting in catalogue::ALL {
        let variable = setting.variable;
        let default = setting.default.map_or_else(|| "–".to_owned(), code);
        let anchor = variable.to_lowercase();
        let help = cell(setting.help);
        writeln!(page, "| [`{variable}`](#{anchor}) | {default} | {help} |").ok();
    }
    for setting in catalogue::ALL {
        writeln!(page, "\n## {}\n", setting.variable).ok();
        writeln!(page, "{}.\n", setting.help).ok();
        writeln!(page, "- Value: {}", setting.bound).ok();
        writeln!(
            page,
            "- Default: {}",
            setting.default.map_or_else(|| "none".to_owned(), code)
        )
        .ok();
        if let Some(flag) = setting.flag {
            let value = match (setting.shape, setting.default) {
                (Shape::Switch, None) => format!("[={}]", setting.placeholder),
                _ => format!(" {}", setting.placeholder),
            };
            writeln!(page, "- Flag: {}", code(&format!("--{flag}{value}"))).ok();
        }
        if let Some(key) = setting.key {
            writeln!(page, "- In the file: {}", code(key)).ok();
        }
        if let (Some(variable), Some(key)) = (setting.file_variable(), setting.file_key()) {
            writeln!(page, "- As a file: {}, {}", code(&variable), code(&key)).ok();
        }
    }
    page
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// A bar would end the cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn file(flags: &Flags) -> String {
    let mut file = String::from(FILE);
    for setting in catalogue::ALL {
        let Some(key) = setting.key else { continue };
        writeln!(file, "\n# {}.\n# Value: {}.", setting.help, setting.bound).ok();
        match (flags.find(setting), setting.file_key()) {
            (Some(given), _) => writeln!(file, "{key} = {}", value(setting, given)),
            (None, Some(file_key)) => writeln!(file, "# {file_key} = \"/etc/rejoinder/{key}\""),
            (None, None) => {
                let shown = setting.default.unwrap_or(match setting.shape {
                    Shape::Switch => "on",
                    Shape::Text | Shape::List => setting.placeholder,
                });
                writeln!(file, "# {key} = {}", value(setting, shown))
            }
        }
        .ok();
    }
    file
}

/// A value in TOML.
fn value(setting: &Setting, text: &str) -> String {
    match setting.shape {
        Shape::Text | Shape::Switch => quoted(text),
        Shape::List => {
            let entries: Vec<String> = text.split(',').map(|entry| quoted(entry.trim())).collect();
            format!("[{}]", entries.join(", "))
        }
    }
}

/// What JSON escapes in a text, and how, TOML understands as well; it wants one character more to be escaped.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::settings::{Settings, Sources};

    fn read_as_file(text: String) -> Settings {
        let config = [("REJOINDER_CONFIG".to_owned(), "r.toml".into())];
        let sources = Sources {
            flags: Flags::default(),
            environment: BTreeMap::from(config),
            read: Box::new(move |_: &Path| Ok(text.clone())),
        };
        Settings::gather(sources).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
    }

    fn flags(given: &[(&'static Setting, &str)]) -> Flags {
        let mut flags = Flags::default();
        for (setting, value) in given {
            flags.set(setting, *value);
        }
        flags
    }

    #[test]
    fn the_page_and_the_file_in_the_repository_are_what_would_be_written() {
        let shipped = flags(&[(&crate::settings::database::DATA_DIR, "/var/lib/rejoinder")]);
        for (path, committed, fresh) in [
            (
                "docs/settings.md",
                include_str!("../../docs/settings.md"),
                page(),
            ),
            (
                "deploy/rejoinder.toml",
                include_str!("../../deploy/rejoinder.toml"),
                file(&shipped),
            ),
        ] {
            assert!(
                committed.trim_end() == fresh.trim_end(),
                "{path} is stale: run scripts/regen"
            );
        }
    }

    #[test]
    fn a_file_with_remarks_only_sets_nothing() {
        let settings = read_as_file(file(&Flags::default()));
        assert_eq!(settings.http.listen.to_string(), "127.0.0.1:8080");
        assert!(settings.database.url.is_none() && settings.sites.origins.is_empty());
    }

    #[test]
    fn what_is_given_as_a_flag_is_set_in_the_file_however_it_is_written() {
        use crate::settings::{database, http};

        let given = flags(&[
            (&database::DATA_DIR, "/srv/a \"quoted\\\t\u{fc}ber\u{7f}"),
            (&http::TRUSTED_PROXIES, "10.0.0.0/8, fd00::/8"),
            (&http::RATE_LIMIT, "off"),
        ]);
        let settings = read_as_file(file(&given));
        assert_eq!(
            settings.data_dir(),
            Path::new("/srv/a \"quoted\\\t\u{fc}ber\u{7f}")
        );
        assert_eq!(settings.http.trusted_proxies.len(), 2);
        assert_eq!(settings.http.rate_limit, crate::settings::RateLimit::Off);
    }

    #[test]
    fn every_key_and_default_stands_in_the_file_as_it_would_be_typed() {
        let file = file(&Flags::default());
        for setting in catalogue::ALL {
            let Some(key) = setting.key else { continue };
            let line = match (setting.file_key(), setting.default) {
                (Some(file_key), _) => format!("# {file_key} = \""),
                (None, Some(default)) => format!("# {key} = \"{default}\""),
                (None, None) => format!("# {key} = "),
            };
            assert!(file.contains(&line), "{line} in {file}");
        }
    }
}
