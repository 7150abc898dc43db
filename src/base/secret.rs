//! The server's secret, one subkey for each use, and keyed hashes. Must not know what is signed.

use std::fmt;
use std::sync::Arc;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretBox, SecretSlice};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::random;

/// The fewest octets that a secret may have: as many as the hash gives out.
pub const SECRET_BYTES_MIN: usize = 32;

/// The most octets; more adds nothing.
pub const SECRET_BYTES_MAX: usize = 4_096;

/// Octets of a subkey and of a keyed hash.
pub const MAC_BYTES: usize = 32;

/// What a subkey is for. A key of one purpose is worth nothing in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Manage tokens, which let an author see, edit and withdraw a comment.
    ManageToken,
    /// The picture beside a comment.
    Avatar,
    /// Fingerprints of submissions under an idempotency key.
    IdempotencyKey,
    /// The id that stands for an author's e-mail address.
    Author,
    /// Keys of moderators' second factors.
    SecondFactor,
    /// Who voted on a comment.
    Voter,
    /// From which network a comment was reported.
    Reporter,
}

impl Purpose {
    /// Every purpose, for the test that no two share a label.
    pub const ALL: [Self; 7] = [
        Self::ManageToken,
        Self::Avatar,
        Self::IdempotencyKey,
        Self::Author,
        Self::SecondFactor,
        Self::Voter,
        Self::Reporter,
    ];

    /// The label that derives the key. Never change one: all that was signed with it would be void.
    const fn label(self) -> &'static str {
        match self {
            Self::ManageToken => "rejoinder/1/manage-token",
            Self::Avatar => "rejoinder/1/avatar",
            Self::IdempotencyKey => "rejoinder/1/idempotency-key",
            Self::Author => "rejoinder/1/author",
            Self::SecondFactor => "rejoinder/1/second-factor",
            Self::Voter => "rejoinder/1/voter",
            Self::Reporter => "rejoinder/1/reporter",
        }
    }
}

/// The one secret of an installation, 32–4,096 octets; wiped from memory when dropped, never printed.
#[derive(Clone)]
pub struct ServerSecret(Arc<SecretSlice<u8>>);

impl ServerSecret {
    /// A new secret of 32 random octets.
    pub fn generate() -> Self {
        Self(Arc::new(SecretSlice::from(
            random::bytes::<SECRET_BYTES_MIN>().to_vec(),
        )))
    }

    /// The secret that a setting or the database holds. The octets of a text count as they stand.
    pub fn parse(bytes: &[u8]) -> Result<Self, Complaint> {
        if bytes.len() < SECRET_BYTES_MIN {
            return Err(Complaint::new(
                ComplaintCode::TooShort,
                "must have at least 32 octets: `openssl rand -base64 32` makes a good one",
            ));
        }
        if bytes.len() > SECRET_BYTES_MAX {
            return Err(Complaint::new(
                ComplaintCode::TooLong,
                "must have at most 4,096 octets",
            ));
        }
        Ok(Self(Arc::new(SecretSlice::from(bytes.to_vec()))))
    }

    /// The octets, for the database that keeps a secret which was made here. Not for signing: use a subkey.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// The key for one purpose, by HKDF with SHA-256 (RFC 5869). Always the same for the same secret.
    pub fn subkey(&self, purpose: Purpose) -> Subkey {
        let kdf = Hkdf::<Sha256>::new(None, self.expose());
        let key = SecretBox::init_with_mut(|key: &mut [u8; MAC_BYTES]| {
            #[expect(
                clippy::expect_used,
                reason = "HKDF gives up to 8,160 octets; 32 are asked"
            )]
            kdf.expand(purpose.label().as_bytes(), key)
                .expect("32 octets are within the bound");
        });
        Subkey(Arc::new(key))
    }
}

impl fmt::Debug for ServerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerSecret(…)")
    }
}

/// A key for one purpose; cheap to clone, wiped from memory with the last clone, never printed.
#[derive(Clone)]
pub struct Subkey(Arc<SecretBox<[u8; MAC_BYTES]>>);

impl Subkey {
    /// HMAC with SHA-256 (RFC 2104) of the parts.
    ///
    /// Their number and each length go in first, so that `["ab", "c"]` and `["a", "bc"]` differ.
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; MAC_BYTES] {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret())
            .expect("every length of a key is good");
        mac.update(&length(parts.len()));
        for part in parts {
            mac.update(&length(part.len()));
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Whether `tag` is [`Subkey::mac`] of the parts, in a time that doesn't tell how much of it is right.
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        self.mac(parts).as_slice().ct_eq(tag).into()
    }
}

impl fmt::Debug for Subkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subkey(…)")
    }
}

fn length(length: usize) -> [u8; 8] {
    u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn secret() -> ServerSecret {
        ServerSecret::parse(&[7; 32]).unwrap()
    }

    #[test]
    fn a_secret_has_32_to_4096_octets() {
        for (length, code) in [
            (0, Some(ComplaintCode::TooShort)),
            (31, Some(ComplaintCode::TooShort)),
            (32, None),
            (4_096, None),
            (4_097, Some(ComplaintCode::TooLong)),
        ] {
            let parsed = ServerSecret::parse(&vec![b'x'; length]);
            assert_eq!(
                parsed.err().map(|complaint| complaint.code),
                code,
                "{length}"
            );
        }
    }

    #[test]
    fn nothing_of_a_secret_is_printed() {
        let secret = ServerSecret::parse(b"a very secret text of 32 octets!").unwrap();
        assert_eq!(format!("{secret:?}"), "ServerSecret(…)");
        assert_eq!(format!("{:?}", secret.subkey(Purpose::Avatar)), "Subkey(…)");
    }

    #[test]
    fn made_secrets_differ_and_come_back() {
        let made = ServerSecret::generate();
        assert_ne!(made.expose(), ServerSecret::generate().expose());
        let again = ServerSecret::parse(made.expose()).unwrap();
        assert_eq!(
            made.subkey(Purpose::Avatar).mac(&[b"x"]),
            again.subkey(Purpose::Avatar).mac(&[b"x"])
        );
    }

    #[test]
    fn each_purpose_has_a_key_of_its_own() {
        let macs: HashSet<_> = Purpose::ALL
            .iter()
            .map(|purpose| secret().subkey(*purpose).mac(&[b"x"]))
            .collect();
        assert_eq!(macs.len(), Purpose::ALL.len());
    }

    #[test]
    fn another_secret_gives_other_keys() {
        let other = ServerSecret::parse(&[8; 32]).unwrap();
        assert_ne!(
            secret().subkey(Purpose::Avatar).mac(&[]),
            other.subkey(Purpose::Avatar).mac(&[])
        );
    }

    #[test]
    fn the_split_into_parts_counts() {
        let key = secret().subkey(Purpose::ManageToken);
        let splits: [&[&[u8]]; 7] = [
            &[b"abc"],
            &[b"ab", b"c"],
            &[b"a", b"bc"],
            &[b"abc", b""],
            &[b"", b"abc"],
            &[],
            &[b""],
        ];
        let macs: HashSet<_> = splits.iter().map(|parts| key.mac(parts)).collect();
        assert_eq!(macs.len(), splits.len());
    }

    /// Fixed for ever: every manage token and link that is out there hangs on this.
    #[test]
    fn a_known_key_gives_a_known_hash() {
        let mac = secret()
            .subkey(Purpose::ManageToken)
            .mac(&[b"comment", b"1"]);
        let expected = "e256af9c04345f62488a1407c2e8f1a67b6d8beb8f6965ce7872be3be8b8438c";
        for (index, byte) in mac.iter().enumerate() {
            let digits = expected.get(index * 2..index * 2 + 2).unwrap();
            assert_eq!(Ok(*byte), u8::from_str_radix(digits, 16));
        }
    }

    proptest! {
        #[test]
        fn only_the_right_hash_verifies(part: Vec<u8>, flipped in 0usize..32, bit in 0u8..8) {
            let key = secret().subkey(Purpose::IdempotencyKey);
            let mut tag = key.mac(&[&part]);
            prop_assert!(key.verify(&[&part], &tag));
            prop_assert!(!key.verify(&[&part], &tag[..31]));
            prop_assert!(!key.verify(&[&part], &[]));
            prop_assert!(!key.verify(&[&part, b""], &tag));
            tag[flipped] ^= 1 << bit;
            prop_assert!(!key.verify(&[&part], &tag));
        }
    }
}
