//! `DELETE /api/v1/admin/moderators/{id}/totp`. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::accounts::Accounts;
use crate::accounts::extract::Governs;
use crate::base::ids::ModeratorId;
use crate::web::conditional::private_nothing;
use crate::web::{ApiError, PathId};

/// Turns off the second factor of somebody who has lost it; not one's own.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/moderators/{id}/totp",
    tag = "people",
    operation_id = "remove_moderator_totp",
    params(("id" = ModeratorId, Path, description = "The account's id")),
    responses(
        (status = 204, description = "Off, or was so already"),
    ),
    security(("bearer" = ["admin", "session"])),
)]
pub async fn remove(
    Governs(caller): Governs,
    accounts: Data<Accounts>,
    PathId(id): PathId<ModeratorId>,
) -> Result<HttpResponse, ApiError> {
    accounts.remove_second_factor_of(&caller, id).await?;
    Ok(private_nothing())
}
