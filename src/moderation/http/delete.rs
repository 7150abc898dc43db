//! `DELETE /api/v1/admin/comments/{id}`. Translates only.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;

use super::decide::parse_version;
use super::wire::refusal;
use crate::accounts::extract::Decides;
use crate::base::ids::CommentId;
use crate::moderation::Moderation;
use crate::web::query::Query;
use crate::web::{ApiError, PathId};

/// Deletes a comment for good: its content is gone, its place and its history stay. Answers to it stay too.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/comments/{id}",
    tag = "moderators",
    operation_id = "delete_comment",
    params(
        ("id" = CommentId, Path, description = "The comment's id"),
        ("version" = Option<i32>, Query, minimum = 1, description = "The version that was looked at; another one is refused with version_conflict"),
    ),
    responses(
        (status = 204, description = "Deleted, now or before"),
        (status = 409, description = "`version_conflict` (with the current one as comment)"),
    ),
    security(("bearer" = ["moderator", "comments:decide"])),
)]
pub async fn delete(
    Decides(caller): Decides,
    moderation: Data<Moderation>,
    PathId(id): PathId<CommentId>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&["version"])?;
    let version = query.parsed("version", |text| {
        let version = text.parse().ok()?;
        parse_version(version).ok()
    })?;
    moderation
        .delete(&caller, id, version)
        .await
        .map_err(|error| refusal(error, caller.personal_data()))?;
    Ok(HttpResponse::NoContent()
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .finish())
}
