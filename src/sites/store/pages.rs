//! The statements on pages as those who run their site see and change them. Must not know who may, nor what a comment is.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::base::ids::{PageId, SiteId};
use crate::base::paging::Limit;
use crate::base::text::{PageKey, Title};
use crate::database;
use crate::sites::error::{Error, PageTaken};
use crate::sites::model::pages::{ChangedFields, NewPage, PageDetails, PageName, WordpressId};

/// More addresses of one page aren't shown.
const ALIASES_SHOWN: i64 = 100;

/// The ids of pages of these sites (none: all), the newest first: up to [`Limit::rows`], one more than a page of the list
/// has. One statement: the first of each site by the index `pages_site`, merged.
pub(in crate::sites) async fn list_pages(
    connection: &mut PgConnection,
    sites: Option<&[Uuid]>,
    before: Option<PageId>,
    limit: Limit,
) -> Result<Vec<PageId>, Error> {
    let before = before.map_or(Uuid::max(), |before| *before.as_uuid());
    let ids = sqlx::query_scalar!(
        r#"
        select f.id as "id: PageId"
        from sites s
        cross join lateral (
            select p.id
            from pages p
            where p.site_id = s.id and p.id < $2
            order by p.id desc
            limit $3
        ) f
        where $1::uuid[] is null or s.id = any($1)
        order by f.id desc
        limit $3
        "#,
        sites,
        before,
        limit.rows(),
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(ids)
}

/// The ids of the pages of this name, at most one in each of these sites (none: all), the newest first: up to
/// [`Limit::rows`] after `before`. The name of a page that was merged leads to the one that it was merged into. One
/// statement.
pub(in crate::sites) async fn look_up_pages(
    connection: &mut PgConnection,
    sites: Option<&[Uuid]>,
    name: &PageName,
    before: Option<PageId>,
    limit: Limit,
) -> Result<Vec<PageId>, Error> {
    let before = before.map_or(Uuid::max(), |before| *before.as_uuid());
    let (address, key, wordpress_id) = match name {
        PageName::Address(url) => (Some(url.key()), None, None),
        PageName::Key(key) => (None, Some(key.as_str()), None),
        PageName::Wordpress(id) => (None, None, Some(id.get())),
    };
    let ids = sqlx::query_scalar!(
        r#"
        select f.id as "id!: PageId"
        from sites s
        cross join lateral (
            select coalesce(p.merged_into, p.id) as id
            from pages p
            where p.site_id = s.id and (p.url_key = $2 or p.key = $3 or p.wordpress_id = $4)
            union
            select a.page_id
            from page_aliases a
            where a.site_id = s.id and a.url_key = $2
        ) f
        where ($1::uuid[] is null or s.id = any($1)) and f.id < $5
        order by f.id desc
        limit $6
        "#,
        sites,
        address,
        key,
        wordpress_id,
        before,
        limit.rows(),
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(ids)
}

/// These pages with their settings, the newest first. One statement.
pub(in crate::sites) async fn load_pages(
    connection: &mut PgConnection,
    ids: &[PageId],
) -> Result<Vec<PageDetails>, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| *id.as_uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select
            p.id as "id: PageId", p.site_id as "site_id: SiteId", s.slug as site, p.url, p.title, p.key, p.wordpress_id,
            p.comments_open, p.comment_count, p.published_at, p.first_comment_at, p.created_at,
            p.merged_into as "merged_into: PageId", s.close_after_days,
            array(
                select a.url
                from page_aliases a
                where a.page_id = p.id
                order by a.created_at, a.url_key
                limit $2
            ) as "aliases!"
        from pages p
        join sites s on s.id = p.site_id
        where p.id = any($1)
        order by p.id desc
        limit $3
        "#,
        &ids,
        ALIASES_SHOWN,
        i64::from(Limit::MAX) + 1,
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| PageDetails {
            id: row.id,
            site_id: row.site_id,
            site: row.site,
            url: row.url,
            title: row.title.map(Title::from_stored),
            key: row.key.map(PageKey::from_stored),
            wordpress_id: row.wordpress_id.and_then(WordpressId::new),
            comments_open: row.comments_open,
            comment_count: row.comment_count,
            published_at: row.published_at,
            first_comment_at: row.first_comment_at,
            created_at: row.created_at,
            close_after_days: row.close_after_days,
            aliases: row.aliases,
            merged_into: row.merged_into,
        })
        .collect())
}

/// Holds a page until the end of the transaction, so that nobody changes it between a look and a write. One statement.
pub(in crate::sites) async fn lock_page(
    connection: &mut PgConnection,
    id: PageId,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        select id
        from pages
        where id = $1
        for no key update
        "#,
        id.as_uuid()
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(())
}

/// Stores a new page, unless its address leads to another one already. One statement.
pub(in crate::sites) async fn insert_page(
    connection: &mut PgConnection,
    id: PageId,
    site: SiteId,
    page: &NewPage,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let inserted = sqlx::query!(
        r#"
        insert into pages (id, site_id, url, url_key, key, title, wordpress_id, published_at, comments_open, created_at)
        select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
        where not exists (select 1 from page_aliases a where a.site_id = $2 and a.url_key = $4)
        "#,
        id.as_uuid(),
        site.as_uuid(),
        page.url.as_str(),
        page.url.key(),
        page.key.as_ref().map(PageKey::as_str),
        page.title.as_ref().map(Title::as_str),
        page.wordpress_id.map(WordpressId::get),
        page.published_at,
        page.comments_open,
        now,
    )
    .execute(connection)
    .await
    .map_err(refused)?;
    if inserted.rows_affected() == 0 {
        return Err(Error::PageExists(PageTaken::Address));
    }
    Ok(())
}

/// Stores what has changed of a page. One statement.
pub(in crate::sites) async fn update_page(
    connection: &mut PgConnection,
    page: &PageDetails,
    changed: &ChangedFields,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        update pages
        set title = $2, key = $3, wordpress_id = $4, published_at = $5, comments_open = $6, version = version + $7
        where id = $1
        "#,
        page.id.as_uuid(),
        page.title.as_ref().map(Title::as_str),
        page.key.as_ref().map(PageKey::as_str),
        page.wordpress_id.map(WordpressId::get),
        page.published_at,
        page.comments_open,
        changed.version_step(),
    )
    .execute(connection)
    .await
    .map_err(refused)?;
    Ok(())
}

/// Deletes a page with the pages that were merged into it and their addresses; that none has comments, the references of
/// comments see to. Three statements, since each has to see what the one before it deleted.
pub(in crate::sites) async fn delete_page(
    connection: &mut PgConnection,
    page: &PageDetails,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        delete from page_aliases
        where page_id = $1
        "#,
        page.id.as_uuid()
    )
    .execute(&mut *connection)
    .await
    .map_err(refused)?;
    sqlx::query!(
        r#"
        delete from pages
        where site_id = $1 and merged_into = $2
        "#,
        page.site_id.as_uuid(),
        page.id.as_uuid()
    )
    .execute(&mut *connection)
    .await
    .map_err(refused)?;
    sqlx::query!(
        r#"
        delete from pages
        where id = $1
        "#,
        page.id.as_uuid()
    )
    .execute(connection)
    .await
    .map_err(refused)?;
    Ok(())
}

/// What a constraint's refusal means. The site may have been deleted a moment ago.
pub(in crate::sites) fn refused(error: sqlx::Error) -> Error {
    let error = database::Error::from(error);
    match error.constraint() {
        Some("pages_url_unique") => Error::PageExists(PageTaken::Address),
        Some("pages_key_unique") => Error::PageExists(PageTaken::Key),
        Some("pages_wordpress_id_unique") => Error::PageExists(PageTaken::WordpressId),
        Some("pages_site") => Error::NotOfTheSite,
        Some("comments_page") => Error::PageNotEmpty,
        _ => Error::Database(error),
    }
}
