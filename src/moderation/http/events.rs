//! `GET /api/v1/admin/events`: what changes, as it changes. Translates only.

use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use serde::Serialize;

use crate::accounts::extract::Reads;
use crate::base::ids::CommentId;
use crate::comments::model::Status;
use crate::moderation::{Events, FeedItem};
use crate::web::ApiError;
use crate::web::events::{self as web_events, EventText};

/// The data of an event `comment`.
#[derive(Debug, Serialize)]
struct CommentChanged<'a> {
    id: CommentId,
    site: &'a str,
    status: Status,
    version: i32,
}

/// The data of an event `resync`: none.
#[derive(Debug, Serialize)]
struct Resync {}

/// Follows what changes on the caller's sites, until the session or token ends.
#[utoipa::path(
    get,
    path = "/api/v1/admin/events",
    tag = "moderators",
    operation_id = "follow_events",
    responses(
        (status = 200, content_type = "text/event-stream", body = String, description = "Events (Server-sent events, HTML \
            standard) without end. `comment`: a comment was submitted, decided, changed, deleted or \
            reported; its data are \
            `{\"id\", \"site\", \"status\", \"version\"}`, for fetching it. `resync`: something may have been missed; fetch \
            again what is shown. Each 15 seconds without events a comment line. Ends when the session or token does, or \
            the account's role or sites change: connect again."),
        (status = 429, description = "`rate_limited`: more than 8 streams of one session or token, or 500 of all"),
    ),
    security(("bearer" = ["viewer", "comments:read"])),
)]
pub async fn follow(
    Reads(caller): Reads,
    request: HttpRequest,
    events: Data<Events>,
) -> Result<HttpResponse, ApiError> {
    if request.method() == Method::HEAD {
        return Ok(web_events::head());
    }
    let feed = events.open(caller).await?;
    Ok(web_events::stream(stream::unfold(
        feed,
        async |mut feed| {
            let items = feed.next().await?;
            Some((text(&items), feed))
        },
    )))
}

fn text(items: &[FeedItem]) -> EventText {
    items
        .iter()
        .fold(EventText::new(), |text, item| match item {
            FeedItem::Change { change, site } => text.event(
                "comment",
                &CommentChanged {
                    id: change.comment_id,
                    site,
                    status: change.status,
                    version: change.version,
                },
            ),
            FeedItem::Resync => text.event("resync", &Resync {}),
            FeedItem::Heartbeat => text.heartbeat(),
        })
}
