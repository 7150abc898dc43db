//! `/api/v1/admin/sites` and one of them. Translates only.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use super::cursor::Cursor;
use super::site_wire::{ChangeSite, MakeSite, SiteItem};
use crate::accounts::extract::{Configures, ReadsSettings};
use crate::base::ids::SiteId;
use crate::base::paging::CursorTag;
use crate::sites::Sites;
use crate::web::conditional::private_json;
use crate::web::query::Query;
use crate::web::{ApiError, PathId, Strict};

const CURSOR: Cursor = Cursor(CursorTag(41));

/// A part of the list of sites.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminSiteList)]
struct SiteList {
    /// The sites.
    sites: Vec<SiteItem>,
    /// For the next part; null on the last.
    next_cursor: Option<String>,
}

/// The caller's sites, the oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/admin/sites",
    tag = "settings",
    operation_id = "list_sites",
    params(
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "50 where it is missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, body = SiteList),
    ),
    security(("bearer" = ["viewer", "settings"]), ("bearer" = ["viewer", "comments:read"])),
)]
pub async fn list(
    ReadsSettings(caller): ReadsSettings,
    sites: Data<Sites>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&["limit", "cursor"])?;
    let after = CURSOR.read(&query)?.map(SiteId::from_uuid);
    let list = sites.list_sites(&caller, after, query.limit()?).await?;
    Ok(private_json(
        HttpResponse::Ok(),
        &SiteList {
            sites: list.sites.into_iter().map(SiteItem::from).collect(),
            next_cursor: list.next.map(|id| CURSOR.write(*id.as_uuid())),
        },
    ))
}

/// Makes a site. Only for those who see all sites.
#[utoipa::path(
    post,
    path = "/api/v1/admin/sites",
    tag = "settings",
    operation_id = "make_site",
    request_body = MakeSite,
    responses(
        (status = 201, body = SiteItem, headers(("Location" = String, description = "The site's address"))),
        (status = 403, description = "`forbidden`, also for those who see some sites only"),
        (status = 409, description = "`site_exists`"),
    ),
    security(("bearer" = ["admin", "settings"])),
)]
pub async fn make(
    Configures(caller): Configures,
    sites: Data<Sites>,
    Strict(body): Strict<MakeSite>,
) -> Result<HttpResponse, ApiError> {
    let new = body.parse().map_err(ApiError::of_fields)?;
    let site = sites.make_site(&caller, new).await?;
    let mut answer = HttpResponse::Created();
    answer.insert_header((header::LOCATION, format!("/api/v1/admin/sites/{}", site.id)));
    Ok(private_json(answer, &SiteItem::from(site)))
}

/// One site.
#[utoipa::path(
    get,
    path = "/api/v1/admin/sites/{id}",
    tag = "settings",
    operation_id = "show_site",
    params(("id" = SiteId, Path, description = "The site's id")),
    responses(
        (status = 200, body = SiteItem),
    ),
    security(("bearer" = ["viewer", "settings"]), ("bearer" = ["viewer", "comments:read"])),
)]
pub async fn show(
    ReadsSettings(caller): ReadsSettings,
    sites: Data<Sites>,
    PathId(id): PathId<SiteId>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&[])?;
    let site = sites.show_site(&caller, id).await?;
    Ok(private_json(HttpResponse::Ok(), &SiteItem::from(site)))
}

/// Changes a site; it counts at once here, and within two seconds on other instances.
#[utoipa::path(
    patch,
    path = "/api/v1/admin/sites/{id}",
    tag = "settings",
    operation_id = "change_site",
    params(("id" = SiteId, Path, description = "The site's id")),
    request_body = ChangeSite,
    responses(
        (status = 200, body = SiteItem),
        (status = 409, description = "`site_exists`"),
    ),
    security(("bearer" = ["admin", "settings"])),
)]
pub async fn change(
    Configures(caller): Configures,
    sites: Data<Sites>,
    PathId(id): PathId<SiteId>,
    Strict(body): Strict<ChangeSite>,
) -> Result<HttpResponse, ApiError> {
    let change = body.parse().map_err(ApiError::of_fields)?;
    let site = sites.change_site(&caller, id, change).await?;
    Ok(private_json(HttpResponse::Ok(), &SiteItem::from(site)))
}

/// Deletes a site that has no pages; the last one stays.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/sites/{id}",
    tag = "settings",
    operation_id = "delete_site",
    params(("id" = SiteId, Path, description = "The site's id")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 409, description = "`site_not_empty`"),
    ),
    security(("bearer" = ["admin", "settings"])),
)]
pub async fn delete(
    Configures(caller): Configures,
    sites: Data<Sites>,
    PathId(id): PathId<SiteId>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&[])?;
    sites.delete_site(&caller, id).await?;
    Ok(HttpResponse::NoContent().finish())
}
