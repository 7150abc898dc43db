//! The statements of claims: comments lent to a moderator for a time. Must not know which comments a filter takes.
//!
//! A comment has one row at most, so no two hold it. Whoever lends locks the comments first and passes over those that are
//! locked: by others who lend, or by a decision. Nobody waits for a comment while holding a claim's row, so lending can't
//! deadlock with anything.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::accounts::model::SiteScope;
use crate::base::ids::{CommentId, ModeratorId};
use crate::comments::model::Status;
use crate::database::Error;

/// To whom, from when, and for how long.
#[derive(Debug, Clone, Copy)]
pub(in crate::moderation) struct Lease {
    pub(in crate::moderation) moderator: ModeratorId,
    pub(in crate::moderation) now: OffsetDateTime,
    pub(in crate::moderation) until: OffsetDateTime,
}

/// Renews the claims that somebody holds on comments in one of these states, oldest comments first, up to a limit, and
/// gives up those that have run out, changed their state or left the scope. Two statements; for a transaction.
pub(in crate::moderation) async fn renew(
    connection: &mut PgConnection,
    lease: &Lease,
    scope: &SiteScope,
    statuses: &[Status],
    limit: i64,
) -> Result<Vec<CommentId>, Error> {
    lock(connection, lease.moderator, None).await?;
    let rows = sqlx::query_scalar!(
        r#"
        with mine as materialized (
            select k.comment_id, k.until
            from claims k
            where k.moderator_id = $1
        ), judged as materialized (
            select
                m.comment_id, c.submitted_at,
                m.until > $2 and c.status = any($5) and ($4::uuid[] is null or c.site_id = any($4)) as held
            from mine m
            join comments c on c.id = m.comment_id
        ), dropped as (
            delete from claims k
            using judged j
            where k.comment_id = j.comment_id and not j.held
        ), kept as materialized (
            select j.comment_id, j.submitted_at
            from judged j
            where j.held
            order by j.submitted_at, j.comment_id
            limit $6
        ), renewed as (
            update claims k
            set until = $3
            from kept
            where k.comment_id = kept.comment_id
        )
        select k.comment_id as "id!: CommentId"
        from kept k
        order by k.submitted_at, k.comment_id
        "#,
        lease.moderator.as_uuid(),
        lease.now,
        lease.until,
        scope.uuids() as _,
        &words(statuses) as _,
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// Lends up to `limit` of these comments, the oldest first: those that are in one of the states, that nobody is just
/// deciding or lending, and that nobody holds. One statement.
pub(in crate::moderation) async fn lend(
    connection: &mut PgConnection,
    lease: &Lease,
    candidates: &[CommentId],
    statuses: &[Status],
    limit: i64,
) -> Result<Vec<CommentId>, Error> {
    let candidates = uuids(candidates);
    let rows = sqlx::query_scalar!(
        r#"
        with free as materialized (
            select c.id, c.submitted_at
            from comments c
            where c.id = any($1)
                and c.status = any($2)
                and not exists (select 1 from claims k where k.comment_id = c.id and k.until > $3)
            order by c.submitted_at, c.id
            limit $6
            for no key update skip locked
        ), lent as (
            insert into claims as k (comment_id, moderator_id, until)
            select f.id, $4, $5
            from free f
            on conflict (comment_id) do update
            set moderator_id = excluded.moderator_id, until = excluded.until
            where k.until <= $3
            returning k.comment_id
        )
        select f.id as "id!: CommentId"
        from lent l
        join free f on f.id = l.comment_id
        order by f.submitted_at, f.id
        "#,
        &candidates,
        &words(statuses) as _,
        lease.now,
        lease.moderator.as_uuid(),
        lease.until,
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// Gives back what somebody holds: these comments, or all. Two statements; for a transaction.
pub(in crate::moderation) async fn give_back(
    connection: &mut PgConnection,
    moderator: ModeratorId,
    comments: Option<&[CommentId]>,
) -> Result<(), Error> {
    let comments = comments.map(uuids);
    lock(connection, moderator, comments.as_deref()).await?;
    sqlx::query!(
        r#"
        delete from claims
        where moderator_id = $1 and ($2::uuid[] is null or comment_id = any($2))
        "#,
        moderator.as_uuid(),
        comments.as_deref(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Locks what somebody holds, in a statement of its own: what follows sees who has it now. See `comments/store/locks.rs`.
async fn lock(
    connection: &mut PgConnection,
    moderator: ModeratorId,
    comments: Option<&[Uuid]>,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        select 1 as "one!"
        from claims
        where moderator_id = $1 and ($2::uuid[] is null or comment_id = any($2))
        order by comment_id
        for update
        "#,
        moderator.as_uuid(),
        comments,
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}

/// Deletes up to `limit` claims that have run out, and says how many. One statement.
pub(in crate::moderation) async fn delete_expired(
    connection: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> Result<u64, Error> {
    let done = sqlx::query!(
        r#"
        with expired as (
            select k.comment_id
            from claims k
            where k.until <= $1
            limit $2
            for update skip locked
        )
        delete from claims k
        using expired e
        where k.comment_id = e.comment_id
        "#,
        now,
        limit,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

fn words(statuses: &[Status]) -> Vec<&'static str> {
    statuses.iter().map(|status| status.as_str()).collect()
}

fn uuids(ids: &[CommentId]) -> Vec<Uuid> {
    ids.iter().map(|id| *id.as_uuid()).collect()
}
