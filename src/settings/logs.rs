//! Settings of the log. Must not start it.

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use super::{
    layers::{Layers, Problem},
    setting::{Setting, Shape, Visibility},
};

/// `REJOINDER_LOG`
pub static LOG: Setting = Setting {
    variable: "REJOINDER_LOG",
    key: Some("log"),
    flag: Some("log"),
    placeholder: "FILTER",
    shape: Shape::Text,
    default: Some("info"),
    bound: "a level (error, warn, info, debug, trace, off), or levels by module such as info,rejoinder=debug",
    help: "What is logged, to standard error",
    visibility: Visibility::Open,
};

/// `REJOINDER_LOG_FORMAT`
pub static LOG_FORMAT: Setting = Setting {
    variable: "REJOINDER_LOG_FORMAT",
    key: Some("log_format"),
    flag: Some("log-format"),
    placeholder: "text|json",
    shape: Shape::Text,
    default: None,
    bound: "text or json",
    help: "How it is written; unless told otherwise, as text on a terminal and else as JSON",
    visibility: Visibility::Open,
};

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line, for programs.
    Json,
}

/// Whether colours may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// On a terminal.
    OnTerminal,
    /// Not at all: `NO_COLOR` is set.
    Never,
}

/// The log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// A filter that has been parsed once.
    pub filter: String,
    /// None: by whether there is a terminal.
    pub format: Option<LogFormat>,
    /// By the convention of `NO_COLOR`, which is not a setting of ours.
    pub colour: Colour,
}

impl LogSettings {
    pub(super) fn gather(layers: &mut Layers) -> Option<Self> {
        let filter = layers.value(&LOG, parse_filter);
        let format = layers.value(&LOG_FORMAT, parse_format);
        let colour = if layers.has_convention("NO_COLOR") {
            Colour::Never
        } else {
            Colour::OnTerminal
        };
        Some(Self {
            filter: filter?,
            format,
            colour,
        })
    }
}

/// Stricter than the parser: it takes a misspelt level (`inof`) for a module's name, and then logs nothing.
fn parse_filter(text: &str) -> Result<String, Problem> {
    if text.is_empty() {
        return Err("is empty".into());
    }
    let is_bare_word = |part: &str| {
        part.chars()
            .all(|c| c.is_alphanumeric() || "_:".contains(c))
    };
    for part in text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        if is_bare_word(part) && part.parse::<LevelFilter>().is_err() {
            return Err("names something that is not a level".into());
        }
    }
    match EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("is not a log filter".into()),
    }
}

fn parse_format(text: &str) -> Result<LogFormat, Problem> {
    match text.to_ascii_lowercase().as_str() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("is neither text nor json".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_levels_with_or_without_modules() {
        for given in [
            "info",
            "WARN",
            "off",
            "info,rejoinder=debug",
            "rejoinder::web=trace, warn",
        ] {
            assert!(parse_filter(given).is_ok(), "{given}");
        }
        for given in ["", "inof", "rejoinder", "rejoinder=loud", "info,actix"] {
            assert!(parse_filter(given).is_err(), "{given}");
        }
    }
}
