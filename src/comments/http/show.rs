//! `GET /api/v1/comments/{id}`. Must not hold a rule of the trade.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::Bearer;
use super::wire::{Comment, OwnComment};
use crate::base::ids::CommentId;
use crate::comments::Comments;
use crate::comments::extract::ReadAllowance;
use crate::web::PathId;
use crate::web::conditional::{private_json, public_json};
use crate::web::problem::ApiError;

/// One comment: a published one for everybody; with its manage token, its author sees it in any state.
#[utoipa::path(
    get,
    path = "/api/v1/comments/{id}",
    tag = "readers",
    params(("id" = CommentId, Path, description = "The comment")),
    security((), ("manage_token" = [])),
    responses(
        (status = 200, body = OwnComment, description = "Without the token only the public members"),
        (status = 304, description = "What `If-None-Match` names is still right"),
    )
)]
pub async fn show(
    request: HttpRequest,
    comments: Data<Comments>,
    _allowance: ReadAllowance,
    token: Bearer,
    id: PathId<CommentId>,
) -> Result<HttpResponse, ApiError> {
    if let Some(token) = token.0 {
        let own = OwnComment::from(comments.find_own(id.0, &token).await?);
        return Ok(private_json(HttpResponse::Ok(), &own));
    }
    let comment = Comment::from(comments.find_published(id.0).await?);
    public_json(&request, &comment)
}
