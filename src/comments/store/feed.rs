//! The statements of feeds: the newest published comments of a page, and of a site. Must not know the format of feeds.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::list::PageAsked;
use crate::base::ids::{CommentId, SiteId};
use crate::comments::error::Error;
use crate::comments::model::feed::{Feed, FeedEntry};
use crate::database;

/// How many comments a feed has.
const ENTRIES_MAX: i64 = 50;
/// Answers to one comment are counted so far.
const REPLIES_COUNTED_MAX: i64 = 1_000;

/// The subject of the feed with one of its comments; where it has none, one row without a comment.
struct FeedRow {
    title: Option<String>,
    url: Option<String>,
    began: OffsetDateTime,
    id: Option<CommentId>,
    parent_id: Option<CommentId>,
    name: Option<String>,
    website: Option<String>,
    body_html: Option<String>,
    submitted_at: Option<OffsetDateTime>,
    edited_at: Option<OffsetDateTime>,
    reply_count: Option<i64>,
    page_url: Option<String>,
    page_title: Option<String>,
}

impl FeedRow {
    fn into_entry(self) -> Option<FeedEntry> {
        Some(FeedEntry {
            id: self.id?,
            parent_id: self.parent_id,
            name: self.name?,
            website: self.website,
            body_html: self.body_html?,
            submitted_at: self.submitted_at?,
            edited_at: self.edited_at,
            reply_count: self
                .reply_count
                .filter(|number| *number < REPLIES_COUNTED_MAX),
            page_url: self.page_url?,
            page_title: self.page_title,
        })
    }
}

/// From rows to a feed; none where the site has gone.
fn gather(rows: Vec<FeedRow>) -> Option<Feed> {
    let first = rows.first()?;
    Some(Feed {
        title: first.title.clone(),
        url: first.url.clone(),
        began: first.began,
        entries: rows.into_iter().filter_map(FeedRow::into_entry).collect(),
    })
}

/// A page's feed, by the index `comments_page_queue`. One round trip.
pub(in crate::comments) async fn find_page_feed(
    connection: &mut PgConnection,
    asked: &PageAsked<'_>,
) -> Result<Option<Feed>, Error> {
    let rows = sqlx::query_as!(
        FeedRow,
        r#"
        with page as (
            select p.id, p.url, p.title, p.created_at
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
        )
        select
            p.title as "title?", p.url as "url?", coalesce(p.created_at, s.created_at) as "began!",
            c.id as "id?: CommentId", c.parent_id as "parent_id?: CommentId", c.name as "name?", c.website as "website?",
            c.body_html as "body_html?", c.submitted_at as "submitted_at?", c.edited_at as "edited_at?",
            r.reply_count as "reply_count?", p.url as "page_url?", p.title as "page_title?"
        from sites s
        left join page p on true
        left join lateral (
            select c.id, c.parent_id, c.name, c.website, c.body_html, c.submitted_at, c.edited_at
            from comments c
            where c.page_id = p.id and c.status = 'approved'
            order by c.submitted_at desc, c.id desc
            limit $4
        ) c on true
        left join lateral (
            select count(*) as reply_count
            from (
                select 1
                from comments a
                where a.parent_id = c.id and a.published_at is not null and a.status = 'approved'
                limit $5
            ) a
        ) r on true
        where s.id = $1
        order by c.submitted_at desc, c.id desc
        "#,
        asked.site.as_uuid(),
        asked.url_key,
        asked.key,
        ENTRIES_MAX,
        REPLIES_COUNTED_MAX,
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(gather(rows))
}

/// A site's feed, by the index `comments_site_queue`. One round trip.
pub(in crate::comments) async fn find_site_feed(
    connection: &mut PgConnection,
    site: SiteId,
) -> Result<Option<Feed>, Error> {
    let rows = sqlx::query_as!(
        FeedRow,
        r#"
        select
            s.name as "title?", null::text as "url?", s.created_at as "began!", c.id as "id?: CommentId",
            c.parent_id as "parent_id?: CommentId", c.name as "name?", c.website as "website?",
            c.body_html as "body_html?", c.submitted_at as "submitted_at?", c.edited_at as "edited_at?",
            r.reply_count as "reply_count?", p.url as "page_url?", p.title as "page_title?"
        from sites s
        left join lateral (
            select c.id, c.parent_id, c.page_id, c.name, c.website, c.body_html, c.submitted_at, c.edited_at
            from comments c
            where c.site_id = s.id and c.status = 'approved'
            order by c.submitted_at desc, c.id desc
            limit $2
        ) c on true
        left join lateral (
            select count(*) as reply_count
            from (
                select 1
                from comments a
                where a.parent_id = c.id and a.published_at is not null and a.status = 'approved'
                limit $3
            ) a
        ) r on true
        left join pages o on o.id = c.page_id
        left join pages p on p.id = coalesce(o.merged_into, o.id)
        where s.id = $1
        order by c.submitted_at desc, c.id desc
        "#,
        site.as_uuid(),
        ENTRIES_MAX,
        REPLIES_COUNTED_MAX,
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(gather(rows))
}
