//! The statements of a deletion: the content goes, the comment's place and its history stay. Must not know who may delete.
//!
//! In the caller's transaction: the first statement locks the comments, so nothing new comes after it; the others have
//! snapshots of their own, which hold what was waited for. See `locks.rs`, for the order of locks too.

use sqlx::PgConnection;
use uuid::Uuid;

use super::admin_row::{status, unknown};
use super::locks::{count, lock_comments};
use crate::accounts::model::SiteScope;
use crate::base::ids::{CommentId, ModeratorId, PageId, SiteId};
use crate::comments::model::Status;
use crate::comments::model::changes::Deletion;
use crate::comments::model::decisions::{DecisionFacts, DecisionResult, Outcome, SettledReports};
use crate::database::Error;

/// Deletes comments of a scope, each by itself: `decided` where its content is gone now, with all that was written about it, `unchanged` where it was deleted
/// already, `version_conflict` where it isn't as the condition says. The results stand in the order of ids, without those
/// that aren't there. Up to five statements; for a transaction.
pub async fn delete_comments(
    connection: &mut PgConnection,
    scope: &SiteScope,
    deletion: &Deletion<'_>,
) -> Result<Vec<DecisionResult>, Error> {
    let results = empty(connection, scope, deletion).await?;
    let emptied: Vec<Uuid> = results
        .iter()
        .filter(|result| result.outcome == Outcome::Decided)
        .map(|result| *result.comment_id.as_uuid())
        .collect();
    if !emptied.is_empty() {
        forget(connection, &emptied).await?;
        count(connection, &results).await?;
    }
    Ok(results)
}

#[expect(
    clippy::too_many_lines,
    reason = "one statement, which can't be cut into pieces"
)]
async fn empty(
    connection: &mut PgConnection,
    scope: &SiteScope,
    deletion: &Deletion<'_>,
) -> Result<Vec<DecisionResult>, Error> {
    let ids: Vec<Uuid> = deletion.ids.iter().map(|id| *id.as_uuid()).collect();
    lock_comments(connection, scope, &ids).await?;
    let rows = sqlx::query!(
        r#"
        with found as materialized (
            select c.id, c.site_id, c.page_id, c.status, c.version
            from comments c
            where c.id = any($1::uuid[]) and ($2::uuid[] is null or c.site_id = any($2))
        ), judged as materialized (
            select
                l.id, l.site_id, l.page_id, l.status as was, l.version,
                case
                    when l.status = 'deleted' then 'unchanged'
                    when $3 <> l.status or $4 <> l.version then 'version_conflict'
                    else 'decided'
                end as outcome
            from found l
        ), emptied as (
            update comments c
            set status = 'deleted',
                version = j.version + 1,
                name = '',
                email = '',
                email_key = '',
                author_id = null,
                website = null,
                body = '',
                body_html = '',
                avatar = repeat('0', 32),
                ip = null,
                user_agent = null,
                idempotency_key = null,
                content_hash = '',
                duplicate_key = null,
                reason = null,
                decided_at = $5,
                decided_by_kind = $6,
                decided_by = $7
            from judged j
            where c.id = j.id and j.outcome = 'decided'
        ), logged as (
            insert into comment_history (comment_id, version, at, actor_kind, actor_id, from_status, to_status)
            select j.id, j.version + 1, $5, $6, $7, j.was, 'deleted'
            from judged j
            where j.outcome = 'decided'
        )
        select
            j.id as "id: CommentId", j.outcome as "outcome!", j.site_id as "site_id: SiteId",
            j.page_id as "page_id: PageId", j.was,
            case when j.outcome = 'decided' then j.version + 1 else j.version end as "version!",
            case when j.outcome = 'decided' then 'deleted' else j.was end as "status!"
        from judged j
        order by j.id
        "#,
        &ids,
        scope.uuids() as _,
        deletion.only.map(Status::as_str),
        deletion.version,
        deletion.at,
        deletion.by.kind().as_str(),
        deletion.by.moderator_id().map(ModeratorId::as_uuid)
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(DecisionResult {
                comment_id: row.id,
                outcome: Outcome::parse(&row.outcome).ok_or_else(|| unknown("outcome"))?,
                facts: Some(DecisionFacts {
                    site_id: row.site_id,
                    page_id: row.page_id,
                    was: status(&row.was)?,
                    status: status(&row.status)?,
                    version: row.version,
                    reports: SettledReports::None,
                }),
            })
        })
        .collect()
}

/// What stands beside the comments: notes of decisions, earlier texts, votes, reports, and what moderators told each other
/// about them.
async fn forget(connection: &mut PgConnection, ids: &[Uuid]) -> Result<(), Error> {
    sqlx::query!(
        r#"
        with unnoted as (
            delete from comment_notes
            where comment_id = any($1::uuid[])
        ), unvoted as (
            delete from votes
            where comment_id = any($1::uuid[])
        ), unreported as (
            delete from reports
            where comment_id = any($1::uuid[])
        ), untold as (
            delete from notes
            where comment_id = any($1::uuid[])
        )
        delete from comment_texts
        where comment_id = any($1::uuid[])
        "#,
        ids
    )
    .execute(connection)
    .await?;
    Ok(())
}
