//! The statements that move the comments of a merged page to the page that it was merged into. Must not know who merges,
//! nor what becomes of the addresses.
//!
//! The same order of locks as in `decide.rs`: comments by their ids, then pages by theirs; and every new value is made
//! from the locked row.

use sqlx::PgConnection;

use crate::base::ids::PageId;
use crate::database::Error;

/// What one statement has moved.
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
/// One statement, all of it or nothing.
///
/// Moves none where the page isn't merged, or its target has just been merged on: the next call sees that.
pub async fn move_comments(
    connection: &mut PgConnection,
    merged_page: PageId,
    limit: i64,
) -> Result<Moved, Error> {
    // `chosen` is read by an index; to lock in the order of ids straight from the page would sort all of it each time.
    // The number in `sums` is asked first, so that all comments are locked before the pages are.
    let row = sqlx::query!(
        r#"
        with chosen as materialized (
            select c.id
            from comments c
            where c.page_id = $1
            order by c.status, c.submitted_at, c.id
            limit $2
        ), locked as materialized (
            select c.id, c.status
            from comments c
            where c.id in (select h.id from chosen h) and c.page_id = $1
            order by c.id
            for no key update
        ), sums as materialized (
            select count(*) as comments, count(*) filter (where l.status = 'approved') as published
            from locked l
        ), locked_pages as materialized (
            select p.id, p.merged_into, p.comment_count, p.version
            from pages p
            where (select s.comments from sums s) > 0
                and p.id in (select $1 union all select m.merged_into from pages m where m.id = $1)
            order by p.id
            for no key update
        ), way as materialized (
            select f.id as source, t.id as target
            from locked_pages f
            join locked_pages t on t.id = f.merged_into
            where f.id = $1 and t.merged_into is null
        ), moved as (
            update comments c
            set page_id = w.target
            from locked l
            cross join way w
            where c.id = l.id
            returning c.id
        ), counted as (
            update pages p
            set comment_count = (k.comment_count + case when k.id = w.target then s.published else - s.published end)::integer,
                version = k.version + 1
            from locked_pages k
            cross join way w
            cross join sums s
            where p.id = k.id
        )
        select
            (select count(*) from moved) as "comments!", (select count(*) from chosen) as "found!",
            (select target from way) as "target: PageId"
        "#,
        merged_page.as_uuid(),
        limit
    )
    .fetch_one(connection)
    .await?;
    Ok(Moved {
        comments: row.comments,
        found: row.found,
        target: row.target,
    })
}
