//! Locks on rows that are to be judged, and the pages' counts. Must not know what changes.
//!
//! A row that is judged is locked in a statement of its own, before the one that changes it: this one's snapshot is younger
//! than the lock, so it reads the newest version. To lock and to change a row in one statement can deadlock where three meet
//! (READ COMMITTED): the first holds the newest version, the second has waited for it with the lock on an older one's place
//! ("tuple lock"), and the first comes along that older one, which is what its snapshot holds, when it touches the row for
//! the second time. A statement that touches a row once, whatever it waited for, can't: `insert … on conflict do update`
//! waits for a page that is there, in the order of its rows, and changes the newest version of it.
//!
//! The order of locks is the same everywhere: comments by their ids, then keys of submissions, then pages by their ids. The
//! locks are `for no key update`, the weakest that exclude each other, since an answer that is being stored takes a key
//! share lock on its parent and may already hold its page.

use std::collections::{BTreeMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use crate::accounts::model::SiteScope;
use crate::base::ids::{CommentId, PageId};
use crate::comments::model::Status;
use crate::comments::model::decisions::DecisionResult;
use crate::database::Error;

/// Locks a scope's comments until the transaction's end; those that aren't there are passed over. One statement; for a
/// transaction.
pub(in crate::comments) async fn lock_comments(
    connection: &mut PgConnection,
    scope: &SiteScope,
    ids: &[Uuid],
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        select 1 as "one!"
        from comments
        where id = any($1) and ($2::uuid[] is null or site_id = any($2))
        order by id
        for no key update
        "#,
        ids,
        scope.uuids() as _
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}

/// Locks those comments that nobody else holds, and says which. One statement; for a transaction.
pub(super) async fn lock_free_comments(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashSet<CommentId>, Error> {
    let locked = sqlx::query_scalar!(
        r#"
        select id as "id: CommentId"
        from comments
        where id = any($1)
        order by id
        for no key update skip locked
        "#,
        ids
    )
    .fetch_all(connection)
    .await?;
    Ok(locked.into_iter().collect())
}

/// Locks pages until the transaction's end. One statement; for a transaction.
pub(super) async fn lock_pages(connection: &mut PgConnection, ids: &[Uuid]) -> Result<(), Error> {
    sqlx::query!(
        r#"
        select 1 as "one!"
        from pages
        where id = any($1)
        order by id
        for no key update
        "#,
        ids
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}

/// Counts on their pages what has been published and what is public no more, and makes a version of each that shows
/// something else now. One statement, another one where there are many pages, none where there are none; for the
/// transaction that has changed the comments.
///
/// A comment that is counted off was counted before it was locked, so this statement's snapshot holds it, and no count
/// falls below zero on the way.
pub(super) async fn count(
    connection: &mut PgConnection,
    results: &[DecisionResult],
) -> Result<(), Error> {
    let mut shifts = BTreeMap::<PageId, i32>::new();
    for result in results {
        if let (Some(page), Some(facts)) = (result.changed_page(), result.facts) {
            let published = |status| i32::from(status == Status::Approved);
            *shifts.entry(page).or_default() += published(facts.status) - published(facts.was);
        }
    }
    if shifts.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = shifts.keys().map(|page| *page.as_uuid()).collect();
    let by: Vec<i32> = shifts.into_values().collect();
    if ids.len() > 1 {
        lock_pages(connection, &ids).await?;
    }
    sqlx::query!(
        r#"
        update pages p
        set comment_count = p.comment_count + s.by,
            version = p.version + 1
        from unnest($1::uuid[], $2::integer[]) s (id, by)
        where p.id = s.id and p.id = any($1)
        "#,
        &ids,
        &by
    )
    .execute(connection)
    .await?;
    Ok(())
}
