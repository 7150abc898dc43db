//! `POST /api/v1/admin/pages/{id}/merge`. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError, ValidationErrors};

use crate::accounts::extract::Configures;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::PageId;
use crate::base::text::Title;
use crate::moderation::{Merged, Moderation};
use crate::web::conditional::private_json;
use crate::web::input::rule;
use crate::web::problem::FieldProblem;
use crate::web::{ApiError, PathId, Strict};

/// Where a page's comments and addresses go.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct MergePage {
    /// The id of another page of the same site.
    #[schema(value_type = PageId, required = true)]
    into: Option<String>,
}

impl MergePage {
    fn target(&self) -> Result<PageId, Complaint> {
        let text = self.into.as_deref();
        let text =
            text.ok_or_else(|| Complaint::new(ComplaintCode::Required, "must not be empty"))?;
        let id = text.parse().ok();
        id.ok_or_else(|| Complaint::new(ComplaintCode::InvalidValue, "must be a page's id, a UUID"))
    }
}

/// By hand, since the derived one keeps the values that it complains of.
impl Validate for MergePage {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let checked: Result<(), ValidationError> = rule(self.target());
        checked.map_err(|error| {
            let mut errors = ValidationErrors::new();
            errors.add("into", error);
            errors
        })
    }
}

/// What the merge has come to.
#[derive(Debug, Serialize, ToSchema)]
struct PageMerge {
    /// The page that both addresses lead to now.
    page: MergedPage,
    /// So many comments, in all states, have been moved by now.
    moved: i64,
    /// Whether more are to be moved, by a job.
    remaining: bool,
}

/// The page that another one was merged into, in short.
#[derive(Debug, Serialize, ToSchema)]
struct MergedPage {
    id: PageId,
    /// The slug of its site.
    site: String,
    /// Its address.
    url: String,
    /// Its title.
    title: Option<String>,
    /// Its published comments, with those that have been moved.
    comment_count: i32,
    /// Further addresses that lead to it; at most 100.
    aliases: Vec<String>,
}

impl From<Merged> for PageMerge {
    fn from(merged: Merged) -> Self {
        let page = merged.page;
        Self {
            page: MergedPage {
                id: page.id,
                site: page.site,
                url: page.url,
                title: page.title.map(Title::into_string),
                comment_count: page.comment_count,
                aliases: page.aliases,
            },
            moved: merged.moved,
            remaining: merged.remaining,
        }
    }
}

/// Merges a page into another one of its site. The address leads there at once, for everybody, and so do key and
/// WordPress id (which become the other page's where it has none). Up to 1,000 comments are moved at once, the others soon
/// after by a job.
#[utoipa::path(
    post,
    path = "/api/v1/admin/pages/{id}/merge",
    tag = "settings",
    operation_id = "merge_page",
    params(("id" = PageId, Path, description = "The id of the page that goes")),
    request_body = MergePage,
    responses(
        (status = 200, body = PageMerge, description = "All comments have been moved"),
        (status = 202, body = PageMerge, description = "Some comments are still to be moved"),
        (status = 409, description = "`page_merged`: one of both was merged before"),
    ),
    security(("bearer" = ["admin", "settings"])),
)]
pub async fn merge(
    Configures(caller): Configures,
    moderation: Data<Moderation>,
    PathId(source): PathId<PageId>,
    Strict(body): Strict<MergePage>,
) -> Result<HttpResponse, ApiError> {
    let target = body
        .target()
        .map_err(|complaint| ApiError::of_fields(vec![FieldProblem::new("into", complaint)]))?;
    let merged = moderation.merge_pages(&caller, source, target).await?;
    let answer = if merged.remaining {
        HttpResponse::Accepted()
    } else {
        HttpResponse::Ok()
    };
    Ok(private_json(answer, &PageMerge::from(merged)))
}
