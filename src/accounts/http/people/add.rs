//! `POST /api/v1/admin/moderators`. Translates only.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;

use super::wire::{AddModerator, AddedModeratorItem, ModeratorItem, SetupLinkItem};
use crate::accounts::Accounts;
use crate::accounts::extract::Governs;
use crate::accounts::model::PersonalData;
use crate::web::conditional::private_json;
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
        (status = 409, description = "`moderator_exists`"),
        (status = 422, description = "`unknown_site`"),
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
