//! Addresses of pages, sites and authors' websites. Must not know which are registered, and fetches nothing.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::text::trim;

/// The most characters of a URL, as sent and normalised. A key of this length still fits into an index of Postgres.
pub const URL_CHARS_MAX: usize = 2_048;

/// Query parameters that only tell where a visitor came from. Compared without regard to case.
const TRACKING_PARAMETERS: [&str; 42] = [
    "__hsfp",
    "__hssc",
    "__hstc",
    "__s",
    "_ga",
    "_gl",
    "_hsenc",
    "_hsmi",
    "_openstat",
    "dclid",
    "epik",
    "fb_action_ids",
    "fb_action_types",
    "fb_ref",
    "fb_source",
    "fbclid",
    "gad_campaignid",
    "gad_source",
    "gbraid",
    "gclid",
    "gclsrc",
    "hsctatracking",
    "igsh",
    "igshid",
    "li_fat_id",
    "mc_cid",
    "mc_eid",
    "mkt_tok",
    "ml_subscriber",
    "ml_subscriber_hash",
    "msclkid",
    "oly_anon_id",
    "oly_enc_id",
    "rb_clickid",
    "srsltid",
    "ttclid",
    "twclid",
    "vero_id",
    "wbraid",
    "wickedid",
    "yclid",
    "ysclid",
];

/// Prefixes of such parameters: those of Google Analytics, Matomo and its forerunner Piwik.
const TRACKING_PREFIXES: [&str; 4] = ["utm_", "mtm_", "matomo_", "pk_"];

/// Query parameters that commenting itself puts into an article's address (WordPress's way back from its form, and
/// its reply links). The article is the same page with them.
const COMMENTING_PARAMETERS: [&str; 3] = ["moderation-hash", "replytocom", "unapproved"];

/// The address of a page that readers comment on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageUrl {
    text: String,
    key: String,
    origin: Origin,
}

impl PageUrl {
    /// Reads an absolute http or https URL without user information, of at most 2,048 characters.
    ///
    /// Normalised: fragment, default port and tracking parameters dropped, host in lower case and IDNA form,
    /// percent-encoding in RFC 3986's normal form (section 6.2.2); scheme, query order and trailing slash kept.
    pub fn parse(raw: &str) -> Result<Self, Complaint> {
        let mut url = parse_web_url(raw)?;
        url.set_fragment(None);
        let path = normal_percent_encoding(url.path());
        url.set_path(&path);
        let query = url.query().and_then(kept_query);
        url.set_query(query.as_deref());
        let text = String::from(url);
        check_length(&text)?;
        // Parsed once more, since what was decoded may be normalised further; the second time nothing changes.
        let url = Url::parse(&text).map_err(not_a_url)?;
        let origin = Origin::of(&url).ok_or_else(no_web_url)?;
        let key = match url.query() {
            Some(query) => format!("{}{}?{query}", origin.authority(), url.path()),
            None => format!("{}{}", origin.authority(), url.path()),
        };
        Ok(Self { text, key, origin })
    }

    /// The normalised URL, to show and to link to.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What makes two pages the same: host, port unless it is the scheme's own, path and query. No scheme.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The origin, by which the site is found.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl fmt::Display for PageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An author's website: an http or https URL without user information, of at most 2,048 characters. Never printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Website(String);

impl Website {
    /// Reads the URL; nothing is dropped from it.
    pub fn parse(raw: &str) -> Result<Self, Complaint> {
        let text = String::from(parse_web_url(raw)?);
        check_length(&text)?;
        Ok(Self(text))
    }

    /// A value that was parsed before and comes back from the database.
    pub fn from_stored(value: String) -> Self {
        Self(value)
    }

    /// The URL as the web writes it: ASCII only.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Website {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Website(…)")
    }
}

/// Scheme, host and port of a web server: `https://host[:port]` (RFC 6454). The port is missing where it is the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    text: String,
    host: Host<String>,
}

impl Origin {
    /// Reads an `Origin` header or a setting: scheme, host and port and nothing after. `null` is refused.
    pub fn parse(raw: &str) -> Result<Self, Complaint> {
        let raw = trim(raw);
        let url = parse_web_url(raw)?;
        let bare = after_scheme(raw).is_some_and(|rest| !rest.contains(['/', '\\', '?', '#']));
        match Self::of(&url) {
            Some(origin) if bare => Ok(origin),
            _ => Err(Complaint::new(
                ComplaintCode::InvalidUrl,
                "must be scheme, host and port only, such as https://example.org",
            )),
        }
    }

    /// The origin as text, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is this machine in any case, on any port: `localhost` and what is under it (RFC 6761,
    /// section 6.3), 127.0.0.0/8, `[::1]`.
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        }
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https:")
    }

    /// Host and, where it isn't the scheme's own, port.
    pub fn authority(&self) -> &str {
        self.text
            .split_once("://")
            .map_or("", |(_, authority)| authority)
    }

    fn of(url: &Url) -> Option<Self> {
        let host = url.host()?.to_owned();
        let text = match url.port() {
            Some(port) => format!("{}://{host}:{port}", url.scheme()),
            None => format!("{}://{host}", url.scheme()),
        };
        Some(Self { text, host })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The rules that all web addresses here share.
fn parse_web_url(raw: &str) -> Result<Url, Complaint> {
    let raw = trim(raw);
    if raw.is_empty() {
        return Err(Complaint::new(ComplaintCode::Required, "must not be empty"));
    }
    check_length(raw)?;
    // Tabs and line breaks too, which the parser would drop silently.
    if raw.chars().any(char::is_control) {
        return Err(Complaint::new(
            ComplaintCode::InvalidCharacters,
            "must not have control characters",
        ));
    }
    // The parser also takes `http:host` and `https:/host`, which are absolute to browsers only.
    let rest = after_scheme(raw).ok_or_else(no_web_url)?;
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(Complaint::new(
            ComplaintCode::InvalidUrl,
            "must not have a user name or password",
        ));
    }
    if authority.is_empty() {
        return Err(no_web_url());
    }
    let url = Url::parse(raw).map_err(not_a_url)?;
    // The parser takes stars for letters, and writes some hosts with one so that it doesn't read them again.
    if url.host_str().is_some_and(|host| host.contains('*')) {
        return Err(Complaint::new(
            ComplaintCode::InvalidUrl,
            "must not have a star in its host",
        ));
    }
    Ok(url)
}

/// What follows `http://` or `https://`.
fn after_scheme(raw: &str) -> Option<&str> {
    let (scheme, rest) = raw.split_once("://")?;
    let known = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    known.then_some(rest)
}

fn check_length(text: &str) -> Result<(), Complaint> {
    if text.chars().count() > URL_CHARS_MAX {
        return Err(Complaint::new(
            ComplaintCode::TooLong,
            "must have at most 2,048 characters",
        ));
    }
    Ok(())
}

fn no_web_url() -> Complaint {
    Complaint::new(
        ComplaintCode::InvalidUrl,
        "must be an absolute http or https address such as https://example.org/article",
    )
}

/// The parser's reasons are fixed sentences; they hold nothing of the value.
fn not_a_url(error: url::ParseError) -> Complaint {
    Complaint::new(
        ComplaintCode::InvalidUrl,
        format!("must be a web address: {error}"),
    )
}

/// The query without tracking and commenting parameters; none where nothing is left.
fn kept_query(query: &str) -> Option<String> {
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
            !is_dropped(&percent_decode_str(name).decode_utf8_lossy())
        })
        .collect();
    let kept = normal_percent_encoding(&kept.join("&"));
    (!kept.is_empty()).then_some(kept)
}

fn is_dropped(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    TRACKING_PARAMETERS.contains(&name.as_str())
        || COMMENTING_PARAMETERS.contains(&name.as_str())
        || TRACKING_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// RFC 3986, sections 6.2.2.1 and 6.2.2.2: hexadecimal digits in upper case, letters, digits and `-._~` not
/// encoded. Broken encodings stay as they are.
fn normal_percent_encoding(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        normal.push_str(before);
        let mut chars = after.chars();
        let digits = (
            chars.next().and_then(hex_digit),
            chars.next().and_then(hex_digit),
        );
        if let (Some(high), Some(low)) = digits {
            let byte = high * 16 + low;
            let unreserved =
                byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
            if unreserved && !(byte.is_ascii_hexdigit() && ends_broken(&normal)) {
                normal.push(char::from(byte));
            } else {
                normal.push('%');
                normal.extend([byte >> 4, byte & 15].into_iter().filter_map(upper_hex));
            }
            rest = chars.as_str();
        } else {
            normal.push('%');
            rest = after;
        }
    }
    normal.push_str(rest);
    normal
}

/// Whether a hexadecimal digit behind it would go on with a broken encoding, and could make it a whole one, which the next
/// normalisation would take for one: `%%66F` must not become `%fF`.
fn ends_broken(normal: &str) -> bool {
    let mut last = normal.chars().rev();
    match last.next() {
        Some('%') => true,
        Some(digit) => digit.is_ascii_hexdigit() && last.next() == Some('%'),
        None => false,
    }
}

fn upper_hex(digit: u8) -> Option<char> {
    char::from_digit(u32::from(digit), 16).map(|c| c.to_ascii_uppercase())
}

fn hex_digit(c: char) -> Option<u8> {
    c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests;
