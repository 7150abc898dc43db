//! `GET /api/v1/admin/sessions/current`. Translates only.

use actix_web::HttpResponse;

use super::wire::CurrentSession;
use crate::accounts::extract::Current;
use crate::web::ApiError;
use crate::web::conditional::private_json;

/// Tells whose session it is and how long it lasts.
#[utoipa::path(
    get,
    path = "/api/v1/admin/sessions/current",
    operation_id = "current_session",
    tag = "sessions",
    security(("bearer" = ["viewer", "session"])),
    responses(
        (status = 200, description = "The session of the token", body = CurrentSession),
        (status = 403, description = "`forbidden`: a token that is no session's; `not_same_origin`"),
    )
)]
pub async fn current(session: Current) -> Result<HttpResponse, ApiError> {
    Ok(private_json(
        HttpResponse::Ok(),
        &CurrentSession::from(session.0),
    ))
}
