//! The statements that move the comments of a merged page to the page that it was merged into. Must not know who merges,
//! nor what becomes of the addresses.
//!
//! What is moved is locked beforehand, comments and then both pages: see `locks.rs`.

use sqlx::PgConnection;
use uuid::Uuid;

use super::locks::lock_comments;
use crate::accounts::model::SiteScope;
use crate::base::ids::PageId;
use crate::database::Error;

/// What one part has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Comments that stand under the target now.
    pub comments: i64,
    /// How many were found under the old page; fewer than asked for means that these were all.
    pub found: i64,
    /// The page where they stand now; none where none were moved.
    pub target: Option<PageId>,
}

/// Waits until every submission that looked the page up before it was merged away is stored or has given up. Later ones
/// see the merge, so that what [`move_comments`] doesn't find afterwards isn't there. One statement; the lock goes at its
/// end, outside of a transaction.
///
/// The merge itself can't wait for them: under a busy page there is always one, and a lock that others may share is
/// never free.
pub async fn await_submissions(
    connection: &mut PgConnection,
    merged_page: PageId,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        select id
        from pages
        where id = $1
        for update
        "#,
        merged_page.as_uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(())
}

/// Moves up to `limit` comments of a page to the one that it was merged into, whatever their state, with both pages'
/// counts and versions, so that each count equals a recount at any time. Comment, version and history stay as they are.
/// Four statements, one where none are found; for a transaction.
///
/// Moves none where the page isn't merged, or its target has just been merged on: the next call sees that.
pub async fn move_comments(
    connection: &mut PgConnection,
    merged_page: PageId,
    limit: i64,
) -> Result<Moved, Error> {
    let chosen = choose(connection, merged_page, limit).await?;
    if chosen.is_empty() {
        return Ok(Moved {
            comments: 0,
            found: 0,
            target: None,
        });
    }
    lock_comments(connection, &SiteScope::All, &chosen).await?;
    let target = lock_both(connection, merged_page).await?;
    let comments = match target {
        Some(target) => move_locked(connection, &chosen, merged_page, target).await?,
        None => 0,
    };
    Ok(Moved {
        comments,
        found: i64::try_from(chosen.len()).unwrap_or(i64::MAX),
        target: target.filter(|_| comments > 0),
    })
}

/// The page's next comments, by an index: to lock in the order of ids straight from the page would sort all of it.
async fn choose(
    connection: &mut PgConnection,
    page: PageId,
    limit: i64,
) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        r#"
        select id
        from comments
        where page_id = $1
        order by status, submitted_at, id
        limit $2
        "#,
        page.as_uuid(),
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(ids)
}

/// Locks a merged page and the one that it was merged into, and says which this is; none where it was merged on.
async fn lock_both(
    connection: &mut PgConnection,
    merged_page: PageId,
) -> Result<Option<PageId>, Error> {
    let locked = sqlx::query!(
        r#"
        select id as "id: PageId", merged_into as "merged_into: PageId"
        from pages
        where id in (select $1 union all select m.merged_into from pages m where m.id = $1)
        order by id
        for no key update
        "#,
        merged_page.as_uuid()
    )
    .fetch_all(connection)
    .await?;
    let into = locked
        .iter()
        .find(|page| page.id == merged_page)
        .and_then(|page| page.merged_into);
    let target = locked
        .iter()
        .find(|page| Some(page.id) == into && page.merged_into.is_none());
    Ok(target.map(|page| page.id))
}

async fn move_locked(
    connection: &mut PgConnection,
    ids: &[Uuid],
    from: PageId,
    to: PageId,
) -> Result<i64, Error> {
    let moved = sqlx::query_scalar!(
        r#"
        with moved as (
            update comments
            set page_id = $3
            where id = any($1) and page_id = $2
            returning status
        ), sums as materialized (
            select count(*) as comments, (count(*) filter (where m.status = 'approved'))::integer as published
            from moved m
        ), counted as (
            update pages p
            set comment_count = p.comment_count + case when p.id = $3 then s.published else -s.published end,
                version = p.version + 1
            from sums s
            where p.id in ($2, $3) and s.comments > 0
        )
        select comments as "comments!"
        from sums
        "#,
        ids,
        from.as_uuid(),
        to.as_uuid()
    )
    .fetch_one(connection)
    .await?;
    Ok(moved)
}
