//! `DELETE /api/v1/admin/sessions/current`. Translates only.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;

use crate::accounts::Accounts;
use crate::accounts::extract::Current;
use crate::web::ApiError;
use crate::web::problem::Problem;

/// Ends the session: its token is worth nothing from now on.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/sessions/current",
    operation_id = "sign_out",
    tag = "sessions",
    security(("bearer" = ["viewer", "session"])),
    responses(
        (status = 204, description = "Signed out"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`rate_limited`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn sign_out(
    session: Current,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, ApiError> {
    accounts.sign_out(session.0.id).await?;
    Ok(HttpResponse::NoContent()
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .finish())
}
