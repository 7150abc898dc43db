//! `POST /api/v1/admin/comments/{id}/replies`. Translates only.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::decide::parse_version;
use super::edit::{Problems, wrong};
use super::wire::{CommentItem, refusal};
use crate::accounts::extract::Decides;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::CommentId;
use crate::base::text::Body;
use crate::comments::model::changes::{HeldParent, StaffReply};
use crate::moderation::Moderation;
use crate::web::conditional::private_json;
use crate::web::idempotency::IdempotencyKey;
use crate::web::input::all_wrong;
use crate::web::{ApiError, PathId, Strict};

/// An answer of the site's staff.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReplyToComment {
    /// The text, in the Markdown subset of comments.
    #[schema(value_type = String, required = true, min_length = 1, max_length = 10000)]
    body: Option<String>,
    /// Whether the answered comment is approved with it where it is pending; else that is refused.
    #[schema(example = true)]
    approve_parent: Option<bool>,
    /// The version of the answered comment that was looked at; counts where that is approved with the answer.
    #[schema(minimum = 1)]
    version: Option<i32>,
}

impl ReplyToComment {
    fn parse(&self) -> Result<(Body, Option<i32>), Problems> {
        let mut problems = Vec::new();
        let mut note = |member, complaint| problems.push((member, complaint));
        let body = self
            .body
            .as_deref()
            .ok_or_else(|| Complaint::new(ComplaintCode::Required, "is required"))
            .and_then(Body::parse)
            .map_err(|complaint| note("body", complaint));
        let version = self.version.map(parse_version).transpose();
        let version = version.map_err(|complaint| note("version", complaint));
        match (body, version) {
            (Ok(body), Ok(version)) => Ok((body, version)),
            _ => Err(problems),
        }
    }
}

/// By hand, since the derived one keeps the values that it complains of.
impl Validate for ReplyToComment {
    fn validate(&self) -> Result<(), ValidationErrors> {
        all_wrong(self.parse().err().unwrap_or_default())
    }
}

/// Answers a comment in the moderator's own name, published at once, also where the page takes no comments any more. The
/// moderator's address goes with it and is never published.
#[utoipa::path(
    post,
    path = "/api/v1/admin/comments/{id}/replies",
    tag = "moderators",
    operation_id = "reply_to_comment",
    params(
        ("id" = CommentId, Path, description = "The answered comment's id"),
        ("Idempotency-Key" = Option<String>, Header, max_length = 128, pattern = "^[!-~]+$", description = "1 to 128 visible ASCII characters; the same key of the same moderator with the same text to the same comment within 24 hours is answered with the same answer and stores nothing"),
    ),
    request_body = ReplyToComment,
    responses(
        (status = 201, body = CommentItem, description = "The answer", headers(
            ("Location" = String, description = "The answer's address"),
            ("Idempotency-Replayed" = Option<String>, description = "`true` when an earlier request of this key is answered again"))),
        (status = 409, description = "`parent_not_approved`, `comment_deleted`, `duplicate_comment` (the same answer to the same comment within 24 hours), `version_conflict` (with the answered one as comment)"),
        (status = 422, description = "`idempotency_key_reused`"),
    ),
    security(("bearer" = ["moderator", "comments:decide"])),
)]
pub async fn reply(
    Decides(caller): Decides,
    moderation: Data<Moderation>,
    PathId(parent_id): PathId<CommentId>,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    Strict(body): Strict<ReplyToComment>,
) -> Result<HttpResponse, ApiError> {
    let held_parent = match body.approve_parent {
        Some(true) => HeldParent::Approve,
        _ => HeldParent::Refuse,
    };
    let (body, version) = body.parse().map_err(wrong)?;
    let reply = StaffReply {
        parent_id,
        body,
        held_parent,
        version,
        idempotency_key,
    };
    let personal_data = caller.personal_data();
    let stored = moderation
        .reply(&caller, &reply)
        .await
        .map_err(|error| refusal(error, personal_data))?;
    let mut answer = HttpResponse::Created();
    answer.insert_header((
        header::LOCATION,
        format!("/api/v1/admin/comments/{}", stored.comment.id),
    ));
    if stored.replayed {
        answer.insert_header(("Idempotency-Replayed", "true"));
    }
    Ok(private_json(
        answer,
        &CommentItem::of(stored.comment, personal_data),
    ))
}
