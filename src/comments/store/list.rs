//! The statements of a page's list: the page, its threads and the beginning of their answers at once. Must not know HTTP,
//! cursors' text, or who asks.
//!
//! One statement, since a list is read more often than anything else. It gets along without values that decide what it
//! does, so that Postgres soon plans it once for each connection: planning it costs more than running it. That is why
//! `around` has a statement of its own, which says where to begin.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::read::CommentRow;
use crate::base::ids::{CommentId, PageId, SiteId};
use crate::comments::error::Error;
use crate::comments::model::{PublicPage, Published, Status};
use crate::database;

/// How many answers a thread shows before its own cursor.
pub(in crate::comments) const REPLIES_SHOWN: i64 = 20;

/// Which page is asked for.
pub(in crate::comments) struct PageAsked<'a> {
    pub(in crate::comments) site: SiteId,
    pub(in crate::comments) url_key: Option<&'a str>,
    pub(in crate::comments) key: Option<&'a str>,
}

/// In which order: by time, by time backwards, by score and time backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::comments) enum Sorting {
    Oldest,
    Newest,
    Top,
}

/// Where a list begins: with this item, or else with the next in the list's order. `rank` counts under `top` only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::comments) struct Place {
    pub(in crate::comments) rank: i32,
    pub(in crate::comments) at: OffsetDateTime,
    pub(in crate::comments) id: CommentId,
}

/// A thread whose answers begin at this one instead of their first.
#[derive(Debug, Clone, Copy)]
pub(in crate::comments) struct Cut {
    root: CommentId,
    at: OffsetDateTime,
    id: CommentId,
}

/// A part of a list.
pub(in crate::comments) struct Span {
    pub(in crate::comments) sorting: Sorting,
    pub(in crate::comments) from: Place,
    pub(in crate::comments) cut: Option<Cut>,
    /// Rows asked for; one more than shown.
    pub(in crate::comments) rows: i64,
}

/// A page, of which the caller still has to judge whether its age closes it.
pub(in crate::comments) struct Listed {
    pub(in crate::comments) page: PublicPage,
    /// Raised with every change of what the page shows, but for scores.
    pub(in crate::comments) version: i64,
    pub(in crate::comments) began: Option<OffsetDateTime>,
    pub(in crate::comments) threads: Vec<ListedThread>,
    /// Where the list goes on.
    pub(in crate::comments) next: Option<Place>,
}

/// A thread's first comment with its first 21 answers, oldest first.
pub(in crate::comments) struct ListedThread {
    pub(in crate::comments) first: Published,
    /// Public answers in the whole thread.
    pub(in crate::comments) reply_count: i64,
    pub(in crate::comments) replies: Vec<Published>,
}

struct ListRow {
    page_id: PageId,
    url: String,
    title: Option<String>,
    comment_count: i32,
    comments_open: bool,
    began: Option<OffsetDateTime>,
    page_version: i64,
    place: Option<i64>,
    /// 0 for a thread's first comment.
    reply_place: Option<i64>,
    id: Option<CommentId>,
    parent_id: Option<CommentId>,
    depth: Option<i16>,
    status: Option<String>,
    name: Option<String>,
    website: Option<String>,
    is_staff: Option<bool>,
    avatar: Option<String>,
    body_html: Option<String>,
    submitted_at: Option<OffsetDateTime>,
    edited_at: Option<OffsetDateTime>,
    score: Option<i32>,
    answers: Option<i64>,
}

impl ListRow {
    /// None in the only row of a page without comments.
    fn into_comment(self) -> Option<CommentRow> {
        Some(CommentRow {
            id: self.id?,
            parent_id: self.parent_id,
            depth: self.depth?,
            status: self.status?,
            name: self.name?,
            website: self.website,
            is_staff: self.is_staff?,
            avatar: self.avatar?,
            body_html: self.body_html?,
            submitted_at: self.submitted_at?,
            edited_at: self.edited_at,
            score: self.score?,
        })
    }
}

/// The three lists differ in their order only, which a bound parameter can't name: one text, made a statement for each
/// order, which an index serves.
///
/// `named` is what has the address or the key: the page itself, or one that was merged into it (which is never merged
/// again, so it is one step). A thread's answers are counted only where the rows don't hold them all; else [`gather`] counts them.
macro_rules! select_list {
    ($connection:expr, $asked:expr, $span:expr, $order:literal, $begun:literal $(, $rank:expr)?) => {
        sqlx::query_as!(
            ListRow,
            r#"
            with page as (
                select
                    p.id, p.url, p.title, p.comment_count, p.comments_open, p.version,
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
            ), top as (
                select
                    row_number() over (order by "# + $order + r#") as place, id, depth, status, name, website,
                    is_staff, avatar, body_html, submitted_at, edited_at, score
                from comments
                where page_id = (select id from page) and parent_id is null and published_at is not null
                    and "# + $begun + r#"
                    and (status = 'approved' or has_public_answer(id))
                order by "# + $order + r#"
                limit $6
            ), shown as (
                select
                    t.place, 0::bigint as reply_place, t.id, null::uuid as parent_id, t.depth, t.status, t.name,
                    t.website, t.is_staff, t.avatar, t.body_html, t.submitted_at, t.edited_at, t.score,
                    null::bigint as answers
                from top t
                union all
                select
                    t.place, r.reply_place, r.id, r.parent_id, r.depth, r.status, r.name,
                    r.website, r.is_staff, r.avatar, r.body_html, r.submitted_at, r.edited_at, r.score,
                    case when r.reply_place > $7 or (r.reply_place = 1 and t.id = $8) then (
                        select count(*)
                        from comments n
                        where n.root_id = t.id and n.parent_id is not null and n.published_at is not null
                            and n.status = 'approved'
                    ) end
                from top t
                cross join lateral (
                    select
                        row_number() over (order by a.submitted_at, a.id) as reply_place, a.id, a.parent_id, a.depth,
                        a.status, a.name, a.website, a.is_staff, a.avatar, a.body_html, a.submitted_at, a.edited_at,
                        a.score
                    from comments a
                    where a.root_id = t.id and a.parent_id is not null and a.published_at is not null
                        and (a.submitted_at, a.id) >= (
                            case when t.id = $8 then $9::timestamptz else '-infinity' end,
                            case when t.id = $8 then $10::uuid else '00000000-0000-0000-0000-000000000000' end
                        )
                        and (a.status = 'approved' or has_public_answer(a.id))
                    order by a.submitted_at, a.id
                    limit $7::bigint + 1
                ) r
                where t.place < $6
            )
            select
                p.id as "page_id: PageId", p.url, p.title, p.comment_count, p.comments_open, p.began,
                p.version as page_version, c.place as "place?", c.reply_place as "reply_place?",
                c.id as "id?: CommentId", c.parent_id as "parent_id?: CommentId", c.depth as "depth?",
                c.status as "status?", c.name as "name?", c.website as "website?", c.is_staff as "is_staff?",
                c.avatar as "avatar?", c.body_html as "body_html?", c.submitted_at as "submitted_at?",
                c.edited_at as "edited_at?", c.score as "score?", c.answers as "answers?"
            from page p
            left join shown c on true
            order by c.place, c.reply_place
            "#,
            $asked.site.as_uuid(),
            $asked.url_key,
            $asked.key,
            $span.from.at,
            $span.from.id.as_uuid(),
            $span.rows,
            REPLIES_SHOWN,
            $span.cut.as_ref().map(|cut| cut.root.as_uuid()),
            $span.cut.map(|cut| cut.at),
            $span.cut.as_ref().map(|cut| cut.id.as_uuid()),
            $($rank)?
        )
        .fetch_all($connection)
        .await
        .map_err(database::Error::from)?
    };
}

/// A part of a page's list; none where there is no such page. One round trip.
pub(in crate::comments) async fn find_list(
    connection: &mut PgConnection,
    asked: &PageAsked<'_>,
    span: &Span,
) -> Result<Option<Listed>, Error> {
    let rows = match span.sorting {
        // By the index `comments_page_list`, onwards and backwards.
        Sorting::Oldest => select_list!(
            connection,
            asked,
            span,
            "submitted_at, id",
            "(submitted_at, id) >= ($4, $5)"
        ),
        Sorting::Newest => select_list!(
            connection,
            asked,
            span,
            "submitted_at desc, id desc",
            "(submitted_at, id) <= ($4, $5)"
        ),
        // By the index `comments_page_top`, backwards.
        Sorting::Top => select_list!(
            connection,
            asked,
            span,
            "score desc, submitted_at desc, id desc",
            "(score, submitted_at, id) <= ($11, $4, $5)",
            span.from.rank
        ),
    };
    Ok(gather(rows, asked.site, span.rows))
}

/// From rows in their order to a page with its threads.
fn gather(rows: Vec<ListRow>, site: SiteId, rows_asked: i64) -> Option<Listed> {
    let mut rows = rows.into_iter().peekable();
    let first = rows.peek_mut()?;
    let mut listed = Listed {
        page: PublicPage {
            id: Some(first.page_id),
            site_id: site,
            url: Some(std::mem::take(&mut first.url)),
            title: first.title.take(),
            comment_count: first.comment_count,
            comments_open: first.comments_open,
        },
        version: first.page_version,
        began: first.began,
        threads: Vec::new(),
        next: None,
    };
    let mut is_counted = false;
    for row in rows {
        let (is_first, place, answers) = (row.reply_place == Some(0), row.place, row.answers);
        let Some(comment) = row.into_comment() else {
            break;
        };
        if place >= Some(rows_asked) {
            listed.next = Some(Place {
                rank: comment.score,
                at: comment.submitted_at,
                id: comment.id,
            });
            break;
        }
        if is_first {
            is_counted = false;
            listed.threads.push(ListedThread {
                first: comment.into_published(),
                reply_count: 0,
                replies: Vec::new(),
            });
        } else if let Some(thread) = listed.threads.last_mut() {
            let is_public = comment.status == Status::Approved.as_str();
            if let Some(answers) = answers {
                thread.reply_count = answers;
                is_counted = true;
            } else if !is_counted {
                thread.reply_count += i64::from(is_public);
            }
            thread.replies.push(comment.into_published());
        }
    }
    Some(listed)
}

/// Where a list begins that shall hold a certain comment.
pub(in crate::comments) struct Around {
    /// The page of the comment.
    pub(in crate::comments) page: PageId,
    pub(in crate::comments) from: Place,
    pub(in crate::comments) cut: Option<Cut>,
}

/// `start` is at most `rows - 2` items before the wanted comment's thread, so that it is on the page and what was said
/// before it is seen too; `cut` is so for the thread's answers.
macro_rules! select_start {
    ($connection:expr, $comment:expr, $rows:expr, $begun:literal, $backwards:literal, $onwards:literal) => {
        sqlx::query!(
            r#"
            with target as (
                select id, page_id, root_id, parent_id, submitted_at
                from comments
                where id = $1 and status = 'approved'
            ), start as (
                select b.score, b.submitted_at, b.id
                from (
                    select c.score, c.submitted_at, c.id
                    from target t
                    join comments r on r.id = t.root_id
                    join comments c on c.page_id = t.page_id
                    where c.parent_id is null and c.published_at is not null
                        and "# + $begun + r#"
                        and (c.status = 'approved' or has_public_answer(c.id))
                    order by "# + $backwards + r#"
                    limit $2::bigint - 1
                ) b
                order by "# + $onwards + r#"
                limit 1
            ), cut as (
                select b.submitted_at, b.id
                from (
                    select x.submitted_at, x.id
                    from target t
                    join comments x on x.root_id = t.root_id
                    where t.parent_id is not null and x.parent_id is not null and x.published_at is not null
                        and (x.submitted_at, x.id) <= (t.submitted_at, t.id)
                        and (x.status = 'approved' or has_public_answer(x.id))
                    order by x.submitted_at desc, x.id desc
                    limit $3::bigint
                ) b
                order by b.submitted_at, b.id
                limit 1
            )
            select
                t.page_id as "page_id: PageId", t.root_id as "root_id: CommentId", s.score, s.submitted_at,
                s.id as "id: CommentId", u.submitted_at as "cut_at?", u.id as "cut_id?: CommentId"
            from target t
            cross join start s
            left join cut u on true
            "#,
            $comment.as_uuid(),
            $rows,
            REPLIES_SHOWN
        )
        .fetch_optional($connection)
        .await
        .map_err(database::Error::from)?
        .map(|row| Around {
            page: row.page_id,
            from: Place {
                rank: row.score,
                at: row.submitted_at,
                id: row.id,
            },
            cut: row.cut_at.zip(row.cut_id).map(|(at, id)| Cut {
                root: row.root_id,
                at,
                id,
            }),
        })
    };
}

/// Where a list of so many rows begins that holds this comment; none where it isn't public. One round trip.
pub(in crate::comments) async fn find_start_around(
    connection: &mut PgConnection,
    comment: CommentId,
    sorting: Sorting,
    rows: i64,
) -> Result<Option<Around>, Error> {
    Ok(match sorting {
        Sorting::Oldest => select_start!(
            connection,
            comment,
            rows,
            "(c.submitted_at, c.id) <= (r.submitted_at, r.id)",
            "c.submitted_at desc, c.id desc",
            "b.submitted_at, b.id"
        ),
        Sorting::Newest => select_start!(
            connection,
            comment,
            rows,
            "(c.submitted_at, c.id) >= (r.submitted_at, r.id)",
            "c.submitted_at, c.id",
            "b.submitted_at desc, b.id desc"
        ),
        Sorting::Top => select_start!(
            connection,
            comment,
            rows,
            "(c.score, c.submitted_at, c.id) >= (r.score, r.submitted_at, r.id)",
            "c.score, c.submitted_at, c.id",
            "b.score desc, b.submitted_at desc, b.id desc"
        ),
    })
}

/// The page's version; none where it isn't there any more. One round trip.
pub(in crate::comments) async fn find_version(
    connection: &mut PgConnection,
    page: PageId,
) -> Result<Option<i64>, Error> {
    let version = sqlx::query_scalar!("select version from pages where id = $1", page.as_uuid())
        .fetch_optional(connection)
        .await
        .map_err(database::Error::from)?;
    Ok(version)
}
