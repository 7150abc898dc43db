//! `DELETE /api/v1/admin/sessions/current`. Translates only.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::cookie::{self, Found};
use crate::accounts::Accounts;
use crate::accounts::extract::Current;
use crate::web::ApiError;
use crate::web::same_origin::OwnOrigin;

/// Ends the session: its token is worth nothing from now on, and the desk's cookie goes.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/sessions/current",
    operation_id = "sign_out",
    tag = "sessions",
    security(("bearer" = ["viewer", "session"])),
    responses(
        (status = 204, description = "Signed out", headers(
            ("Set-Cookie" = Option<String>, description = "Takes the desk's cookie away, where there was one"))),
        (status = 403, description = "`forbidden`: a token that is no session's; `not_same_origin`"),
    )
)]
pub async fn sign_out(
    session: Current,
    accounts: Data<Accounts>,
    own: Data<OwnOrigin>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    accounts.sign_out(&session.0).await?;
    let mut answer = HttpResponse::NoContent();
    answer.insert_header((header::CACHE_CONTROL, "private, no-store"));
    if !matches!(cookie::find(&own, request.headers()), Found::Nothing)
        && let Some(cookie) = cookie::clearing(&own)
    {
        answer.insert_header((header::SET_COOKIE, cookie));
    }
    Ok(answer.finish())
}
