//! `GET /api/v1/admin/comments`: the queue and every other list. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use super::filter;
use super::wire::QueuedCommentItem;
use crate::accounts::extract::Reads;
use crate::base::codes::Code;
use crate::base::ids::AuthorId;
use crate::base::paging::{CursorTag, TimeCursor};
use crate::comments::model::Status;
use crate::comments::model::queue::{Completeness, ListAsked, Order};
use crate::comments::model::reactions::SignalCode;
use crate::moderation::Moderation;
use crate::web::ApiError;
use crate::web::conditional::private_json;
use crate::web::query::Query;

/// A page of comments.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdminCommentList)]
struct CommentList {
    /// The comments.
    comments: Vec<QueuedCommentItem>,
    /// For the next page; null on the last.
    next_cursor: Option<String>,
    /// False where the search has looked at as many comments as one call may, and found fewer than a page holds: it goes
    /// on with `next_cursor`.
    complete: bool,
}

/// What a list can be asked for besides the filter.
const PARAMETERS: [&str; 3] = ["sort", "limit", "cursor"];

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
        ("email" = Option<String>, Query, description = "The author's e-mail address; only for those who may see it"),
        ("ip" = Option<String>, Query, description = "A network address; only for those who may see it"),
        ("author" = Option<AuthorId>, Query, description = "An author's id"),
        ("q" = Option<String>, Query, max_length = 200, description = "Words in body, name and, for those who may see it, e-mail address"),
        ("signal" = Option<SignalCode>, Query, description = "What speaks about it: `reported` takes comments with open reports"),
        ("submitted_after" = Option<String>, Query, format = DateTime, description = "Submitted later than that"),
        ("submitted_before" = Option<String>, Query, format = DateTime, description = "Submitted earlier than that"),
        ("sort" = Option<String>, Query, pattern = "^(oldest|newest)$", description = "oldest (default) or newest"),
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "50 where it is missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before, with the same filter and sort"),
    ),
    responses(
        (status = 200, body = CommentList),
        (status = 403, description = "`forbidden`: email or ip from somebody who may not see them"),
        (status = 404, description = "`unknown_site`"),
    ),
    security(("bearer" = ["viewer", "comments:read"])),
)]
pub async fn list(
    Reads(caller): Reads,
    moderation: Data<Moderation>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&[&filter::PARAMETERS[..], &PARAMETERS].concat())?;
    let asked = list_asked(&query)?;
    let filter = filter::of_query(&query)?.for_caller(&caller, moderation.authors())?;
    let page = moderation.list(&caller, &filter, &asked).await?;
    let personal_data = caller.personal_data();
    let items = page
        .comments
        .into_iter()
        .map(|comment| QueuedCommentItem::of(comment, personal_data));
    Ok(private_json(
        HttpResponse::Ok(),
        &CommentList {
            comments: items.collect(),
            next_cursor: page.next.map(|cursor| cursor.encode(tag(asked.order))),
            complete: page.completeness == Completeness::Complete,
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

fn list_asked(query: &Query) -> Result<ListAsked, ApiError> {
    let order = query.parsed("sort", order)?.unwrap_or(Order::Oldest);
    let after = match query.find("cursor")? {
        Some(text) => {
            let cursor = TimeCursor::decode(tag(order), text);
            Some(cursor.ok_or_else(|| ApiError::new(Code::InvalidCursor))?)
        }
        None => None,
    };
    Ok(ListAsked {
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

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    fn parsed(text: &str) -> Result<ListAsked, &'static str> {
        let query = Query::parse(text).map_err(|error| error.code().as_str())?;
        list_asked(&query).map_err(|error| error.code().as_str())
    }

    #[test]
    fn a_list_is_50_of_the_oldest_where_nothing_is_said() {
        let asked = parsed("").unwrap();
        assert_eq!((asked.order, asked.limit.get()), (Order::Oldest, 50));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in ["sort=risk", "sort=", "sort=newest&sort=newest", "limit=0"] {
            assert_eq!(parsed(text).unwrap_err(), "invalid_query", "{text}");
        }
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
