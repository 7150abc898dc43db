//! Figures of the moderators' work: decisions by day, and how long comments waited. Must not know HTTP or SQL.
//!
//! A decision is a moderator's change of a comment's state to another open one; edits, deletions and what rules or authors
//! do don't count. A wait is the time from a comment's submission to the first decision that a moderator takes on it, where
//! it was pending then; it belongs to the day (UTC) of that decision. The median is the lower middle one.

use std::collections::BTreeMap;

use time::{Date, OffsetDateTime};

use crate::base::ids::{CommentId, ModeratorId, SiteId};
use crate::comments::model::{Actor, Status};

/// A decision as figures are made of it.
#[derive(Debug, Clone, Copy)]
pub struct DecisionLine {
    /// When.
    pub at: OffsetDateTime,
    /// The site of the comment.
    pub site_id: SiteId,
    /// Who.
    pub moderator_id: ModeratorId,
    /// The state that the comment got.
    pub to: Status,
    /// How long the comment had waited, if this was its first decision.
    pub wait_seconds: Option<i32>,
}

/// Where a walk through the lines of the history, back in time, goes on.
#[derive(Debug, Clone, Copy)]
pub struct HistoryPlace {
    /// The line's time.
    pub at: OffsetDateTime,
    /// Its comment.
    pub comment_id: CommentId,
    /// Its version.
    pub version: i32,
}

/// How many comments waited how many seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waits(BTreeMap<i32, u64>);

impl Waits {
    /// Adds waits of the same length.
    pub fn add(&mut self, seconds: i32, number: u64) {
        *self.0.entry(seconds).or_default() += number;
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        for (seconds, number) in &other.0 {
            self.add(*seconds, *number);
        }
    }

    /// How many there are.
    pub fn number(&self) -> u64 {
        self.0.values().sum()
    }

    /// The lower middle one: the shortest such that at least half of all are no longer.
    pub fn median(&self) -> Option<i32> {
        let all = self.number();
        let mut passed = 0;
        self.0.iter().find_map(|(seconds, number)| {
            passed += number;
            (passed * 2 >= all && all > 0).then_some(*seconds)
        })
    }
}

/// The figures of one finished day.
#[derive(Debug, Clone, Default)]
pub struct DayFigures {
    /// Decisions, by site, moderator and the state that the comment got.
    pub decisions: BTreeMap<(SiteId, ModeratorId, &'static str), i32>,
    /// Waits, by site.
    pub waits: BTreeMap<SiteId, Waits>,
}

impl DayFigures {
    /// Counts one decision.
    pub fn add(&mut self, line: &DecisionLine) {
        let key = (line.site_id, line.moderator_id, line.to.as_str());
        *self.decisions.entry(key).or_default() += 1;
        if let Some(seconds) = line.wait_seconds {
            self.waits.entry(line.site_id).or_default().add(seconds, 1);
        }
    }
}

/// How many there are, exact up to a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CappedCount {
    /// So many.
    Exactly(i32),
    /// More than [`COUNT_EXACT_MAX`].
    More,
}

/// Counts by state are exact up to this, because more aren't gone over.
pub const COUNT_EXACT_MAX: i32 = 10_000;

impl CappedCount {
    /// Of a number that was counted up to one more than the bound.
    pub fn of(counted: i64) -> Self {
        match i32::try_from(counted) {
            Ok(number) if number <= COUNT_EXACT_MAX => Self::Exactly(number),
            _ => Self::More,
        }
    }
}

/// The comment that waits longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldestPending {
    /// The comment.
    pub id: CommentId,
    /// Since when.
    pub submitted_at: OffsetDateTime,
}

/// What a moderator decided on a day.
#[derive(Debug, Clone)]
pub struct DayDecisions {
    /// The day (UTC).
    pub day: Date,
    /// Who.
    pub moderator: Actor,
    /// How many got which state.
    pub by_status: BTreeMap<&'static str, i64>,
}

/// How long the comments waited whose first decision was taken on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayWaits {
    /// The day (UTC).
    pub day: Date,
    /// How many there were.
    pub decided: u64,
    /// The median. Of several sites on a finished day: that of their medians, each with the weight of its number.
    pub median_seconds: i32,
}

/// The figures of the moderators' work.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Comments by state.
    pub counts: BTreeMap<&'static str, CappedCount>,
    /// What waits longest.
    pub oldest_pending: Option<OldestPending>,
    /// Decisions of the last 30 days, the latest day first.
    pub decisions: Vec<DayDecisions>,
    /// Waits of the last 30 days, the latest day first.
    pub waits: Vec<DayWaits>,
    /// The median of the days' medians of the last 7 days, each with the weight of its number.
    pub median_wait_seconds: Option<i32>,
    /// Whether all decisions since the last finished day were counted; else only the latest of them.
    pub complete: bool,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn waits(seconds: &[i32]) -> Waits {
        let mut waits = Waits::default();
        for seconds in seconds {
            waits.add(*seconds, 1);
        }
        waits
    }

    #[test]
    fn the_median_is_the_lower_middle_one() {
        for (seconds, median) in [
            (&[][..], None),
            (&[7], Some(7)),
            (&[9, 3], Some(3)),
            (&[1, 100, 2], Some(2)),
            (&[4, 3, 2, 1], Some(2)),
            (&[5, 5, 5, 1], Some(5)),
        ] {
            assert_eq!(waits(seconds).median(), median, "{seconds:?}");
        }
    }

    #[test]
    fn a_count_is_exact_up_to_its_bound() {
        assert_eq!(CappedCount::of(0), CappedCount::Exactly(0));
        assert_eq!(CappedCount::of(10_000), CappedCount::Exactly(10_000));
        assert_eq!(CappedCount::of(10_001), CappedCount::More);
    }

    proptest! {
        #[test]
        fn the_median_is_that_of_the_sorted_list(mut seconds in prop::collection::vec(0i32..50, 1..40)) {
            let found = waits(&seconds).median();
            seconds.sort_unstable();
            prop_assert_eq!(found, Some(seconds[(seconds.len() - 1) / 2]));
        }
    }
}
