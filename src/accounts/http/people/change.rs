//! `PATCH /api/v1/admin/moderators/{id}`. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::wire::{ChangeModerator, ModeratorItem};
use crate::accounts::Accounts;
use crate::accounts::extract::Governs;
use crate::accounts::model::PersonalData;
use crate::base::ids::ModeratorId;
use crate::web::conditional::private_json;
use crate::web::problem::Problem;
use crate::web::{ApiError, PathId, Strict};

/// Changes name, role, sites, or whether the account may be used; counts from its next request on.
#[utoipa::path(
    patch,
    path = "/api/v1/admin/moderators/{id}",
    tag = "people",
    operation_id = "change_moderator",
    params(("id" = ModeratorId, Path, description = "The account's id")),
    request_body = ChangeModerator,
    responses(
        (status = 200, body = ModeratorItem),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "unauthenticated"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "forbidden"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "moderator_not_found"),
        (status = 408, body = Problem, content_type = "application/problem+json", description = "request_timeout"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "last_owner"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "body_too_large"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "unsupported_media_type"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "validation_failed, unknown_field, unknown_site"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "rate_limited"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "unavailable"),
    ),
    security(("bearer" = ["admin", "session"])),
)]
pub async fn change(
    Governs(caller): Governs,
    accounts: Data<Accounts>,
    PathId(id): PathId<ModeratorId>,
    Strict(body): Strict<ChangeModerator>,
) -> Result<HttpResponse, ApiError> {
    let moderator = accounts
        .change_moderator(&caller, id, &body.parse()?)
        .await?;
    Ok(private_json(
        HttpResponse::Ok(),
        &ModeratorItem::of(moderator, PersonalData::Shown),
    ))
}
