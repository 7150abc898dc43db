//! The statements of a submission: what is known beforehand, and the one that stores. Must not know policy.

use ipnetwork::IpNetwork;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::base::ids::{AuthorId, CommentId, PageId, SiteId};
use crate::base::page_url::Website;
use crate::base::text::{PageKey, Title};
use crate::comments::error::Error;
use crate::comments::model::{Draft, Status};
use crate::database;

/// What a submission asks before it is judged.
pub(in crate::comments) struct Question<'a> {
    pub(in crate::comments) site: SiteId,
    pub(in crate::comments) draft: &'a Draft,
    pub(in crate::comments) idempotency_key: Option<&'a [u8]>,
    /// The comment whose manage token came along.
    pub(in crate::comments) vouched_by: Option<CommentId>,
}

/// What the database knew about a submission.
pub(in crate::comments) struct Facts {
    pub(in crate::comments) page: Option<PageFacts>,
    pub(in crate::comments) parent: Option<ParentFacts>,
    pub(in crate::comments) earlier: Option<Earlier>,
    /// Token version of the vouching comment, if it is approved, of the same site and e-mail address.
    pub(in crate::comments) voucher_version: Option<i32>,
}

pub(in crate::comments) struct PageFacts {
    pub(in crate::comments) id: PageId,
    /// The key of what the address or the key named: the page, or one that was merged into it.
    pub(in crate::comments) key: Option<String>,
    pub(in crate::comments) comments_open: bool,
    pub(in crate::comments) began: Option<OffsetDateTime>,
}

pub(in crate::comments) struct ParentFacts {
    pub(in crate::comments) id: CommentId,
    pub(in crate::comments) parent_id: Option<CommentId>,
    pub(in crate::comments) root_id: CommentId,
    pub(in crate::comments) depth: i16,
}

/// A submission that stands in the way: the same key, or the same text.
#[derive(Debug)]
pub(in crate::comments) struct Earlier {
    pub(in crate::comments) id: CommentId,
    /// The key that it was sent with, hashed.
    pub(in crate::comments) idempotency_key: Option<Vec<u8>>,
    pub(in crate::comments) content_hash: Vec<u8>,
    pub(in crate::comments) submitted_at: OffsetDateTime,
}

/// Page, parent, an earlier submission of the same key, and the vouching comment. One round trip.
///
/// Where the named page was merged into another, it is that one; its parent may still stand under the old page for as
/// long as the comments move.
#[expect(
    clippy::too_many_lines,
    reason = "one statement, its parameters and what comes back"
)]
pub(in crate::comments) async fn ask(
    connection: &mut PgConnection,
    question: &Question<'_>,
) -> Result<Facts, Error> {
    let draft = question.draft;
    let row = sqlx::query!(
        r#"
        select
            p.id as "page_id?: PageId", p.key as "page_key?", p.comments_open as "comments_open?",
            p.began as "began?",
            parent.id as "parent_id?: CommentId", parent.parent_id as "grandparent_id?: CommentId",
            parent.root_id as "root_id?: CommentId", parent.depth as "depth?",
            e.id as "earlier_id?: CommentId", e.idempotency_key as "earlier_key?",
            e.content_hash as "earlier_hash?", e.submitted_at as "earlier_at?",
            v.token_version as "voucher_version?"
        from (select 1) as one
        left join lateral (
            select t.id, named.key, t.comments_open, coalesce(t.published_at, t.first_comment_at) as began
            from (
                select coalesce(n.merged_into, n.id) as id, n.key
                from pages n
                where n.site_id = $1 and (n.url_key = $2 or n.key = $3)
                union all
                select a.page_id, null
                from page_aliases a
                where a.site_id = $1 and a.url_key = $2
            ) named
            join pages t on t.id = named.id
            order by (named.key is not distinct from $3) desc
            limit 1
        ) p on true
        left join comments parent on parent.id = $4 and parent.status = 'approved'
            and (
                parent.page_id = p.id
                or exists (select 1 from pages m where m.id = parent.page_id and m.merged_into = p.id)
            )
        left join comments e on e.idempotency_key = $5
        left join comments v on v.id = $6 and v.site_id = $1 and v.email_key = $7 and v.status = 'approved'
        "#,
        question.site.as_uuid(),
        draft.page_url.key(),
        draft.page_key.as_ref().map(PageKey::as_str),
        draft.parent_id.as_ref().map(CommentId::as_uuid),
        question.idempotency_key,
        question.vouched_by.as_ref().map(CommentId::as_uuid),
        draft.email.key().as_str()
    )
    .fetch_one(connection)
    .await
    .map_err(database::Error::from)?;
    let page = row.page_id.map(|id| PageFacts {
        id,
        key: row.page_key,
        comments_open: row.comments_open.unwrap_or(false),
        began: row.began,
    });
    let parent = match (row.parent_id, row.root_id, row.depth) {
        (Some(id), Some(root_id), Some(depth)) => Some(ParentFacts {
            id,
            parent_id: row.grandparent_id,
            root_id,
            depth,
        }),
        _ => None,
    };
    let earlier = match (row.earlier_id, row.earlier_hash, row.earlier_at) {
        (Some(id), Some(content_hash), Some(submitted_at)) => Some(Earlier {
            id,
            idempotency_key: row.earlier_key,
            content_hash,
            submitted_at,
        }),
        _ => None,
    };
    Ok(Facts {
        page,
        parent,
        earlier,
        voucher_version: row.voucher_version,
    })
}

/// A judged submission, ready to be stored.
pub(in crate::comments) struct NewComment<'a> {
    pub(in crate::comments) id: CommentId,
    pub(in crate::comments) site: SiteId,
    pub(in crate::comments) page: PageId,
    pub(in crate::comments) page_is_new: bool,
    pub(in crate::comments) parent_id: Option<CommentId>,
    pub(in crate::comments) root_id: CommentId,
    pub(in crate::comments) depth: i16,
    pub(in crate::comments) status: Status,
    pub(in crate::comments) draft: &'a Draft,
    pub(in crate::comments) body_html: &'a str,
    pub(in crate::comments) avatar: &'a str,
    pub(in crate::comments) author: AuthorId,
    pub(in crate::comments) submitted_at: OffsetDateTime,
    pub(in crate::comments) idempotency_key: Option<&'a [u8]>,
    pub(in crate::comments) content_hash: &'a [u8],
    pub(in crate::comments) duplicate_key: &'a [u8],
}

/// What became of it.
pub(in crate::comments) enum Stored {
    /// It is on disk.
    Inserted,
    /// Another submission has its key or its text.
    InTheWay(Earlier),
    /// Somebody was faster a moment ago (same key, same text, same new page), but not visible yet, or the page has been
    /// merged into another or deleted meanwhile: ask again.
    Raced,
}

/// Stores a comment with its history line, its page where that is new, and the page's count where it is published at
/// once. One round trip, one statement: all of it or nothing.
///
/// The page's row is share-locked and looked at once more. Whoever has merged the page away waits for these locks before
/// moving the last comments ([`await_submissions`](super::move_page::await_submissions)), so none is left behind.
#[expect(clippy::too_many_lines, reason = "one statement and its parameters")]
pub(in crate::comments) async fn insert(
    connection: &mut PgConnection,
    new: &NewComment<'_>,
) -> Result<Stored, Error> {
    let draft = new.draft;
    let row = sqlx::query!(
        r#"
        with made_page as (
            insert into pages (id, site_id, url, url_key, key, title, comment_count, first_comment_at, created_at)
            select $2, $1, $3, $4, $5, $6, case when $7 = 'approved' then 1 else 0 end, $8, $8
            where $9
            on conflict do nothing
            returning id
        ), open_page as (
            select id
            from pages
            where id = $2 and not $9 and merged_into is null
            for key share
        ), inserted as (
            insert into comments (
                id, site_id, page_id, parent_id, root_id, depth, status, name, email, email_key, website, body,
                body_html, avatar, ip, user_agent, submitted_at, published_at, idempotency_key, content_hash,
                duplicate_key, author_id
            )
            select
                $10, $1, $2, $11, $12, $13, $7, $14, $15, $16, $17, $18,
                $19, $20, $21, $22, $8, case when $7 = 'approved' then $8 end, $23, $24,
                $25, $26
            where exists (select 1 from made_page) or exists (select 1 from open_page)
            on conflict do nothing
            returning id
        ), logged as (
            insert into comment_history (comment_id, version, at, actor_kind, to_status)
            select id, 1, $8, 'author', $7
            from inserted
        ), counted as (
            update pages
            set comment_count = comment_count + case when $7 = 'approved' then 1 else 0 end,
                version = version + case when $7 = 'approved' then 1 else 0 end,
                first_comment_at = coalesce(first_comment_at, $8)
            where id = $2 and exists (select 1 from inserted) and ($7 = 'approved' or first_comment_at is null)
        )
        select id as "id!: CommentId", true as "inserted!", null::bytea as "idempotency_key?",
            null::bytea as "content_hash?", null::timestamptz as "submitted_at?"
        from inserted
        union all
        (
            select c.id, false, c.idempotency_key, c.content_hash, c.submitted_at
            from comments c
            where c.idempotency_key = $23 or c.duplicate_key = $25
            order by (c.idempotency_key is not distinct from $23) desc
            limit 1
        )
        "#,
        new.site.as_uuid(),
        new.page.as_uuid(),
        draft.page_url.as_str(),
        draft.page_url.key(),
        draft.page_key.as_ref().map(PageKey::as_str),
        draft.page_title.as_ref().map(Title::as_str),
        new.status.as_str(),
        new.submitted_at,
        new.page_is_new,
        new.id.as_uuid(),
        new.parent_id.as_ref().map(CommentId::as_uuid),
        new.root_id.as_uuid(),
        new.depth,
        draft.name.as_str(),
        draft.email.as_str(),
        draft.email.key().as_str(),
        draft.website.as_ref().map(Website::as_str),
        draft.body.as_str(),
        new.body_html,
        new.avatar,
        IpNetwork::from(draft.ip),
        draft.user_agent.as_deref(),
        new.idempotency_key,
        new.content_hash,
        new.duplicate_key,
        new.author.as_uuid()
    )
    .fetch_optional(connection)
    .await
    .map_err(|error| refused(error.into()))?;
    Ok(match row {
        None => Stored::Raced,
        Some(row) if row.inserted => Stored::Inserted,
        Some(row) => match (row.content_hash, row.submitted_at) {
            (Some(content_hash), Some(submitted_at)) => {
                let idempotency_key = row.idempotency_key;
                Stored::InTheWay(Earlier {
                    id: row.id,
                    idempotency_key,
                    content_hash,
                    submitted_at,
                })
            }
            _ => Stored::Raced,
        },
    })
}

/// A site that was deleted is known to other instances for up to two seconds more.
fn refused(error: database::Error) -> Error {
    match error.constraint() {
        Some("pages_site") => Error::UnknownSiteSubmitted,
        _ => Error::Database(error),
    }
}

/// Frees the keys of a submission whose 24 hours are over. One round trip.
pub(in crate::comments) async fn free_keys(
    connection: &mut PgConnection,
    id: CommentId,
    submitted_until: OffsetDateTime,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        update comments
        set idempotency_key = null, duplicate_key = null
        where id = $1 and submitted_at <= $2
        "#,
        id.as_uuid(),
        submitted_until
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(())
}
