//! `POST /api/v1/comments/{id}/reports`. Must not hold a rule of the trade.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::ReactionTo;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::CommentId;
use crate::base::text::{self, ReportNote};
use crate::comments::Comments;
use crate::comments::model::reactions::{Grievance, ReportReason};
use crate::web::Valid;
use crate::web::conditional::private_json;
use crate::web::input::all_wrong;
use crate::web::problem::{ApiError, FieldProblem, Problem};

/// What a reader says against a comment.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReportComment {
    /// Why.
    #[schema(required = true, nullable = false, value_type = ReportReason, example = "abuse")]
    reason: Option<String>,
    /// In the reader's words, for moderators only; blank is none.
    #[schema(max_length = 1000)]
    note: Option<String>,
}

/// What is wrong, by member.
type Problems = Vec<(&'static str, Complaint)>;

impl ReportComment {
    fn parse(&self) -> Result<Grievance, Problems> {
        let mut problems = Vec::new();
        let mut wrong = |member, complaint| problems.push((member, complaint));
        let reason = self
            .reason
            .as_deref()
            .ok_or_else(|| Complaint::new(ComplaintCode::Required, "is required"))
            .and_then(ReportReason::parse)
            .map_err(|complaint| wrong("reason", complaint));
        let note = self.note.as_deref();
        let note = note.filter(|note| !text::trim(note).is_empty());
        let note = note.map(ReportNote::parse).transpose();
        let note = note.map_err(|complaint| wrong("note", complaint));
        match (reason, note) {
            (Ok(reason), Ok(note)) => Ok(Grievance { reason, note }),
            _ => Err(problems),
        }
    }
}

/// By hand, since the derived one keeps the values that it complains of.
impl Validate for ReportComment {
    fn validate(&self) -> Result<(), ValidationErrors> {
        all_wrong(self.parse().err().unwrap_or_default())
    }
}

/// That a report was taken; there is nothing to tell about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportReceipt {}

/// Reports a published comment to the site's moderators. From one network a comment has one open report at most; another
/// one is answered alike and changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/comments/{id}/reports",
    tag = "readers",
    operation_id = "report_comment",
    params(("id" = CommentId, Path, description = "The comment")),
    request_body = ReportComment,
    responses(
        (status = 202, body = ReportReceipt, description = "Moderators will see it"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`malformed_body`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`origin_not_allowed`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`comment_not_found`"),
        (status = 408, body = Problem, content_type = "application/problem+json", description = "`request_timeout`"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "`body_too_large`"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "`unsupported_media_type`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`validation_failed`"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "`rate_limited`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`"),
    ),
)]
pub async fn report(
    comments: Data<Comments>,
    ReactionTo(reaction): ReactionTo,
    Valid(sent): Valid<ReportComment>,
) -> Result<HttpResponse, ApiError> {
    let grievance = sent.parse().map_err(|problems| {
        let problem = |(member, complaint)| FieldProblem::new(member, complaint);
        ApiError::of_fields(problems.into_iter().map(problem).collect())
    })?;
    comments.report(&reaction, &grievance).await?;
    Ok(private_json(HttpResponse::Accepted(), &ReportReceipt {}))
}
