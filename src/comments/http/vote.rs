//! `PUT` and `DELETE /api/v1/comments/{id}/vote`. Must not hold a rule of the trade.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::ReactionTo;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::{CommentId, VoterId};
use crate::comments::Comments;
use crate::comments::model::reactions::Vote;
use crate::web::Valid;
use crate::web::conditional::private_json;
use crate::web::input::all_wrong;
use crate::web::problem::{ApiError, FieldProblem, Problem};
use crate::web::query::{Query, invalid};

/// What a reader thinks of a comment.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CastVote {
    /// 1 or -1.
    #[schema(required = true, nullable = false, value_type = i32, example = 1)]
    value: Option<i32>,
    /// A UUID that the browser made by chance and keeps; the same one replaces its vote. It isn't stored.
    #[schema(required = true, nullable = false, value_type = String, format = "uuid", example = "5f0c1d52-6a0e-4a6b-9d8e-3f6f4f6e2a11")]
    voter: Option<String>,
}

/// What is wrong, by member.
type Problems = Vec<(&'static str, Complaint)>;

impl CastVote {
    fn parse(&self) -> Result<(Vote, VoterId), Problems> {
        let required = || Complaint::new(ComplaintCode::Required, "is required");
        let mut problems = Vec::new();
        let mut note = |member, complaint| problems.push((member, complaint));
        let vote = self.value.ok_or_else(required).and_then(Vote::parse);
        let vote = vote.map_err(|complaint| note("value", complaint));
        let voter = self.voter.as_deref().ok_or_else(required);
        let voter = voter.and_then(|text| {
            let wrong = || Complaint::new(ComplaintCode::InvalidValue, "must be a UUID");
            text.parse().ok().ok_or_else(wrong)
        });
        let voter = voter.map_err(|complaint| note("voter", complaint));
        match (vote, voter) {
            (Ok(vote), Ok(voter)) => Ok((vote, voter)),
            _ => Err(problems),
        }
    }
}

/// By hand, since the derived one keeps the values that it complains of.
impl Validate for CastVote {
    fn validate(&self) -> Result<(), ValidationErrors> {
        all_wrong(self.parse().err().unwrap_or_default())
    }
}

/// A comment's score after a vote.
#[derive(Debug, Serialize, ToSchema)]
pub struct VoteReceipt {
    /// Votes for less votes against.
    score: i32,
    /// 1 or -1; null where there is none.
    #[schema(value_type = Option<i32>)]
    your_vote: Option<i16>,
}

/// Votes on a published comment, or changes the vote.
#[utoipa::path(
    put,
    path = "/api/v1/comments/{id}/vote",
    tag = "readers",
    operation_id = "vote",
    params(("id" = CommentId, Path, description = "The comment")),
    request_body = CastVote,
    responses(
        (status = 200, body = VoteReceipt),
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
pub async fn vote(
    comments: Data<Comments>,
    ReactionTo(reaction): ReactionTo,
    Valid(sent): Valid<CastVote>,
) -> Result<HttpResponse, ApiError> {
    let (vote, voter) = sent.parse().map_err(|problems| {
        let problem = |(member, complaint)| FieldProblem::new(member, complaint);
        ApiError::of_fields(problems.into_iter().map(problem).collect())
    })?;
    let score = comments.vote(&reaction, voter, Some(vote)).await?;
    let receipt = VoteReceipt {
        score,
        your_vote: Some(vote.value()),
    };
    Ok(private_json(HttpResponse::Ok(), &receipt))
}

/// Takes a vote back; where there is none, nothing changes. The voter stands in the query, since what stands between here
/// and the browser may drop the body of a DELETE.
#[utoipa::path(
    delete,
    path = "/api/v1/comments/{id}/vote",
    tag = "readers",
    operation_id = "take_vote_back",
    params(
        ("id" = CommentId, Path, description = "The comment"),
        ("voter" = String, Query, format = "uuid", description = "The UUID that the vote was sent with"),
    ),
    responses(
        (status = 200, body = VoteReceipt, description = "`your_vote` is null"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`invalid_query`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`origin_not_allowed`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`comment_not_found`"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "`rate_limited`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`"),
    ),
)]
pub async fn take_back(
    comments: Data<Comments>,
    ReactionTo(reaction): ReactionTo,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    let voter = query.require("voter")?.parse().ok();
    let voter = voter.ok_or_else(|| invalid("the parameter voter is not a UUID"))?;
    let receipt = VoteReceipt {
        score: comments.vote(&reaction, voter, None).await?,
        your_vote: None,
    };
    Ok(private_json(HttpResponse::Ok(), &receipt))
}
