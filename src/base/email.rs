//! E-mail addresses: which are valid, and when two are the same. Must not know how mail is sent.

use std::fmt;

use email_address::EmailAddress as Syntax;
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization as _;

use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::text::{is_invisible, normalise};

/// The most octets of a whole address (RFC 5321, section 4.5.3.1.3: a path has 256 with its brackets).
pub const ADDRESS_BYTES_MAX: usize = 254;

/// The most octets of the part before the `@` (RFC 5321, section 4.5.3.1.1).
pub const LOCAL_BYTES_MAX: usize = 64;

/// The domain of accounts that were made without an address.
const LOCALHOST: &str = "localhost";

/// A valid address as it was written, in NFC and without what surrounded it. Never printed.
///
/// Plain addresses only: local parts are atoms with dots (RFC 5322) in ASCII or Unicode (RFC 6531), domains are
/// names with at least one dot in ASCII or Unicode (UTS #46). Quoted parts, comments, display names and address
/// literals are valid in a letter's head, but nobody's address looks so.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    written: String,
    key: EmailKey,
}

/// What makes two addresses the same: lower case, the domain in its ASCII form. Never printed.
///
/// At most 512 octets: 254 for the address as written, and what lower case and the ASCII form may add.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailKey(String);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Domains {
    /// Names with a dot, as the internet has them.
    Public,
    /// Those and `localhost`.
    PublicOrLocalhost,
}

impl EmailAddress {
    /// Reads the address of a reader.
    pub fn parse(raw: &str) -> Result<Self, Complaint> {
        parse(raw, Domains::Public)
    }

    /// Reads the address of a moderator's account, where `…@localhost` is welcome too: the first owner is
    /// `owner@localhost` when nothing else is set.
    pub fn parse_account(raw: &str) -> Result<Self, Complaint> {
        parse(raw, Domains::PublicOrLocalhost)
    }

    /// The address as written, to show and to send mail to.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The form that is the same for the same address.
    pub fn key(&self) -> &EmailKey {
        &self.key
    }
}

impl EmailKey {
    /// A key that was made before and comes back from the database.
    pub fn from_stored(value: String) -> Self {
        Self(value)
    }

    /// The key, for statements and keyed hashes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain in its ASCII form, for rules and signals.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

impl fmt::Debug for EmailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailKey(…)")
    }
}

fn parse(raw: &str, domains: Domains) -> Result<EmailAddress, Complaint> {
    let written = normalise(raw);
    if written.is_empty() {
        return Err(Complaint::new(ComplaintCode::Required, "must not be empty"));
    }
    if written.chars().any(char::is_control) {
        return Err(Complaint::new(
            ComplaintCode::InvalidCharacters,
            "must not have control characters",
        ));
    }
    if written.len() > ADDRESS_BYTES_MAX {
        return Err(Complaint::new(
            ComplaintCode::TooLong,
            "must have at most 254 octets",
        ));
    }
    let invalid = || {
        Complaint::new(
            ComplaintCode::InvalidEmail,
            "must be an e-mail address such as reader@example.org",
        )
    };
    let (local, domain) = written.rsplit_once('@').ok_or_else(invalid)?;
    if local.len() > LOCAL_BYTES_MAX {
        return Err(Complaint::new(
            ComplaintCode::TooLong,
            "must have at most 64 octets before the @",
        ));
    }
    if !is_local_part(local) {
        return Err(invalid());
    }
    let domain = ascii_domain(domain, domains).ok_or_else(invalid)?;
    let local: String = local.to_lowercase().nfc().collect();
    let key = EmailKey(format!("{local}@{domain}"));
    Ok(EmailAddress { written, key })
}

/// Atoms with single dots between. The parser that is used also takes quoted parts, and beyond ASCII anything:
/// what can't be seen would make two addresses out of one.
fn is_local_part(local: &str) -> bool {
    !local.contains('"') && !local.chars().any(is_invisible) && Syntax::is_valid_local_part(local)
}

/// The domain by UTS #46 with the rules for host names (letters, digits, inner hyphens) and DNS lengths.
fn ascii_domain(domain: &str, domains: Domains) -> Option<String> {
    // Joiners belong to some scripts; UTS #46 checks where. It drops other unseen characters silently.
    if domain
        .chars()
        .any(|c| is_invisible(c) && !matches!(c, '\u{200C}' | '\u{200D}'))
    {
        return None;
    }
    // What is wrong with a domain in detail helps nobody: the complaint shows a good address.
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .ok()?
        .into_owned();
    let allowed = match ascii.rsplit_once('.') {
        // A number at the end is an IPv4 address, not a name.
        Some((_, last)) => !last.bytes().all(|byte| byte.is_ascii_digit()),
        None => domains == Domains::PublicOrLocalhost && ascii == LOCALHOST,
    };
    allowed.then_some(ascii)
}
