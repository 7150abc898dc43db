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

    /// An address that was parsed before and comes back from the database with its key.
    pub fn from_stored(written: String, key: EmailKey) -> Self {
        Self { written, key }
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

#[cfg(test)]
mod tests {
    use ComplaintCode::{InvalidCharacters, InvalidEmail, Required, TooLong};
    use proptest::prelude::*;

    use super::*;

    fn code(raw: &str) -> Option<ComplaintCode> {
        EmailAddress::parse(raw)
            .err()
            .map(|complaint| complaint.code)
    }

    #[test]
    fn addresses_that_people_have_are_welcome() {
        let table = [
            "ada@example.org",
            "Ada.Lovelace@Example.ORG",
            "ada+comments@mail.example.co.uk",
            "o'neill@example.org",
            "a@b.co",
            "x_y-z@sub.example.museum",
            "!#$%&'*+-/=?^_`{|}~@example.org",
            "1234@example.org",
            "ada@1and1.example",
            "ada@r3---sn.example.org",
            "用户@例子.广告",
            "пётр@почта.рф",
            "ada@bücher.example",
            "ada@xn--bcher-kva.example",
            "ada@نامه\u{200C}ای.com",
            "δοκιμή@παράδειγμα.δοκιμή",
            "ada@example.localhost",
        ];
        for raw in table {
            assert_eq!(code(raw), None, "{raw}");
        }
    }

    #[test]
    fn other_texts_are_no_addresses() {
        let table = [
            "ada",
            "@",
            "@example.org",
            "ada@",
            "ada@localhost",
            "ada@example",
            "ada@example.",
            "ada@example.org.",
            "ada@.example.org",
            "ada@example..org",
            "ada@-example.org",
            "ada@example-.org",
            "ada@exam_ple.org",
            "ada@exam ple.org",
            "ada@example.org, bob@example.org",
            "ada@@example.org",
            "ada@bob@example.org",
            ".ada@example.org",
            "ada.@example.org",
            "a..da@example.org",
            "a da@example.org",
            "a\u{A0}da@example.org",
            "a\u{200B}da@example.org",
            "a\u{200D}da@example.org",
            "a\u{202E}da@example.org",
            "ada@exam\u{AD}ple.org",
            "ada@exam\u{200B}ple.org",
            "ada@exam\u{200D}ple.org",
            "ada(comment)@example.org",
            "\"ada\"@example.org",
            "\"a@b\"@example.org",
            "Ada <ada@example.org>",
            "<ada@example.org>",
            "mailto:ada@example.org@",
            "ada@[127.0.0.1]",
            "ada@[IPv6:::1]",
            "ada@127.0.0.1",
            "ada@1.2",
            "ada@xn--a.example",
            "ada@xn--.example",
            "ada@example.org/x",
            "ada@example.org:25",
            "ada@ex%61mple.org",
        ];
        for raw in table {
            assert_eq!(code(raw), Some(InvalidEmail), "{raw}");
        }
        assert_eq!(code(""), Some(Required));
        assert_eq!(code(" \u{FEFF} "), Some(Required));
        for raw in [
            "a\0@example.org",
            "a@exa\nmple.org",
            "a@exam\tple.org",
            "a\u{9F}@example.org",
        ] {
            assert_eq!(code(raw), Some(InvalidCharacters), "{raw:?}");
        }
    }

    #[test]
    fn lengths_are_octets() {
        let local = |octets: usize| format!("{}@example.org", "a".repeat(octets));
        assert_eq!(code(&local(64)), None);
        assert_eq!(code(&local(65)), Some(TooLong));
        assert_eq!(code(&format!("{}@example.org", "é".repeat(32))), None);
        assert_eq!(
            code(&format!("{}@example.org", "é".repeat(33))),
            Some(TooLong)
        );

        let label = "b".repeat(63);
        let whole = |last: usize| format!("a@{label}.{label}.{label}.{}.org", "c".repeat(last));
        assert_eq!(whole(56).len(), 254);
        assert_eq!(code(&whole(56)), None);
        assert_eq!(code(&whole(57)), Some(TooLong));
        assert_eq!(
            code(&format!("a@{}.org", "b".repeat(64))),
            Some(InvalidEmail)
        );
    }

    #[test]
    fn the_same_address_has_the_same_key() {
        let table = [
            ("Ada@Example.ORG", "ada@example.org"),
            (" ada@example.org\n", "ada@example.org"),
            ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
            ("ada@bu\u{308}cher.example", "ada@xn--bcher-kva.example"),
            ("ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"),
            ("ada@ｅｘａｍｐｌｅ。org", "ada@example.org"),
            ("ПЁТР@ПОЧТА.РФ", "пётр@xn--80a1acny.xn--p1ai"),
            ("a.d.a+x@example.org", "a.d.a+x@example.org"),
        ];
        for (raw, key) in table {
            let address = EmailAddress::parse(raw).unwrap();
            assert_eq!(address.key().as_str(), key, "{raw}");
        }
        let address = EmailAddress::parse(" Ada@Bu\u{308}cher.example ").unwrap();
        assert_eq!(address.as_str(), "Ada@Bücher.example");
        assert_eq!(address.key().domain(), "xn--bcher-kva.example");
    }

    #[test]
    fn only_accounts_may_be_at_localhost() {
        let owner = EmailAddress::parse_account("Owner@LOCALHOST").unwrap();
        assert_eq!(owner.key().as_str(), "owner@localhost");
        assert!(EmailAddress::parse_account("ada@example.org").is_ok());
        assert!(EmailAddress::parse_account("ada@intranet").is_err());
        assert!(EmailAddress::parse_account("ada@127.0.0.1").is_err());
    }

    #[test]
    fn an_address_is_never_printed_or_echoed() {
        let address = EmailAddress::parse("ada@example.org").unwrap();
        assert_eq!(
            format!("{address:?} {:?}", address.key()),
            "EmailAddress(…) EmailKey(…)"
        );
        assert!(
            !EmailAddress::parse("ada@bob")
                .unwrap_err()
                .message
                .contains("bob")
        );
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(raw in "[a-zA-ZäÄßİςΣ.+]{1,9}@[a-zA-ZüßÜ-]{1,6}\\.[a-zé]{2,4}") {
            if let Ok(address) = EmailAddress::parse(&raw) {
                prop_assert_eq!(EmailAddress::parse(address.as_str()).unwrap(), address.clone());
                let again = EmailAddress::parse(address.key().as_str()).unwrap();
                prop_assert_eq!(again.key(), address.key());
                prop_assert!(address.key().as_str().len() <= 512);
            }
        }

        #[test]
        fn no_text_is_a_panic(raw in ".*@?.*") {
            code(&raw);
        }
    }
}
