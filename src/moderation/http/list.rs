//! `GET /api/v1/admin/comments`: the queue and every other list. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::CommentItem;
use crate::accounts::extract::Reads;
use crate::base::codes::Code;
use crate::base::page_url::PageUrl;
use crate::base::paging::{CursorTag, TimeCursor};
use crate::base::text;
use crate::comments::model::Status;
use crate::comments::service::moderate::{Order, QueueFilter};
use crate::moderation::Moderation;
use crate::web::ApiError;
use crate::web::conditional::private_json;
use crate::web::problem::Problem;
use crate::web::query::{Query, invalid};

/// A page of comments.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdminCommentList)]
struct CommentList {
    comments: Vec<CommentItem>,
    /// For the next page; null on the last.
    next_cursor: Option<String>,
}

/// The most Unicode scalar values of a search.
const WORDS_CHARS_MAX: usize = 200;
/// What a list can be asked for.
const PARAMETERS: &[&str] = &["status", "site", "page_url", "q", "sort", "limit", "cursor"];
/// Where nothing is said: all but `deleted`.
const DEFAULT_STATUSES: [Status; 4] = [
    Status::Pending,
    Status::Approved,
    Status::Rejected,
    Status::Spam,
];

/// The comments of the caller's sites.
#[utoipa::path(
    get,
    path = "/api/v1/admin/comments",
    tag = "moderators",
    operation_id = "list_admin_comments",
    params(
        ("status" = Option<Vec<Status>>, Query, description = "May repeat; all but deleted where it is missing"),
        ("site" = Option<String>, Query, description = "The slug of a site; all that the caller may see where it is missing"),
        ("page_url" = Option<String>, Query, description = "The address of a page"),
        ("q" = Option<String>, Query, max_length = 200, description = "Words in body, name and, but for viewers, e-mail address"),
        ("sort" = Option<String>, Query, pattern = "^(oldest|newest)$", description = "oldest (default) or newest"),
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "50 where it is missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before, with the same sort"),
    ),
    responses(
        (status = 200, body = CommentList),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "invalid_query, invalid_cursor"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "unauthenticated"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "unknown_site"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "rate_limited"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "unavailable"),
    ),
    security(("bearer" = ["viewer", "comments:read"])),
)]
pub async fn list(
    Reads(caller): Reads,
    moderation: Data<Moderation>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    let filter = filter(&query)?;
    let page = moderation.list(&caller, &filter).await?;
    let personal_data = caller.personal_data();
    let items = page
        .comments
        .into_iter()
        .map(|comment| CommentItem::of(comment, personal_data));
    Ok(private_json(
        HttpResponse::Ok(),
        &CommentList {
            comments: items.collect(),
            next_cursor: page.next.map(|cursor| cursor.encode(tag(filter.order))),
        },
    ))
}

/// Each order has cursors of its own.
const fn tag(order: Order) -> CursorTag {
    match order {
        Order::Oldest => CursorTag(21),
        Order::Newest => CursorTag(22),
    }
}

fn filter(query: &Query) -> Result<QueueFilter, ApiError> {
    query.only(PARAMETERS)?;
    let order = query.parsed("sort", order)?.unwrap_or(Order::Oldest);
    let after = match query.find("cursor")? {
        Some(text) => {
            let cursor = TimeCursor::decode(tag(order), text);
            Some(cursor.ok_or_else(|| ApiError::new(Code::InvalidCursor))?)
        }
        None => None,
    };
    Ok(QueueFilter {
        statuses: statuses(query)?,
        site: query.find("site")?.map(str::to_owned),
        page: query.parsed("page_url", |url| PageUrl::parse(url).ok())?,
        words: words(query)?,
        order,
        after,
        limit: query.limit()?,
    })
}

fn order(word: &str) -> Option<Order> {
    match word {
        "oldest" => Some(Order::Oldest),
        "newest" => Some(Order::Newest),
        _ => None,
    }
}

/// Each state once, however often it is named.
fn statuses(query: &Query) -> Result<Vec<Status>, ApiError> {
    let mut named = Vec::new();
    for word in query.all("status") {
        let status =
            Status::parse(word).ok_or_else(|| invalid("the parameter status is not right"))?;
        if !named.contains(&status) {
            named.push(status);
        }
    }
    Ok(if named.is_empty() {
        DEFAULT_STATUSES.to_vec()
    } else {
        named
    })
}

fn words(query: &Query) -> Result<Option<String>, ApiError> {
    let words = query
        .find("q")?
        .map(text::normalise)
        .filter(|words| !words.is_empty());
    match words {
        Some(words) if words.chars().count() > WORDS_CHARS_MAX => {
            Err(invalid("the parameter q has more than 200 characters"))
        }
        words => Ok(words),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    fn parsed(text: &str) -> Result<QueueFilter, &'static str> {
        let query = Query::parse(text).map_err(|error| error.code().as_str())?;
        filter(&query).map_err(|error| error.code().as_str())
    }

    #[test]
    fn an_empty_query_is_the_whole_queue_but_deleted_ones() {
        let filter = parsed("").unwrap();
        assert_eq!(filter.statuses, DEFAULT_STATUSES);
        assert_eq!((filter.order, filter.limit.get()), (Order::Oldest, 50));
        assert!(filter.site.is_none() && filter.page.is_none() && filter.words.is_none());
    }

    #[test]
    fn statuses_repeat_and_count_once() {
        let filter = parsed("status=spam&status=deleted&status=spam").unwrap();
        assert_eq!(filter.statuses, [Status::Spam, Status::Deleted]);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            "state=spam",
            "status=",
            "status=Spam",
            "sort=risk",
            "sort=",
            "sort=newest&sort=newest",
            "limit=0",
            "page_url=tides",
            "page_url=",
            "q=%ff",
            "q=a&q=b",
        ] {
            assert_eq!(parsed(text).unwrap_err(), "invalid_query", "{text}");
        }
        assert_eq!(
            parsed(&format!("q={}", "x".repeat(201))).unwrap_err(),
            "invalid_query"
        );
        assert!(parsed(&format!("q={}", "ü".repeat(200))).is_ok());
    }

    #[test]
    fn a_cursor_goes_with_its_order() {
        let cursor = TimeCursor {
            at: datetime!(2026-11-24 16:00 UTC),
            id: Uuid::nil(),
        };
        let text = cursor.encode(tag(Order::Newest));
        assert_eq!(
            parsed(&format!("cursor={text}")).unwrap_err(),
            "invalid_cursor"
        );
        assert_eq!(
            parsed(&format!("sort=newest&cursor={text}")).unwrap().after,
            Some(cursor)
        );
        assert_eq!(parsed("cursor=").unwrap_err(), "invalid_cursor");
    }
}
