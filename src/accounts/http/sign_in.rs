//! `POST /api/v1/admin/sessions`. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::wire::{SignIn, SignInReceipt};
use crate::accounts::Accounts;
use crate::web::client_address::ClientAddress;
use crate::web::conditional::private_json;
use crate::web::problem::Problem;
use crate::web::{ApiError, Strict};

/// Signs a moderator in; the answer holds the token, which is shown this once.
#[utoipa::path(
    post,
    path = "/api/v1/admin/sessions",
    operation_id = "sign_in",
    tag = "sessions",
    request_body = SignIn,
    responses(
        (status = 201, description = "Signed in", body = SignInReceipt),
        (status = 400, description = "`malformed_body`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`invalid_credentials`: in equal time whether or not the account exists",
            body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "`request_timeout`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`validation_failed`, `unknown_field`", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`rate_limited`: too many failures for this account or from this network, or too \
            many sign-ins at once", body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait"))),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn sign_in(
    accounts: Data<Accounts>,
    from: ClientAddress,
    body: Strict<SignIn>,
) -> Result<HttpResponse, ApiError> {
    let (email, password) = body
        .0
        .into_credentials()
        .map_err(|problem| ApiError::of_fields(vec![problem]))?;
    let signed_in = accounts.sign_in(&email, password, from.network()).await?;
    Ok(private_json(
        HttpResponse::Created(),
        &SignInReceipt::from(signed_in),
    ))
}
