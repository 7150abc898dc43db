//! The statement of an author's edit: keeps what was, changes, logs and counts, in autocommit. Must not know policy.
//!
//! The caller has judged a version of the comment; the locked row must still be that one. Locks and values are as in
//! `decide.rs`; as in a submission the comment takes its keys before its page is locked.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::base::ids::CommentId;
use crate::comments::error::Error;
use crate::comments::model::{ActorKind, Status};
use crate::database;

/// An edit that was judged.
pub(in crate::comments) struct OwnEdit<'a> {
    pub(in crate::comments) comment_id: CommentId,
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
    /// It is on disk.
    Done,
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

/// Replaces the text of a comment. One round trip, one statement: all of it or nothing.
#[expect(clippy::too_many_lines, reason = "one statement and its parameters")]
pub(in crate::comments) async fn edit(
    connection: &mut PgConnection,
    edit: &OwnEdit<'_>,
) -> Result<Edited, Error> {
    let row = sqlx::query!(
        r#"
        with in_the_way as materialized (
            select o.id, o.submitted_at
            from comments o
            where o.duplicate_key = $7 and o.id <> $1
        ), locked as materialized (
            select
                c.id, c.page_id, c.status, c.version, c.token_version, c.name, c.website, c.body, c.submitted_at,
                c.reason, c.decided_at, c.decided_by_kind, c.decided_by
            from comments c
            where c.id = $1
            for no key update
        ), meant as materialized (
            select
                l.id, l.page_id, l.status, l.version, l.name, l.website, l.body, l.submitted_at, l.reason, l.decided_at,
                l.decided_by_kind, l.decided_by, l.status <> $6 as is_held_again
            from locked l
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
        ), locked_pages as materialized (
            select p.id, p.comment_count, p.version
            from pages p
            where p.id in (select e.page_id from edited e where e.was = 'approved')
            for no key update
        ), shown as (
            update pages p
            set comment_count = k.comment_count - case when $6 = 'approved' then 0 else 1 end,
                version = k.version + 1
            from locked_pages k
            where p.id = k.id
        )
        select
            exists (select 1 from edited) as "is_done!",
            w.id as "id?: CommentId",
            w.submitted_at as "submitted_at?"
        from (select 1) as one
        left join in_the_way w on true
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
    .fetch_one(connection)
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
    Ok(match (row.id, row.submitted_at) {
        (Some(id), Some(submitted_at)) => Edited::InTheWay { id, submitted_at },
        _ if row.is_done => Edited::Done,
        _ => Edited::Raced,
    })
}
