//! The statements of an author's edit: lock, keep what was, change, log and count. Must not know policy.
//!
//! The caller has judged a version of the comment; the locked row must still be that one. As in a submission the comment
//! takes its keys before its page is locked: see `locks.rs`.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::locks::{count, lock_comments};
use crate::accounts::model::SiteScope;

use crate::base::ids::{CommentId, PageId, SiteId};
use crate::comments::error::Error;
use crate::comments::model::decisions::{DecisionFacts, DecisionResult, Outcome, SettledReports};
use crate::comments::model::{ActorKind, Status};
use crate::database;

/// An edit that was judged.
pub(in crate::comments) struct OwnEdit<'a> {
    pub(in crate::comments) comment_id: CommentId,
    pub(in crate::comments) site_id: SiteId,
    pub(in crate::comments) was: Status,
    /// The versions, of the comment and of its token, that were judged.
    pub(in crate::comments) version: i32,
    pub(in crate::comments) token_version: i32,
    pub(in crate::comments) body: &'a str,
    pub(in crate::comments) body_html: &'a str,
    pub(in crate::comments) status: Status,
    pub(in crate::comments) duplicate_key: &'a [u8],
    pub(in crate::comments) at: OffsetDateTime,
    /// What was submitted until then stands for its text no more.
    pub(in crate::comments) remembered_until: OffsetDateTime,
}

/// What became of it.
pub(in crate::comments) enum Edited {
    /// It has the new text.
    Done(DecisionResult),
    /// Another comment has this text.
    InTheWay {
        /// Which one.
        id: CommentId,
        /// When it was sent.
        submitted_at: OffsetDateTime,
    },
    /// The comment has changed meanwhile, or another one has just taken the text: look again.
    Raced,
}

/// Replaces the text of a comment. Two statements, another one where its page shows something else now; for a transaction,
/// which holds nothing but a lock where it isn't done.
#[expect(clippy::too_many_lines, reason = "one statement and its parameters")]
pub(in crate::comments) async fn edit(
    connection: &mut PgConnection,
    edit: &OwnEdit<'_>,
) -> Result<Edited, Error> {
    lock_comments(connection, &SiteScope::All, &[*edit.comment_id.as_uuid()]).await?;
    let row = sqlx::query!(
        r#"
        with in_the_way as materialized (
            select o.id, o.submitted_at
            from comments o
            where o.duplicate_key = $7 and o.id <> $1
        ), found as materialized (
            select
                c.id, c.status, c.version, c.token_version, c.name, c.website, c.body, c.submitted_at,
                c.reason, c.decided_at, c.decided_by_kind, c.decided_by
            from comments c
            where c.id = $1
        ), meant as materialized (
            select
                l.id, l.status, l.version, l.name, l.website, l.body, l.submitted_at, l.reason, l.decided_at,
                l.decided_by_kind, l.decided_by, l.status <> $6 as is_held_again
            from found l
            where l.version = $2 and l.token_version = $3 and not exists (select 1 from in_the_way)
        ), edited as (
            update comments c
            set body = $4,
                body_html = $5,
                status = $6,
                version = m.version + 1,
                edited_at = $8,
                duplicate_key = case when m.submitted_at > $9 then $7 end,
                reason = case when m.is_held_again then null else m.reason end,
                decided_at = case when m.is_held_again then null else m.decided_at end,
                decided_by_kind = case when m.is_held_again then null else m.decided_by_kind end,
                decided_by = case when m.is_held_again then null else m.decided_by end
            from meant m
            where c.id = m.id
            returning c.id, c.page_id, c.version, m.status as was, m.name, m.website, m.body as earlier
        ), kept as (
            insert into comment_texts (comment_id, version, name, website, body)
            select e.id, e.version - 1, e.name, e.website, e.earlier
            from edited e
        ), logged as (
            insert into comment_history (comment_id, version, at, actor_kind, from_status, to_status)
            select e.id, e.version, $8, $10, e.was, $6
            from edited e
        )
        select
            e.page_id as "page?: PageId",
            w.id as "id?: CommentId",
            w.submitted_at as "submitted_at?"
        from (select 1) as one
        left join in_the_way w on true
        left join edited e on true
        "#,
        edit.comment_id.as_uuid(),
        edit.version,
        edit.token_version,
        edit.body,
        edit.body_html,
        edit.status.as_str(),
        edit.duplicate_key,
        edit.at,
        edit.remembered_until,
        ActorKind::Author.as_str()
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(database::Error::from);
    let row = match row {
        Ok(row) => row,
        // Somebody else has said the same a moment ago.
        Err(error) if error.constraint() == Some("comments_duplicate_key") => {
            return Ok(Edited::Raced);
        }
        Err(error) => return Err(error.into()),
    };
    if let (Some(id), Some(submitted_at)) = (row.id, row.submitted_at) {
        return Ok(Edited::InTheWay { id, submitted_at });
    }
    // Where it stands now: a merge may have moved it since it was judged.
    let Some(page) = row.page else {
        return Ok(Edited::Raced);
    };
    let result = DecisionResult {
        comment_id: edit.comment_id,
        outcome: Outcome::Decided,
        facts: Some(DecisionFacts {
            site_id: edit.site_id,
            page_id: page,
            was: edit.was,
            status: edit.status,
            version: edit.version + 1,
            reports: SettledReports::None,
        }),
    };
    count(connection, std::slice::from_ref(&result)).await?;
    Ok(Edited::Done(result))
}
