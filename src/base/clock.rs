//! The only source of the current time, and how times are written. Must not know who asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::{Duration, OffsetDateTime, UtcOffset};

/// Tells the time; cheap to clone. Tests hold one that they can move, so that nothing has to wait.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// How far this clock (and every clone of it) runs ahead, in microseconds; none for the real one.
    ahead_micros: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The real clock.
    pub fn new() -> Self {
        Self::default()
    }

    /// A clock that starts with the real time, runs on with it, and can be moved by [`Clock::advance`].
    ///
    /// It isn't frozen: what happens one after the other stays one after the other.
    pub fn movable() -> Self {
        Self {
            ahead_micros: Some(Arc::default()),
        }
    }

    /// Moves this clock and all its clones on (back, where `by` is negative). The real clock stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Some(ahead) = &self.ahead_micros {
            let micros = i64::try_from(by.whole_microseconds()).unwrap_or(i64::MAX);
            ahead.fetch_add(micros, Ordering::SeqCst);
        }
    }

    /// The current time in UTC, cut to microseconds: what Postgres keeps, so that a stored time equals the one in hand.
    pub fn now(&self) -> OffsetDateTime {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that reads the time"
        )]
        let real = OffsetDateTime::now_utc();
        let ahead = self
            .ahead_micros
            .as_ref()
            .map_or(0, |ahead| ahead.load(Ordering::SeqCst));
        truncate(real.saturating_add(Duration::microseconds(ahead)))
    }
}

/// The same instant in UTC without what is below a microsecond.
pub fn truncate(at: OffsetDateTime) -> OffsetDateTime {
    let utc = at.to_offset(UtcOffset::UTC);
    let below = i64::from(utc.nanosecond() % 1_000);
    utc.saturating_sub(Duration::nanoseconds(below))
}

/// Writes a time as RFC 3339 in UTC with six digits of a second, for instance `2026-11-24T16:27:18.000000Z`.
///
/// Always `Z` and always the same width, so that equal times are equal texts and texts sort as times do.
pub fn to_rfc3339(at: OffsetDateTime) -> String {
    let utc = at.to_offset(UtcOffset::UTC);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
        utc.year(),
        u8::from(utc.month()),
        utc.day(),
        utc.hour(),
        utc.minute(),
        utc.second(),
        utc.microsecond(),
    )
}

/// For `#[serde(with = "crate::base::clock::rfc3339")]`: written by [`to_rfc3339`], read with any offset.
pub mod rfc3339 {
    use serde::{Deserializer, Serializer};
    use time::OffsetDateTime;

    /// Writes the time in UTC.
    pub fn serialize<S: Serializer>(at: &OffsetDateTime, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::to_rfc3339(*at))
    }

    /// Reads RFC 3339 with any offset; the result is in UTC, cut to microseconds.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<OffsetDateTime, D::Error> {
        time::serde::rfc3339::deserialize(from).map(super::truncate)
    }

    /// The same for `Option<OffsetDateTime>`; add `#[serde(default)]` where the field may be missing.
    pub mod option {
        use serde::{Deserializer, Serializer};
        use time::OffsetDateTime;

        /// Writes the time in UTC, or null.
        pub fn serialize<S: Serializer>(
            at: &Option<OffsetDateTime>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => super::serialize(at, to),
                None => to.serialize_none(),
            }
        }

        /// Reads RFC 3339 with any offset, or null.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<OffsetDateTime>, D::Error> {
            let at = time::serde::rfc3339::option::deserialize(from)?;
            Ok(at.map(crate::base::clock::truncate))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};
    use time::macros::datetime;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Times {
        #[serde(with = "rfc3339")]
        at: OffsetDateTime,
        #[serde(default, with = "rfc3339::option")]
        until: Option<OffsetDateTime>,
    }

    #[test]
    fn a_movable_clock_moves_with_all_its_clones() {
        let clock = Clock::movable();
        let other = clock.clone();
        let before = other.now();

        clock.advance(Duration::days(31));
        let after = other.now();
        assert!(after - before >= Duration::days(31));
        assert!(after - before < Duration::days(32));

        clock.advance(Duration::days(-31));
        assert!(other.now() - before < Duration::days(1));
    }

    #[test]
    fn the_real_clock_cannot_be_moved() {
        let clock = Clock::new();
        clock.advance(Duration::days(1_000));
        assert!(clock.now() - Clock::new().now() < Duration::days(1));
    }

    #[test]
    fn moving_too_far_is_not_a_panic() {
        let clock = Clock::movable();
        clock.advance(Duration::MAX);
        clock.now();
    }

    #[test]
    fn now_is_utc_in_whole_microseconds() {
        let now = Clock::new().now();
        assert_eq!(now.offset(), UtcOffset::UTC);
        assert_eq!(now.nanosecond() % 1_000, 0);
    }

    #[test]
    fn times_are_written_in_utc_with_z() {
        let table = [
            (
                datetime!(2026-11-24 16:27:18 UTC),
                "2026-11-24T16:27:18.000000Z",
            ),
            (
                datetime!(2026-11-24 16:27:18.5 UTC),
                "2026-11-24T16:27:18.500000Z",
            ),
            (
                datetime!(2026-11-24 00:30:00 +01:00),
                "2026-11-23T23:30:00.000000Z",
            ),
            (
                datetime!(1999-12-31 23:59:59.123456789 UTC),
                "1999-12-31T23:59:59.123456Z",
            ),
        ];
        for (at, text) in table {
            assert_eq!(to_rfc3339(at), text);
        }
    }

    #[test]
    fn json_takes_any_offset_and_gives_z() {
        let times: Times =
            serde_json::from_str(r#"{"at": "2026-11-24T17:27:18.1234567+01:00"}"#).unwrap();
        assert_eq!(times.at, datetime!(2026-11-24 16:27:18.123456 UTC));
        assert_eq!(times.until, None);
        assert_eq!(
            serde_json::to_string(&times).unwrap(),
            r#"{"at":"2026-11-24T16:27:18.123456Z","until":null}"#
        );
        assert!(serde_json::from_str::<Times>(r#"{"at": "2026-11-24"}"#).is_err());
        assert!(serde_json::from_str::<Times>(r#"{"at": 5}"#).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(micros in 0i64..253_402_300_799_999_999) {
            let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).unwrap();
            let times = Times { at, until: Some(at) };
            let text = serde_json::to_string(&times).unwrap();
            prop_assert_eq!(serde_json::from_str::<Times>(&text).unwrap(), times);
        }
    }
}
