//! Errors as problem documents (RFC 9457): the type that handlers return and the one place that renders it.
//! Must not know any module's errors but through `Refusal`.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use askama::Template;
use serde::Serialize;

use crate::base::codes::{Code, Refusal};
use crate::base::complaint::Complaint;

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldProblem {
    /// The field's path, as `decisions[3].id`.
    pub field: String,
    /// A stable code.
    pub code: Cow<'static, str>,
    /// What to do, in words.
    pub message: Cow<'static, str>,
}

impl FieldProblem {
    /// From a field's path and what is wrong with it.
    pub fn new(field: impl Into<String>, complaint: Complaint) -> Self {
        Self {
            field: field.into(),
            code: Cow::Borrowed(complaint.code.as_str()),
            message: complaint.message,
        }
    }
}

/// The body of every refusal: a problem document.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// A path under `/problems/`: a page that explains the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code's short name.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong here and now.
    pub detail: Cow<'static, str>,
    /// The stable code.
    pub code: &'static str,
    /// The same as the header `X-Request-Id`.
    pub request_id: String,
    /// Input errors, all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// With `version_conflict`: the comment as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<serde_json::Value>,
}

/// A refusal on its way out. Handlers make it with `?` from a module's error; the envelope renders it, since only
/// there the request id and the accepted media types are known.
#[derive(Debug)]
pub struct ApiError(Box<Refused>);

#[derive(Debug)]
struct Refused {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldProblem>,
    comment: Option<serde_json::Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
}

impl ApiError {
    /// A refusal with the code's own words.
    pub fn new(code: Code) -> Self {
        Self::because(code, code.title())
    }

    /// A refusal with words for this case; never a value that was sent.
    pub fn because(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Refused {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            comment: None,
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// Input errors. A sole one about an unknown field or site gives its own code, else it is `validation_failed`.
    pub fn of_fields(errors: Vec<FieldProblem>) -> Self {
        let all = |code: &str| errors.iter().all(|error| error.code == code);
        let code = if all("unknown_field") {
            Code::UnknownField
        } else if all("unknown_site") {
            Code::UnknownSiteSubmitted
        } else {
            Code::ValidationFailed
        };
        let detail = match errors.len() {
            1 => Cow::Borrowed("one field is not right"),
            many => Cow::Owned(format!("{many} fields are not right")),
        };
        let mut made = Self::because(code, detail);
        made.0.errors = errors;
        made
    }

    /// The same with the comment as it is now.
    #[must_use]
    pub fn with_comment(mut self, comment: serde_json::Value) -> Self {
        self.0.comment = Some(comment);
        self
    }

    /// The same with `Retry-After`, in whole seconds rounded up, at least one.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.0
            .headers
            .push((header::RETRY_AFTER, HeaderValue::from(seconds.max(1))));
        self
    }

    /// The same with a header more.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl<E: Refusal> From<E> for ApiError {
    fn from(error: E) -> Self {
        let code = error.code();
        let complaints = error.complaints();
        let mut made = if complaints.is_empty() {
            Self::because(code, error.detail())
        } else {
            Self::of_fields(
                complaints
                    .into_iter()
                    .map(|(field, complaint)| FieldProblem::new(field, complaint))
                    .collect(),
            )
        };
        if let Some(wait) = error.retry_after() {
            made = made.retry_after(wait);
        }
        if code.status() >= 500 {
            made.0.cause = Some(causes(&error));
        }
        made
    }
}

fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let words = source.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = source.source();
    }
    text
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code.as_str())
    }
}

/// What the handler's response carries to the envelope.
struct Draft {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldProblem>,
    comment: Option<serde_json::Value>,
    cause: Option<String>,
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status());
        for (name, value) in &self.0.headers {
            response.headers_mut().insert(name.clone(), value.clone());
        }
        if self.0.code.status() == 401 {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(Draft {
            code: self.0.code,
            detail: self.0.detail.clone(),
            errors: self.0.errors.clone(),
            comment: self.0.comment.clone(),
            cause: self.0.cause.clone(),
        });
        response
    }
}

/// Whether the client is a browser that wants to show a page: it names `text/html` and no JSON.
pub(crate) fn wants_page(accept: Option<&HeaderValue>) -> bool {
    accept
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html") && !accept.contains("json"))
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    problem: &'a Problem,
    cure: &'a str,
}

/// Puts the body into an error response: the handler's own problem, or one for a bare status from actix-web.
pub(crate) fn render(mut response: HttpResponse, request_id: &str, page: bool) -> HttpResponse {
    let carried = response.extensions_mut().remove::<Draft>();
    let draft = carried.unwrap_or_else(|| of_status(response.status()));
    if let Some(cause) = &draft.cause {
        tracing::error!(error.code = draft.code.as_str(), cause, "request failed");
    }
    metrics::counter!("rejoinder_http_refusals_total", "code" => draft.code.as_str()).increment(1);
    let problem = Problem {
        kind: format!("/problems/{}", draft.code.as_str()),
        title: draft.code.title(),
        status: draft.code.status(),
        detail: draft.detail,
        code: draft.code.as_str(),
        request_id: request_id.to_owned(),
        errors: draft.errors,
        comment: draft.comment,
    };
    let mut builder = HttpResponseBuilder::new(
        StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    );
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            builder.append_header((name.clone(), value.clone()));
        }
    }
    builder.insert_header((header::CACHE_CONTROL, "private, no-store"));
    let template = ProblemPage {
        problem: &problem,
        cure: draft.code.cure(),
    };
    if page && let Ok(html) = template.render() {
        return builder.content_type("text/html; charset=utf-8").body(html);
    }
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    builder.content_type("application/problem+json").body(body)
}

fn of_status(status: StatusCode) -> Draft {
    let code = match status.as_u16() {
        404 => Code::NotFound,
        405 => Code::MethodNotAllowed,
        408 => Code::RequestTimeout,
        413 => Code::BodyTooLarge,
        415 => Code::UnsupportedMediaType,
        400..=499 => Code::InvalidQuery,
        _ => Code::InternalError,
    };
    Draft {
        code,
        detail: Cow::Borrowed(code.title()),
        errors: Vec::new(),
        comment: None,
        cause: None,
    }
}
