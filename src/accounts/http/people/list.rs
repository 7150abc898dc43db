//! `GET /api/v1/admin/moderators`. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::ModeratorItem;
use crate::accounts::Accounts;
use crate::accounts::extract::ReadsSettings;
use crate::base::codes::Code;
use crate::base::paging::{CursorTag, TimeCursor};
use crate::web::ApiError;
use crate::web::conditional::private_json;
use crate::web::query::Query;

/// Names this list in its cursors.
const TAG: CursorTag = CursorTag(31);

/// A page of people.
#[derive(Serialize, ToSchema)]
#[schema(as = ModeratorList)]
struct ModeratorItems {
    /// The accounts.
    moderators: Vec<ModeratorItem>,
    /// For the next page; null on the last.
    next_cursor: Option<String>,
}

/// People with an account, in the order in which they got it: those who share a site with the caller or see all.
#[utoipa::path(
    get,
    path = "/api/v1/admin/moderators",
    tag = "people",
    operation_id = "list_moderators",
    params(
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "50 where it is missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, body = ModeratorItems),
    ),
    security(("bearer" = ["viewer", "settings"]), ("bearer" = ["viewer", "comments:read"])),
)]
pub async fn list(
    ReadsSettings(caller): ReadsSettings,
    accounts: Data<Accounts>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&["limit", "cursor"])?;
    let after = match query.find("cursor")? {
        Some(text) => {
            let cursor = TimeCursor::decode(TAG, text);
            Some(cursor.ok_or_else(|| ApiError::new(Code::InvalidCursor))?)
        }
        None => None,
    };
    let page = accounts
        .list_moderators(&caller, after, query.limit()?)
        .await?;
    let personal = caller.personal_data();
    let items = page.moderators.into_iter();
    Ok(private_json(
        HttpResponse::Ok(),
        &ModeratorItems {
            moderators: items
                .map(|moderator| ModeratorItem::of(moderator, personal))
                .collect(),
            next_cursor: page.next.map(|cursor| cursor.encode(TAG)),
        },
    ))
}
