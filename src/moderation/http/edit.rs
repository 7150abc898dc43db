//! `PATCH /api/v1/admin/comments/{id}`. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::decide::parse_version;
use super::wire::{CommentItem, refusal};
use crate::accounts::extract::Decides;
use crate::base::change::Change;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::CommentId;
use crate::base::page_url::Website;
use crate::base::text::{self, Body, Name};
use crate::comments::model::changes::TextChange;
use crate::moderation::Moderation;
use crate::web::conditional::private_json;
use crate::web::input::all_wrong;
use crate::web::problem::FieldProblem;
use crate::web::{ApiError, PathId, Strict};

/// What is to be changed about a comment; what is missing stays, but one of name, website and body is needed.
#[derive(Debug, Deserialize, ToSchema)]
pub struct EditComment {
    /// The text, in the Markdown subset of comments.
    #[schema(min_length = 1, max_length = 10000)]
    body: Option<String>,
    /// The author's name.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// The author's website, http or https; null or blank takes it away.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2048)]
    website: Change<String>,
    /// The version that was looked at; another one is refused with `version_conflict`.
    #[schema(minimum = 1)]
    version: Option<i32>,
}

/// What is wrong, by member.
pub(super) type Problems = Vec<(&'static str, Complaint)>;

impl EditComment {
    fn parse(&self, comment_id: CommentId) -> Result<TextChange, Problems> {
        let mut problems = Vec::new();
        let mut note = |member, complaint| problems.push((member, complaint));
        if self.body.is_none() && self.name.is_none() && self.website.is_keep() {
            let complaint = Complaint::new(
                ComplaintCode::Required,
                "is required where neither name nor website is given",
            );
            note("body", complaint);
        }
        let body = self.body.as_deref().map(Body::parse).transpose();
        let body = body.map_err(|complaint| note("body", complaint));
        let name = self.name.as_deref().map(Name::parse).transpose();
        let name = name.map_err(|complaint| note("name", complaint));
        let website = match &self.website {
            Change::Set(text) if text::trim(text).is_empty() => Ok(Change::Remove),
            given => given.as_ref().try_map(|text| Website::parse(text)),
        };
        let website = website.map_err(|complaint| note("website", complaint));
        let version = self.version.map(parse_version).transpose();
        let version = version.map_err(|complaint| note("version", complaint));
        match (name, website, body, version) {
            (Ok(name), Ok(website), Ok(body), Ok(version)) if problems.is_empty() => {
                Ok(TextChange {
                    comment_id,
                    name,
                    website,
                    body,
                    version,
                })
            }
            _ => Err(problems),
        }
    }
}

/// By hand, since the derived one keeps the values that it complains of.
impl Validate for EditComment {
    fn validate(&self) -> Result<(), ValidationErrors> {
        // Which comment it is plays no part in what is wrong.
        let any = CommentId::from_uuid(uuid::Uuid::nil());
        all_wrong(self.parse(any).err().unwrap_or_default())
    }
}

/// The refusal of these problems.
pub(super) fn wrong(problems: Problems) -> ApiError {
    let problem = |(member, complaint)| FieldProblem::new(member, complaint);
    ApiError::of_fields(problems.into_iter().map(problem).collect())
}

/// Edits a comment; what it was stays with its history. An edit that changes nothing writes nothing.
#[utoipa::path(
    patch,
    path = "/api/v1/admin/comments/{id}",
    tag = "moderators",
    operation_id = "edit_comment",
    params(("id" = CommentId, Path, description = "The comment's id")),
    request_body = EditComment,
    responses(
        (status = 200, body = CommentItem, description = "The comment as it is now"),
        (status = 409, description = "`version_conflict` (with the current one as comment), `comment_deleted`"),
    ),
    security(("bearer" = ["moderator", "comments:decide"])),
)]
pub async fn edit(
    Decides(caller): Decides,
    moderation: Data<Moderation>,
    PathId(id): PathId<CommentId>,
    Strict(body): Strict<EditComment>,
) -> Result<HttpResponse, ApiError> {
    let change = body.parse(id).map_err(wrong)?;
    let personal_data = caller.personal_data();
    let comment = moderation
        .edit(&caller, &change)
        .await
        .map_err(|error| refusal(error, personal_data))?;
    Ok(private_json(
        HttpResponse::Ok(),
        &CommentItem::of(comment, personal_data),
    ))
}
