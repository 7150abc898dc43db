//! `GET /api/v1/admin/comments/{id}`. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::wire::CommentDetailsItem;
use crate::accounts::extract::Reads;
use crate::base::ids::CommentId;
use crate::moderation::Moderation;
use crate::web::conditional::private_json;
use crate::web::query::Query;
use crate::web::{ApiError, PathId};

/// One comment with its history and what readers reported.
#[utoipa::path(
    get,
    path = "/api/v1/admin/comments/{id}",
    tag = "moderators",
    operation_id = "show_admin_comment",
    params(("id" = CommentId, Path, description = "The comment's id")),
    responses(
        (status = 200, body = CommentDetailsItem),
    ),
    security(("bearer" = ["viewer", "comments:read"])),
)]
pub async fn show(
    Reads(caller): Reads,
    moderation: Data<Moderation>,
    PathId(id): PathId<CommentId>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&[])?;
    let details = moderation.show(&caller, id).await?;
    Ok(private_json(
        HttpResponse::Ok(),
        &CommentDetailsItem::of(details, caller.personal_data()),
    ))
}
