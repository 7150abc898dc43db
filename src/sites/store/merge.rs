//! The statements that make one page's addresses lead to another. Must not know what becomes of the comments.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::base::ids::{PageId, SiteId};
use crate::base::text::PageKey;
use crate::database;
use crate::sites::error::Error;
use crate::sites::model::pages::{PageDetails, WordpressId};
use crate::sites::store::pages::refused;

/// One merge after the other: the pages that were merged into a page move on with it, and are to be seen when it is
/// locked ("merges" in spirit, any constant does).
const MERGES_LOCK_KEY: i64 = 0x5265_6a6d_6572_6765;

/// Lets one transaction after the other merge pages. One statement.
pub(in crate::sites) async fn lock_merges(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("select pg_advisory_xact_lock($1)", MERGES_LOCK_KEY)
        .fetch_one(connection)
        .await
        .map_err(database::Error::from)?;
    Ok(())
}

/// Holds two pages, and those that were merged into the first, until the end of the transaction: in the order of their
/// ids, as all do who change counts. One statement.
///
/// Submissions go on meanwhile: the lock lets them share the page's row.
pub(in crate::sites) async fn lock_pages(
    connection: &mut PgConnection,
    source: PageId,
    target: PageId,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        select p.id
        from pages p
        where p.id = any($1)
            or p.id in (
                select m.id
                from page_aliases a
                join pages m on m.site_id = a.site_id and m.url_key = a.url_key
                where a.page_id = $2
            )
        order by p.id
        for no key update of p
        "#,
        &[*source.as_uuid(), *target.as_uuid()],
        source.as_uuid(),
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(())
}

/// Makes the source, with its further addresses, lead to the target. The target gets key and WordPress id where it has
/// none, and takes the earlier of both first comments as its beginning. Both versions rise. Five statements: a key has to
/// be free before another page gets it, and who was merged into the source goes on in one step.
pub(in crate::sites) async fn merge_pages(
    connection: &mut PgConnection,
    source: &PageDetails,
    target: &PageDetails,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let (source_id, target_id) = (source.id.as_uuid(), target.id.as_uuid());
    let given_key = source.key.as_ref().filter(|_| target.key.is_none());
    let given_wordpress_id = source
        .wordpress_id
        .filter(|_| target.wordpress_id.is_none());
    sqlx::query!(
        r#"
        update pages
        set merged_into = $2,
            key = case when $3 then null else key end,
            wordpress_id = case when $4 then null else wordpress_id end,
            version = version + 1
        where id = $1
        "#,
        source_id,
        target_id,
        given_key.is_some(),
        given_wordpress_id.is_some(),
    )
    .execute(&mut *connection)
    .await
    .map_err(refused)?;
    sqlx::query!(
        r#"
        update pages
        set key = coalesce(key, $2),
            wordpress_id = coalesce(wordpress_id, $3),
            first_comment_at = least(first_comment_at, $4),
            version = version + 1
        where id = $1
        "#,
        target_id,
        given_key.map(PageKey::as_str),
        given_wordpress_id.map(WordpressId::get),
        source.first_comment_at,
    )
    .execute(&mut *connection)
    .await
    .map_err(refused)?;
    lead_on(connection, source.site_id, source.id, target.id, now).await
}

/// The addresses of the first page, and what led to it, lead to the second. Three statements.
async fn lead_on(
    connection: &mut PgConnection,
    site: SiteId,
    source: PageId,
    target: PageId,
    now: OffsetDateTime,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        update pages p
        set merged_into = $2
        from page_aliases a
        where a.page_id = $1 and p.site_id = a.site_id and p.url_key = a.url_key and p.merged_into = $1
        "#,
        source.as_uuid(),
        target.as_uuid(),
    )
    .execute(&mut *connection)
    .await
    .map_err(refused)?;
    sqlx::query!(
        r#"
        update page_aliases
        set page_id = $2
        where page_id = $1
        "#,
        source.as_uuid(),
        target.as_uuid(),
    )
    .execute(&mut *connection)
    .await
    .map_err(refused)?;
    sqlx::query!(
        r#"
        insert into page_aliases (site_id, url_key, url, page_id, created_at)
        select p.site_id, p.url_key, p.url, $3, $4
        from pages p
        where p.id = $2 and p.site_id = $1
        "#,
        site.as_uuid(),
        source.as_uuid(),
        target.as_uuid(),
        now,
    )
    .execute(connection)
    .await
    .map_err(refused)?;
    Ok(())
}
