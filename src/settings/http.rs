//! Settings of the HTTP side: addresses, proxies, limits. Must not open a socket.

use std::net::{IpAddr, SocketAddr};

use ipnetwork::{IpNetwork, Ipv4Network};

use super::{
    layers::{Layers, Problem},
    setting::{Setting, Shape, Visibility},
    site_origin::parse_origin,
    switch::parse_switch,
};
use crate::base::page_url::Origin;

/// `REJOINDER_LISTEN`
pub static LISTEN: Setting = Setting {
    variable: "REJOINDER_LISTEN",
    key: Some("listen"),
    flag: Some("listen"),
    placeholder: "ADDRESS",
    shape: Shape::Text,
    default: Some("127.0.0.1:8080"),
    bound: "an IP address and a port such as 127.0.0.1:8080 or [::]:8080 (port 0: any free one)",
    help: "Where to listen for HTTP",
    visibility: Visibility::Open,
};

/// `REJOINDER_PUBLIC_URL`
pub static PUBLIC_URL: Setting = Setting {
    variable: "REJOINDER_PUBLIC_URL",
    key: Some("public_url"),
    flag: Some("public-url"),
    placeholder: "ORIGIN",
    shape: Shape::Text,
    default: None,
    bound: "an http or https origin without a path, such as https://comments.example.org",
    help: "Under which address the world reaches this service; links and cookies are made for it",
    visibility: Visibility::Open,
};

/// `REJOINDER_TRUSTED_PROXIES`
pub static TRUSTED_PROXIES: Setting = Setting {
    variable: "REJOINDER_TRUSTED_PROXIES",
    key: Some("trusted_proxies"),
    flag: Some("trusted-proxies"),
    placeholder: "NETWORKS",
    shape: Shape::List,
    default: None,
    bound: "addresses or networks such as 10.0.0.0/8, fd00::/8, comma separated",
    help: "Networks whose word on the client's address is taken; none by default",
    visibility: Visibility::Open,
};

/// `REJOINDER_CLIENT_ADDRESS_HEADER`
pub static CLIENT_ADDRESS_HEADER: Setting = Setting {
    variable: "REJOINDER_CLIENT_ADDRESS_HEADER",
    key: Some("client_address_header"),
    flag: Some("client-address-header"),
    placeholder: "NAME",
    shape: Shape::Text,
    default: Some("x-forwarded-for"),
    bound: "the name of a header that the proxy sets, such as x-forwarded-for or x-real-ip",
    help: "The one header in which trusted proxies pass the client's address",
    visibility: Visibility::Open,
};

/// `REJOINDER_RATE_LIMIT`
pub static RATE_LIMIT: Setting = Setting {
    variable: "REJOINDER_RATE_LIMIT",
    key: Some("rate_limit"),
    flag: Some("rate-limit"),
    placeholder: "on|off",
    shape: Shape::Switch,
    default: Some("on"),
    bound: "on or off",
    help: "Limits on how much one client may send; off for load tests and behind a gateway that limits",
    visibility: Visibility::Open,
};

/// `REJOINDER_METRICS_LISTEN`
pub static METRICS_LISTEN: Setting = Setting {
    variable: "REJOINDER_METRICS_LISTEN",
    key: Some("metrics_listen"),
    flag: Some("metrics-listen"),
    placeholder: "ADDRESS",
    shape: Shape::Text,
    default: None,
    bound: "an IP address and a port other than that of HTTP, such as 127.0.0.1:9090",
    help: "Where to serve Prometheus metrics; none: not at all",
    visibility: Visibility::Open,
};

/// `REJOINDER_LIST_CACHE_MB`
pub static LIST_CACHE_MB: Setting = Setting {
    variable: "REJOINDER_LIST_CACHE_MB",
    key: Some("list_cache_mb"),
    flag: Some("list-cache-mb"),
    placeholder: "MEGABYTES",
    shape: Shape::Text,
    default: Some("32"),
    bound: "a whole number from 0 to 65536; 0 keeps none",
    help: "Memory for published lists of comments that are kept ready to be sent, in MiB",
    visibility: Visibility::Open,
};

/// Whether clients are held to the limits; the wait after failed sign-ins stays in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimit {
    /// As documented.
    On,
    /// For load tests, and behind a gateway that limits.
    Off,
}

/// The HTTP side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// Where to listen; port 0: any free one.
    pub listen: SocketAddr,
    /// Our own origin, as the world sees it.
    pub public_url: Option<Origin>,
    /// Peers whose `client_address_header` is believed.
    pub trusted_proxies: Vec<IpNetwork>,
    /// A valid header name in lower case.
    pub client_address_header: String,
    /// Whether clients are limited.
    pub rate_limit: RateLimit,
    /// Where metrics are served, if they are.
    pub metrics_listen: Option<SocketAddr>,
    /// Octets of published lists that are kept.
    pub list_cache_bytes_max: u64,
}

impl HttpSettings {
    pub(super) fn gather(layers: &mut Layers) -> Option<Self> {
        let listen = layers.value(&LISTEN, parse_address);
        let public_url = layers.value(&PUBLIC_URL, parse_origin);
        let trusted_proxies = layers.list(&TRUSTED_PROXIES, parse_network);
        let client_address_header = layers.value(&CLIENT_ADDRESS_HEADER, parse_header_name);
        let rate_limit = layers.value(&RATE_LIMIT, parse_rate_limit);
        let metrics_listen = layers.value(&METRICS_LISTEN, parse_address);
        let list_cache_bytes_max = layers.value(&LIST_CACHE_MB, parse_cache_mb);
        if metrics_listen.is_some_and(|metrics| metrics.port() != 0 && Some(metrics) == listen) {
            layers.note_conflict(&METRICS_LISTEN, "is the address of HTTP itself");
        }
        Some(Self {
            listen: listen?,
            public_url,
            trusted_proxies,
            client_address_header: client_address_header?,
            rate_limit: rate_limit?,
            metrics_listen,
            list_cache_bytes_max: list_cache_bytes_max?,
        })
    }
}

fn parse_address(text: &str) -> Result<SocketAddr, Problem> {
    text.parse()
        .map_err(|error| format!("is not a socket address ({error})").into())
}

/// Octets.
fn parse_cache_mb(text: &str) -> Result<u64, Problem> {
    const MB_MAX: u64 = 65_536;
    const BYTES: u64 = 1 << 20;

    match text.parse::<u64>() {
        Ok(number @ ..=MB_MAX) => Ok(number * BYTES),
        Ok(_) => Err("is too much".into()),
        Err(error) => Err(format!("is not a whole number ({error})").into()),
    }
}

fn parse_rate_limit(text: &str) -> Result<RateLimit, Problem> {
    parse_switch(text).map(|on| if on { RateLimit::On } else { RateLimit::Off })
}

/// A network in its canonical family: peers on a dual-stack socket are compared after unwrapping, too.
fn parse_network(text: &str) -> Result<IpNetwork, Problem> {
    const MAPPED_PREFIX: u8 = 96;

    let network: IpNetwork = text
        .parse()
        .map_err(|error| format!("is not a network ({error_kind})", error_kind = kind(&error)))?;
    if network.prefix() == 0 {
        return Err("is every address there is, so that anyone could claim any address".into());
    }
    if let IpNetwork::V6(mapped) = network
        && let IpAddr::V4(ip) = IpAddr::V6(mapped.ip()).to_canonical()
        && let Some(prefix) = mapped
            .prefix()
            .checked_sub(MAPPED_PREFIX)
            .filter(|prefix| *prefix > 0)
        && let Ok(network) = Ipv4Network::new(ip, prefix)
    {
        return Ok(IpNetwork::V4(network));
    }
    Ok(network)
}

/// The crate's own text quotes the value.
fn kind(error: &ipnetwork::IpNetworkError) -> &'static str {
    match error {
        ipnetwork::IpNetworkError::InvalidPrefix => "the prefix is out of range",
        _ => "the address can't be read",
    }
}

fn parse_header_name(text: &str) -> Result<String, Problem> {
    const SYMBOLS: &str = "!#$%&'*+-.^_`|~";
    const OCTETS_MAX: usize = 64;

    let name = text.to_ascii_lowercase();
    if name.is_empty() || name.len() > OCTETS_MAX {
        return Err("is not a header name".into());
    }
    if !name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || SYMBOLS.contains(c))
    {
        return Err("holds characters that no header name can".into());
    }
    if name == "forwarded" {
        return Err("is the header of RFC 7239, whose form isn't understood".into());
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_canonical_and_never_the_whole_internet() {
        for (given, kept) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ] {
            assert_eq!(parse_network(given).unwrap().to_string(), kept, "{given}");
        }
        for given in [
            "",
            "10.0.0.0/33",
            "0.0.0.0/0",
            "::/0",
            "localhost",
            "10.0.0.0/8/8",
        ] {
            assert!(parse_network(given).is_err(), "{given}");
        }
    }

    #[test]
    fn header_names_are_lower_case_tokens() {
        assert_eq!(parse_header_name("X-Real-IP").unwrap(), "x-real-ip");
        for given in ["", "x real", "x:y", "ünicode", "Forwarded", &"x".repeat(65)] {
            assert!(parse_header_name(given).is_err(), "{given}");
        }
    }
}
