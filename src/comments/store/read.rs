//! The statements of public reads beside a page's list: one thread's answers, one comment. Must not know HTTP, cursors'
//! text, or who asks.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::base::email::EmailKey;
use crate::base::ids::{CommentId, PageId, SiteId};
use crate::comments::error::Error;
use crate::comments::model::{PublicComment, Published, RemovedComment, Status};
use crate::comments::store::list::Place;
use crate::database;

/// A comment as the database has it, on its way to the public.
pub(super) struct CommentRow {
    pub(super) id: CommentId,
    pub(super) parent_id: Option<CommentId>,
    pub(super) depth: i16,
    pub(super) status: String,
    pub(super) name: String,
    pub(super) website: Option<String>,
    pub(super) is_staff: bool,
    pub(super) avatar: String,
    pub(super) body_html: String,
    pub(super) submitted_at: OffsetDateTime,
    pub(super) edited_at: Option<OffsetDateTime>,
    pub(super) score: i32,
}

impl CommentRow {
    /// Only here a stored comment becomes a public one: whatever isn't approved loses everything but its place.
    pub(super) fn into_published(self) -> Published {
        if self.status == Status::Approved.as_str() {
            Published::Comment(Box::new(PublicComment {
                id: self.id,
                parent_id: self.parent_id,
                depth: self.depth,
                name: self.name,
                website: self.website,
                is_staff: self.is_staff,
                avatar: self.avatar,
                body_html: self.body_html,
                submitted_at: self.submitted_at,
                edited_at: self.edited_at,
                score: self.score,
            }))
        } else {
            Published::Removed(RemovedComment {
                id: self.id,
                parent_id: self.parent_id,
                depth: self.depth,
                submitted_at: self.submitted_at,
                score: self.score,
            })
        }
    }
}

/// Answers of a thread from a place on, oldest first; `None` when the thread isn't public. One round trip.
pub(in crate::comments) async fn load_replies(
    connection: &mut PgConnection,
    root: CommentId,
    from: &Place,
    rows: i64,
) -> Result<Option<Vec<Published>>, Error> {
    let rows = sqlx::query_as!(
        CommentRow,
        r#"
        select
            c.id as "id!: CommentId", c.parent_id as "parent_id?: CommentId",
            c.depth as "depth!", c.status as "status!", c.name as "name!", c.website as "website?",
            c.is_staff as "is_staff!", c.avatar as "avatar!", c.body_html as "body_html!",
            c.submitted_at as "submitted_at!", c.edited_at as "edited_at?", c.score as "score!"
        from (
            (
                select
                    o.root_id, o.id, o.parent_id, o.depth, o.status, o.name, o.website, o.is_staff, o.avatar,
                    o.body_html, o.submitted_at, o.edited_at, o.score
                from comments o
                where o.id = $1 and o.parent_id is null and o.published_at is not null
                    and (o.status = 'approved' or has_public_answer(o.id))
            )
            union all
            (
                select
                    a.root_id, a.id, a.parent_id, a.depth, a.status, a.name, a.website, a.is_staff, a.avatar,
                    a.body_html, a.submitted_at, a.edited_at, a.score
                from comments a
                where a.root_id = $1 and a.parent_id is not null and a.published_at is not null
                    and (a.submitted_at, a.id) >= ($2, $3)
                    and (a.status = 'approved' or has_public_answer(a.id))
                order by a.submitted_at, a.id
                limit $4
            )
        ) c
        order by c.depth > 0, c.submitted_at, c.id
        "#,
        root.as_uuid(),
        from.at,
        from.id.as_uuid(),
        rows
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    let mut rows = rows.into_iter();
    match rows.next() {
        Some(first) if first.depth == 0 => Ok(Some(rows.map(CommentRow::into_published).collect())),
        _ => Ok(None),
    }
}

/// One comment in whatever state, with what its author may know.
pub(in crate::comments) struct WholeComment {
    pub(in crate::comments) site_id: SiteId,
    pub(in crate::comments) comment: PublicComment,
    pub(in crate::comments) status: Status,
    pub(in crate::comments) body: String,
    pub(in crate::comments) reason: Option<String>,
    pub(in crate::comments) token_version: i32,
    pub(in crate::comments) edit_window_minutes: i32,
    pub(in crate::comments) page_id: PageId,
    pub(in crate::comments) email_key: EmailKey,
    pub(in crate::comments) version: i32,
}

/// One comment by its id, in any state; who may see it, the caller judges. One round trip.
pub(in crate::comments) async fn find(
    connection: &mut PgConnection,
    id: CommentId,
) -> Result<Option<WholeComment>, Error> {
    let row = sqlx::query!(
        r#"
        select
            c.id as "id: CommentId", c.site_id as "site_id: SiteId", c.parent_id as "parent_id: CommentId", c.depth,
            c.status, c.name, c.website, c.is_staff, c.avatar, c.body, c.body_html, c.submitted_at, c.edited_at,
            c.score, c.reason, c.token_version, s.edit_window_minutes, c.page_id as "page_id: PageId", c.email_key, c.version
        from comments c
        join sites s on s.id = c.site_id
        where c.id = $1
        "#,
        id.as_uuid()
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(WholeComment {
        site_id: row.site_id,
        status: Status::parse(&row.status).ok_or(Error::UnknownValue)?,
        body: row.body,
        reason: row.reason,
        token_version: row.token_version,
        edit_window_minutes: row.edit_window_minutes,
        page_id: row.page_id,
        email_key: EmailKey::from_stored(row.email_key),
        version: row.version,
        comment: PublicComment {
            id: row.id,
            parent_id: row.parent_id,
            depth: row.depth,
            name: row.name,
            website: row.website,
            is_staff: row.is_staff,
            avatar: row.avatar,
            body_html: row.body_html,
            submitted_at: row.submitted_at,
            edited_at: row.edited_at,
            score: row.score,
        },
    }))
}
