//! Passwords: hashing and checking with argon2id, off the async threads and few at a time; making readable ones.
//! Must not know whose they are.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Argon2, Params};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Instrument as _;
use unicode_normalization::UnicodeNormalization as _;

use super::error::Error;
use crate::base::random;
use crate::base::trace;

/// Characters that a password has at most, so that nobody sends us books to hash.
pub(super) const PASSWORD_CHARS_MAX: usize = 1_000;
/// Hashes at the same time in the process: half of its processors, at most so many. Each takes a core and 19 MiB, and
/// whoever floods the sign-in must not get the cores that serve readers.
const AT_ONCE_MAX: usize = 4;
/// Hashes that may wait for their turn; more are refused at once.
const WAITING_MAX: usize = 32;
/// How long one waits, so that the request's time for the database (2.5 s) is not used up by it.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// Octets of a salt, as RFC 9106 recommends.
const SALT_BYTES: usize = 16;

/// What a hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordCost {
    /// OWASP's floor: 19 MiB, two passes, one lane.
    Standard,
    /// Next to nothing, so that test suites stay fast. Worth nothing against a guesser.
    ForTests,
}

impl PasswordCost {
    fn params(self) -> Result<Params, Error> {
        let params = match self {
            Self::Standard => Params::DEFAULT,
            Self::ForTests => Params::new(Params::MIN_M_COST, Params::MIN_T_COST, 1, None)
                .map_err(argon2::password_hash::Error::from)?,
        };
        Ok(params)
    }
}

/// A stored hash in PHC form.
#[derive(Clone)]
pub(super) struct StoredPassword(String);

impl StoredPassword {
    /// As the database holds it.
    pub(super) fn from_stored(phc: String) -> Self {
        Self(phc)
    }

    /// For the database.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What came out of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checked {
    /// Another password, or none to compare with.
    Wrong,
    /// The right one.
    Right,
    /// The right one, but its hash cost less than today's do: hash it anew.
    RightButOutdated,
}

/// Hashes and checks; cheap to clone, all clones share the one bound of the process.
#[derive(Clone)]
pub(super) struct Passwords {
    argon2: Argon2<'static>,
    /// Compared with where there is no account, or one without a password, so that this takes as long.
    dummy: Arc<str>,
    /// Who may wait.
    entrance: Arc<Semaphore>,
    /// Who may hash.
    seats: Arc<Semaphore>,
}

impl Passwords {
    /// Makes the dummy, which takes as long as any hash.
    pub(super) fn new(cost: PasswordCost) -> Result<Self, Error> {
        let argon2 = Argon2::from(cost.params()?);
        let dummy = hash(&argon2, &SecretString::from(random::token()))?;
        let processors = available_parallelism().map_or(1, NonZeroUsize::get);
        let seats = (processors / 2).clamp(1, AT_ONCE_MAX);
        Ok(Self {
            argon2,
            dummy: dummy.0.into(),
            entrance: Arc::new(Semaphore::new(seats + WAITING_MAX)),
            seats: Arc::new(Semaphore::new(seats)),
        })
    }

    /// Hashes with a new salt.
    pub(super) async fn hash(&self, password: SecretString) -> Result<StoredPassword, Error> {
        let argon2 = self.argon2.clone();
        self.seated(move || hash(&argon2, &password)).await
    }

    /// Compares with the stored hash; without one it takes as long and is wrong.
    pub(super) async fn check(
        &self,
        password: SecretString,
        stored: Option<StoredPassword>,
    ) -> Result<Checked, Error> {
        let (argon2, dummy) = (self.argon2.clone(), Arc::clone(&self.dummy));
        self.seated(move || match stored {
            Some(stored) => check(&argon2, &password, &stored.0),
            None => check(&argon2, &password, &dummy).map(|_the_dummys| Checked::Wrong),
        })
        .await
    }

    async fn seated<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let Some((entrance, seat)) = self.seat().await else {
            metrics::counter!("rejoinder_passwords_refused_total").increment(1);
            return Err(Error::Busy);
        };
        let span = tracing::info_span!(target: trace::SPANS, "password hash");
        let hashing = tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            let outcome = work();
            metrics::histogram!("rejoinder_passwords_hash_seconds")
                .record(begun.elapsed().as_secs_f64());
            // Given back here and not by the request: it may be dropped while the hash still runs.
            drop((seat, entrance));
            outcome
        });
        hashing.instrument(span).await?
    }

    /// How many wait for a seat.
    pub(super) fn waiting(&self) -> usize {
        let free_seats = self.seats.available_permits();
        // Who sits still holds the place at the entrance.
        let places = free_seats + WAITING_MAX;
        places.saturating_sub(self.entrance.available_permits())
    }

    async fn seat(&self) -> Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        let entrance = Arc::clone(&self.entrance).try_acquire_owned().ok()?;
        let seat = tokio::time::timeout(WAIT_MAX, Arc::clone(&self.seats).acquire_owned())
            .await
            .ok()?;
        Some((entrance, seat.ok()?))
    }
}

/// Unicode has several forms of one text, and keyboards send different ones: the composed form counts (RFC 8265).
fn normalised(password: &SecretString) -> SecretString {
    SecretString::from(password.expose_secret().nfc().collect::<String>())
}

fn hash(argon2: &Argon2<'_>, password: &SecretString) -> Result<StoredPassword, Error> {
    let password = normalised(password);
    let salt = random::bytes::<SALT_BYTES>();
    let hash: PasswordHash =
        argon2.hash_password_with_salt(password.expose_secret().as_bytes(), &salt)?;
    Ok(StoredPassword(hash.to_string()))
}

fn check(argon2: &Argon2<'_>, password: &SecretString, stored: &str) -> Result<Checked, Error> {
    let parsed = PasswordHash::new(stored).map_err(argon2::password_hash::Error::from)?;
    let composed = normalised(password);
    match argon2.verify_password(composed.expose_secret().as_bytes(), &parsed) {
        Ok(()) if is_outdated(argon2, &parsed) => Ok(Checked::RightButOutdated),
        Ok(()) => Ok(Checked::Right),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(Checked::Wrong),
        Err(error) => Err(error.into()),
    }
}

/// Whether the hash cost less than today's hashes do.
fn is_outdated(argon2: &Argon2<'_>, stored: &PasswordHash) -> bool {
    let today = argon2.params();
    let is_enough = Params::try_from(stored)
        .is_ok_and(|then| then.m_cost() >= today.m_cost() && then.t_cost() >= today.t_cost());
    !is_enough || stored.algorithm != argon2::Algorithm::Argon2id.ident()
}

/// Letters and digits that can't be taken for one another; 32, so that each is five bits.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of a made password: 100 bits.
const MADE_CHARS: usize = 20;
/// Characters between hyphens.
const GROUP_CHARS: usize = 5;

/// A password that can be read aloud and typed, of 100 random bits: `4k2mz-0q8ht-w3v9c-xj57b`.
pub(super) fn make_readable() -> SecretString {
    let mut made = String::with_capacity(MADE_CHARS + MADE_CHARS / GROUP_CHARS);
    for (at, byte) in random::bytes::<MADE_CHARS>().into_iter().enumerate() {
        if at > 0 && at % GROUP_CHARS == 0 {
            made.push('-');
        }
        let letter = ALPHABET
            .get(usize::from(byte % 32))
            .copied()
            .unwrap_or(b'0');
        made.push(char::from(letter));
    }
    SecretString::from(made)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[tokio::test]
    async fn only_the_same_password_is_right() {
        let passwords = Passwords::new(PasswordCost::ForTests).unwrap();
        let stored = passwords.hash(secret("correct horse")).await.unwrap();
        for (text, expected) in [
            ("correct horse", Checked::Right),
            ("Correct horse", Checked::Wrong),
            ("correct horse ", Checked::Wrong),
            ("", Checked::Wrong),
        ] {
            let checked = passwords
                .check(secret(text), Some(stored.clone()))
                .await
                .unwrap();
            assert_eq!(checked, expected, "{text:?}");
        }
        let again = passwords.hash(secret("correct horse")).await.unwrap();
        assert_ne!(again.as_str(), stored.as_str(), "salts differ");
    }

    #[tokio::test]
    async fn the_way_of_typing_an_umlaut_does_not_matter() {
        let passwords = Passwords::new(PasswordCost::ForTests).unwrap();
        let stored = passwords.hash(secret("schl\u{fc}ssel")).await.unwrap();
        let checked = passwords
            .check(secret("schlu\u{308}ssel"), Some(stored))
            .await
            .unwrap();
        assert_eq!(checked, Checked::Right);
    }

    #[tokio::test]
    async fn nothing_is_right_where_no_password_is_set() {
        let passwords = Passwords::new(PasswordCost::ForTests).unwrap();
        assert_eq!(
            passwords.check(secret(""), None).await.unwrap(),
            Checked::Wrong
        );
    }

    #[tokio::test]
    async fn the_dummy_costs_what_a_stored_password_does() {
        let passwords = Passwords::new(PasswordCost::Standard).unwrap();
        let stored = passwords.hash(secret("x")).await.unwrap();
        let parameters = |phc: &str| phc.rsplitn(3, '$').last().unwrap().to_owned();
        assert_eq!(
            parameters(stored.as_str()),
            "$argon2id$v=19$m=19456,t=2,p=1"
        );
        assert_eq!(parameters(&passwords.dummy), parameters(stored.as_str()));
        assert_eq!(passwords.dummy.len(), stored.as_str().len());
    }

    #[tokio::test]
    async fn a_cheaper_hash_is_outdated_and_a_dearer_one_is_not() {
        let cheap = Passwords::new(PasswordCost::ForTests).unwrap();
        let standard = Passwords::new(PasswordCost::Standard).unwrap();
        let (old, new) = (
            cheap.hash(secret("x")).await.unwrap(),
            standard.hash(secret("x")).await.unwrap(),
        );
        let check = async |with: &Passwords, stored: &StoredPassword| {
            with.check(secret("x"), Some(stored.clone())).await.unwrap()
        };
        assert_eq!(check(&standard, &old).await, Checked::RightButOutdated);
        assert_eq!(check(&standard, &new).await, Checked::Right);
        assert_eq!(check(&cheap, &new).await, Checked::Right);
    }

    #[tokio::test]
    async fn what_is_no_hash_is_an_error_and_not_a_right_password() {
        let passwords = Passwords::new(PasswordCost::ForTests).unwrap();
        for stored in ["", "x", "$argon2id$v=19$m=8,t=1,p=1", "$1$salt$hash"] {
            let stored = StoredPassword::from_stored(stored.to_owned());
            assert!(!matches!(
                passwords.check(secret("x"), Some(stored)).await,
                Ok(Checked::Right | Checked::RightButOutdated)
            ));
        }
    }

    #[tokio::test]
    async fn whoever_finds_the_queue_full_is_refused_at_once() {
        let passwords = Passwords::new(PasswordCost::ForTests).unwrap();
        let full = all(&passwords.entrance).await;
        assert!(matches!(
            passwords.hash(secret("x")).await,
            Err(Error::Busy)
        ));
        drop(full);
        assert!(passwords.hash(secret("x")).await.is_ok());
    }

    /// All places that there are: as many as the machine's processors allow.
    async fn all(places: &Arc<Semaphore>) -> OwnedSemaphorePermit {
        let number = u32::try_from(places.available_permits()).unwrap();
        let taken = Arc::clone(places).acquire_many_owned(number).await;
        taken.unwrap()
    }

    /// One look at it, after which nobody is woken.
    fn looked_at<T>(work: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        work.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn the_async_thread_goes_on_while_a_password_is_hashed() {
        let passwords = Passwords::new(PasswordCost::Standard).unwrap();
        let mut hashing = std::pin::pin!(passwords.hash(secret("x")));
        let mut turns = 0_u32;
        // This runtime has one thread: it would have no turn if the hash took it.
        while looked_at(hashing.as_mut()).is_pending() {
            turns += 1;
            tokio::task::yield_now().await;
        }
        assert!(turns > 10, "{turns}");
    }

    #[tokio::test]
    async fn who_finds_all_seats_taken_waits_for_one() {
        let passwords = Passwords::new(PasswordCost::ForTests).unwrap();
        let taken = all(&passwords.seats).await;
        // Who sits has come in by the entrance.
        let sitting = u32::try_from(taken.num_permits()).unwrap();
        let entrance = Arc::clone(&passwords.entrance);
        let _entered = entrance.acquire_many_owned(sitting).await.unwrap();
        let mut hashing = std::pin::pin!(passwords.hash(secret("x")));
        for _ in 0..1_000 {
            assert!(looked_at(hashing.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }
        assert_eq!(passwords.waiting(), 1);
        drop(taken);
        assert!(hashing.await.is_ok());
    }

    #[test]
    fn a_made_password_is_readable_and_never_the_same() {
        let mut seen = HashSet::new();
        for _ in 0..200 {
            let made = make_readable().expose_secret().to_owned();
            assert_eq!(made.len(), 23);
            assert!(made.split('-').all(|group| group.len() == 5), "{made}");
            assert!(
                made.bytes()
                    .all(|byte| byte == b'-' || ALPHABET.contains(&byte)),
                "{made}"
            );
            assert!(seen.insert(made));
        }
        assert_eq!(ALPHABET.iter().collect::<HashSet<_>>().len(), 32);
    }
}
