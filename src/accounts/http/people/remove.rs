//! `DELETE /api/v1/admin/moderators/{id}`. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::accounts::Accounts;
use crate::accounts::extract::Governs;
use crate::base::ids::ModeratorId;
use crate::web::conditional::private_nothing;
use crate::web::{ApiError, PathId};

/// Takes an account away for good: its address is free again; what was done with it still bears the name.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/moderators/{id}",
    tag = "people",
    operation_id = "remove_moderator",
    params(("id" = ModeratorId, Path, description = "The account's id")),
    responses(
        (status = 204, description = "Gone, with all sessions and tokens"),
        (status = 409, description = "`last_owner`"),
    ),
    security(("bearer" = ["admin", "session"])),
)]
pub async fn remove(
    Governs(caller): Governs,
    accounts: Data<Accounts>,
    PathId(id): PathId<ModeratorId>,
) -> Result<HttpResponse, ApiError> {
    accounts.remove_moderator(&caller, id).await?;
    Ok(private_nothing())
}
