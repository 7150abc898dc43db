//! All SQL of the reasons that a site gives for its decisions. Must not know what is decided.

use std::collections::HashMap;

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use crate::accounts::model::SiteScope;
use crate::base::ids::{ReasonId, SiteId};
use crate::base::paging::{Limit, TimeCursor};
use crate::base::text::ReasonText;
use crate::database;
use crate::sites::error::Error;
use crate::sites::model::{DEFAULT_REASONS, KnownReason, Reason, ReasonCode};

/// The most reasons of a site; more than a moderator chooses from, and each costs memory in every instance.
pub(in crate::sites) const REASONS_MAX: i64 = 100;
/// More than this aren't loaded, of all sites together.
const KNOWN_MAX: i64 = 200_000;
/// Sites that get their default reasons at one start; the next start goes on.
const FRESH_SITES_MAX: i64 = 10_000;

/// The reasons of all sites. One statement.
pub(in crate::sites) async fn load_known(
    connection: &mut PgConnection,
) -> Result<HashMap<SiteId, Vec<KnownReason>>, Error> {
    let rows = sqlx::query!(
        r#"
        select site_id as "site_id: SiteId", code, text
        from reasons
        order by site_id, code
        limit $1
        "#,
        KNOWN_MAX
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    let mut known: HashMap<SiteId, Vec<KnownReason>> = HashMap::new();
    for row in rows {
        known.entry(row.site_id).or_default().push(KnownReason {
            code: row.code,
            text: row.text,
        });
    }
    Ok(known)
}

/// Sites that have not had their default reasons yet. One statement.
pub(in crate::sites) async fn list_fresh_sites(
    connection: &mut PgConnection,
) -> Result<Vec<SiteId>, Error> {
    let sites = sqlx::query_scalar!(
        r#"
        select id as "id: SiteId"
        from sites
        where not reasons_made
        order by created_at, id
        limit $1
        "#,
        FRESH_SITES_MAX
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(sites)
}

/// Gives a site the reasons that every site begins with, once: those that are deleted later don't come back. Where
/// instances start at once, the second waits for the first and finds it done. One statement.
pub(in crate::sites) async fn make_defaults(
    connection: &mut PgConnection,
    site_id: SiteId,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let mut at = now;
    let mut ids = Vec::with_capacity(DEFAULT_REASONS.len());
    for _ in DEFAULT_REASONS {
        // Ids sort to the microsecond, and lists are in their order.
        ids.push(*ReasonId::new(at).as_uuid());
        at += Duration::MICROSECOND;
    }
    sqlx::query!(
        r#"
        with fresh as (
            update sites
            set reasons_made = true
            where id = $1 and not reasons_made
            returning id
        )
        insert into reasons (id, site_id, code, text, created_at)
        select d.id, f.id, d.code, d.text, $5
        from fresh f
        cross join unnest($2::uuid[], $3::text[], $4::text[]) as d (id, code, text)
        on conflict (site_id, code) do nothing
        "#,
        site_id.as_uuid(),
        &ids,
        &DEFAULT_REASONS.map(|reason| reason.code) as _,
        &DEFAULT_REASONS.map(|reason| reason.text) as _,
        now
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(())
}

/// Which reasons a list has.
#[derive(Debug, Clone)]
pub struct ReasonFilter {
    /// The slug of a site; all of the scope where it is missing.
    pub site: Option<String>,
    /// The last one of the page before.
    pub after: Option<TimeCursor>,
    /// How many.
    pub limit: Limit,
}

/// The reasons of a scope in the order in which they were made: up to [`Limit::rows`], one more than a page has. One
/// statement.
pub(in crate::sites) async fn list(
    connection: &mut PgConnection,
    scope: &SiteScope,
    filter: &ReasonFilter,
) -> Result<Vec<Reason>, Error> {
    let reasons = sqlx::query_as!(
        Reason,
        r#"
        select r.id as "id: ReasonId", r.site_id as "site_id: SiteId", s.slug as site, r.code, r.text, r.created_at
        from reasons r
        join sites s on s.id = r.site_id
        where ($1::uuid[] is null or r.site_id = any($1))
            and ($2::text is null or s.slug = $2)
            and ($3::uuid is null or r.id > $3)
        order by r.id
        limit $4
        "#,
        scope.uuids() as _,
        filter.site,
        filter.after.map(|after| after.id),
        filter.limit.rows()
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(reasons)
}

/// A reason of the scope. One statement.
pub(in crate::sites) async fn find(
    connection: &mut PgConnection,
    scope: &SiteScope,
    id: ReasonId,
) -> Result<Option<Reason>, Error> {
    let reason = sqlx::query_as!(
        Reason,
        r#"
        select r.id as "id: ReasonId", r.site_id as "site_id: SiteId", s.slug as site, r.code, r.text, r.created_at
        from reasons r
        join sites s on s.id = r.site_id
        where r.id = $1 and ($2::uuid[] is null or r.site_id = any($2))
        "#,
        id.as_uuid(),
        scope.uuids() as _
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(reason)
}

/// A reason to be made.
pub(in crate::sites) struct NewReason<'a> {
    pub(in crate::sites) id: ReasonId,
    pub(in crate::sites) site: SiteId,
    pub(in crate::sites) code: &'a ReasonCode,
    pub(in crate::sites) text: &'a ReasonText,
    pub(in crate::sites) created_at: OffsetDateTime,
}

/// Makes a reason. One statement.
pub(in crate::sites) async fn insert(
    connection: &mut PgConnection,
    new: &NewReason<'_>,
) -> Result<(), Error> {
    let row = sqlx::query!(
        r#"
        with there as (
            select count(*) as number, count(*) filter (where r.code = $3) as same
            from reasons r
            where r.site_id = $2
        ), made as (
            insert into reasons (id, site_id, code, text, created_at)
            select $1, $2, $3, $4, $5
            from there t
            where t.number < $6
            on conflict (site_id, code) do nothing
            returning id
        )
        select exists (select 1 from made) as "made!", t.same = 0 and t.number >= $6 as "full!"
        from there t
        "#,
        new.id.as_uuid(),
        new.site.as_uuid(),
        new.code.as_str(),
        new.text.as_str(),
        new.created_at,
        REASONS_MAX
    )
    .fetch_one(connection)
    .await
    .map_err(database::Error::from)?;
    match (row.made, row.full) {
        (true, _) => Ok(()),
        (false, true) => Err(Error::TooManyReasons),
        (false, false) => Err(Error::ReasonExists),
    }
}

/// Changes the text of a reason; says whether it was another one. One statement.
pub(in crate::sites) async fn change_text(
    connection: &mut PgConnection,
    id: ReasonId,
    text: &ReasonText,
) -> Result<bool, Error> {
    let changed = sqlx::query!(
        r#"
        update reasons
        set text = $2
        where id = $1 and text <> $2
        "#,
        id.as_uuid(),
        text.as_str()
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(changed.rows_affected() > 0)
}

/// Deletes a reason; says whether it was there. One statement.
pub(in crate::sites) async fn delete(
    connection: &mut PgConnection,
    id: ReasonId,
) -> Result<bool, Error> {
    let deleted = sqlx::query!(
        r#"
        delete from reasons
        where id = $1
        "#,
        id.as_uuid()
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(deleted.rows_affected() > 0)
}
