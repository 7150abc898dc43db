//! How long to wait after failed sign-ins: five are free, then a wait that doubles up to 15 minutes.
//! In memory, in each instance for itself. Must not know what a key stands for.

use std::hash::Hash;
use std::time::Duration;

use moka::ops::compute::Op;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use time::OffsetDateTime;

/// Failures before the first wait.
const FREE_FAILURES: u32 = 5;
/// The wait after the fifth failure in a row; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_mins(15);
/// Failures that are counted: the last ones lead to the longest wait, more would only take longer to forgive.
const FAILURES_MAX: u32 = 15;
/// One failure is forgiven for each such time without another. As long as the longest wait, so that a guesser never gets
/// ahead of it, while an office behind one address isn't made to pay all day for a morning's typing errors.
const FORGIVEN_AFTER: Duration = WAIT_MAX;
/// Keys that are kept; the longest untouched go first.
const KEYS_MAX: u64 = 100_000;

/// Failures by key; cheap to clone.
#[derive(Clone)]
pub(super) struct Backoff<K: Hash + Eq> {
    failures: Cache<K, Failures>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Failures {
    count: u32,
    last_at: OffsetDateTime,
    /// Whether the wait is over: the last attempt was let through and then taken back.
    has_waited: bool,
}

impl<K: Hash + Eq + Send + Sync + 'static> Backoff<K> {
    pub(super) fn new() -> Self {
        let failures = Cache::builder()
            .max_capacity(KEYS_MAX)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_idle(FORGIVEN_AFTER.saturating_mul(FAILURES_MAX + 1))
            .build();
        Self { failures }
    }

    /// Counts an attempt as failed before it is made, so that attempts at the same time can't slip through together;
    /// or says how long to wait. [`Self::take_back`] and [`Self::forget`] put it right afterwards.
    pub(super) fn begin(&self, key: K, now: OffsetDateTime) -> Result<(), Duration> {
        let mut refused = None;
        self.failures.entry(key).and_compute_with(|entry| {
            let known = entry.map(|entry| entry.into_value().at(now));
            if let Some(wait) = known.and_then(|known| known.wait_left(now)) {
                refused = Some(wait);
                return Op::Nop;
            }
            let count = known
                .map_or(0, |known| known.count)
                .saturating_add(1)
                .min(FAILURES_MAX);
            Op::Put(Failures {
                count,
                last_at: now,
                has_waited: false,
            })
        });
        refused.map_or(Ok(()), Err)
    }

    /// The attempt did not fail, or was not made. It was let through, so that the next one needn't wait again: a right
    /// password whose second factor follows in a second attempt.
    pub(super) fn take_back(&self, key: K) {
        self.failures.entry(key).and_compute_with(|entry| {
            match entry.map(moka::Entry::into_value) {
                Some(known) if known.count > 1 => Op::Put(Failures {
                    count: known.count - 1,
                    has_waited: true,
                    ..known
                }),
                Some(_) => Op::Remove,
                None => Op::Nop,
            }
        });
    }

    /// How many keys are kept, as far as the cache has caught up with itself.
    pub(super) fn entries(&self) -> u64 {
        self.failures.entry_count()
    }

    /// Forgets all failures of the key.
    pub(super) fn forget(&self, key: &K) {
        self.failures.invalidate(key);
    }
}

impl Failures {
    /// What is left of them at `now`.
    fn at(self, now: OffsetDateTime) -> Self {
        let elapsed = (now - self.last_at).whole_seconds().max(0);
        let period = i64::try_from(FORGIVEN_AFTER.as_secs()).unwrap_or(i64::MAX);
        let forgiven = u32::try_from(elapsed / period).unwrap_or(u32::MAX);
        Self {
            count: self.count.saturating_sub(forgiven),
            ..self
        }
    }

    /// The rest of the wait, if there is one. A clock that was set back doesn't make it longer than the whole.
    fn wait_left(self, now: OffsetDateTime) -> Option<Duration> {
        if self.has_waited {
            return None;
        }
        let whole = wait_after(self.count);
        let elapsed =
            Duration::try_from((now - self.last_at).max(time::Duration::ZERO)).unwrap_or_default();
        whole.checked_sub(elapsed).filter(|left| !left.is_zero())
    }
}

fn wait_after(failures: u32) -> Duration {
    match failures.checked_sub(FREE_FAILURES) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_WAIT
            .saturating_mul(2_u32.saturating_pow(doublings))
            .min(WAIT_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;

    fn seconds(number: i64) -> time::Duration {
        time::Duration::seconds(number)
    }

    fn fail(backoff: &Backoff<&'static str>, times: u32, at: OffsetDateTime) {
        for _ in 0..times {
            assert_eq!(backoff.begin("a", at), Ok(()));
        }
    }

    #[test]
    fn five_failures_are_free_and_then_the_wait_doubles_up_to_15_minutes() {
        let waits: Vec<u64> = (0..=20)
            .map(|failures| wait_after(failures).as_secs())
            .collect();
        assert_eq!(
            waits,
            [
                0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900, 900
            ]
        );
    }

    #[test]
    fn the_sixth_attempt_waits_and_another_key_does_not() {
        let (backoff, now) = (Backoff::new(), Clock::new().now());
        fail(&backoff, 5, now);
        assert_eq!(backoff.begin("a", now), Err(Duration::from_secs(1)));
        assert_eq!(backoff.begin("b", now), Ok(()));
        assert_eq!(backoff.begin("a", now + seconds(1)), Ok(()));
        assert_eq!(
            backoff.begin("a", now + seconds(2)),
            Err(Duration::from_secs(1))
        );
        assert_eq!(backoff.begin("a", now + seconds(3)), Ok(()));
    }

    #[test]
    fn attempts_during_the_wait_do_not_make_it_longer() {
        let (backoff, now) = (Backoff::new(), Clock::new().now());
        fail(&backoff, 5, now);
        for _ in 0..100 {
            assert!(backoff.begin("a", now).is_err());
        }
        assert_eq!(backoff.begin("a", now + seconds(1)), Ok(()));
    }

    #[test]
    fn success_forgets_and_an_attempt_not_made_is_taken_back() {
        let (backoff, now) = (Backoff::new(), Clock::new().now());
        fail(&backoff, 5, now);
        backoff.forget(&"a");
        fail(&backoff, 5, now);
        backoff.take_back("a");
        assert_eq!(backoff.begin("a", now), Ok(()));
        assert!(backoff.begin("a", now).is_err());
        backoff.take_back("never seen");
    }

    #[test]
    fn an_attempt_taken_back_after_the_wait_is_followed_without_another_and_lowers_nothing() {
        let (backoff, now) = (Backoff::new(), Clock::new().now());
        fail(&backoff, 5, now);
        let later = now + seconds(1);
        for _ in 0..20 {
            assert_eq!(backoff.begin("a", later), Ok(()));
            backoff.take_back("a");
        }
        assert_eq!(backoff.begin("a", later), Ok(()));
        assert_eq!(backoff.begin("a", later), Err(Duration::from_secs(2)));
    }

    #[test]
    fn a_patient_guesser_gets_one_attempt_in_15_minutes() {
        let backoff = Backoff::new();
        let begin = Clock::new().now();
        let (mut now, mut attempts) = (begin, 0);
        while now - begin < seconds(86_400) {
            match backoff.begin("a", now) {
                Ok(()) => attempts += 1,
                Err(wait) => now += wait,
            }
        }
        assert!(attempts < 15 + 2 * 96, "{attempts}");
    }

    #[test]
    fn failures_are_forgiven_one_by_one() {
        let (backoff, now) = (Backoff::new(), Clock::new().now());
        fail(&backoff, 5, now);
        let later = now + seconds(2 * 900);
        fail(&backoff, 2, later);
        assert!(backoff.begin("a", later).is_err());
        let much_later = later + seconds(5 * 900);
        fail(&backoff, 5, much_later);
        assert!(backoff.begin("a", much_later).is_err());
    }

    #[test]
    fn of_many_attempts_at_once_five_get_through() {
        let (backoff, now) = (Backoff::new(), Clock::new().now());
        let through: usize = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| (0..50).filter(|_| backoff.begin("a", now).is_ok()).count())
                })
                .collect();
            tries.into_iter().map(|tried| tried.join().unwrap()).sum()
        });
        assert_eq!(through, 5);
    }
}
