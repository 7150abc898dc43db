//! `GET /api/v1/admin/moderators/{id}`. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::wire::ModeratorItem;
use crate::accounts::Accounts;
use crate::accounts::extract::ReadsSettings;
use crate::base::ids::ModeratorId;
use crate::web::conditional::private_json;
use crate::web::query::Query;
use crate::web::{ApiError, PathId};

/// One person with an account.
#[utoipa::path(
    get,
    path = "/api/v1/admin/moderators/{id}",
    tag = "people",
    operation_id = "show_moderator",
    params(("id" = ModeratorId, Path, description = "The account's id")),
    responses(
        (status = 200, body = ModeratorItem),
    ),
    security(("bearer" = ["viewer", "settings"]), ("bearer" = ["viewer", "comments:read"])),
)]
pub async fn show(
    ReadsSettings(caller): ReadsSettings,
    accounts: Data<Accounts>,
    PathId(id): PathId<ModeratorId>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&[])?;
    let moderator = accounts.show_moderator(&caller, id).await?;
    Ok(private_json(
        HttpResponse::Ok(),
        &ModeratorItem::of(moderator, caller.personal_data()),
    ))
}
