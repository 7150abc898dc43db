//! `/api/v1/admin/pages` and one of them. Translates only.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use super::cursor::Cursor;
use super::page_wire::{ChangePage, PageItem, RegisterPage};
use crate::accounts::extract::{Configures, ReadsSettings};
use crate::base::ids::PageId;
use crate::base::page_url::PageUrl;
use crate::base::paging::CursorTag;
use crate::base::text::PageKey;
use crate::sites::Sites;
use crate::sites::model::pages::{PageName, WordpressId};
use crate::sites::service::PagesAsked;
use crate::web::conditional::private_json;
use crate::web::query::{Query, invalid};
use crate::web::{ApiError, PathId, Strict};

const CURSOR: Cursor = Cursor(CursorTag(42));
/// What the list can be asked for.
const PARAMETERS: &[&str] = &[
    "site",
    "page_url",
    "page_key",
    "wordpress_id",
    "limit",
    "cursor",
];

/// A part of the list of pages.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminPageList)]
struct PageList {
    /// The pages.
    pages: Vec<PageItem>,
    /// For the next part; null on the last.
    next_cursor: Option<String>,
}

/// The pages of the caller's sites, the newest first, or those of one name.
#[utoipa::path(
    get,
    path = "/api/v1/admin/pages",
    tag = "settings",
    operation_id = "list_pages",
    params(
        ("site" = Option<String>, Query, description = "The slug of a site; all that the caller may see where it is missing"),
        ("page_url" = Option<String>, Query, description = "The page of this address, or the one that it leads to"),
        ("page_key" = Option<String>, Query, description = "The pages of this key, at most one in a site; not with page_url"),
        ("wordpress_id" = Option<i64>, Query, minimum = 1, description = "The pages of this WordPress id, at most one in a site; not with the others"),
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "50 where it is missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, body = PageList),
        (status = 404, description = "`unknown_site`"),
    ),
    security(("bearer" = ["viewer", "settings"]), ("bearer" = ["viewer", "comments:read"])),
)]
pub async fn list(
    ReadsSettings(caller): ReadsSettings,
    sites: Data<Sites>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    let asked = asked(&query)?;
    let list = sites.list_pages(&caller, &asked).await?;
    let now = sites.now();
    let items = list.pages.into_iter().map(|page| PageItem::of(page, now));
    Ok(private_json(
        HttpResponse::Ok(),
        &PageList {
            pages: items.collect(),
            next_cursor: list.next.map(|id| CURSOR.write(*id.as_uuid())),
        },
    ))
}

fn asked(query: &Query) -> Result<PagesAsked, ApiError> {
    query.only(PARAMETERS)?;
    let address = query.parsed("page_url", |url| PageUrl::parse(url).ok())?;
    let key = query.parsed("page_key", |key| PageKey::parse(key).ok())?;
    let wordpress_id = query.parsed("wordpress_id", |id| {
        id.parse().ok().and_then(WordpressId::new)
    })?;
    let mut names = [
        address.map(PageName::Address),
        key.map(PageName::Key),
        wordpress_id.map(PageName::Wordpress),
    ]
    .into_iter()
    .flatten();
    let name = names.next();
    if names.next().is_some() {
        return Err(invalid(
            "of page_url, page_key and wordpress_id only one can be given",
        ));
    }
    Ok(PagesAsked {
        site: query.find("site")?.map(str::to_owned),
        name,
        before: CURSOR.read(query)?.map(PageId::from_uuid),
        limit: query.limit()?,
    })
}

/// Registers a page before its first comment.
#[utoipa::path(
    post,
    path = "/api/v1/admin/pages",
    tag = "settings",
    operation_id = "register_page",
    request_body = RegisterPage,
    responses(
        (status = 201, body = PageItem, headers(("Location" = String, description = "The page's address in this API"))),
        (status = 409, description = "`page_exists`"),
        (status = 422, description = "`unknown_site`"),
    ),
    security(("bearer" = ["admin", "settings"])),
)]
pub async fn register(
    Configures(caller): Configures,
    sites: Data<Sites>,
    Strict(body): Strict<RegisterPage>,
) -> Result<HttpResponse, ApiError> {
    let new = body.parse().map_err(ApiError::of_fields)?;
    let page = sites.register_page(&caller, &new).await?;
    let mut answer = HttpResponse::Created();
    answer.insert_header((header::LOCATION, format!("/api/v1/admin/pages/{}", page.id)));
    Ok(private_json(answer, &PageItem::of(page, sites.now())))
}

/// One page.
#[utoipa::path(
    get,
    path = "/api/v1/admin/pages/{id}",
    tag = "settings",
    operation_id = "show_page",
    params(("id" = PageId, Path, description = "The page's id")),
    responses(
        (status = 200, body = PageItem),
    ),
    security(("bearer" = ["viewer", "settings"]), ("bearer" = ["viewer", "comments:read"])),
)]
pub async fn show(
    ReadsSettings(caller): ReadsSettings,
    sites: Data<Sites>,
    PathId(id): PathId<PageId>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&[])?;
    let page = sites.show_page(&caller, id).await?;
    Ok(private_json(
        HttpResponse::Ok(),
        &PageItem::of(page, sites.now()),
    ))
}

/// Changes a page: title, key, WordPress id, publication, open or closed.
#[utoipa::path(
    patch,
    path = "/api/v1/admin/pages/{id}",
    tag = "settings",
    operation_id = "change_page",
    params(("id" = PageId, Path, description = "The page's id")),
    request_body = ChangePage,
    responses(
        (status = 200, body = PageItem),
        (status = 409, description = "`page_exists`, `page_merged`"),
    ),
    security(("bearer" = ["admin", "settings"])),
)]
pub async fn change(
    Configures(caller): Configures,
    sites: Data<Sites>,
    PathId(id): PathId<PageId>,
    Strict(body): Strict<ChangePage>,
) -> Result<HttpResponse, ApiError> {
    let change = body.parse().map_err(ApiError::of_fields)?;
    let page = sites.change_page(&caller, id, change).await?;
    Ok(private_json(
        HttpResponse::Ok(),
        &PageItem::of(page, sites.now()),
    ))
}

/// Deletes a page without comments, with its further addresses. That of a page which was merged goes on leading to the
/// other one.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/pages/{id}",
    tag = "settings",
    operation_id = "delete_page",
    params(("id" = PageId, Path, description = "The page's id")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 409, description = "`page_not_empty`"),
    ),
    security(("bearer" = ["admin", "settings"])),
)]
pub async fn delete(
    Configures(caller): Configures,
    sites: Data<Sites>,
    PathId(id): PathId<PageId>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&[])?;
    sites.delete_page(&caller, id).await?;
    Ok(HttpResponse::NoContent().finish())
}
