//! `DELETE /api/v1/admin/moderators/{id}`. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::accounts::Accounts;
use crate::accounts::extract::Governs;
use crate::base::ids::ModeratorId;
use crate::web::conditional::private_nothing;
use crate::web::problem::Problem;
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
        (status = 401, body = Problem, content_type = "application/problem+json", description = "unauthenticated"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "forbidden"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "moderator_not_found"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "last_owner"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "rate_limited"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "unavailable"),
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
