//! Answers that a client or a proxy may keep: strong `ETag` for each coding, 304, gzip. Must not know what is answered.

use std::io::Write;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::problem::ApiError;
use crate::base::codes::Code;

/// What public reads say about keeping them.
const PUBLIC: &str = "public, max-age=0, s-maxage=5, stale-while-revalidate=10";
/// Smaller bodies don't get smaller by packing.
const PACKED_BYTES_MIN: usize = 1024;

/// A public read as JSON, or 304 where the client has it already.
pub fn public_json<T: serde::Serialize>(
    request: &HttpRequest,
    content: &T,
) -> Result<HttpResponse, ApiError> {
    let body = serde_json::to_vec(content)
        .ok()
        .ok_or_else(|| ApiError::new(Code::InternalError))?;
    public(request, "application/json", body)
}

/// A public read of this media type, or 304 where the client has it already (RFC 9110, 13.1.2). Packed only when it is sent.
pub fn public(
    request: &HttpRequest,
    kind: &'static str,
    body: Vec<u8>,
) -> Result<HttpResponse, ApiError> {
    let packs = body.len() >= PACKED_BYTES_MIN && accepts_gzip(request.headers());
    let coding = if packs { "-gzip" } else { "" };
    let digest = Sha256::digest(&body);
    let tag = BASE64_URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or_default());
    let tag = format!("\"{tag}{coding}\"");
    let known = is_known(request.headers(), &tag);
    let mut answer = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    answer
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, PUBLIC))
        .append_header((header::VARY, "Accept-Encoding, Authorization"));
    if known {
        return Ok(answer.finish());
    }
    answer.content_type(kind);
    if !packs {
        return Ok(answer.body(body));
    }
    let packed = gzip(&body)
        .ok()
        .ok_or_else(|| ApiError::new(Code::InternalError))?;
    Ok(answer
        .insert_header((header::CONTENT_ENCODING, "gzip"))
        .body(packed))
}

/// A 204 for one person: done, and nothing to tell.
pub fn private_nothing() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .finish()
}

/// An answer for one person: `private, no-store`.
pub fn private_json<T: serde::Serialize>(
    mut answer: actix_web::HttpResponseBuilder,
    body: &T,
) -> HttpResponse {
    answer
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .json(body)
}

fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|candidate| {
            let candidate = candidate.trim();
            candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == tag
        })
}

/// Whether `Accept-Encoding` names gzip with another weight than 0 (RFC 9110, 12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .filter_map(|value: &HeaderValue| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let refused = weight
                .trim()
                .strip_prefix("q=")
                .and_then(|q| q.parse::<f32>().ok())
                == Some(0.0);
            name.trim().eq_ignore_ascii_case("gzip") && !refused
        })
}

fn gzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 3), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}
