//! `GET /api/v1/admin/sites/{id}/export`. Translates only.

use actix_web::http::Method;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use futures_util::stream;

use crate::accounts::extract::Exports;
use crate::base::clock::to_rfc3339;
use crate::base::ids::SiteId;
use crate::transfer::model::to_text;
use crate::transfer::{Export, Transfer};
use crate::web::problem::Problem;
use crate::web::query::Query;
use crate::web::{ApiError, PathId};

/// Exports a site: everything that is held of it, e-mail and network addresses too, as JSON lines. It is streamed; only with
/// its last line, `{"kind": "end", …}`, it is whole.
#[utoipa::path(
    get,
    path = "/api/v1/admin/sites/{id}/export",
    tag = "settings",
    operation_id = "export_site",
    params(("id" = SiteId, Path, description = "The site's id")),
    responses(
        (status = 200, content_type = "application/x-ndjson", body = String, description = "Lines of JSON: `site`, then \
            each `page`, then each `comment` with its history behind the one that it answers, each `author_note`, and \
            `end` with the numbers of pages and comments. docs/export-format.md describes every field.", headers(
            ("Content-Disposition" = String, description = "`attachment` with a file name"))),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "invalid_query"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "unauthenticated"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "forbidden"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "site_not_found"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "rate_limited: also while \
            four other exports are under way"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "unavailable"),
    ),
    security(("bearer" = ["admin", "comments:personal"])),
)]
pub async fn export(
    Exports(caller): Exports,
    request: HttpRequest,
    transfer: Data<Transfer>,
    PathId(id): PathId<SiteId>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&[])?;
    if request.method() == Method::HEAD {
        transfer.check(&caller, id).await?;
        return Ok(answer().finish());
    }
    let export = transfer.export(&caller, id).await?;
    let day: String = to_rfc3339(export.begun_at()).chars().take(10).collect();
    let name = format!(
        "attachment; filename=\"rejoinder-{}-{day}.jsonl\"",
        export.slug()
    );
    // Asked for the next part only when the one before is on its way, and dropped with the connection.
    let parts = stream::unfold(Some(export), async |export| {
        let mut export = export?;
        match next(&mut export).await.transpose()? {
            Ok(text) => Some((Ok(text), Some(export))),
            Err(error) => {
                let site = export.site();
                tracing::error!(site.id = %site, %error, "the export of site {site} broke off");
                Some((Err(error), None))
            }
        }
    });
    Ok(answer()
        .insert_header((header::CONTENT_DISPOSITION, name))
        .streaming(parts))
}

async fn next(export: &mut Export) -> Result<Option<Bytes>, Box<dyn std::error::Error>> {
    let lines = export.next().await?;
    Ok(lines
        .map(|lines| to_text(&lines))
        .transpose()?
        .map(Bytes::from))
}

fn answer() -> HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer
        .content_type("application/x-ndjson")
        .insert_header((header::CACHE_CONTROL, "private, no-store"));
    answer
}
