//! The figures of the moderators' work, and the daily job that makes those of finished days. Must not know HTTP or SQL.
//!
//! Finished days are kept, since their history doesn't change; what has come since the last kept one is read from the
//! history, the latest lines of it. So an answer takes the same however much was ever decided.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use time::{Date, Duration, OffsetDateTime, Time, UtcOffset};
use uuid::Uuid;

use super::Moderation;
use crate::accounts::model::{Caller, SiteScope};
use crate::base::ids::{CommentId, ModeratorId};
use crate::comments::model::{Actor, ActorKind};
use crate::database::Lane;
use crate::jobs::model::Progress;
use crate::moderation::error::Error;
use crate::moderation::model::figures::{
    DayDecisions, DayFigures, DayWaits, HistoryPlace, Summary, Waits,
};
use crate::moderation::store::figures as store;

/// The job that makes the figures of finished days.
pub const DAILY_FIGURES: &str = "moderation.daily_figures";

/// The summary goes back so many days, today included.
const DAYS: i64 = 30;
/// The median goes back so many days, today included.
const MEDIAN_DAYS: i64 = 7;
/// Of what has come since the last finished day so many lines are read.
const FRESH_LINES_MAX: i64 = 10_000;
/// So many lines of the history are read at once for a finished day.
const LINES_AT_ONCE: i64 = 5_000;
/// A day is finished so long after its end: clocks differ, and what was decided at its very end is still being written.
const SETTLED_AFTER: Duration = Duration::minutes(5);

/// Decisions and waits while they are put together.
#[derive(Default)]
struct Tally {
    decisions: BTreeMap<(Date, ModeratorId), BTreeMap<&'static str, i64>>,
    waits: BTreeMap<Date, Waits>,
    complete: bool,
}

impl Moderation {
    /// The figures of the caller's sites, or of one of them. Up to nine round trips, each bounded.
    pub async fn summary(&self, caller: &Caller, site: Option<&str>) -> Result<Summary, Error> {
        let today = day_of(self.clock.now());
        let run = async |connection: &mut PgConnection| {
            let scope = match site {
                None => caller.sites.clone(),
                Some(slug) => {
                    let found = store::find_site(connection, &caller.sites, slug).await?;
                    SiteScope::Only(vec![found.ok_or(Error::UnknownSite)?])
                }
            };
            let counts = store::count_by_status(connection, &scope).await?;
            let oldest_pending = store::find_oldest_pending(connection, &scope).await?;
            let tally = tally(connection, &scope, today).await?;
            let median_from = today.saturating_sub(Duration::days(MEDIAN_DAYS - 1));
            let mut median = Waits::default();
            for (_, waits) in tally.waits.range(median_from..) {
                median.merge(waits);
            }
            Ok(Summary {
                counts: counts
                    .into_iter()
                    .map(|(status, count)| (status.as_str(), count))
                    .collect(),
                oldest_pending,
                median_wait_seconds: median.median(),
                waits: day_waits(&tally.waits),
                complete: tally.complete,
                decisions: named(connection, tally.decisions).await?,
            })
        };
        self.database.run(Lane::Moderators, run).await
    }

    /// Makes the figures of the next finished day that has none; for the job. A round trip for each 5,000 lines of the
    /// day's history, and a transaction. Days that were missed come one after the other.
    pub async fn make_daily_figures(&self) -> Result<Progress, Error> {
        let settled = self.clock.now().saturating_sub(SETTLED_AFTER);
        let run = async |connection: &mut PgConnection| {
            let last = store::find_last_day(connection).await?;
            let since = last.map_or(OffsetDateTime::UNIX_EPOCH, end_of);
            Ok::<_, Error>(store::find_first_decision(connection, since).await?)
        };
        let next = self.database.run(Lane::Moderators, run).await?.map(day_of);
        let Some(day) = next.filter(|day| end_of(*day) <= settled) else {
            return Ok(Progress::Done);
        };
        let figures = self.figures_of(day).await?;
        let work = async |connection: &mut PgConnection| {
            store::write_day_decisions(connection, day, &figures).await?;
            Ok::<_, Error>(store::write_day_waits(connection, day, &figures).await?)
        };
        self.database.transact(Lane::Moderators, work).await?;
        Ok(Progress::More)
    }

    /// Reads a finished day's history, which doesn't change any more, so that it needn't be one statement.
    async fn figures_of(&self, day: Date) -> Result<DayFigures, Error> {
        let mut figures = DayFigures::default();
        let mut rest = Some(before(end_of(day)));
        while let Some(place) = rest {
            let run = async |connection: &mut PgConnection| {
                let since = day.with_time(Time::MIDNIGHT).assume_utc();
                let found = store::load_decisions(connection, since, place, LINES_AT_ONCE).await?;
                Ok::<_, Error>(found)
            };
            let stretch = self.database.run(Lane::Moderators, run).await?;
            stretch.decisions.iter().for_each(|line| figures.add(line));
            rest = stretch.rest;
        }
        Ok(figures)
    }
}

/// The day in UTC.
fn day_of(at: OffsetDateTime) -> Date {
    at.to_offset(UtcOffset::UTC).date()
}

/// When a day is over.
fn end_of(day: Date) -> OffsetDateTime {
    day.saturating_add(Duration::days(1))
        .with_time(Time::MIDNIGHT)
        .assume_utc()
}

/// The place in the history that everything earlier comes before.
fn before(at: OffsetDateTime) -> HistoryPlace {
    HistoryPlace {
        at,
        comment_id: CommentId::from_uuid(Uuid::nil()),
        version: 0,
    }
}

/// Kept days and what has come since, together.
async fn tally(
    connection: &mut PgConnection,
    scope: &SiteScope,
    today: Date,
) -> Result<Tally, Error> {
    let first = today.saturating_sub(Duration::days(DAYS - 1));
    let mut tally = Tally::default();
    for count in store::load_day_decisions(connection, scope, first).await? {
        let key = (count.day, count.moderator_id);
        let by_status = tally.decisions.entry(key).or_default();
        *by_status.entry(count.to.as_str()).or_default() += count.decided;
    }
    for (day, waits) in store::load_day_waits(connection, scope, first).await? {
        tally.waits.entry(day).or_default().merge(&waits);
    }
    let first = first.with_time(Time::MIDNIGHT).assume_utc();
    let last = store::find_last_day(connection).await?;
    let since = last.map_or(first, |day| end_of(day).max(first));
    let latest = before(end_of(today.saturating_add(Duration::days(1))));
    let fresh = store::load_decisions(connection, since, latest, FRESH_LINES_MAX).await?;
    tally.complete = fresh.rest.is_none();
    let own = fresh
        .decisions
        .iter()
        .filter(|line| scope.holds(line.site_id));
    for line in own {
        let day = day_of(line.at);
        let by_status = tally.decisions.entry((day, line.moderator_id)).or_default();
        *by_status.entry(line.to.as_str()).or_default() += 1;
        if let Some(seconds) = line.wait_seconds {
            tally.waits.entry(day).or_default().add(seconds, 1);
        }
    }
    Ok(tally)
}

/// The latest day first.
fn day_waits(waits: &BTreeMap<Date, Waits>) -> Vec<DayWaits> {
    waits
        .iter()
        .rev()
        .filter_map(|(day, waits)| {
            Some(DayWaits {
                day: *day,
                decided: waits.number(),
                median_seconds: waits.median()?,
            })
        })
        .collect()
}

/// The latest day first; a day's moderators in the order of their accounts.
async fn named(
    connection: &mut PgConnection,
    decisions: BTreeMap<(Date, ModeratorId), BTreeMap<&'static str, i64>>,
) -> Result<Vec<DayDecisions>, Error> {
    let ids: BTreeSet<ModeratorId> = decisions.keys().map(|(_, id)| *id).collect();
    let ids: Vec<ModeratorId> = ids.into_iter().collect();
    let names = if ids.is_empty() {
        Vec::new()
    } else {
        store::load_names(connection, &ids).await?
    };
    let names: BTreeMap<ModeratorId, Actor> = names
        .into_iter()
        .filter_map(|actor| Some((actor.id?, actor)))
        .collect();
    let mut lines: Vec<DayDecisions> = decisions
        .into_iter()
        .map(|((day, id), by_status)| DayDecisions {
            day,
            moderator: names.get(&id).cloned().unwrap_or(Actor {
                kind: ActorKind::Moderator,
                id: Some(id),
                name: None,
            }),
            by_status,
        })
        .collect();
    // Stable: within a day the accounts stay in their order.
    lines.sort_by_key(|line| std::cmp::Reverse(line.day));
    Ok(lines)
}
