//! `/api/v1/pages/counts`: published comments of many pages. Must not hold a rule of the trade.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::page_url::PageUrl;
use crate::comments::Comments;
use crate::comments::extract::ReadAllowance;
use crate::web::Valid;
use crate::web::conditional::{private_json, public_json};
use crate::web::input::all_wrong;
use crate::web::problem::{ApiError, FieldProblem, Problem};
use crate::web::query::{Query, invalid};

/// The most pages that are counted at once.
const PAGES_MAX: usize = 100;

/// Up to 100 pages.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CountPages {
    /// Their addresses; those that differ only in what makes no other page (fragment, tracking parameters) are equal.
    #[schema(value_type = Vec<String>, max_items = 100, example = json!(["https://example.org/tides"]))]
    urls: Option<Vec<Option<String>>>,
}

/// Published comments by page.
#[derive(Debug, Serialize, ToSchema)]
struct PageCounts {
    /// One for each address as it was sent; 0 where nobody has commented, and where the page belongs to no site. The
    /// address of a page that was merged into another counts what that one has.
    #[schema(example = json!({"https://example.org/tides": 12}))]
    counts: BTreeMap<String, i32>,
}

/// The published comments of each of these pages; in a body, for more addresses than fit into a query.
#[utoipa::path(
    post,
    path = "/api/v1/pages/counts",
    tag = "readers",
    operation_id = "count_pages",
    request_body = CountPages,
    responses(
        (status = 200, body = PageCounts),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`malformed_body`"),
        (status = 408, body = Problem, content_type = "application/problem+json", description = "`request_timeout`"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "`body_too_large`"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "`unsupported_media_type`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`validation_failed`"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "`rate_limited`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`"),
    )
)]
pub async fn count(
    comments: Data<Comments>,
    _allowance: ReadAllowance,
    Valid(asked): Valid<CountPages>,
) -> Result<HttpResponse, ApiError> {
    let pages = asked.pages().map_err(|wrong| {
        let problems = wrong.into_iter();
        ApiError::of_fields(
            problems
                .map(|(field, wrong)| FieldProblem::new(field, wrong))
                .collect(),
        )
    })?;
    let urls = asked.urls.unwrap_or_default().into_iter().flatten();
    let counts = answer(&comments, urls, &pages).await?;
    Ok(private_json(HttpResponse::Ok(), &counts))
}

/// The published comments of each of these pages.
#[utoipa::path(
    get,
    path = "/api/v1/pages/counts",
    tag = "readers",
    operation_id = "list_counts",
    params(
        ("url" = Vec<String>, Query, min_items = 1, max_items = 100, description = "A page's address; repeat it for further pages, 100 at most"),
    ),
    responses(
        (status = 200, body = PageCounts, headers(("ETag" = String, description = "Strong, one for each coding"))),
        (status = 304, description = "What `If-None-Match` names is still right"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`invalid_query`"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "`rate_limited`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`"),
    )
)]
pub async fn list(
    request: HttpRequest,
    comments: Data<Comments>,
    _allowance: ReadAllowance,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    let urls: Vec<&str> = query.all("url").collect();
    if urls.is_empty() {
        return Err(invalid("the parameter url is missing"));
    }
    if urls.len() > PAGES_MAX {
        return Err(invalid("the parameter url stands more than 100 times"));
    }
    let pages: Option<Vec<PageUrl>> = urls.iter().map(|url| PageUrl::parse(url).ok()).collect();
    let pages = pages.ok_or_else(|| invalid("a url is not an absolute http or https address"))?;
    let urls = urls.into_iter().map(str::to_owned);
    public_json(&request, &answer(&comments, urls, &pages).await?)
}

async fn answer(
    comments: &Comments,
    urls: impl Iterator<Item = String>,
    pages: &[PageUrl],
) -> Result<PageCounts, ApiError> {
    let counts = comments.count(pages).await?;
    Ok(PageCounts {
        counts: urls.zip(counts).collect(),
    })
}

impl CountPages {
    /// The pages in their order, or everything that is wrong, by its path.
    fn pages(&self) -> Result<Vec<PageUrl>, Vec<(String, Complaint)>> {
        let required = || Complaint::new(ComplaintCode::Required, "is required");
        let of_list = |complaint| vec![("urls".to_owned(), complaint)];
        let urls = self.urls.as_ref().ok_or_else(|| of_list(required()))?;
        if urls.len() > PAGES_MAX {
            let message = "must have at most 100 addresses";
            return Err(of_list(Complaint::new(ComplaintCode::TooMany, message)));
        }
        let mut pages = Vec::with_capacity(urls.len());
        let mut wrong = Vec::new();
        for (place, url) in urls.iter().enumerate() {
            match url.as_deref().ok_or_else(required).and_then(PageUrl::parse) {
                Ok(page) => pages.push(page),
                Err(complaint) => wrong.push((format!("urls[{place}]"), complaint)),
            }
        }
        if wrong.is_empty() {
            Ok(pages)
        } else {
            Err(wrong)
        }
    }
}

impl Validate for CountPages {
    fn validate(&self) -> Result<(), ValidationErrors> {
        self.pages().map(drop).or_else(all_wrong)
    }
}
