//! Cross-origin rules of the readers' API (Fetch standard): reads for everybody, writes for the sites' origins,
//! never credentials. Must not know sites but through [`Origins`].

use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, ResponseError};

use super::problem::ApiError;
use crate::base::codes::Code;

/// Which web origins may write here; answered from memory.
pub trait Origins: Send + Sync {
    /// Whether pages of this origin (the text of the header) belong to us or to a site.
    fn may_write(&self, origin: &str) -> bool;
}

/// Who may do what from other origins.
#[derive(Clone)]
pub struct Rules {
    /// Which web origins may write.
    pub origins: Arc<dyn Origins>,
    /// Paths where a POST only reads, so that everybody may: what is asked would be too long for an address.
    pub reading_posts: &'static [&'static str],
}

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const HEADERS: &str = "Authorization, Content-Type, Idempotency-Key";
const EXPOSED: &str = "ETag, Location, Retry-After, X-Request-Id, Idempotency-Replayed";

/// Wraps the readers' routes: preflights, the headers, 403 `origin_not_allowed` for writes from elsewhere.
pub async fn wrap<B: MessageBody + 'static>(
    rules: Rules,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let known = origin.as_ref().is_some_and(|origin| {
        origin
            .to_str()
            .is_ok_and(|text| rules.origins.may_write(text))
    });
    let reads_by_post = rules.reading_posts.contains(&request.path());
    let preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let read = matches!(*request.method(), Method::GET | Method::HEAD)
        || (reads_by_post && *request.method() == Method::POST);
    let mut response = if preflight {
        let asked_read = request
            .headers()
            .get(header::ACCESS_CONTROL_REQUEST_METHOD)
            .is_some_and(|method| method == "GET" || (reads_by_post && method == "POST"));
        let answer = preflight_answer(origin.as_ref(), known, asked_read);
        request.into_response(answer)
    } else if !read && origin.is_some() && !known {
        request.into_response(ApiError::new(Code::OriginNotAllowed).error_response())
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    let headers = response.headers_mut();
    if read {
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("*"),
        );
    } else if let Some(origin) = origin.filter(|_| known) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(EXPOSED),
    );
    Ok(response)
}

fn preflight_answer(origin: Option<&HeaderValue>, known: bool, asked_read: bool) -> HttpResponse {
    let mut answer = HttpResponse::NoContent();
    answer.insert_header((header::VARY, "Origin, Access-Control-Request-Method"));
    if asked_read && !known {
        answer.insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
    } else if origin.is_none() || !known {
        return answer.finish();
    }
    answer
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, METHODS))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
        .finish()
}
