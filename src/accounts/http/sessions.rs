//! `GET /api/v1/admin/sessions` and `DELETE /api/v1/admin/sessions/{id}`. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::accounts::Accounts;
use crate::accounts::extract::Current;
use crate::accounts::model::SessionEntry;
use crate::base::clock::rfc3339;
use crate::base::codes::Code;
use crate::base::ids::{ModeratorId, SessionId};
use crate::base::paging::{CursorTag, TimeCursor};
use crate::web::conditional::{private_json, private_nothing};
use crate::web::query::Query;
use crate::web::{ApiError, PathId};

/// Names this list in its cursors.
const TAG: CursorTag = CursorTag(32);

/// A session that lasts.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionEntry)]
struct SessionItem {
    /// Which one.
    id: SessionId,
    /// When it began.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    /// When it was last used, to the minute.
    #[serde(with = "rfc3339")]
    last_used_at: OffsetDateTime,
    /// When it ends if it isn't used until then.
    #[serde(with = "rfc3339")]
    expires_at: OffsetDateTime,
    /// The browser's name of itself at the sign-in.
    user_agent: Option<String>,
    /// Whether the request came with it.
    current: bool,
}

/// A page of sessions.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionList)]
struct SessionItems {
    /// The sessions.
    sessions: Vec<SessionItem>,
    /// For the next page; null on the last.
    next_cursor: Option<String>,
}

impl SessionItem {
    fn of(entry: SessionEntry, current: SessionId) -> Self {
        Self {
            id: entry.id,
            created_at: entry.created_at,
            last_used_at: entry.last_used_at,
            expires_at: entry.expires_at,
            user_agent: entry.user_agent,
            current: entry.id == current,
        }
    }
}

/// The own sessions that last, newest first; or those of somebody whom the caller may manage.
#[utoipa::path(
    get,
    path = "/api/v1/admin/sessions",
    tag = "sessions",
    operation_id = "list_sessions",
    params(
        ("moderator" = Option<ModeratorId>, Query, description = "Whose; the caller's own where it is missing"),
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "50 where it is missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, body = SessionItems),
        (status = 404, description = "`moderator_not_found`"),
    ),
    security(("bearer" = ["viewer", "session"])),
)]
pub async fn list(
    Current(session): Current,
    accounts: Data<Accounts>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&["moderator", "limit", "cursor"])?;
    let of: Option<ModeratorId> = query.parsed("moderator", |text| text.parse().ok())?;
    let after = match query.find("cursor")? {
        Some(text) => {
            let cursor = TimeCursor::decode(TAG, text);
            Some(cursor.ok_or_else(|| ApiError::new(Code::InvalidCursor))?)
        }
        None => None,
    };
    let limit = query.limit()?;
    let page = accounts.list_sessions(&session, of, after, limit).await?;
    let items = page.sessions.into_iter();
    Ok(private_json(
        HttpResponse::Ok(),
        &SessionItems {
            sessions: items
                .map(|entry| SessionItem::of(entry, session.id))
                .collect(),
            next_cursor: page.next.map(|cursor| cursor.encode(TAG)),
        },
    ))
}

/// Ends a session: one's own, or that of somebody whom the caller may manage.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/sessions/{id}",
    tag = "sessions",
    operation_id = "end_session",
    params(("id" = SessionId, Path, description = "The session's id")),
    responses(
        (status = 204, description = "Ended"),
    ),
    security(("bearer" = ["viewer", "session"])),
)]
pub async fn end(
    Current(session): Current,
    accounts: Data<Accounts>,
    PathId(id): PathId<SessionId>,
) -> Result<HttpResponse, ApiError> {
    accounts.end_session(&session, id).await?;
    Ok(private_nothing())
}
