//! Answers that a client or a proxy may keep: strong `ETag` for each coding, 304, gzip. Must not know what is answered.

use std::io::Write;
use std::sync::OnceLock;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::problem::ApiError;
use crate::base::codes::Code;

/// What public reads say about keeping them.
const PUBLIC: &str = "public, max-age=0, s-maxage=5, stale-while-revalidate=10";
/// What public reads depend on.
const VARY: &str = "Accept-Encoding, Authorization";
/// Smaller bodies don't get smaller by packing.
const PACKED_BYTES_MIN: usize = 1024;

/// A public read, ready to be sent, in one piece or packed; cheap to send again and again.
pub struct Ready {
    kind: HeaderValue,
    body: Bytes,
    tag: HeaderValue,
    packed_tag: HeaderValue,
    /// Made when it is first asked for; none where it can't be.
    packed: OnceLock<Option<Bytes>>,
}

impl Ready {
    /// Of this media type.
    pub fn new(kind: &'static str, body: Vec<u8>) -> Self {
        let digest = Sha256::digest(&body);
        let tag = BASE64_URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or_default());
        let tag = |coding| {
            let tag = format!("\"{tag}{coding}\"");
            HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""))
        };
        Self {
            kind: HeaderValue::from_static(kind),
            tag: tag(""),
            packed_tag: tag("-gzip"),
            body: body.into(),
            packed: OnceLock::new(),
        }
    }

    /// As JSON; none where it can't be written so.
    pub fn json<T: serde::Serialize>(content: &T) -> Option<Self> {
        let body = serde_json::to_vec(content).ok()?;
        Some(Self::new("application/json", body))
    }

    /// What it may come to take, packed as well: texts get to less than half.
    pub fn bytes_max(&self) -> usize {
        self.body.len() + self.body.len() / 2
    }

    /// The answer, or 304 where the client has it already (RFC 9110, 13.1.2). Packed only when it is sent, and once.
    pub fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let packs = self.body.len() >= PACKED_BYTES_MIN && accepts_gzip(request.headers());
        let tag = if packs { &self.packed_tag } else { &self.tag };
        let known = is_known(request.headers(), tag.as_bytes());
        let mut answer = if known {
            HttpResponse::NotModified()
        } else {
            HttpResponse::Ok()
        };
        answer
            .insert_header((header::ETAG, tag.clone()))
            .insert_header((header::CACHE_CONTROL, HeaderValue::from_static(PUBLIC)))
            .insert_header((header::VARY, HeaderValue::from_static(VARY)));
        if known {
            return answer.finish();
        }
        answer.insert_header((header::CONTENT_TYPE, self.kind.clone()));
        let packed = packs.then(|| self.packed.get_or_init(|| gzip(&self.body).ok()));
        match packed {
            Some(Some(packed)) => answer
                .insert_header((header::CONTENT_ENCODING, HeaderValue::from_static("gzip")))
                .body(packed.clone()),
            _ => answer.body(self.body.clone()),
        }
    }
}

/// A public read as JSON, or 304 where the client has it already.
pub fn public_json<T: serde::Serialize>(
    request: &HttpRequest,
    content: &T,
) -> Result<HttpResponse, ApiError> {
    let ready = Ready::json(content).ok_or_else(|| ApiError::new(Code::InternalError))?;
    Ok(ready.answer(request))
}

/// A public read of this media type, or 304 where the client has it already.
pub fn public(request: &HttpRequest, kind: &'static str, body: Vec<u8>) -> HttpResponse {
    Ready::new(kind, body).answer(request)
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

fn is_known(headers: &HeaderMap, tag: &[u8]) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .any(|candidate| {
            let candidate = candidate.trim_ascii();
            candidate == b"*" || candidate.strip_prefix(b"W/").unwrap_or(candidate) == tag
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

fn gzip(body: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 3), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish().map(Bytes::from)
}
