//! `PATCH /api/v1/admin/moderators/{id}`. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::wire::{ChangeModerator, ModeratorItem};
use crate::accounts::Accounts;
use crate::accounts::extract::Governs;
use crate::accounts::model::PersonalData;
use crate::base::ids::ModeratorId;
use crate::web::conditional::private_json;
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
        (status = 409, description = "`last_owner`"),
        (status = 422, description = "`unknown_site`"),
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
