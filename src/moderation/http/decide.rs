//! `POST /api/v1/admin/comments/{id}/approve`, `reject`, `spam`, `restore`. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::wire::{CommentItem, refusal};
use crate::accounts::extract::Decides;
use crate::accounts::model::Caller;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::CommentId;
use crate::base::text::{self, Note};
use crate::comments::model::decisions::{Decision, DecisionRequest, Reason};
use crate::moderation::Moderation;
use crate::web::conditional::private_json;
use crate::web::input::rule;
use crate::web::problem::FieldProblem;
use crate::web::{ApiError, PathId, Strict};

/// What goes with a decision; all of it may be missing, the whole body too.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
pub struct DecideComment {
    /// The code of a reason, whose text the author may read.
    #[validate(custom(function = "reason_rule"))]
    #[schema(value_type = Option<String>, example = "off_topic")]
    reason: Option<String>,
    /// For colleagues; kept with the history where the decision changes something.
    #[validate(custom(function = "note_rule"))]
    #[schema(max_length = 2000)]
    note: Option<String>,
    /// The version that was looked at; another one is refused with `version_conflict`.
    #[validate(custom(function = "version_rule"))]
    #[schema(minimum = 1)]
    version: Option<i32>,
}

fn reason_rule(code: &str) -> Result<(), validator::ValidationError> {
    rule(Reason::parse(code))
}

fn note_rule(note: &str) -> Result<(), validator::ValidationError> {
    rule(parse_note(note))
}

fn version_rule(version: i32) -> Result<(), validator::ValidationError> {
    rule(parse_version(version))
}

/// A blank note is none.
fn parse_note(note: &str) -> Result<Option<Note>, Complaint> {
    if text::trim(note).is_empty() {
        Ok(None)
    } else {
        Note::parse(note).map(Some)
    }
}

/// Versions begin with 1.
pub(super) fn parse_version(version: i32) -> Result<i32, Complaint> {
    if version >= 1 {
        return Ok(version);
    }
    Err(Complaint::new(
        ComplaintCode::InvalidValue,
        "must be a version, which is 1 or more",
    ))
}

impl DecideComment {
    fn into_request(self, id: CommentId, decision: Decision) -> Result<DecisionRequest, ApiError> {
        let wrong = |field: &'static str| {
            move |complaint| ApiError::of_fields(vec![FieldProblem::new(field, complaint)])
        };
        let reason = self.reason.as_deref().map(Reason::parse).transpose();
        let note = self.note.as_deref().map(parse_note).transpose();
        Ok(DecisionRequest {
            comment_id: id,
            decision,
            reason: reason.map_err(wrong("reason"))?,
            note: note.map_err(wrong("note"))?.flatten(),
            version: self.version,
        })
    }
}

/// Who decides, on which comment, and what goes with it; who decides is settled first.
pub type Request = (Decides, PathId<CommentId>, Strict<DecideComment>);

macro_rules! operation {
    ($(#[$doc:meta])* $name:ident, $path:literal, $id:literal, $decision:ident) => {
        $(#[$doc])*
        #[utoipa::path(
            post,
            path = $path,
            tag = "moderators",
            operation_id = $id,
            params(("id" = CommentId, Path, description = "The comment's id")),
            request_body = Option<DecideComment>,
            responses(
                (status = 200, body = CommentItem, description = "The comment as it is now, also where it was so already"),
                (status = 409, description = "`version_conflict` (with the current one as comment), `comment_deleted`"),
            ),
            security(("bearer" = ["moderator", "comments:decide"])),
        )]
        pub async fn $name(moderation: Data<Moderation>, request: Request) -> Result<HttpResponse, ApiError> {
            let (Decides(caller), PathId(id), Strict(body)) = request;
            decide(&moderation, &caller, body.into_request(id, Decision::$decision)?).await
        }
    };
}

operation! {
    /// Publishes the comment.
    approve, "/api/v1/admin/comments/{id}/approve", "approve_comment", Approve
}
operation! {
    /// Keeps the comment from the public, or takes it back.
    reject, "/api/v1/admin/comments/{id}/reject", "reject_comment", Reject
}
operation! {
    /// Marks the comment as spam.
    spam, "/api/v1/admin/comments/{id}/spam", "spam_comment", Spam
}
operation! {
    /// Puts the comment back into the queue.
    restore, "/api/v1/admin/comments/{id}/restore", "restore_comment", Restore
}

async fn decide(
    moderation: &Moderation,
    caller: &Caller,
    request: DecisionRequest,
) -> Result<HttpResponse, ApiError> {
    let personal_data = caller.personal_data();
    let comment = moderation
        .decide(caller, &request)
        .await
        .map_err(|error| refusal(error, personal_data))?;
    Ok(private_json(
        HttpResponse::Ok(),
        &CommentItem::of(comment, personal_data),
    ))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn body(json: &str) -> DecideComment {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn everything_may_be_missing() {
        for json in [
            "{}",
            r#"{"reason": null, "note": null, "version": null}"#,
            r#"{"note": " \n"}"#,
        ] {
            let body = body(json);
            assert!(body.validate().is_ok(), "{json}");
            let id = CommentId::from_uuid(Uuid::nil());
            let request = body.into_request(id, Decision::Spam).unwrap();
            assert!(
                request.reason.is_none() && request.note.is_none() && request.version.is_none()
            );
        }
    }

    #[test]
    fn every_complaint_comes_at_once() {
        let note = "x".repeat(2_001);
        let body = body(&format!(
            r#"{{"reason": "Mood", "note": "{note}", "version": 0}}"#
        ));
        let errors = body.validate().unwrap_err();
        let mut fields: Vec<_> = errors
            .field_errors()
            .into_iter()
            .map(|(field, list)| (field.to_string(), list[0].code.to_string()))
            .collect();
        fields.sort();
        let expected = [
            ("note", "too_long"),
            ("reason", "unknown_reason"),
            ("version", "invalid_value"),
        ];
        assert_eq!(
            fields,
            expected.map(|(field, code)| (field.to_owned(), code.to_owned()))
        );
    }
}
