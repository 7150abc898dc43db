//! Whose request it is: the socket's address, or what trusted proxies say. Must not know what the address is used for.

use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering},
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{HeaderName, HeaderValue},
    web::Data,
};
use ipnetwork::IpNetwork;

use crate::settings::HttpSettings;

/// Entries of the header that are looked at, from the right: no chain of real proxies is that long.
const ENTRIES_MAX: usize = 32;

/// The address of who sent a request. `Debug` doesn't show it: addresses never go into logs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(IpAddr);

/// What limits count by: an IPv4 address, or the /64 that an IPv6 address is in, since one subscriber has all of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Network {
    /// One IPv4 address.
    V4([u8; 4]),
    /// The first 64 bits of an IPv6 address.
    V6([u16; 4]),
}

impl ClientAddress {
    /// An address, an IPv4 one that is wrapped in IPv6 unwrapped.
    pub fn new(ip: IpAddr) -> Self {
        Self(ip.to_canonical())
    }

    /// The address itself.
    pub fn ip(self) -> IpAddr {
        self.0
    }

    /// What limits count by.
    pub fn network(self) -> Network {
        match self.0 {
            IpAddr::V4(ip) => Network::V4(ip.octets()),
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.segments();
                Network::V6([a, b, c, d])
            }
        }
    }
}

impl Network {
    /// Its octets, four or eight, for keyed hashes.
    pub fn octets(self) -> Vec<u8> {
        match self {
            Self::V4(octets) => octets.to_vec(),
            Self::V6(segments) => segments.into_iter().flat_map(u16::to_be_bytes).collect(),
        }
    }
}

impl fmt::Debug for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientAddress([redacted])")
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network([redacted])")
    }
}

/// How the client's address is found; one for the process.
#[derive(Debug)]
pub struct ClientAddresses {
    trusted: Vec<IpNetwork>,
    header: String,
    has_warned: AtomicBool,
}

impl ClientAddresses {
    /// As the operator wants it.
    pub fn new(settings: &HttpSettings) -> Self {
        Self::with(
            settings.trusted_proxies.clone(),
            settings.client_address_header.clone(),
        )
    }

    fn with(trusted: Vec<IpNetwork>, header: String) -> Self {
        Self {
            trusted,
            header,
            has_warned: AtomicBool::new(false),
        }
    }

    /// The name of the only header that is read, in lower case.
    pub fn header(&self) -> &str {
        &self.header
    }

    /// The client's address: that of the socket, unless it is a trusted proxy's. Then the header's entries are walked from
    /// the right, where the nearest proxy wrote, past trusted ones; the first other is the client. Who writes further left is
    /// unknown and not believed. An entry that is no address ends the walk at the last good one, which is a proxy of ours:
    /// its clients then share their limits, but none can pass for another.
    ///
    /// `lines` are the values of all occurrences of the header, in their order.
    pub fn resolve<'a, L>(&self, peer: IpAddr, lines: L) -> ClientAddress
    where
        L: IntoIterator<Item = &'a [u8]>,
        L::IntoIter: DoubleEndedIterator,
    {
        let mut last_good = peer.to_canonical();
        let mut lines = lines.into_iter();
        if !self.trusts(last_good) {
            if lines.next().is_some() {
                self.warn_once(last_good);
            }
            return ClientAddress(last_good);
        }
        let entries = lines
            .rev()
            .flat_map(|line| line.rsplit(|byte| *byte == b','))
            .take(ENTRIES_MAX);
        for entry in entries
            .map(<[u8]>::trim_ascii)
            .filter(|entry| !entry.is_empty())
        {
            let Some(ip) = parse_entry(entry) else { break };
            last_good = ip;
            if !self.trusts(ip) {
                break;
            }
        }
        ClientAddress(last_good)
    }

    fn trusts(&self, ip: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(ip))
    }

    /// A peer on a private network that sends the header is most probably a proxy that somebody forgot to name.
    fn warn_once(&self, peer: IpAddr) {
        let Some(range) = private_range(peer) else {
            return;
        };
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a peer in {range} sends {header}, but no trusted proxy is there: all its clients count as one; \
                 if it is your proxy, add its network to REJOINDER_TRUSTED_PROXIES",
                header = self.header,
            );
        }
    }
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:443`, also in double quotes.
fn parse_entry(entry: &[u8]) -> Option<IpAddr> {
    let entry = std::str::from_utf8(entry).ok()?;
    let entry = entry
        .strip_prefix('"')
        .and_then(|entry| entry.strip_suffix('"'))
        .unwrap_or(entry);
    let bare = entry
        .strip_prefix('[')
        .and_then(|entry| entry.strip_suffix(']'))
        .filter(|entry| entry.contains(':'))
        .unwrap_or(entry);
    let ip = bare.parse::<IpAddr>().ok().or_else(|| {
        let address: SocketAddr = entry.parse().ok()?;
        Some(address.ip())
    })?;
    Some(ip.to_canonical())
}

/// The range of an address that can't be a reader's on the internet.
fn private_range(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => match ip.octets() {
            [127, ..] => Some("127.0.0.0/8"),
            [10, ..] => Some("10.0.0.0/8"),
            [172, 16..=31, ..] => Some("172.16.0.0/12"),
            [192, 168, ..] => Some("192.168.0.0/16"),
            [169, 254, ..] => Some("169.254.0.0/16"),
            [100, 64..=127, ..] => Some("100.64.0.0/10"),
            _ => None,
        },
        IpAddr::V6(ip) if ip.is_loopback() => Some("::1/128"),
        IpAddr::V6(ip) if ip.is_unique_local() => Some("fc00::/7"),
        IpAddr::V6(ip) if ip.is_unicast_link_local() => Some("fe80::/10"),
        IpAddr::V6(_) => None,
    }
}

impl FromRequest for ClientAddress {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(of_request(request)))
    }
}

fn of_request(request: &HttpRequest) -> ClientAddress {
    // Without a peer (it has hung up already) all such requests share one key, which nobody trusts.
    let peer = request
        .peer_addr()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let Some(addresses) = request.app_data::<Data<ClientAddresses>>() else {
        return ClientAddress::new(peer);
    };
    let Ok(name) = HeaderName::from_bytes(addresses.header().as_bytes()) else {
        return ClientAddress::new(peer);
    };
    let lines: Vec<&[u8]> = request
        .headers()
        .get_all(name)
        .map(HeaderValue::as_bytes)
        .collect();
    addresses.resolve(peer, lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(trusted: &[&str]) -> ClientAddresses {
        let trusted = trusted
            .iter()
            .map(|network| network.parse().unwrap())
            .collect();
        ClientAddresses::with(trusted, "x-forwarded-for".into())
    }

    fn resolve(trusted: &[&str], peer: &str, lines: &[&str]) -> String {
        addresses(trusted)
            .resolve(
                peer.parse().unwrap(),
                lines.iter().map(|line| line.as_bytes()),
            )
            .ip()
            .to_string()
    }

    #[test]
    fn an_untrusted_peer_is_the_client_whatever_it_says() {
        for trusted in [&[][..], &["10.0.0.0/8"][..]] {
            assert_eq!(
                resolve(trusted, "198.51.100.7", &["203.0.113.9"]),
                "198.51.100.7"
            );
        }
        assert_eq!(resolve(&[], "127.0.0.1", &["203.0.113.9"]), "127.0.0.1");
        assert_eq!(
            resolve(&["10.0.0.0/8"], "2001:db8::1", &["10.0.0.1"]),
            "2001:db8::1"
        );
    }

    #[test]
    fn behind_proxies_the_right_most_untrusted_entry_counts() {
        let trusted = &["10.0.0.0/8", "2001:db8:ffff::/48"];
        for (peer, lines, client) in [
            ("10.0.0.1", &["203.0.113.9"][..], "203.0.113.9"),
            // What the client itself claims stands further left.
            ("10.0.0.1", &["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
            (
                "10.0.0.1",
                &["10.9.9.9, 203.0.113.9, 10.0.0.2"],
                "203.0.113.9",
            ),
            (
                "10.0.0.1",
                &["1.1.1.1", "203.0.113.9", "10.0.0.2"],
                "203.0.113.9",
            ),
            (
                "10.0.0.1",
                &["203.0.113.9,1.1.1.1", "10.0.0.2, 10.0.0.3"],
                "1.1.1.1",
            ),
            (
                "2001:db8:ffff::1",
                &["2001:db8:1::5, 10.0.0.2"],
                "2001:db8:1::5",
            ),
            // All trusted: the client is one of our own machines.
            ("10.0.0.1", &["10.0.0.7, 10.0.0.2"], "10.0.0.7"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["", " , "], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9, ,"], "203.0.113.9"),
        ] {
            assert_eq!(resolve(trusted, peer, lines), client, "{peer} {lines:?}");
        }
    }

    #[test]
    fn addresses_are_read_in_every_form_that_proxies_write() {
        for (entry, client) in [
            ("192.0.2.1:4711", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("\"[2001:db8::1]:443\"", "2001:db8::1"),
            ("\t192.0.2.1 ", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("[::ffff:192.0.2.1]:1", "192.0.2.1"),
        ] {
            assert_eq!(
                resolve(&["10.0.0.0/8"], "10.0.0.1", &[entry]),
                client,
                "{entry}"
            );
        }
    }

    #[test]
    fn an_entry_that_is_no_address_ends_the_walk_at_the_last_good_one() {
        for entry in [
            "unknown",
            "_hidden",
            "192.0.2.1:99999",
            "192.0.2",
            "192.0.2.1;",
            "[192.0.2.1]",
            "[",
            "]",
            "0x7f.1",
            "192.0.2.1 192.0.2.2",
            "ünï",
            "\0",
            "\"",
            "192.0.2.01",
        ] {
            let alone = resolve(&["10.0.0.0/8"], "10.0.0.1", &[entry]);
            assert_eq!(alone, "10.0.0.1", "{entry}");
            let line = format!("203.0.113.9, {entry}, 10.0.0.2");
            assert_eq!(
                resolve(&["10.0.0.0/8"], "10.0.0.1", &[&line]),
                "10.0.0.2",
                "{entry}"
            );
        }
    }

    #[test]
    fn a_wrapped_peer_is_unwrapped_before_it_is_trusted() {
        assert_eq!(
            resolve(&["10.0.0.0/8"], "::ffff:10.0.0.1", &["203.0.113.9"]),
            "203.0.113.9"
        );
        assert_eq!(resolve(&[], "::ffff:203.0.113.9", &[]), "203.0.113.9");
    }

    #[test]
    fn only_so_many_entries_are_looked_at() {
        let beyond = format!("203.0.113.9{}", ",10.0.0.2".repeat(ENTRIES_MAX));
        assert_eq!(resolve(&["10.0.0.0/8"], "10.0.0.1", &[&beyond]), "10.0.0.2");
        let within = format!("203.0.113.9{}", ",10.0.0.2".repeat(ENTRIES_MAX - 1));
        assert_eq!(
            resolve(&["10.0.0.0/8"], "10.0.0.1", &[&within]),
            "203.0.113.9"
        );
        let commas = ",".repeat(1_000_000);
        assert_eq!(
            resolve(&["10.0.0.0/8"], "10.0.0.1", &["203.0.113.9", &commas]),
            "10.0.0.1"
        );
    }

    #[test]
    fn limits_count_an_ipv4_address_or_an_ipv6_64() {
        let network = |ip: &str| ClientAddress::new(ip.parse().unwrap()).network();
        assert_eq!(
            network("2001:db8:1:2::1"),
            network("2001:db8:1:2:ffff:ffff:ffff:ffff")
        );
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }

    #[test]
    fn debug_output_shows_no_address() {
        let address = ClientAddress::new("192.0.2.1".parse().unwrap());
        let shown = format!("{address:?} {:?}", address.network());
        assert!(!shown.contains("192"), "{shown}");
    }

    #[test]
    fn a_private_peer_with_the_header_is_warned_about_and_a_public_one_not() {
        let unnamed = addresses(&[]);
        let lines = [&b"203.0.113.9"[..]];
        unnamed.resolve("198.51.100.7".parse().unwrap(), lines);
        unnamed.resolve("172.18.0.1".parse().unwrap(), []);
        assert!(!unnamed.has_warned.load(Ordering::Relaxed));
        unnamed.resolve("172.18.0.1".parse().unwrap(), lines);
        assert!(unnamed.has_warned.load(Ordering::Relaxed));
    }

    #[actix_web::test]
    async fn the_extractor_reads_only_the_configured_header() {
        let addresses = Data::new(addresses(&["10.0.0.0/8"]));
        let request = actix_web::test::TestRequest::default()
            .peer_addr("10.0.0.1:5".parse().unwrap())
            .insert_header(("x-real-ip", "1.1.1.1"))
            .append_header(("X-Forwarded-For", "1.1.1.1"))
            .append_header(("X-Forwarded-For", "203.0.113.9"))
            .app_data(addresses)
            .to_http_request();
        assert_eq!(of_request(&request).ip().to_string(), "203.0.113.9");
    }
}
