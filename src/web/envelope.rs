//! The outermost layer of every answer: request id, problem rendering, security headers, one log line, figures.
//! Must not know what the routes do.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, ResponseError};
use metrics::{Counter, Gauge, Histogram, Label};
use tracing::{Instrument as _, field};

use super::input::decode_address;
use super::problem::{ApiError, render, wants_page};
use crate::base::codes::Code;
use crate::base::random;
use crate::base::trace::{self, Trace};
use crate::database::within_one_budget;

/// `X-Request-Id`.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Where a caller names its trace (W3C Trace Context).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
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
    let id = request_id(request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    let trace = trace_of(request.headers());
    // For the log, at its highest level, so that a filter that lets any line pass lets its ids pass.
    let named = tracing::error_span!("request", request.id = %id, trace.id = %trace.id);
    let spanned = tracing::info_span!(
        target: trace::SPANS, parent: &named, "request", otel.kind = "server", request.id = %id,
        http.request.method = field::Empty, http.route = field::Empty,
        http.response.status_code = field::Empty, otel.status_code = field::Empty,
    );
    #[cfg(feature = "opentelemetry")]
    trace.adopt(&spanned);
    let _counted = InFlight::begin();
    let answer = answer(request, next, id)
        .instrument(spanned)
        .instrument(named);
    trace::within(trace, answer).await
}

async fn answer<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
    id: String,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let begun = Instant::now();
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
    tell(known_method(&method), &response, begun.elapsed());
    Ok(response)
}

/// The one line of a request, its span's ending, and its figures.
fn tell(method: &'static str, response: &ServiceResponse, elapsed: Duration) {
    let figures = FIGURES.with_borrow_mut(|figures| figures.route(response.request()));
    let route = figures.pattern.as_str();
    let status = response.status();
    let number = status.as_u16();
    tracing::info!(
        http.method = method,
        http.route = route,
        http.status = number,
        duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        "{method} {route} {number}"
    );
    let span = tracing::Span::current();
    if !span.is_disabled() {
        span.record("http.request.method", method);
        span.record("http.route", route);
        span.record("http.response.status_code", number);
        if status.is_server_error() {
            span.record("otel.status_code", "ERROR");
        }
    }
    if let BodySize::Sized(bytes) = response.response().body().size() {
        figures.bytes.increment(bytes);
    }
    figures.record(method, class_of(status), elapsed);
}

thread_local! {
    /// Handles of this worker, since to look one up by its labels takes longer than many an answer.
    static FIGURES: RefCell<Figures> = RefCell::new(Figures::new());
}

/// The figures of requests that this worker has counted.
struct Figures {
    in_flight: Gauge,
    /// As many as there are routes.
    by_pattern: HashMap<String, Rc<Route>>,
    /// Those whose pattern is a path, so that they need not be looked for.
    by_path: HashMap<String, Rc<Route>>,
}

/// The figures of a route.
struct Route {
    pattern: String,
    bytes: Counter,
    /// By method and class of the status.
    seconds: RefCell<HashMap<(&'static str, &'static str), Histogram>>,
}

impl Figures {
    fn new() -> Self {
        Self {
            in_flight: metrics::gauge!("rejoinder_http_requests_in_flight"),
            by_pattern: HashMap::new(),
            by_path: HashMap::new(),
        }
    }

    fn route(&mut self, request: &HttpRequest) -> Rc<Route> {
        if let Some(route) = self.by_path.get(request.path()) {
            return Rc::clone(route);
        }
        let pattern = request.match_pattern();
        let pattern = pattern.unwrap_or_else(|| "unmatched".to_owned());
        let made = || Rc::new(Route::new(pattern.clone()));
        let route = Rc::clone(self.by_pattern.entry(pattern.clone()).or_insert_with(made));
        if pattern == request.path() {
            self.by_path.insert(pattern, Rc::clone(&route));
        }
        route
    }
}

impl Route {
    fn new(pattern: String) -> Self {
        Self {
            bytes: metrics::counter!("rejoinder_http_response_bytes_total", "route" => pattern.clone()),
            seconds: RefCell::default(),
            pattern,
        }
    }

    fn record(&self, method: &'static str, class: &'static str, elapsed: Duration) {
        let mut seconds = self.seconds.borrow_mut();
        let histogram = seconds.entry((method, class)).or_insert_with(|| {
            let labels = [
                Label::from_static_parts("method", method),
                Label::new("route", self.pattern.clone()),
                Label::from_static_parts("status", class),
            ];
            metrics::histogram!("rejoinder_http_request_seconds", labels.iter())
        });
        histogram.record(elapsed.as_secs_f64());
    }
}

/// Counts a request as under way, until it is answered or its client goes.
struct InFlight(Gauge);

impl InFlight {
    fn begin() -> Self {
        let gauge = FIGURES.with_borrow(|figures| figures.in_flight.clone());
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// The caller's trace where it names one in the form of W3C Trace Context, else a new one.
fn trace_of(headers: &HeaderMap) -> Trace {
    headers
        .get(TRACEPARENT)
        .and_then(|value| value.to_str().ok())
        .and_then(Trace::parse)
        .unwrap_or_else(Trace::begin)
}

/// Few words instead of some twenty statuses, since each costs all buckets of a histogram.
fn class_of(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
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
    // Without an escape it is what it was when it was parsed: UTF-8 without controls.
    !part.contains('%') || decode_address(part).is_some()
}

/// What nobody may keep, whatever the route says: answers to writes and to requests with `Authorization`.
fn is_private(request: &ServiceRequest) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD)
        || request.headers().contains_key(header::AUTHORIZATION)
}

/// A client may send any word as a method; figures and lines keep few.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
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
