//! `PATCH /api/v1/comments/{id}`. Must not hold a rule of the trade.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::wire::{OwnComment, check_body};
use super::{OwnToken, WebOrigin};
use crate::base::ids::CommentId;
use crate::base::text::Body;
use crate::comments::Comments;
use crate::comments::service::Own;
use crate::web::client_address::ClientAddress;
use crate::web::conditional::private_json;
use crate::web::problem::{ApiError, FieldProblem, Problem};
use crate::web::{PathId, Valid};

/// What an author makes of a comment.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct EditOwnComment {
    /// The text, in the Markdown subset; under the same rules as in a submission.
    #[schema(
        required = true,
        nullable = false,
        min_length = 1,
        max_length = 10000,
        example = "The *neap tide* comes later."
    )]
    #[validate(required(code = "required", message = "is required"), custom(function = check_body))]
    body: Option<String>,
}

/// Replaces the text of one's own comment, as long as it waits or is published and the site's time to edit isn't over. It
/// is judged anew as a submission would be: a published one may wait again. The same text changes nothing.
#[utoipa::path(
    patch,
    path = "/api/v1/comments/{id}",
    tag = "readers",
    operation_id = "edit_own_comment",
    params(("id" = CommentId, Path, description = "The comment")),
    request_body = EditOwnComment,
    responses(
        (status = 200, body = OwnComment, description = "The comment as it is now; `status` says whether it is held or published"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`malformed_body`"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`manage_token_required`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`edit_window_over`, `origin_not_allowed`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`comment_not_found`, also with a token that isn't the comment's, and once it is deleted"),
        (status = 408, body = Problem, content_type = "application/problem+json", description = "`request_timeout`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`comment_not_editable` (it was rejected), `duplicate_comment`"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "`body_too_large`"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "`unsupported_media_type`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`validation_failed`"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "`rate_limited`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`"),
    ),
    security(("manage_token" = [])),
)]
pub async fn edit(
    OwnToken(token): OwnToken,
    comments: Data<Comments>,
    from: ClientAddress,
    WebOrigin(origin): WebOrigin,
    PathId(comment_id): PathId<CommentId>,
    Valid(sent): Valid<EditOwnComment>,
) -> Result<HttpResponse, ApiError> {
    let body = Body::parse(sent.body.as_deref().unwrap_or_default());
    let body =
        body.map_err(|complaint| ApiError::of_fields(vec![FieldProblem::new("body", complaint)]))?;
    let own = Own {
        comment_id,
        token,
        origin,
    };
    let view = comments.edit_own(&own, &body, from.network()).await?;
    Ok(private_json(HttpResponse::Ok(), &OwnComment::from(view)))
}
