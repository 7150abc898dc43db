//! `DELETE /api/v1/comments/{id}`. Must not hold a rule of the trade.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::{OwnToken, WebOrigin};
use crate::base::ids::CommentId;
use crate::comments::Comments;
use crate::comments::extract::ReadAllowance;
use crate::comments::service::Own;
use crate::web::PathId;
use crate::web::conditional::private_nothing;
use crate::web::problem::{ApiError, Problem};

/// Withdraws one's own comment for good, whatever its state and age: its content is gone, its place stays as long as it has
/// public answers.
#[utoipa::path(
    delete,
    path = "/api/v1/comments/{id}",
    tag = "readers",
    operation_id = "withdraw_comment",
    params(("id" = CommentId, Path, description = "The comment")),
    responses(
        (status = 204, description = "Withdrawn, now or before"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`manage_token_required`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`origin_not_allowed`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`comment_not_found`, also with a token that isn't the comment's"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "`rate_limited`, with the network's reads"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`"),
    ),
    security(("manage_token" = [])),
)]
pub async fn withdraw(
    OwnToken(token): OwnToken,
    comments: Data<Comments>,
    _allowance: ReadAllowance,
    WebOrigin(origin): WebOrigin,
    PathId(comment_id): PathId<CommentId>,
) -> Result<HttpResponse, ApiError> {
    let own = Own {
        comment_id,
        token,
        origin,
    };
    comments.withdraw(&own).await?;
    Ok(private_nothing())
}
