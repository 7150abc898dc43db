//! The statements on sites as those who run them see and change them. Must not know who may.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::base::ids::SiteId;
use crate::base::page_url::Origin;
use crate::base::paging::Limit;
use crate::base::text::Name;
use crate::database;
use crate::sites::error::{Error, SiteTaken};
use crate::sites::model::settings::{AfterForm, Policy, SiteDetails, Slug};
use crate::sites::model::{Hold, NewPages};

/// The lock under which sites are written: whether an origin is free can't be seen from an index ("sites" in spirit, any
/// constant does).
const SITES_LOCK_KEY: i64 = 0x5265_6a73_6974_6573;

/// Which sites a list has.
pub(in crate::sites) struct SiteFilter {
    /// Only these; none: all.
    pub(in crate::sites) ids: Option<Vec<Uuid>>,
    /// The last one of the page before.
    pub(in crate::sites) after: Option<SiteId>,
    /// How many.
    pub(in crate::sites) limit: Limit,
}

struct SiteRow {
    id: Uuid,
    slug: String,
    name: String,
    origins: Vec<String>,
    hold: String,
    pages: String,
    max_links: i16,
    edit_window_minutes: i32,
    close_after_days: Option<i32>,
    ip_retention_days: i32,
    spam_retention_days: i32,
    after_form: String,
    created_at: OffsetDateTime,
}

impl SiteRow {
    fn into_details(self) -> Result<SiteDetails, Error> {
        let origins = self.origins.iter();
        Ok(SiteDetails {
            id: SiteId::from_uuid(self.id),
            slug: Slug::from_stored(self.slug),
            name: Name::from_stored(self.name),
            origins: origins
                .filter_map(|origin| Origin::parse(origin).ok())
                .collect(),
            policy: Policy {
                hold: Hold::parse(&self.hold).ok_or(Error::UnknownPolicy)?,
                pages: NewPages::parse(&self.pages).ok_or(Error::UnknownPolicy)?,
                max_links: self.max_links,
                edit_window_minutes: self.edit_window_minutes,
                close_after_days: self.close_after_days,
                ip_retention_days: self.ip_retention_days,
                spam_retention_days: self.spam_retention_days,
                after_form: AfterForm::parse(&self.after_form).ok_or(Error::UnknownPolicy)?,
            },
            created_at: self.created_at,
        })
    }
}

/// Sites in the order of their ids: up to [`Limit::rows`], one more than a page has. One statement.
pub(in crate::sites) async fn list_sites(
    connection: &mut PgConnection,
    filter: &SiteFilter,
) -> Result<Vec<SiteDetails>, Error> {
    let rows = sqlx::query_as!(
        SiteRow,
        r#"
        select id, slug, name, origins, hold, pages, max_links, edit_window_minutes, close_after_days, ip_retention_days,
            spam_retention_days, after_form, created_at
        from sites
        where ($1::uuid[] is null or id = any($1)) and ($2::uuid is null or id > $2)
        order by id
        limit $3
        "#,
        filter.ids.as_deref(),
        filter.after.as_ref().map(SiteId::as_uuid),
        filter.limit.rows(),
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    rows.into_iter().map(SiteRow::into_details).collect()
}

/// One site. One statement.
pub(in crate::sites) async fn find_site(
    connection: &mut PgConnection,
    id: SiteId,
) -> Result<Option<SiteDetails>, Error> {
    let row = sqlx::query_as!(
        SiteRow,
        r#"
        select id, slug, name, origins, hold, pages, max_links, edit_window_minutes, close_after_days, ip_retention_days,
            spam_retention_days, after_form, created_at
        from sites
        where id = $1
        "#,
        id.as_uuid()
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    row.map(SiteRow::into_details).transpose()
}

/// Lets one transaction after the other write sites, and so see what the ones before it wrote. One statement.
pub(in crate::sites) async fn lock_sites(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("select pg_advisory_xact_lock($1)", SITES_LOCK_KEY)
        .fetch_one(connection)
        .await
        .map_err(database::Error::from)?;
    Ok(())
}

/// What of this site another one has already; under [`lock_sites`]. One statement.
pub(in crate::sites) async fn find_taken(
    connection: &mut PgConnection,
    site: &SiteDetails,
) -> Result<Option<SiteTaken>, Error> {
    let origins = origin_texts(site);
    let has_slug = sqlx::query_scalar!(
        r#"
        select slug = $2 as "has_slug!"
        from sites
        where id <> $1 and (slug = $2 or origins && $3)
        order by slug = $2 desc
        limit 1
        "#,
        site.id.as_uuid(),
        site.slug.as_str(),
        &origins,
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(has_slug.map(|has_slug| {
        if has_slug {
            SiteTaken::Slug
        } else {
            SiteTaken::Origin
        }
    }))
}

/// Stores a new site. One statement.
pub(in crate::sites) async fn insert_site(
    connection: &mut PgConnection,
    site: &SiteDetails,
) -> Result<(), Error> {
    let policy = &site.policy;
    sqlx::query!(
        r#"
        insert into sites (
            id, slug, name, origins, hold, pages, max_links, edit_window_minutes, close_after_days, ip_retention_days,
            spam_retention_days, after_form, created_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        "#,
        site.id.as_uuid(),
        site.slug.as_str(),
        site.name.as_str(),
        &origin_texts(site),
        policy.hold.as_str(),
        policy.pages.as_str(),
        policy.max_links,
        policy.edit_window_minutes,
        policy.close_after_days,
        policy.ip_retention_days,
        policy.spam_retention_days,
        policy.after_form.as_str(),
        site.created_at,
    )
    .execute(connection)
    .await
    .map_err(refused)?;
    Ok(())
}

/// Stores what has changed of a site. One statement.
pub(in crate::sites) async fn update_site(
    connection: &mut PgConnection,
    site: &SiteDetails,
) -> Result<(), Error> {
    let policy = &site.policy;
    sqlx::query!(
        r#"
        update sites
        set slug = $2, name = $3, origins = $4, hold = $5, pages = $6, max_links = $7, edit_window_minutes = $8,
            close_after_days = $9, ip_retention_days = $10, spam_retention_days = $11, after_form = $12
        where id = $1
        "#,
        site.id.as_uuid(),
        site.slug.as_str(),
        site.name.as_str(),
        &origin_texts(site),
        policy.hold.as_str(),
        policy.pages.as_str(),
        policy.max_links,
        policy.edit_window_minutes,
        policy.close_after_days,
        policy.ip_retention_days,
        policy.spam_retention_days,
        policy.after_form.as_str(),
    )
    .execute(connection)
    .await
    .map_err(refused)?;
    Ok(())
}

/// Deletes a site that has no pages and isn't the last one; under [`lock_sites`]. One statement.
pub(in crate::sites) async fn delete_site(
    connection: &mut PgConnection,
    id: SiteId,
) -> Result<(), Error> {
    let deleted = sqlx::query!(
        r#"
        delete from sites
        where id = $1
            and exists (select 1 from sites other where other.id <> $1)
            and not exists (select 1 from pages where site_id = $1)
        "#,
        id.as_uuid()
    )
    .execute(connection)
    .await
    .map_err(refused)?;
    if deleted.rows_affected() == 0 {
        return Err(Error::SiteNotEmpty);
    }
    Ok(())
}

fn origin_texts(site: &SiteDetails) -> Vec<String> {
    let origins = site.origins.iter();
    origins.map(|origin| origin.as_str().to_owned()).collect()
}

/// The first site, made at a start without our lock, may have the slug; a page may have come in at the same time.
fn refused(error: sqlx::Error) -> Error {
    let error = database::Error::from(error);
    match error.constraint() {
        Some("sites_slug_unique") => Error::SiteExists(SiteTaken::Slug),
        Some(constraint) if constraint.ends_with("_site") => Error::SiteNotEmpty,
        _ => Error::Database(error),
    }
}
