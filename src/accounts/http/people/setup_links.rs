//! `POST /api/v1/admin/moderators/{id}/setup-links`. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::wire::SetupLinkItem;
use crate::accounts::Accounts;
use crate::accounts::extract::Governs;
use crate::base::ids::ModeratorId;
use crate::web::conditional::private_json;
use crate::web::{ApiError, PathId};

/// Makes a set-up link for somebody who has forgotten their password; the earlier link is void. Not for oneself.
#[utoipa::path(
    post,
    path = "/api/v1/admin/moderators/{id}/setup-links",
    tag = "people",
    operation_id = "make_setup_link",
    params(("id" = ModeratorId, Path, description = "The account's id")),
    responses(
        (status = 201, description = "Good once and for seven days; shown this once", body = SetupLinkItem),
        (status = 409, description = "`moderator_disabled`"),
    ),
    security(("bearer" = ["admin", "session"])),
)]
pub async fn make(
    Governs(caller): Governs,
    accounts: Data<Accounts>,
    PathId(id): PathId<ModeratorId>,
) -> Result<HttpResponse, ApiError> {
    let link = accounts.make_setup_link(&caller, id).await?;
    let url = accounts.setup_url(&link);
    Ok(private_json(
        HttpResponse::Created(),
        &SetupLinkItem::of(Some(&link), url),
    ))
}
