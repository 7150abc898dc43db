//! The statements of a moderator's answer; for one transaction. Must not know who may answer, nor policy.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::facts::ParentFacts;
use super::submit::{Earlier, Stored};
use crate::accounts::model::SiteScope;
use crate::base::email::EmailKey;
use crate::base::ids::{AuthorId, CommentId, ModeratorId, PageId, SiteId};
use crate::base::text::{Body, Name};
use crate::comments::error::Error;
use crate::comments::model::{ActorKind, Status};
use crate::database;

/// The answered comment, locked, and who answers.
pub(in crate::comments) struct ReplyFacts {
    pub(in crate::comments) site: SiteId,
    pub(in crate::comments) page: PageId,
    pub(in crate::comments) parent: ParentFacts,
    pub(in crate::comments) status: Status,
    pub(in crate::comments) version: i32,
    pub(in crate::comments) name: Name,
    pub(in crate::comments) email: String,
    pub(in crate::comments) email_key: EmailKey,
}

/// Locks the comment that is to be answered, so that it stays as it is until the answer is stored, and looks up the
/// moderator. One statement.
pub(in crate::comments) async fn lock_parent(
    connection: &mut PgConnection,
    scope: &SiteScope,
    parent: CommentId,
    moderator: ModeratorId,
) -> Result<Option<ReplyFacts>, Error> {
    let row = sqlx::query!(
        r#"
        select
            c.site_id as "site_id: SiteId", c.page_id as "page_id: PageId", c.parent_id as "parent_id: CommentId",
            c.root_id as "root_id: CommentId", c.depth, c.status, c.version, m.name,
            m.email as "email!", m.email_key as "email_key!"
        from comments c
        join moderators m on m.id = $3 and m.deleted_at is null
        where c.id = $1 and ($2::uuid[] is null or c.site_id = any($2))
        for no key update of c
        "#,
        parent.as_uuid(),
        scope.uuids() as _,
        moderator.as_uuid()
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    row.map(|row| {
        Ok(ReplyFacts {
            site: row.site_id,
            page: row.page_id,
            parent: ParentFacts {
                id: parent,
                parent_id: row.parent_id,
                root_id: row.root_id,
                depth: row.depth,
            },
            status: Status::parse(&row.status).ok_or(Error::UnknownValue)?,
            version: row.version,
            name: Name::from_stored(row.name),
            email: row.email,
            email_key: EmailKey::from_stored(row.email_key),
        })
    })
    .transpose()
}

/// The answer that was sent with this key. One statement.
pub(in crate::comments) async fn find_by_key(
    connection: &mut PgConnection,
    idempotency_key: &[u8],
) -> Result<Option<Earlier>, Error> {
    let row = sqlx::query!(
        r#"
        select id as "id: CommentId", idempotency_key, content_hash, submitted_at
        from comments
        where idempotency_key = $1
        "#,
        idempotency_key
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(row.map(|row| Earlier {
        id: row.id,
        idempotency_key: row.idempotency_key,
        content_hash: row.content_hash,
        submitted_at: row.submitted_at,
    }))
}

/// An answer, ready to be stored.
pub(in crate::comments) struct NewReply<'a> {
    pub(in crate::comments) id: CommentId,
    pub(in crate::comments) facts: &'a ReplyFacts,
    pub(in crate::comments) parent_id: Option<CommentId>,
    pub(in crate::comments) root_id: CommentId,
    pub(in crate::comments) depth: i16,
    pub(in crate::comments) body: &'a Body,
    pub(in crate::comments) body_html: &'a str,
    pub(in crate::comments) avatar: &'a str,
    pub(in crate::comments) author: AuthorId,
    pub(in crate::comments) by: ModeratorId,
    pub(in crate::comments) at: OffsetDateTime,
    pub(in crate::comments) idempotency_key: Option<&'a [u8]>,
    pub(in crate::comments) content_hash: &'a [u8],
    pub(in crate::comments) duplicate_key: &'a [u8],
}

/// Stores a published answer with its history line and the page's count. One statement.
#[expect(clippy::too_many_lines, reason = "one statement and its parameters")]
pub(in crate::comments) async fn insert(
    connection: &mut PgConnection,
    new: &NewReply<'_>,
) -> Result<Stored, Error> {
    let facts = new.facts;
    let row = sqlx::query!(
        r#"
        with inserted as (
            insert into comments (
                id, site_id, page_id, parent_id, root_id, depth, status, name, email, email_key, body, body_html,
                is_staff, avatar, submitted_at, published_at, decided_at, decided_by_kind, decided_by,
                idempotency_key, content_hash, duplicate_key, author_id
            )
            values (
                $1, $2, $3, $4, $5, $6, 'approved', $7, $8, $9, $10, $11,
                true, $12, $13, $13, $13, $14, $15,
                $16, $17, $18, $19
            )
            on conflict do nothing
            returning id
        ), logged as (
            insert into comment_history (comment_id, version, at, actor_kind, actor_id, to_status)
            select id, 1, $13, $14, $15, 'approved'
            from inserted
        ), counted as (
            update pages
            set comment_count = comment_count + 1,
                version = version + 1,
                first_comment_at = coalesce(first_comment_at, $13)
            where id = $3 and exists (select 1 from inserted)
        )
        select id as "id!: CommentId", true as "inserted!", null::bytea as "idempotency_key?",
            null::bytea as "content_hash?", null::timestamptz as "submitted_at?"
        from inserted
        union all
        (
            select c.id, false, c.idempotency_key, c.content_hash, c.submitted_at
            from comments c
            where c.idempotency_key = $16 or c.duplicate_key = $18
            order by (c.idempotency_key is not distinct from $16) desc
            limit 1
        )
        "#,
        new.id.as_uuid(),
        facts.site.as_uuid(),
        facts.page.as_uuid(),
        new.parent_id.as_ref().map(CommentId::as_uuid),
        new.root_id.as_uuid(),
        new.depth,
        facts.name.as_str(),
        facts.email,
        facts.email_key.as_str(),
        new.body.as_str(),
        new.body_html,
        new.avatar,
        new.at,
        ActorKind::Moderator.as_str(),
        new.by.as_uuid(),
        new.idempotency_key,
        new.content_hash,
        new.duplicate_key,
        new.author.as_uuid()
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(match row {
        None => Stored::Raced,
        Some(row) if row.inserted => Stored::Inserted,
        Some(row) => match (row.content_hash, row.submitted_at) {
            (Some(content_hash), Some(submitted_at)) => Stored::InTheWay(Earlier {
                id: row.id,
                idempotency_key: row.idempotency_key,
                content_hash,
                submitted_at,
            }),
            _ => Stored::Raced,
        },
    })
}
