//! `POST /api/v1/admin/moderators`. Translates only.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;

use super::wire::{AddModerator, AddedModeratorItem, ModeratorItem, SetupLinkItem};
use crate::accounts::Accounts;
use crate::accounts::extract::Governs;
use crate::accounts::model::PersonalData;
use crate::web::conditional::private_json;
use crate::web::problem::Problem;
use crate::web::{ApiError, Strict};

/// Makes an account: an owner of any role, an admin of the roles moderator and viewer, on sites of their own.
#[utoipa::path(
    post,
    path = "/api/v1/admin/moderators",
    tag = "people",
    operation_id = "add_moderator",
    request_body = AddModerator,
    responses(
        (status = 201, description = "Made; the set-up link is shown this once", body = AddedModeratorItem,
            headers(("Location" = String, description = "The account"))),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "unauthenticated"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "forbidden"),
        (status = 408, body = Problem, content_type = "application/problem+json", description = "request_timeout"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "moderator_exists"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "body_too_large"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "unsupported_media_type"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "validation_failed, unknown_field, unknown_site"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "rate_limited"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "unavailable"),
    ),
    security(("bearer" = ["admin", "session"])),
)]
pub async fn add(
    Governs(caller): Governs,
    accounts: Data<Accounts>,
    Strict(body): Strict<AddModerator>,
) -> Result<HttpResponse, ApiError> {
    let added = accounts.add_moderator(&caller, body.parse()?).await?;
    let url = added
        .link
        .as_ref()
        .and_then(|link| accounts.setup_url(link));
    let mut answer = HttpResponse::Created();
    answer.insert_header((
        header::LOCATION,
        format!("/api/v1/admin/moderators/{}", added.moderator.id),
    ));
    Ok(private_json(
        answer,
        &AddedModeratorItem {
            link: SetupLinkItem::of(added.link.as_ref(), url),
            moderator: ModeratorItem::of(added.moderator, PersonalData::Shown),
        },
    ))
}
