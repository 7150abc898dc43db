//! The statements of votes: each changes the vote and the comment's score by the difference. Must not know who a voter is.
//!
//! The comment is locked first, in a statement of its own (`locks.rs`), so votes on one comment take turns. The page isn't
//! touched: a score is no part of what it counts, and a vote must not make its row hot.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::locks::lock_comments;
use crate::accounts::model::SiteScope;
use crate::base::ids::{CommentId, PageId, SiteId};
use crate::comments::model::reactions::Vote;
use crate::database::Error;

/// A published comment and its score.
#[derive(Debug, Clone, Copy)]
pub(in crate::comments) struct Scored {
    pub(in crate::comments) site: SiteId,
    pub(in crate::comments) page: PageId,
    pub(in crate::comments) score: i32,
    /// By how much the vote has moved it.
    pub(in crate::comments) moved: i32,
}

/// Sets a voter's vote on a published comment of the scope; where the comment isn't of the scope, nothing is written. None
/// where there is no such comment. Two statements; for a transaction.
pub(in crate::comments) async fn set(
    connection: &mut PgConnection,
    scope: &SiteScope,
    comment: CommentId,
    voter_key: &[u8],
    vote: Vote,
    at: OffsetDateTime,
) -> Result<Option<Scored>, Error> {
    lock_comments(connection, &SiteScope::All, &[*comment.as_uuid()]).await?;
    let row = sqlx::query_as!(
        Scored,
        r#"
        with found as materialized (
            select c.id, c.site_id, c.page_id, c.status, c.score
            from comments c
            where c.id = $1
        ), cast_now as (
            insert into votes (comment_id, voter_key, value, at)
            select l.id, $3, $4, $5
            from found l
            where l.status = 'approved' and ($2::uuid[] is null or l.site_id = any($2))
            on conflict (comment_id, voter_key) do update
            set was = votes.value,
                value = excluded.value,
                at = excluded.at
            where votes.value <> excluded.value
            returning comment_id, value - was as by
        ), counted as (
            update comments c
            set score = l.score + v.by
            from cast_now v
            join found l on l.id = v.comment_id
            where c.id = l.id
        )
        select
            l.site_id as "site: SiteId", l.page_id as "page: PageId", l.score + coalesce(v.by, 0) as "score!",
            coalesce(v.by, 0) as "moved!"
        from found l
        left join cast_now v on v.comment_id = l.id
        where l.status = 'approved'
        "#,
        comment.as_uuid(),
        scope.uuids() as _,
        voter_key,
        vote.value(),
        at
    )
    .fetch_optional(connection)
    .await?;
    Ok(row)
}

/// Takes a voter's vote back, where there is one; otherwise as [`set`]. Two statements; for a transaction.
pub(in crate::comments) async fn take_back(
    connection: &mut PgConnection,
    scope: &SiteScope,
    comment: CommentId,
    voter_key: &[u8],
) -> Result<Option<Scored>, Error> {
    lock_comments(connection, &SiteScope::All, &[*comment.as_uuid()]).await?;
    let row = sqlx::query_as!(
        Scored,
        r#"
        with found as materialized (
            select c.id, c.site_id, c.page_id, c.status, c.score
            from comments c
            where c.id = $1
        ), taken as (
            delete from votes v
            using found l
            where v.comment_id = l.id and v.voter_key = $3
                and l.status = 'approved' and ($2::uuid[] is null or l.site_id = any($2))
            returning v.comment_id, v.value
        ), counted as (
            update comments c
            set score = l.score - t.value
            from taken t
            join found l on l.id = t.comment_id
            where c.id = l.id
        )
        select
            l.site_id as "site: SiteId", l.page_id as "page: PageId", l.score - coalesce(t.value, 0) as "score!",
            -coalesce(t.value, 0) as "moved!"
        from found l
        left join taken t on t.comment_id = l.id
        where l.status = 'approved'
        "#,
        comment.as_uuid(),
        scope.uuids() as _,
        voter_key
    )
    .fetch_optional(connection)
    .await?;
    Ok(row)
}
