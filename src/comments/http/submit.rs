//! `POST /api/v1/comments`. Must not hold a rule of the trade.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;

use super::wire::{SubmitComment, SubmitReceipt};
use super::{Bearer, WebOrigin};
use crate::comments::Comments;
use crate::comments::service::Submission;
use crate::web::client_address::ClientAddress;
use crate::web::conditional::private_json;
use crate::web::problem::ApiError;
use crate::web::user_agent::UserAgent;
use crate::web::{IdempotencyKey, Valid};

/// Takes a reader's comment; the answer says whether it is published or waits for a moderator.
#[utoipa::path(
    post,
    path = "/api/v1/comments",
    tag = "readers",
    request_body(content(
        (SubmitComment = "application/json"),
        (SubmitComment = "application/x-www-form-urlencoded")
    )),
    params(("Idempotency-Key" = Option<String>, Header, max_length = 128, pattern = "^[!-~]+$", description = "1 to 128 visible ASCII characters; the same key with the same content within 24 hours is answered with the same comment and stores nothing")),
    responses(
        (status = 201, body = SubmitReceipt, description = "On disk. `status` says whether it is held or published.", headers(
            ("Location" = String, description = "The comment's address"),
            ("Idempotency-Replayed" = Option<String>, description = "`true` when an earlier submission of this key is answered again"))),
        (status = 403, description = "`comments_closed`"),
        (status = 404, description = "`parent_not_found`, `page_not_registered`"),
        (status = 409, description = "`duplicate_comment`"),
        (status = 422, description = "`unknown_site`, `idempotency_key_reused`"),
    )
)]
pub async fn submit(
    comments: Data<Comments>,
    from: ClientAddress,
    UserAgent(user_agent): UserAgent,
    headers: (WebOrigin, IdempotencyKey, Result<Bearer, ApiError>),
    body: Valid<SubmitComment>,
) -> Result<HttpResponse, ApiError> {
    let (WebOrigin(origin), IdempotencyKey(idempotency_key), voucher) = headers;
    // What is no manage token (a proxy's own `Authorization: Basic`, say) vouches for nobody, but costs no comment.
    let voucher = voucher.ok().and_then(|Bearer(token)| token);
    let network = from.network();
    let draft = body.0.into_draft(from, user_agent)?;
    let receipt = comments
        .submit(Submission {
            draft,
            idempotency_key,
            origin,
            voucher,
            network,
        })
        .await?;
    let mut answer = HttpResponse::Created();
    answer.insert_header((
        header::LOCATION,
        format!("/api/v1/comments/{}", receipt.comment.comment.id),
    ));
    if receipt.replayed {
        answer.insert_header(("Idempotency-Replayed", "true"));
    }
    let body = SubmitReceipt {
        comment: receipt.comment.into(),
        manage_token: receipt.manage_token,
    };
    Ok(private_json(answer, &body))
}
