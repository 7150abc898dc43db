//! The outermost layer of every answer: request id, problem rendering, security headers, one log line, figures.
//! Must not know what the routes do.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError};

use super::input::decode_address;
use super::problem::{ApiError, render, wants_page};
use crate::base::codes::Code;
use crate::base::random;
use crate::database::within_one_budget;

/// `X-Request-Id`.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A longer id from outside isn't taken over.
const REQUEST_ID_CHARS_MAX: usize = 64;

/// The id of a request, as it stands in the answer and in the log.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Wraps every request, also those that no route takes.
pub async fn wrap<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let begun = Instant::now();
    let id = request_id(request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    let page = wants_page(request.headers().get(header::ACCEPT));
    let private = is_private(&request);
    let method = request.method().clone();
    // Handlers, extractors and our middlewares answer with responses, never with `Err`. The request can't be kept for
    // one: the router of actix-web wants it for itself alone.
    let readable = is_readable(request.path()) && is_readable(request.query_string());
    let mut response = if readable {
        within_one_budget(next.call(request))
            .await?
            .map_into_boxed_body()
    } else {
        let refusal = ApiError::because(
            Code::InvalidQuery,
            "the address has broken percent-encoding",
        );
        request.into_response(refusal.error_response())
    };
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        response = rendered(response, &id, page);
    }
    secure(response.headers_mut());
    if private {
        response.headers_mut().insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        );
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    let route = response
        .request()
        .match_pattern()
        .unwrap_or_else(|| "unmatched".to_owned());
    let status = response.status().as_u16();
    let elapsed = begun.elapsed();
    tracing::info!(
        request.id = %id, http.method = %method, http.route = %route, http.status = status,
        duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        "{method} {route} {status}"
    );
    let labels = [
        ("method", known_method(method.as_str()).to_owned()),
        ("route", route),
        ("status", status.to_string()),
    ];
    metrics::histogram!("rejoinder_http_request_seconds", &labels).record(elapsed.as_secs_f64());
    Ok(response)
}

fn rendered(response: ServiceResponse, id: &str, page: bool) -> ServiceResponse {
    let done = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
    if done {
        return response;
    }
    let (request, response) = response.into_parts();
    ServiceResponse::new(request, render(response, id, page))
}

/// The id from outside where it is sane (1–64 letters, digits, `.`, `_`, `-`), else 128 random bits.
fn request_id(headers: &HeaderMap) -> String {
    let sane = |id: &&str| {
        (1..=REQUEST_ID_CHARS_MAX).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    headers
        .get(X_REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(sane)
        .map_or_else(random::id, str::to_owned)
}

/// Whether the percent-encoding of a path or query is whole and gives UTF-8 without NUL. Asked before a route is looked
/// for: the router passes on what it can't decode, and not every operation reads its query.
fn is_readable(part: &str) -> bool {
    decode_address(part).is_some()
}

/// What nobody may keep, whatever the route says: answers to writes and to requests with `Authorization`.
fn is_private(request: &ServiceRequest) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD)
        || request.headers().contains_key(header::AUTHORIZATION)
}

/// A client may send any word as a method; figures keep few.
fn known_method(method: &str) -> &str {
    match method {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => method,
        _ => "other",
    }
}

/// Headers for every answer; a page sets its own policy beforehand.
fn secure(headers: &mut HeaderMap) {
    let defaults = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "browsing-topics=()",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ];
    for (name, value) in defaults {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}
