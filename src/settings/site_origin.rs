//! A web origin that an operator may name: scheme, host and port, nothing else. Must not know which settings hold one.

use std::fmt;

use url::{Host, Url};

use super::layers::Problem;

/// An http or https origin in its normal form (`https://example.org`, host in ASCII, no default port).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SiteOrigin(String);

impl SiteOrigin {
    /// Takes an origin; a single trailing slash is tolerated, since people copy it from the address bar.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        if text.is_empty() {
            return Err("is empty".into());
        }
        let url = Url::parse(text).map_err(|error| format!("is not an origin ({error})"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("is neither http nor https".into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("has user information in it".into());
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err("has something behind the host".into());
        }
        Ok(Self(url.origin().ascii_serialization()))
    }

    /// The origin as browsers send it in `Origin`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether what goes to it is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// Whether only this machine can reach it.
    pub fn is_loopback(&self) -> bool {
        match Url::parse(&self.0).as_ref().map(Url::host) {
            Ok(Some(Host::Domain(name))) => name == "localhost" || name.ends_with(".localhost"),
            Ok(Some(Host::Ipv4(ip))) => ip.is_loopback(),
            Ok(Some(Host::Ipv6(ip))) => ip.to_canonical().is_loopback(),
            Ok(None) | Err(_) => false,
        }
    }
}

impl fmt::Display for SiteOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_in_its_normal_form() {
        for (given, kept) in [
            ("https://Example.org", "https://example.org"),
            ("https://example.org:443/", "https://example.org"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(SiteOrigin::parse(given).unwrap().as_str(), kept, "{given}");
        }
    }

    #[test]
    fn what_is_not_only_an_origin_is_refused() {
        for given in [
            "",
            "example.org",
            "ftp://example.org",
            "https://example.org/blog",
            "https://example.org/?q",
            "https://example.org/#top",
            "https://me:secret@example.org",
            "null",
            "*",
        ] {
            assert!(SiteOrigin::parse(given).is_err(), "{given}");
        }
    }

    #[test]
    fn loopback_is_told_from_the_rest() {
        for (given, loopback) in [
            ("http://localhost:3000", true),
            ("http://blog.localhost", true),
            ("http://127.8.0.1", true),
            ("http://[::1]:1", true),
            ("http://localhost.example", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(
                SiteOrigin::parse(given).unwrap().is_loopback(),
                loopback,
                "{given}"
            );
        }
    }
}
