//! The statements of public reads: a page with the ids of a list, the comments of these ids, one thread, one comment.
//! Must not know HTTP, cursors' text, or who asks.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::base::email::EmailKey;
use crate::base::ids::{CommentId, PageId, SiteId};
use crate::comments::error::Error;
use crate::comments::model::{PublicComment, PublicPage, Published, RemovedComment, Status};
use crate::database;

/// How many answers a thread shows before its own cursor.
pub(in crate::comments) const REPLIES_SHOWN: i64 = 20;

/// Which page is asked for.
pub(in crate::comments) struct PageAsked<'a> {
    pub(in crate::comments) site: SiteId,
    pub(in crate::comments) url_key: Option<&'a str>,
    pub(in crate::comments) key: Option<&'a str>,
}

/// Where a list begins: with this item, or else with the next in the list's order. `rank` counts under `top` only.
#[derive(Debug, Clone, Copy)]
pub(in crate::comments) struct Place {
    pub(in crate::comments) rank: i32,
    pub(in crate::comments) at: OffsetDateTime,
    pub(in crate::comments) id: CommentId,
}

/// A part of a list.
pub(in crate::comments) struct Span {
    pub(in crate::comments) from: Place,
    /// The list shall hold this comment (or its thread): begin so that it does, and leave `from` out of account.
    pub(in crate::comments) around: Option<CommentId>,
    /// Rows asked for; one more than shown.
    pub(in crate::comments) rows: i64,
}

/// A page and the places of its top-level comments.
pub(in crate::comments) struct Listed {
    pub(in crate::comments) page: PublicPage,
    pub(in crate::comments) places: Vec<Place>,
    /// False when `around` named no public comment of the page.
    pub(in crate::comments) found: bool,
}

struct ListRow {
    id: PageId,
    url: String,
    title: Option<String>,
    comment_count: i32,
    comments_open: bool,
    began: Option<OffsetDateTime>,
    found: bool,
    ids: Vec<Uuid>,
    times: Vec<OffsetDateTime>,
    scores: Vec<i32>,
}

/// A page whose closing by age the caller still has to judge, with its list.
pub(in crate::comments) struct Aged {
    pub(in crate::comments) listed: Listed,
    pub(in crate::comments) began: Option<OffsetDateTime>,
}

impl ListRow {
    fn into_aged(self, site: SiteId) -> Aged {
        let keys = self.ids.into_iter().zip(self.times).zip(self.scores);
        Aged {
            began: self.began,
            listed: Listed {
                page: PublicPage {
                    id: Some(self.id),
                    site_id: site,
                    url: Some(self.url),
                    title: self.title,
                    comment_count: self.comment_count,
                    comments_open: self.comments_open,
                },
                places: keys
                    .map(|((id, at), rank)| Place {
                        rank,
                        at,
                        id: CommentId::from_uuid(id),
                    })
                    .collect(),
                found: self.found,
            },
        }
    }
}

// The three lists differ in their order only, which a bound parameter can't name: one statement each, with the index
// that serves it. `named` is what has the address or the key: the page itself, or one that was merged into it (which is
// never merged again, so it is one step). `start` is where the list begins; for `around` at most `rows - 2` items before the wanted one, so
// that it is on the page and what was said before it is seen too.

/// Oldest first, by the index `comments_page_list`. One round trip.
#[expect(clippy::too_many_lines, reason = "one statement and its parameters")]
pub(in crate::comments) async fn list_oldest(
    connection: &mut PgConnection,
    asked: &PageAsked<'_>,
    span: &Span,
) -> Result<Option<Aged>, Error> {
    let row = sqlx::query_as!(
        ListRow,
        r#"
        with page as (
            select
                p.id, p.url, p.title, p.comment_count, p.comments_open,
                coalesce(p.published_at, p.first_comment_at) as began
            from (
                select coalesce(n.merged_into, n.id) as id, n.key
                from pages n
                where n.site_id = $1 and (n.url_key = $2 or n.key = $3)
                union all
                select a.page_id, null
                from page_aliases a
                where a.site_id = $1 and a.url_key = $2
            ) named
            join pages p on p.id = named.id
            order by (named.key is not distinct from $3) desc
            limit 1
        ), start as (
            select $4::timestamptz as at, $5::uuid as id
            where $6::uuid is null
            union all
            (
                select b.submitted_at, b.id
                from (
                    select c.submitted_at, c.id
                    from comments target
                    join comments root on root.id = target.root_id
                    join comments c on c.page_id = root.page_id
                    where target.id = $6 and target.page_id = (select id from page) and target.status = 'approved'
                        and c.parent_id is null and c.published_at is not null
                        and (c.submitted_at, c.id) <= (root.submitted_at, root.id)
                        and (c.status = 'approved' or has_public_answer(c.id))
                    order by c.submitted_at desc, c.id desc
                    limit $7::bigint - 1
                ) b
                order by b.submitted_at, b.id
                limit 1
            )
        ), top as (
            select c.id, c.submitted_at, c.score
            from comments c
            where c.page_id = (select id from page) and c.parent_id is null and c.published_at is not null
                and (c.submitted_at, c.id) >= ((select at from start), (select id from start))
                and (c.status = 'approved' or has_public_answer(c.id))
            order by c.submitted_at, c.id
            limit $7::bigint
        )
        select
            p.id as "id: PageId", p.url, p.title, p.comment_count, p.comments_open, p.began,
            exists (select 1 from start) as "found!",
            coalesce((select array_agg(id order by submitted_at, id) from top), '{}') as "ids!",
            coalesce((select array_agg(submitted_at order by submitted_at, id) from top), '{}') as "times!",
            coalesce((select array_agg(score order by submitted_at, id) from top), '{}') as "scores!"
        from page p
        "#,
        asked.site.as_uuid(),
        asked.url_key,
        asked.key,
        span.from.at,
        span.from.id.as_uuid(),
        span.around.as_ref().map(CommentId::as_uuid),
        span.rows
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(row.map(|row| row.into_aged(asked.site)))
}

/// Newest first, by the index `comments_page_list`. One round trip.
#[expect(clippy::too_many_lines, reason = "one statement and its parameters")]
pub(in crate::comments) async fn list_newest(
    connection: &mut PgConnection,
    asked: &PageAsked<'_>,
    span: &Span,
) -> Result<Option<Aged>, Error> {
    let row = sqlx::query_as!(
        ListRow,
        r#"
        with page as (
            select
                p.id, p.url, p.title, p.comment_count, p.comments_open,
                coalesce(p.published_at, p.first_comment_at) as began
            from (
                select coalesce(n.merged_into, n.id) as id, n.key
                from pages n
                where n.site_id = $1 and (n.url_key = $2 or n.key = $3)
                union all
                select a.page_id, null
                from page_aliases a
                where a.site_id = $1 and a.url_key = $2
            ) named
            join pages p on p.id = named.id
            order by (named.key is not distinct from $3) desc
            limit 1
        ), start as (
            select $4::timestamptz as at, $5::uuid as id
            where $6::uuid is null
            union all
            (
                select b.submitted_at, b.id
                from (
                    select c.submitted_at, c.id
                    from comments target
                    join comments root on root.id = target.root_id
                    join comments c on c.page_id = root.page_id
                    where target.id = $6 and target.page_id = (select id from page) and target.status = 'approved'
                        and c.parent_id is null and c.published_at is not null
                        and (c.submitted_at, c.id) >= (root.submitted_at, root.id)
                        and (c.status = 'approved' or has_public_answer(c.id))
                    order by c.submitted_at, c.id
                    limit $7::bigint - 1
                ) b
                order by b.submitted_at desc, b.id desc
                limit 1
            )
        ), top as (
            select c.id, c.submitted_at, c.score
            from comments c
            where c.page_id = (select id from page) and c.parent_id is null and c.published_at is not null
                and (c.submitted_at, c.id) <= ((select at from start), (select id from start))
                and (c.status = 'approved' or has_public_answer(c.id))
            order by c.submitted_at desc, c.id desc
            limit $7::bigint
        )
        select
            p.id as "id: PageId", p.url, p.title, p.comment_count, p.comments_open, p.began,
            exists (select 1 from start) as "found!",
            coalesce((select array_agg(id order by submitted_at desc, id desc) from top), '{}') as "ids!",
            coalesce((select array_agg(submitted_at order by submitted_at desc, id desc) from top), '{}') as "times!",
            coalesce((select array_agg(score order by submitted_at desc, id desc) from top), '{}') as "scores!"
        from page p
        "#,
        asked.site.as_uuid(),
        asked.url_key,
        asked.key,
        span.from.at,
        span.from.id.as_uuid(),
        span.around.as_ref().map(CommentId::as_uuid),
        span.rows
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(row.map(|row| row.into_aged(asked.site)))
}

/// Highest score first, by the index `comments_page_top`. One round trip.
#[expect(clippy::too_many_lines, reason = "one statement and its parameters")]
pub(in crate::comments) async fn list_top(
    connection: &mut PgConnection,
    asked: &PageAsked<'_>,
    span: &Span,
) -> Result<Option<Aged>, Error> {
    let row = sqlx::query_as!(
        ListRow,
        r#"
        with page as (
            select
                p.id, p.url, p.title, p.comment_count, p.comments_open,
                coalesce(p.published_at, p.first_comment_at) as began
            from (
                select coalesce(n.merged_into, n.id) as id, n.key
                from pages n
                where n.site_id = $1 and (n.url_key = $2 or n.key = $3)
                union all
                select a.page_id, null
                from page_aliases a
                where a.site_id = $1 and a.url_key = $2
            ) named
            join pages p on p.id = named.id
            order by (named.key is not distinct from $3) desc
            limit 1
        ), start as (
            select $8::integer as score, $4::timestamptz as at, $5::uuid as id
            where $6::uuid is null
            union all
            (
                select b.score, b.submitted_at, b.id
                from (
                    select c.score, c.submitted_at, c.id
                    from comments target
                    join comments root on root.id = target.root_id
                    join comments c on c.page_id = root.page_id
                    where target.id = $6 and target.page_id = (select id from page) and target.status = 'approved'
                        and c.parent_id is null and c.published_at is not null
                        and (c.score, c.submitted_at, c.id) >= (root.score, root.submitted_at, root.id)
                        and (c.status = 'approved' or has_public_answer(c.id))
                    order by c.score, c.submitted_at, c.id
                    limit $7::bigint - 1
                ) b
                order by b.score desc, b.submitted_at desc, b.id desc
                limit 1
            )
        ), top as (
            select c.id, c.submitted_at, c.score
            from comments c
            where c.page_id = (select id from page) and c.parent_id is null and c.published_at is not null
                and (c.score, c.submitted_at, c.id)
                    <= ((select score from start), (select at from start), (select id from start))
                and (c.status = 'approved' or has_public_answer(c.id))
            order by c.score desc, c.submitted_at desc, c.id desc
            limit $7::bigint
        )
        select
            p.id as "id: PageId", p.url, p.title, p.comment_count, p.comments_open, p.began,
            exists (select 1 from start) as "found!",
            coalesce((select array_agg(id order by score desc, submitted_at desc, id desc) from top), '{}') as "ids!",
            coalesce((select array_agg(submitted_at order by score desc, submitted_at desc, id desc) from top), '{}') as "times!",
            coalesce((select array_agg(score order by score desc, submitted_at desc, id desc) from top), '{}') as "scores!"
        from page p
        "#,
        asked.site.as_uuid(),
        asked.url_key,
        asked.key,
        span.from.at,
        span.from.id.as_uuid(),
        span.around.as_ref().map(CommentId::as_uuid),
        span.rows,
        span.from.rank
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(row.map(|row| row.into_aged(asked.site)))
}

/// A row of a public list: a thread's first comment, or an answer in the thread before it.
pub(in crate::comments) struct ThreadRow {
    pub(in crate::comments) published: Published,
    /// Public answers in the whole thread; on the thread's first row only.
    pub(in crate::comments) reply_count: Option<i64>,
}

struct CommentRow {
    id: CommentId,
    parent_id: Option<CommentId>,
    depth: i16,
    status: String,
    name: String,
    website: Option<String>,
    is_staff: bool,
    avatar: String,
    body_html: String,
    submitted_at: OffsetDateTime,
    edited_at: Option<OffsetDateTime>,
    score: i32,
    reply_count: Option<i64>,
}

impl CommentRow {
    /// Only here a stored comment becomes a public one: whatever isn't approved loses everything but its place.
    fn into_published(self) -> Published {
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

    fn into_thread_row(self) -> ThreadRow {
        ThreadRow {
            reply_count: self.reply_count,
            published: self.into_published(),
        }
    }
}

/// The comments of these threads, in this order: each first comment with the number of public answers, then the first
/// 21 answers, oldest first. Where a thread holds `around`, its answers begin so that it is among the first 20.
/// One round trip.
pub(in crate::comments) async fn load_threads(
    connection: &mut PgConnection,
    roots: &[CommentId],
    around: Option<CommentId>,
) -> Result<Vec<ThreadRow>, Error> {
    let roots: Vec<Uuid> = roots.iter().map(|root| *root.as_uuid()).collect();
    let rows = sqlx::query_as!(
        CommentRow,
        r#"
        select
            c.id as "id!: CommentId", c.parent_id as "parent_id?: CommentId",
            c.depth as "depth!", c.status as "status!", c.name as "name!", c.website as "website?",
            c.is_staff as "is_staff!", c.avatar as "avatar!", c.body_html as "body_html!",
            c.submitted_at as "submitted_at!", c.edited_at as "edited_at?", c.score as "score!",
            n.answers as "reply_count?"
        from unnest($1::uuid[]) with ordinality t(id, place)
        left join lateral (
            select b.submitted_at, b.id
            from (
                select x.submitted_at, x.id
                from comments target
                join comments x on x.root_id = target.root_id
                where target.id = $2 and target.root_id = t.id and target.parent_id is not null
                    and target.status = 'approved'
                    and x.parent_id is not null and x.published_at is not null
                    and (x.submitted_at, x.id) <= (target.submitted_at, target.id)
                    and (x.status = 'approved' or has_public_answer(x.id))
                order by x.submitted_at desc, x.id desc
                limit $3::bigint
            ) b
            order by b.submitted_at, b.id
            limit 1
        ) s on true
        cross join lateral (
            select
                o.root_id, o.id, o.parent_id, o.depth, o.status, o.name, o.website, o.is_staff, o.avatar,
                o.body_html, o.submitted_at, o.edited_at, o.score
            from comments o
            where o.id = t.id
            union all
            (
                select
                    a.root_id, a.id, a.parent_id, a.depth, a.status, a.name, a.website, a.is_staff, a.avatar,
                    a.body_html, a.submitted_at, a.edited_at, a.score
                from comments a
                where a.root_id = t.id and a.parent_id is not null and a.published_at is not null
                    and (a.submitted_at, a.id) >= (
                        coalesce(s.submitted_at, '-infinity'),
                        coalesce(s.id, '00000000-0000-0000-0000-000000000000')
                    )
                    and (a.status = 'approved' or has_public_answer(a.id))
                order by a.submitted_at, a.id
                limit $3::bigint + 1
            )
        ) c
        left join lateral (
            select count(*) as answers
            from comments a
            where a.root_id = t.id and a.parent_id is not null and a.published_at is not null
                and a.status = 'approved'
        ) n on c.id = t.id
        order by t.place, c.depth > 0, c.submitted_at, c.id
        "#,
        &roots,
        around.as_ref().map(CommentId::as_uuid),
        REPLIES_SHOWN
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(rows.into_iter().map(CommentRow::into_thread_row).collect())
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
            c.submitted_at as "submitted_at!", c.edited_at as "edited_at?", c.score as "score!",
            null::bigint as "reply_count?"
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
