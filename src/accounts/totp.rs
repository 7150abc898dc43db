//! One-time codes by time (RFC 6238: SHA-1, six digits, 30 seconds) and recovery codes. Must not know accounts, HTTP or
//! the database.

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use time::OffsetDateTime;

use crate::base::ids::ModeratorId;
use crate::base::random;
use crate::base::secret::Subkey;

/// How long a code holds.
const STEP_SECONDS: i64 = 30;
/// Steps by which the clocks of app and server may differ, either way.
const SKEW_STEPS: i64 = 1;
/// Six digits.
const CODES: u32 = 1_000_000;
/// Digits of a code.
const DIGITS: usize = 6;
/// Octets of a key: as many as SHA-1 gives (RFC 4226, section 4).
const KEY_BYTES: usize = 20;
/// Octets of a nonce: no two factors share a key.
pub(super) const NONCE_BYTES: usize = 16;
/// Octets of a recovery code: 80 bits, out of reach for guessing through the sign-in and from its hash.
const RECOVERY_BYTES: usize = 10;
/// Characters of a recovery code without its dashes.
const RECOVERY_CHARS: usize = 16;
/// Recovery codes of one account.
pub(super) const RECOVERY_CODES: usize = 10;
/// Base 32 (RFC 4648, section 6).
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The key that an authenticator app and the server share. Not stored: see [`Key::derive`].
pub(super) struct Key(SecretBox<[u8; KEY_BYTES]>);

impl Key {
    /// The key of this account and nonce, the same each time, so that the database needn't hold it: a copy of it alone
    /// gives no codes.
    pub(super) fn derive(subkey: &Subkey, moderator: ModeratorId, nonce: &[u8]) -> Self {
        let mac = subkey.mac(&[moderator.as_uuid().as_bytes(), nonce]);
        Self(SecretBox::init_with_mut(|key: &mut [u8; KEY_BYTES]| {
            for (byte, value) in key.iter_mut().zip(mac) {
                *byte = value;
            }
        }))
    }

    /// For the app: 32 characters of base 32.
    pub(super) fn text(&self) -> SecretString {
        SecretString::from(base32(self.0.expose_secret()))
    }

    /// The time step that the code is of, if it is one of around now and later than `after`: a code counts once. All
    /// steps are compared, in a time that doesn't tell which digits are right.
    pub(super) fn find_step(
        &self,
        code: u32,
        now: OffsetDateTime,
        after: Option<i64>,
    ) -> Option<i64> {
        let current = now.unix_timestamp().div_euclid(STEP_SECONDS);
        let mut found = i64::MIN;
        for step in current - SKEW_STEPS..=current + SKEW_STEPS {
            let is_it = self.code_at(step).ct_eq(&code);
            found.conditional_assign(&step, is_it);
        }
        (found > after.unwrap_or(i64::MIN)).then_some(found)
    }

    /// HOTP (RFC 4226, section 5.3) of the step.
    fn code_at(&self, step: i64) -> u32 {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha1>::new_from_slice(self.0.expose_secret())
            .expect("every length of a key is good");
        mac.update(&step.to_be_bytes());
        let digest: [u8; 20] = mac.finalize().into_bytes().into();
        let offset = usize::from(digest.last().copied().unwrap_or_default() & 0x0f);
        let mut word = [0; 4];
        for (byte, value) in word.iter_mut().zip(digest.iter().skip(offset)) {
            *byte = *value;
        }
        (u32::from_be_bytes(word) & 0x7fff_ffff) % CODES
    }
}

/// What somebody typed as their second factor. Without `Debug`: it can't get into a log.
pub enum SecondCode {
    /// Six digits of an app.
    Digits(u32),
    /// The hash of a recovery code.
    Recovery([u8; 32]),
    /// Neither; as wrong as any wrong code.
    Unfit,
}

impl SecondCode {
    /// Reads what was typed, with spaces and dashes or without, in any case.
    pub fn parse(text: &str) -> Self {
        let bare: String = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let is_number = bare.len() == DIGITS && bare.bytes().all(|byte| byte.is_ascii_digit());
        if is_number && let Ok(code) = bare.parse() {
            return Self::Digits(code);
        }
        let is_recovery =
            bare.len() == RECOVERY_CHARS && bare.bytes().all(|byte| ALPHABET.contains(&byte));
        if is_recovery {
            Self::Recovery(Sha256::digest(&bare).into())
        } else {
            Self::Unfit
        }
    }
}

/// A code for whoever has lost their device; good once.
pub struct RecoveryCode(SecretString);

impl RecoveryCode {
    /// A new code: 80 random bits, as `abcd-efgh-ijkl-mnop`.
    pub(super) fn generate() -> Self {
        let text = base32(&random::bytes::<RECOVERY_BYTES>()).to_lowercase();
        let mut grouped = String::with_capacity(RECOVERY_CHARS + 3);
        for (place, c) in text.chars().enumerate() {
            if place > 0 && place % 4 == 0 {
                grouped.push('-');
            }
            grouped.push(c);
        }
        Self(SecretString::from(grouped))
    }

    /// What is stored instead.
    pub(super) fn hash(&self) -> [u8; 32] {
        match SecondCode::parse(self.expose()) {
            SecondCode::Recovery(hash) => hash,
            // Can't be: what is made here is read there, which a test holds fast.
            SecondCode::Digits(_) | SecondCode::Unfit => Sha256::digest(self.expose()).into(),
        }
    }

    /// The code itself, for the one answer that shows it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Octets in fives, so that nothing has to be padded.
fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5);
    for chunk in bytes.chunks(5) {
        let word = chunk
            .iter()
            .fold(0_u64, |word, byte| (word << 8) | u64::from(*byte));
        for place in (0..8).rev() {
            let letter = usize::try_from((word >> (place * 5)) & 31).unwrap_or_default();
            text.extend(ALPHABET.get(letter).map(|byte| char::from(*byte)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::base::secret::{Purpose, ServerSecret};

    /// The key of RFC 6238, appendix B.
    fn key() -> Key {
        Key(SecretBox::new(Box::new(*b"12345678901234567890")))
    }

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }

    #[test]
    fn the_vectors_of_rfc_6238_hold() {
        // There with eight digits; the last six are the code of six.
        for (seconds, code) in [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ] {
            assert_eq!(key().code_at(seconds / 30), code, "{seconds}");
            assert_eq!(key().find_step(code, at(seconds), None), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_holds_one_step_before_and_after_its_own_and_counts_once() {
        let (step, code) = (37_037_036, 81_804);
        for (seconds, found) in [
            (step * 30 - 31, None),
            (step * 30 - 30, Some(step)),
            (step * 30, Some(step)),
            (step * 30 + 59, Some(step)),
            (step * 30 + 60, None),
        ] {
            assert_eq!(key().find_step(code, at(seconds), None), found, "{seconds}");
        }
        let now = at(step * 30);
        assert_eq!(key().find_step(code, now, Some(step - 1)), Some(step));
        assert_eq!(key().find_step(code, now, Some(step)), None);
        assert_eq!(key().find_step(code + 1, now, None), None);
    }

    #[test]
    fn a_key_hangs_on_secret_account_and_nonce() {
        let subkey = |byte| {
            let secret = ServerSecret::parse(&[byte; 32]).unwrap();
            secret.subkey(Purpose::SecondFactor)
        };
        let text = |byte, moderator, nonce: &[u8]| {
            let moderator = ModeratorId::from_uuid(Uuid::from_u128(moderator));
            Key::derive(&subkey(byte), moderator, nonce)
                .text()
                .expose_secret()
                .to_owned()
        };
        let one = text(1, 1, &[1; 16]);
        assert_eq!(one, text(1, 1, &[1; 16]));
        assert_eq!(one.len(), 32);
        for other in [
            text(2, 1, &[1; 16]),
            text(1, 2, &[1; 16]),
            text(1, 1, &[2; 16]),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn base_32_is_that_of_rfc_4648() {
        assert_eq!(base32(b"fooba"), "MZXW6YTB");
        assert_eq!(base32(&[0; 10]), "A".repeat(16));
        assert_eq!(base32(&[0xff; 5]), "77777777");
    }

    #[test]
    fn what_is_typed_may_have_spaces_and_dashes() {
        for text in ["287082", "287 082", " 287-082\t"] {
            assert!(
                matches!(SecondCode::parse(text), SecondCode::Digits(287_082)),
                "{text}"
            );
        }
        assert!(matches!(SecondCode::parse("000007"), SecondCode::Digits(7)));
        for text in [
            "",
            "28708",
            "2870821",
            "２８７０８２",
            "+87082",
            "abcd-efgh-ijkl-mno1",
        ] {
            assert!(
                matches!(SecondCode::parse(text), SecondCode::Unfit),
                "{text}"
            );
        }
    }

    #[test]
    fn a_recovery_code_is_read_again_in_any_form() {
        let code = RecoveryCode::generate();
        let text = code.expose();
        assert_eq!((text.len(), text.matches('-').count()), (19, 3), "{text}");
        for typed in [text.to_owned(), text.to_uppercase(), text.replace('-', " ")] {
            let SecondCode::Recovery(hash) = SecondCode::parse(&typed) else {
                panic!("{typed}")
            };
            assert_eq!(hash, code.hash());
        }
        assert_ne!(RecoveryCode::generate().hash(), code.hash());
    }
}
