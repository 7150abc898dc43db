//! Every statement on figures: counts by state, the history's decisions, finished days. Must not know who may see them.
//!
//! What is looked up for each row goes through `lateral … limit 1` or a scalar subselect: written as joins, the planner
//! answers some of them on a large table by reading all of it.

use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::unknown;
use crate::accounts::model::SiteScope;
use crate::base::ids::{CommentId, ModeratorId, SiteId};
use crate::comments::model::{Actor, ActorKind, Status};
use crate::database::Error;
use crate::moderation::model::figures::{
    COUNT_EXACT_MAX, CappedCount, DayFigures, DecisionLine, HistoryPlace, OldestPending, Waits,
};

/// At most so many lines of decisions by day and moderator: 30 days of 100 moderators with four kinds of decisions each.
const DAY_DECISIONS_MAX: i64 = 12_000;
/// At most so many lines of waits by day and site: 30 days of 1,000 sites.
const DAY_WAITS_MAX: i64 = 30_000;

/// Of each site that isn't shown by its name so many waiting comments are counted.
const OTHERS_COUNTED_MAX: i64 = 100;

/// The site of this slug, if the scope has it. One statement.
pub(crate) async fn find_site(
    connection: &mut PgConnection,
    scope: &SiteScope,
    slug: &str,
) -> Result<Option<SiteId>, Error> {
    let id = sqlx::query_scalar!(
        r#"
        select s.id
        from sites s
        where s.slug = $1 and ($2::uuid[] is null or s.id = any($2))
        "#,
        slug,
        scope.uuids() as _,
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(SiteId::from_uuid))
}

/// How many comments of each state the scope has; goes over at most one more than [`COUNT_EXACT_MAX`] of each, in an index
/// alone. The order inside is the index's, and keeps the planner from counting in the table. One statement.
pub(crate) async fn count_by_status(
    connection: &mut PgConnection,
    scope: &SiteScope,
) -> Result<Vec<(Status, CappedCount)>, Error> {
    let words: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).collect();
    let rows = sqlx::query!(
        r#"
        with places as materialized (
            select s.id
            from sites s
            where $1::uuid[] is null or s.id = any($1)
        )
        select
            t.status as "status!",
            (
                select count(*)
                from (
                    select 1
                    from places l
                    cross join lateral (
                        select 1
                        from comments c
                        where c.site_id = l.id and c.status = t.status
                        order by c.submitted_at, c.id
                        limit $3
                    ) f
                    limit $3
                ) n
            ) as "number!"
        from unnest($2::text[]) as t (status)
        "#,
        scope.uuids() as _,
        &words as _,
        i64::from(COUNT_EXACT_MAX) + 1,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| Ok((status(&row.status)?, CappedCount::of(row.number))))
        .collect()
}

/// The queue of a site, or of all sites that aren't shown by their names.
#[derive(Debug, Clone)]
pub(crate) struct SiteQueue {
    /// None: the sum of the others.
    pub(crate) slug: Option<String>,
    /// Comments that wait, capped for each site.
    pub(crate) pending: i64,
    /// Since when the longest waiting one does.
    pub(crate) oldest_at: Option<OffsetDateTime>,
}

/// The queues of the sites that were made first, each counted up to [`COUNT_EXACT_MAX`], and of the others together, each
/// counted up to a hundred. Reads an index alone, in its order. One statement.
pub(crate) async fn count_queues(
    connection: &mut PgConnection,
    named_max: i64,
) -> Result<Vec<SiteQueue>, Error> {
    let rows = sqlx::query_as!(
        SiteQueue,
        r#"
        with places as materialized (
            select
                s.id,
                case when row_number() over (order by s.id) <= $1::bigint then s.slug end as slug
            from sites s
        )
        select
            l.slug,
            sum(n.number)::bigint as "pending!",
            min(o.submitted_at) as oldest_at
        from places l
        cross join lateral (
            select count(*) as number
            from (
                select 1
                from comments c
                where c.site_id = l.id and c.status = 'pending'
                order by c.submitted_at, c.id
                limit case when l.slug is null then $3::bigint else $2::bigint end
            ) f
        ) n
        left join lateral (
            select c.submitted_at
            from comments c
            where c.site_id = l.id and c.status = 'pending'
            order by c.submitted_at, c.id
            limit 1
        ) o on true
        group by l.slug
        limit $1::bigint + 1
        "#,
        named_max,
        i64::from(COUNT_EXACT_MAX),
        OTHERS_COUNTED_MAX,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

fn status(word: &str) -> Result<Status, Error> {
    Status::parse(word).ok_or_else(|| unknown("status"))
}

/// The comment of the scope that waits longest. One statement.
pub(crate) async fn find_oldest_pending(
    connection: &mut PgConnection,
    scope: &SiteScope,
) -> Result<Option<OldestPending>, Error> {
    let row = sqlx::query!(
        r#"
        select f.id, f.submitted_at
        from sites s
        cross join lateral (
            select c.id, c.submitted_at
            from comments c
            where c.site_id = s.id and c.status = 'pending'
            order by c.submitted_at, c.id
            limit 1
        ) f
        where $1::uuid[] is null or s.id = any($1)
        order by f.submitted_at, f.id
        limit 1
        "#,
        scope.uuids() as _,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| OldestPending {
        id: CommentId::from_uuid(row.id),
        submitted_at: row.submitted_at,
    }))
}

/// A stretch of the history, the latest line first.
#[derive(Debug)]
pub(crate) struct Stretch {
    /// The decisions in it.
    pub(crate) decisions: Vec<DecisionLine>,
    /// The last line that was looked at, if there may be more.
    pub(crate) rest: Option<HistoryPlace>,
}

/// What moderators decided from a time on and before a place, going back at most `number` lines. One statement.
pub(crate) async fn load_decisions(
    connection: &mut PgConnection,
    since: OffsetDateTime,
    before: HistoryPlace,
    number: i64,
) -> Result<Stretch, Error> {
    let rows = sqlx::query!(
        r#"
        with lines as materialized (
            select h.comment_id, h.version, h.at, h.actor_id, h.from_status, h.to_status
            from comment_history h
            where h.actor_kind = 'moderator'
                and h.from_status is not null
                and h.at >= $1
                and (h.at, h.comment_id, h.version) < ($2, $3, $4)
            order by h.at desc, h.comment_id desc, h.version desc
            limit $5
        )
        select
            l.comment_id, l.version, l.at, l.actor_id as "actor_id!", c.site_id, l.to_status,
            (l.from_status <> l.to_status and l.to_status <> 'deleted') as "is_decision!",
            case
                when l.from_status = 'pending' and (l.version = 2 or (
                    select 1
                    from comment_history e
                    where e.comment_id = l.comment_id
                        and e.version < l.version
                        and e.actor_kind = 'moderator'
                        and e.from_status <> e.to_status
                    limit 1
                ) is null)
                then least(greatest(floor(extract(epoch from l.at - c.submitted_at)), 0), 2147483647)::integer
            end as "wait_seconds?"
        from lines l
        cross join lateral (
            select c.site_id, c.submitted_at
            from comments c
            where c.id = l.comment_id
            limit 1
        ) c
        order by l.at desc, l.comment_id desc, l.version desc
        "#,
        since,
        before.at,
        before.comment_id.as_uuid(),
        before.version,
        number,
    )
    .fetch_all(connection)
    .await?;
    let full = i64::try_from(rows.len()).is_ok_and(|found| found >= number);
    let rest = rows.last().filter(|_| full).map(|row| HistoryPlace {
        at: row.at,
        comment_id: CommentId::from_uuid(row.comment_id),
        version: row.version,
    });
    let decisions = rows.into_iter().filter(|row| row.is_decision).map(|row| {
        Ok(DecisionLine {
            at: row.at,
            site_id: SiteId::from_uuid(row.site_id),
            moderator_id: ModeratorId::from_uuid(row.actor_id),
            to: status(&row.to_status)?,
            wait_seconds: row.wait_seconds,
        })
    });
    Ok(Stretch {
        decisions: decisions.collect::<Result<_, Error>>()?,
        rest,
    })
}

/// The last day whose figures are there. One statement.
pub(crate) async fn find_last_day(connection: &mut PgConnection) -> Result<Option<Date>, Error> {
    let day = sqlx::query_scalar!("select max(day) from daily_decisions")
        .fetch_one(connection)
        .await?;
    Ok(day)
}

/// The time of the first decision from a time on. One statement.
pub(crate) async fn find_first_decision(
    connection: &mut PgConnection,
    since: OffsetDateTime,
) -> Result<Option<OffsetDateTime>, Error> {
    let at = sqlx::query_scalar!(
        r#"
        select h.at
        from comment_history h
        where h.actor_kind = 'moderator'
            and h.from_status is not null
            and h.from_status <> h.to_status
            and h.to_status <> 'deleted'
            and h.at >= $1
        order by h.at
        limit 1
        "#,
        since,
    )
    .fetch_optional(connection)
    .await?;
    Ok(at)
}

/// Writes down the decisions of a finished day; the same again changes nothing. One statement.
pub(crate) async fn write_day_decisions(
    connection: &mut PgConnection,
    day: Date,
    figures: &DayFigures,
) -> Result<(), Error> {
    let keys = figures.decisions.keys();
    let sites: Vec<Uuid> = keys.clone().map(|(site, _, _)| *site.as_uuid()).collect();
    let moderators: Vec<Uuid> = keys.clone().map(|(_, by, _)| *by.as_uuid()).collect();
    let statuses: Vec<&str> = keys.map(|(_, _, status)| *status).collect();
    let numbers: Vec<i32> = figures.decisions.values().copied().collect();
    sqlx::query!(
        r#"
        insert into daily_decisions (day, site_id, moderator_id, to_status, decided)
        select $1, t.site, t.moderator, t.status, t.decided
        from unnest($2::uuid[], $3::uuid[], $4::text[], $5::integer[]) as t (site, moderator, status, decided)
        on conflict (day, site_id, moderator_id, to_status) do update set decided = excluded.decided
        "#,
        day,
        &sites,
        &moderators,
        &statuses as _,
        &numbers,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes down the waits of a finished day; the same again changes nothing. One statement.
pub(crate) async fn write_day_waits(
    connection: &mut PgConnection,
    day: Date,
    figures: &DayFigures,
) -> Result<(), Error> {
    let (mut sites, mut numbers, mut medians) = (Vec::new(), Vec::new(), Vec::new());
    for (site, waits) in &figures.waits {
        if let Some(median) = waits.median() {
            sites.push(*site.as_uuid());
            numbers.push(i32::try_from(waits.number()).unwrap_or(i32::MAX));
            medians.push(median);
        }
    }
    sqlx::query!(
        r#"
        insert into daily_waits (day, site_id, decided, median_seconds)
        select $1, t.site, t.decided, t.median
        from unnest($2::uuid[], $3::integer[], $4::integer[]) as t (site, decided, median)
        on conflict (day, site_id)
            do update set decided = excluded.decided, median_seconds = excluded.median_seconds
        "#,
        day,
        &sites,
        &numbers,
        &medians,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How many decisions of one kind a moderator took on a finished day, on all sites of the scope together.
#[derive(Debug)]
pub(crate) struct DayCount {
    /// The day.
    pub(crate) day: Date,
    /// Who.
    pub(crate) moderator_id: ModeratorId,
    /// The state that the comments got.
    pub(crate) to: Status,
    /// How many.
    pub(crate) decided: i64,
}

/// The decisions of the finished days from one on, at most [`DAY_DECISIONS_MAX`]. One statement.
pub(crate) async fn load_day_decisions(
    connection: &mut PgConnection,
    scope: &SiteScope,
    since: Date,
) -> Result<Vec<DayCount>, Error> {
    let rows = sqlx::query!(
        r#"
        select d.day, d.moderator_id, d.to_status, sum(d.decided) as "decided!"
        from daily_decisions d
        where d.day >= $1 and ($2::uuid[] is null or d.site_id = any($2))
        group by d.day, d.moderator_id, d.to_status
        order by d.day desc, d.moderator_id, d.to_status
        limit $3
        "#,
        since,
        scope.uuids() as _,
        DAY_DECISIONS_MAX,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(DayCount {
                day: row.day,
                moderator_id: ModeratorId::from_uuid(row.moderator_id),
                to: status(&row.to_status)?,
                decided: row.decided,
            })
        })
        .collect()
}

/// The waits of the finished days from one on, each site's median standing for all its waits of that day; at most
/// [`DAY_WAITS_MAX`] of them. One statement.
pub(crate) async fn load_day_waits(
    connection: &mut PgConnection,
    scope: &SiteScope,
    since: Date,
) -> Result<Vec<(Date, Waits)>, Error> {
    let rows = sqlx::query!(
        r#"
        select w.day, w.decided, w.median_seconds
        from daily_waits w
        where w.day >= $1 and ($2::uuid[] is null or w.site_id = any($2))
        order by w.day desc, w.site_id
        limit $3
        "#,
        since,
        scope.uuids() as _,
        DAY_WAITS_MAX,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let mut waits = Waits::default();
            waits.add(row.median_seconds, u64::try_from(row.decided).unwrap_or(0));
            (row.day, waits)
        })
        .collect())
}

/// Moderators with their names. One statement.
pub(crate) async fn load_names(
    connection: &mut PgConnection,
    moderators: &[ModeratorId],
) -> Result<Vec<Actor>, Error> {
    let ids: Vec<Uuid> = moderators.iter().map(|id| *id.as_uuid()).collect();
    let rows = sqlx::query!(
        "select m.id, m.name from moderators m where m.id = any($1) limit $2",
        &ids,
        i64::try_from(ids.len()).unwrap_or(i64::MAX),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Actor {
            kind: ActorKind::Moderator,
            id: Some(ModeratorId::from_uuid(row.id)),
            name: Some(row.name),
        })
        .collect())
}
