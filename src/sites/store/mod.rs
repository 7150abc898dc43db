//! All SQL that writes sites, and their reads. Must not know what a comment is.

pub(in crate::sites) mod merge;
pub(in crate::sites) mod pages;
pub(in crate::sites) mod past;
pub(in crate::sites) mod reasons;
pub(in crate::sites) mod retention;
pub(in crate::sites) mod settings;
pub(in crate::sites) mod titles;

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use crate::base::ids::SiteId;
use crate::base::page_url::Origin;
use crate::database;
use crate::sites::error::Error;
use crate::sites::model::{Hold, NewPages, Site};

/// More sites than this aren't loaded; each costs memory in every instance.
const SITES_MAX: i64 = 10_000;

/// Every site, oldest first. One round trip.
pub(in crate::sites) async fn load_all(connection: &mut PgConnection) -> Result<Vec<Site>, Error> {
    let rows = sqlx::query!(
        r#"
        select id as "id: SiteId", slug, origins, hold, pages, edit_window_minutes, close_after_days
        from sites
        order by created_at, id
        limit $1
        "#,
        SITES_MAX
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    rows.into_iter()
        .map(|row| {
            Ok(Site {
                id: row.id,
                slug: row.slug,
                origins: row
                    .origins
                    .iter()
                    .filter_map(|origin| Origin::parse(origin).ok())
                    .collect(),
                hold: Hold::parse(&row.hold).ok_or(Error::UnknownPolicy)?,
                new_pages: NewPages::parse(&row.pages).ok_or(Error::UnknownPolicy)?,
                edit_window: Duration::minutes(row.edit_window_minutes.into()),
                close_after: row.close_after_days.map(|days| Duration::days(days.into())),
                // Other rows; see `reasons::load_known`.
                reasons: Vec::new(),
            })
        })
        .collect()
}

/// Makes the first site where there is none; gives it these origins where there are any. One round trip; instances that
/// start at once end with one site, since its slug is unique.
pub(in crate::sites) async fn set_up_first(
    connection: &mut PgConnection,
    origins: &[String],
    now: OffsetDateTime,
) -> Result<(), Error> {
    let id = SiteId::new(now);
    sqlx::query!(
        r#"
        with oldest as (
            select id
            from sites
            order by created_at, id
            limit 1
        ), made as (
            insert into sites (id, slug, name, origins, created_at)
            select $1, 'default', 'Default site', $2, $3
            where not exists (select 1 from oldest)
            on conflict (slug) do nothing
        )
        update sites
        set origins = $2
        from oldest
        where sites.id = oldest.id and cardinality($2::text[]) > 0 and sites.origins <> $2
        "#,
        id.as_uuid(),
        origins,
        now
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(())
}
