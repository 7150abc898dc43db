//! How on and off are written. Must not know what is switched.

use super::layers::Problem;

/// True for on.
pub(super) fn parse_switch(text: &str) -> Result<bool, Problem> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err("is neither on nor off".into()),
    }
}
