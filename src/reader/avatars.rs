//! `GET /avatars/{file}`: a picture drawn from the hash in its name. Must not know whose it is, nor ask anybody.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

use crate::base::codes::Code;
use crate::comments::service::draw_avatar;
use crate::web::problem::ApiError;

/// Draws the avatar of a hash; the same picture for ever.
#[utoipa::path(
    get,
    path = "/avatars/{file}",
    tag = "readers",
    params(("file" = String, Path, description = "32 hexadecimal digits and `.svg`, as in `author.avatar`")),
    responses((status = 200, body = String, content_type = "image/svg+xml"), (status = 404, description = "`not_found`"))
)]
pub async fn avatar(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let picture = request
        .match_info()
        .get("file")
        .and_then(|file| file.strip_suffix(".svg"))
        .and_then(draw_avatar)
        .ok_or_else(|| ApiError::new(Code::NotFound))?;
    Ok(HttpResponse::Ok()
        .content_type("image/svg+xml")
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ))
        .body(picture))
}
