//! `GET /api/v1/comments` and `GET /api/v1/comments/{id}/replies`. Must not hold a rule of the trade.

use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::wire::{CommentList, ReplyList};
use crate::base::ids::CommentId;
use crate::comments::Comments;
use crate::comments::extract::{ReadAllowance, page_name};
use crate::comments::service::{ListAsked, Order, Start};
use crate::web::PathId;
use crate::web::conditional::{Ready, public_json};
use crate::web::problem::ApiError;
use crate::web::query::{Query, invalid};

/// A page's published comments: cursor pages of top-level comments with the beginning of their answers.
#[utoipa::path(
    get,
    path = "/api/v1/comments",
    tag = "readers",
    params(
        ("page_url" = Option<String>, Query, max_length = 2048, description = "The page's address; this or `page_key` with `site`"),
        ("page_key" = Option<String>, Query, max_length = 200, description = "The publisher's own id of the page, with `site`"),
        ("site" = Option<String>, Query, description = "The site's slug, with `page_key`"),
        ("sort" = Option<String>, Query, pattern = "^(oldest|newest|top)$", description = "`oldest` (default), `newest`, `top`"),
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "Top-level comments; 50 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of an earlier answer of the same order"),
        ("around" = Option<String>, Query, format = "uuid", description = "Begin so that this comment (or its thread, and it among the answers shown) is in the answer"),
    ),
    responses(
        (status = 200, body = CommentList),
        (status = 304, description = "What `If-None-Match` names is still right"),
        (status = 404, description = "`unknown_site`; `comment_not_found` for `around`"),
    )
)]
pub async fn list(
    request: HttpRequest,
    comments: Data<Comments>,
    _allowance: ReadAllowance,
) -> Result<HttpResponse, ApiError> {
    let sent = request.query_string();
    let asked = if let Some(asked) = comments.find_asked(sent) {
        asked
    } else {
        let asked = Arc::new(read(&Query::parse(sent)?)?);
        comments.remember_asked(sent, &asked);
        asked
    };
    let render = |list| Ready::json(&CommentList::from(list));
    let list = comments.list(&asked, render).await?;
    Ok(list.answer.answer(&request))
}

fn read(query: &Query) -> Result<ListAsked, ApiError> {
    Ok(ListAsked {
        page: page_name(query)?,
        order: query.parsed("sort", Order::parse)?.unwrap_or_default(),
        start: start(query)?,
        limit: query.limit()?,
    })
}

fn start(query: &Query) -> Result<Start, ApiError> {
    match (
        query.find("cursor")?,
        query.parsed("around", |id| id.parse().ok())?,
    ) {
        (None, None) => Ok(Start::Beginning),
        (Some(cursor), None) => Ok(Start::Cursor(cursor.to_owned())),
        (None, Some(id)) => Ok(Start::Around(id)),
        (Some(_), Some(_)) => Err(invalid("cursor and around exclude each other")),
    }
}

/// All published answers of a thread, flat, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/comments/{id}/replies",
    tag = "readers",
    params(
        ("id" = CommentId, Path, description = "The thread's top-level comment"),
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "50 by default"),
        ("cursor" = Option<String>, Query, description = "`next_replies_cursor`, or `next_cursor` of an earlier answer"),
    ),
    responses(
        (status = 200, body = ReplyList),
        (status = 304, description = "What `If-None-Match` names is still right"),
    )
)]
pub async fn replies(
    request: HttpRequest,
    comments: Data<Comments>,
    _allowance: ReadAllowance,
    id: PathId<CommentId>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    let replies = comments
        .replies(id.0, query.find("cursor")?, query.limit()?)
        .await?;
    let list = ReplyList::from(replies);
    public_json(&request, &list)
}
