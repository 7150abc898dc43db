//! Settings of traces. Must not send anything.

use url::Url;

use super::{
    layers::{Layers, Problem},
    setting::{Setting, Shape, Visibility},
};

/// `REJOINDER_TRACES_ENDPOINT`
pub static TRACES_ENDPOINT: Setting = Setting {
    variable: "REJOINDER_TRACES_ENDPOINT",
    key: Some("traces_endpoint"),
    flag: Some("traces-endpoint"),
    placeholder: "URL",
    shape: Shape::Text,
    default: None,
    bound: "the http address of a collector, such as http://127.0.0.1:4318",
    help: "Where to send traces by OTLP over HTTP, if the program was built with the feature opentelemetry; none: not at all",
    visibility: Visibility::Open,
};

/// `REJOINDER_TRACES_SAMPLED`
pub static TRACES_SAMPLED: Setting = Setting {
    variable: "REJOINDER_TRACES_SAMPLED",
    key: Some("traces_sampled"),
    flag: Some("traces-sampled"),
    placeholder: "PART",
    shape: Shape::Text,
    default: Some("1"),
    bound: "a number from 0 to 1, such as 0.1",
    help: "Which part of all traces is sent to the collector",
    visibility: Visibility::Open,
};

/// Traces.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSettings {
    /// The collector, with the path that takes spans; none: nothing is sent.
    pub endpoint: Option<Url>,
    /// From 0 to 1.
    pub sampled: f64,
}

impl TraceSettings {
    pub(super) fn gather(layers: &mut Layers) -> Option<Self> {
        let endpoint = layers.value(&TRACES_ENDPOINT, parse_endpoint);
        let sampled = layers.value(&TRACES_SAMPLED, parse_part);
        if endpoint.is_some() && !cfg!(feature = "opentelemetry") {
            layers.note_conflict(
                &TRACES_ENDPOINT,
                "is of no use to this program, which was built without the feature opentelemetry",
            );
        }
        Some(Self {
            endpoint,
            sampled: sampled?,
        })
    }
}

/// Plain HTTP: a collector stands on the same machine or in the same network, and passes on what leaves it.
fn parse_endpoint(text: &str) -> Result<Url, Problem> {
    let mut url = Url::parse(text).map_err(|error| format!("is not a URL ({error})"))?;
    if url.scheme() != "http" {
        return Err("is not an http address".into());
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err("has a user, a password or a query".into());
    }
    let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.set_fragment(None);
    Ok(url)
}

fn parse_part(text: &str) -> Result<f64, Problem> {
    match text.parse::<f64>() {
        Ok(part) if (0.0..=1.0).contains(&part) => Ok(part),
        _ => Err("is not a number from 0 to 1".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_plain_http_and_gets_the_path_for_spans() {
        for (given, kept) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://collector/otlp/", "http://collector/otlp/v1/traces"),
        ] {
            assert_eq!(parse_endpoint(given).unwrap().as_str(), kept);
        }
        for given in [
            "",
            "127.0.0.1:4318",
            "https://a",
            "http://u:p@a",
            "http://a?b",
        ] {
            assert!(parse_endpoint(given).is_err(), "{given}");
        }
    }

    #[test]
    fn a_part_is_from_none_to_all() {
        assert_eq!(parse_part("0.25").unwrap().to_bits(), 0.25_f64.to_bits());
        for given in ["", "-0.1", "1.1", "NaN", "all"] {
            assert!(parse_part(given).is_err(), "{given}");
        }
    }
}
