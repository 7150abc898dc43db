//! `POST /api/v1/admin/sessions`. Translates only.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::cookie;
use super::wire::{Delivery, SignIn, SignInReceipt};
use crate::accounts::Accounts;
use crate::base::codes::Code;
use crate::web::client_address::ClientAddress;
use crate::web::conditional::private_json;
use crate::web::same_origin::OwnOrigin;
use crate::web::user_agent::UserAgent;
use crate::web::{ApiError, Strict};

/// Signs a moderator in; the answer holds the token, which is shown this once, or sets it as a cookie for the desk.
#[utoipa::path(
    post,
    path = "/api/v1/admin/sessions",
    operation_id = "sign_in",
    tag = "sessions",
    request_body = SignIn,
    responses(
        (status = 201, description = "Signed in", body = SignInReceipt, headers(
            ("Set-Cookie" = Option<String>, description = "The token, where `cookie` is true"))),
        (status = 401, description = "`invalid_credentials`: in equal time whether or not the account exists; `totp_required`: the password is right, and the account has a second factor"),
        (status = 403, description = "`not_same_origin`: a cookie is for our own pages only"),
        (status = 429, description = "`rate_limited`: too many failures for this account or from this network, or too many sign-ins at once"),
    )
)]
pub async fn sign_in(
    request: HttpRequest,
    accounts: Data<Accounts>,
    own: Data<OwnOrigin>,
    from: ClientAddress,
    UserAgent(user_agent): UserAgent,
    Strict(body): Strict<SignIn>,
) -> Result<HttpResponse, ApiError> {
    let delivery = body.delivery();
    // Another page could else sign a visitor in under its own account, and read what they do there.
    if delivery == Delivery::Cookie && !own.has_made_change(request.headers()) {
        return Err(ApiError::new(Code::NotSameOrigin));
    }
    let shown = body
        .into_shown()
        .map_err(|problem| ApiError::of_fields(vec![problem]))?;
    let signed_in = accounts
        .sign_in(
            &shown.email,
            shown.password,
            shown.code,
            from.network(),
            user_agent.as_deref(),
        )
        .await?;
    let mut answer = HttpResponse::Created();
    if delivery == Delivery::Cookie
        && let Some(cookie) = cookie::setting(&own, &signed_in.token)
    {
        answer.insert_header((header::SET_COOKIE, cookie));
    }
    Ok(private_json(
        answer,
        &SignInReceipt::of(signed_in, delivery),
    ))
}
