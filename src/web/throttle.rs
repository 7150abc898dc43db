//! Rate limits by key, in each instance for itself (GCRA, by the crate governor). Must not know what is limited.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::settings::RateLimit;

/// A limit: so many a minute, so many at once.
pub struct Throttle<K: Hash + Eq + Clone> {
    name: &'static str,
    limiter: Option<RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock>>,
}

/// Keys kept before the idle ones are dropped.
const KEYS_KEPT_MAX: usize = 100_000;

impl<K: Hash + Eq + Clone> Throttle<K> {
    /// A limit of `per_minute` with bursts of `burst`. By the name its refusals are counted.
    pub fn new(
        name: &'static str,
        limiting: RateLimit,
        per_minute: NonZeroU32,
        burst: NonZeroU32,
    ) -> Self {
        let quota = Quota::per_minute(per_minute).allow_burst(burst);
        Self {
            name,
            limiter: (limiting == RateLimit::On).then(|| RateLimiter::keyed(quota)),
        }
    }

    /// Takes one from the key's allowance; the error says how long to wait.
    pub fn take(&self, key: &K) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        if limiter.len() > KEYS_KEPT_MAX {
            limiter.retain_recent();
        }
        limiter.check_key(key).map_err(|refused| {
            metrics::counter!("rejoinder_limits_reached_total", "limit" => self.name).increment(1);
            refused.wait_time_from(DefaultClock::default().now())
        })
    }

    /// Forgets keys whose allowance is whole again; called now and then so that memory stays flat.
    pub fn forget_idle(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}
