//! What is known about submissions before they are judged, many in one statement. Must not know policy.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::submit::Earlier;
use crate::base::ids::{CommentId, PageId, SiteId};
use crate::base::text::PageKey;
use crate::comments::error::Error;
use crate::comments::model::Draft;
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

/// Of each submission: page, parent, an earlier submission of the same key, and the vouching comment; in their order. One
/// round trip.
///
/// Each limit keeps its lookup what it is, one step down an index for each submission: as a join it may be planned as a walk
/// through the whole table, by a server that has seen it small.
///
/// Where the named page was merged into another, it is that one; its parent may still stand under the old page for as
/// long as the comments move.
#[expect(
    clippy::too_many_lines,
    reason = "one statement, its parameters and what comes back"
)]
pub(in crate::comments) async fn ask(
    connection: &mut PgConnection,
    questions: &[Question<'_>],
) -> Result<Vec<Facts>, Error> {
    let drafts = || questions.iter().map(|question| question.draft);
    let rows = sqlx::query!(
        r#"
        select
            p.id as "page_id?: PageId", p.key as "page_key?", p.comments_open as "comments_open?",
            p.began as "began?",
            parent.id as "parent_id?: CommentId", parent.parent_id as "grandparent_id?: CommentId",
            parent.root_id as "root_id?: CommentId", parent.depth as "depth?",
            e.id as "earlier_id?: CommentId", e.idempotency_key as "earlier_key?",
            e.content_hash as "earlier_hash?", e.submitted_at as "earlier_at?",
            v.token_version as "voucher_version?"
        from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::bytea[], $6::uuid[], $7::text[])
            with ordinality q (site_id, url_key, page_key, parent_id, idempotency_key, vouched_by, email_key, place)
        left join lateral (
            select t.id, named.key, t.comments_open, coalesce(t.published_at, t.first_comment_at) as began
            from (
                select coalesce(n.merged_into, n.id) as id, n.key
                from pages n
                where n.site_id = q.site_id and (n.url_key = q.url_key or n.key = q.page_key)
                union all
                select a.page_id, null
                from page_aliases a
                where a.site_id = q.site_id and a.url_key = q.url_key
            ) named
            join pages t on t.id = named.id
            order by (named.key is not distinct from q.page_key) desc
            limit 1
        ) p on true
        left join lateral (
            select c.id, c.parent_id, c.root_id, c.depth
            from comments c
            where c.id = q.parent_id and c.status = 'approved'
                and (
                    c.page_id = p.id
                    or exists (select 1 from pages m where m.id = c.page_id and m.merged_into = p.id)
                )
            limit 1
        ) parent on true
        left join lateral (
            select c.id, c.idempotency_key, c.content_hash, c.submitted_at
            from comments c
            where c.idempotency_key = q.idempotency_key
            limit 1
        ) e on true
        left join lateral (
            select c.token_version
            from comments c
            where c.id = q.vouched_by and c.site_id = q.site_id and c.email_key = q.email_key and c.status = 'approved'
            limit 1
        ) v on true
        order by q.place
        "#,
        &questions
            .iter()
            .map(|question| *question.site.as_uuid())
            .collect::<Vec<_>>(),
        &drafts().map(|draft| draft.page_url.key()).collect::<Vec<_>>() as _,
        &drafts()
            .map(|draft| draft.page_key.as_ref().map(PageKey::as_str))
            .collect::<Vec<_>>() as _,
        &drafts()
            .map(|draft| draft.parent_id.map(|id| *id.as_uuid()))
            .collect::<Vec<_>>() as _,
        &questions
            .iter()
            .map(|question| question.idempotency_key)
            .collect::<Vec<_>>() as _,
        &questions
            .iter()
            .map(|question| question.vouched_by.map(|id| *id.as_uuid()))
            .collect::<Vec<_>>() as _,
        &drafts()
            .map(|draft| draft.email.key().as_str())
            .collect::<Vec<_>>() as _
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    let facts = rows.into_iter().map(|row| Facts {
        page: row.page_id.map(|id| PageFacts {
            id,
            key: row.page_key,
            comments_open: row.comments_open.unwrap_or(false),
            began: row.began,
        }),
        parent: match (row.parent_id, row.root_id, row.depth) {
            (Some(id), Some(root_id), Some(depth)) => Some(ParentFacts {
                id,
                parent_id: row.grandparent_id,
                root_id,
                depth,
            }),
            _ => None,
        },
        earlier: Earlier::read(
            row.earlier_id,
            row.earlier_key,
            row.earlier_hash,
            row.earlier_at,
        ),
        voucher_version: row.voucher_version,
    });
    Ok(facts.collect())
}
