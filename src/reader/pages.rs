//! Plain pages: what each code of a refusal means, and the front page. Must not know any comment.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::base::codes::Code;
use crate::base::complaint::ComplaintCode;
use crate::web::problem::ApiError;

const STYLE: &str = include_str!("../../assets/plain.css");

#[derive(Template)]
#[template(path = "problem_kind.html")]
struct KindPage {
    code: Code,
    statuses: String,
    fields: Vec<ComplaintCode>,
}

#[derive(Template)]
#[template(path = "problem_kinds.html")]
struct KindsPage {
    kinds: Vec<(String, Code)>,
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage;

/// `GET /problems/{code}`: what a code means and what to do.
pub async fn problem(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let wanted = request.match_info().get("code").unwrap_or_default();
    let code = Code::ALL
        .iter()
        .find(|code| code.as_str() == wanted)
        .ok_or_else(|| ApiError::new(Code::NotFound))?;
    let fields = if *code == Code::ValidationFailed {
        ComplaintCode::ALL.to_vec()
    } else {
        Vec::new()
    };
    page(&KindPage {
        code: *code,
        statuses: statuses(*code),
        fields,
    })
}

/// `GET /problems/`: all of them.
pub async fn problems() -> Result<HttpResponse, ApiError> {
    let mut kinds: Vec<(String, Code)> = Code::ALL
        .iter()
        .map(|code| (statuses(*code), *code))
        .collect();
    kinds.dedup_by_key(|(_, code)| code.as_str());
    page(&KindsPage { kinds })
}

/// `GET /`: what this is and where to go on.
pub async fn welcome() -> Result<HttpResponse, ApiError> {
    page(&WelcomePage)
}

/// `GET /assets/plain.css`.
pub async fn style() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(STYLE)
}

/// A code may go with two statuses, as `unknown_site` does.
fn statuses(code: Code) -> String {
    let all: Vec<String> = Code::ALL
        .iter()
        .filter(|other| other.as_str() == code.as_str())
        .map(|other| other.status().to_string())
        .collect();
    all.join(" or ")
}

fn page(template: &impl Template) -> Result<HttpResponse, ApiError> {
    let html = template
        .render()
        .ok()
        .ok_or_else(|| ApiError::new(Code::InternalError))?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .body(html))
}
