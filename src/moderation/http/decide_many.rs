//! `POST /api/v1/admin/decisions`: many at once, each on its own. Translates only.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors, ValidationErrorsKind};

use super::decide::parse_version;
use crate::accounts::extract::Decides;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::CommentId;
use crate::comments::model::Status;
use crate::comments::model::decisions::{
    Decision, DecisionRequest, DecisionResult, Outcome, Reason,
};
use crate::moderation::Moderation;
use crate::web::conditional::private_json;
use crate::web::input::rule;
use crate::web::json::objects;
use crate::web::problem::FieldProblem;
use crate::web::{ApiError, Strict};

/// The most decisions at once.
const DECISIONS_MAX: usize = 500;

/// Up to 500 decisions, no comment twice.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DecideComments {
    /// The decisions.
    #[schema(value_type = Vec<DecisionEntry>, required = true, max_items = 500)]
    #[serde(default, deserialize_with = "objects")]
    decisions: Option<Vec<DecisionEntry>>,
}

/// What is to be decided about one comment.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DecisionEntry {
    /// The comment.
    #[schema(value_type = CommentId)]
    id: Option<String>,
    /// The word on it.
    #[schema(value_type = Decision)]
    decision: Option<String>,
    /// The code of a reason, whose text the author may read.
    reason: Option<String>,
    /// The version that was looked at; another one makes it a `version_conflict`.
    #[schema(minimum = 1)]
    version: Option<i32>,
}

/// What came of the decisions, in their order.
#[derive(Debug, Serialize, ToSchema)]
struct DecisionResults {
    /// What came of each.
    results: Vec<DecisionResultItem>,
}

/// What came of one decision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DecisionResult)]
struct DecisionResultItem {
    id: CommentId,
    /// What came of the decision.
    outcome: Outcome,
    /// The comment's state now; null where there is no such comment.
    status: Option<Status>,
}

/// Decides many comments, each on its own.
#[utoipa::path(
    post,
    path = "/api/v1/admin/decisions",
    tag = "moderators",
    operation_id = "decide_comments",
    request_body = DecideComments,
    responses(
        (status = 200, body = DecisionResults),
    ),
    security(("bearer" = ["moderator", "comments:decide"])),
)]
pub async fn decide_many(
    Decides(caller): Decides,
    moderation: Data<Moderation>,
    Strict(body): Strict<DecideComments>,
) -> Result<HttpResponse, ApiError> {
    let requests = body.parse().map_err(ApiError::of_fields)?;
    let results = moderation.decide_many(&caller, &requests).await?;
    let results = results.iter().map(DecisionResultItem::from).collect();
    Ok(private_json(
        HttpResponse::Ok(),
        &DecisionResults { results },
    ))
}

impl From<&DecisionResult> for DecisionResultItem {
    fn from(result: &DecisionResult) -> Self {
        Self {
            id: result.comment_id,
            outcome: result.outcome,
            status: result.facts.map(|facts| facts.status),
        }
    }
}

/// A member of an entry, and what is wrong with it.
type EntryProblem = (&'static str, Complaint);

/// What is wrong with a body.
#[derive(Debug)]
enum Wrong {
    /// The list itself.
    List(Complaint),
    /// Entries, by their places.
    Entries(BTreeMap<usize, Vec<EntryProblem>>),
}

impl DecideComments {
    /// The requests, or everything that is wrong.
    fn parse(&self) -> Result<Vec<DecisionRequest>, Vec<FieldProblem>> {
        self.requests().map_err(|wrong| match wrong {
            Wrong::List(complaint) => vec![FieldProblem::new("decisions", complaint)],
            Wrong::Entries(entries) => entries
                .into_iter()
                .flat_map(|(place, problems)| {
                    problems.into_iter().map(move |(member, complaint)| {
                        FieldProblem::new(format!("decisions[{place}].{member}"), complaint)
                    })
                })
                .collect(),
        })
    }

    fn requests(&self) -> Result<Vec<DecisionRequest>, Wrong> {
        let Some(entries) = &self.decisions else {
            return Err(Wrong::List(required()));
        };
        if entries.len() > DECISIONS_MAX {
            let complaint = Complaint::new(ComplaintCode::TooMany, "must have at most 500 entries");
            return Err(Wrong::List(complaint));
        }
        let mut seen = HashSet::with_capacity(entries.len());
        let mut requests = Vec::with_capacity(entries.len());
        let mut wrong = BTreeMap::new();
        for (place, entry) in entries.iter().enumerate() {
            match entry.request(&mut seen) {
                Ok(request) => requests.push(request),
                Err(problems) => {
                    wrong.insert(place, problems);
                }
            }
        }
        if wrong.is_empty() {
            Ok(requests)
        } else {
            Err(Wrong::Entries(wrong))
        }
    }
}

impl DecisionEntry {
    fn request(&self, seen: &mut HashSet<CommentId>) -> Result<DecisionRequest, Vec<EntryProblem>> {
        let mut problems = Vec::new();
        let mut note = |member, complaint| problems.push((member, complaint));
        let id = parse_id(self.id.as_deref())
            .and_then(|id| {
                if seen.insert(id) {
                    Ok(id)
                } else {
                    Err(repeated())
                }
            })
            .map_err(|complaint| note("id", complaint));
        let decision = self
            .decision
            .as_deref()
            .ok_or_else(required)
            .and_then(Decision::parse)
            .map_err(|complaint| note("decision", complaint));
        let reason = self.reason.as_deref().map(Reason::parse).transpose();
        let reason = reason.map_err(|complaint| note("reason", complaint));
        let version = self.version.map(parse_version).transpose();
        let version = version.map_err(|complaint| note("version", complaint));
        match (id, decision, reason, version) {
            (Ok(comment_id), Ok(decision), Ok(reason), Ok(version)) => Ok(DecisionRequest {
                comment_id,
                decision,
                reason,
                note: None,
                version,
            }),
            _ => Err(problems),
        }
    }
}

fn parse_id(text: Option<&str>) -> Result<CommentId, Complaint> {
    let text = text.ok_or_else(required)?;
    // Why it is no UUID is of no use to anybody.
    let id = text.parse().ok();
    id.ok_or_else(|| {
        Complaint::new(
            ComplaintCode::InvalidValue,
            "must be a comment's id, a UUID",
        )
    })
}

fn required() -> Complaint {
    Complaint::new(ComplaintCode::Required, "is required")
}

fn repeated() -> Complaint {
    Complaint::new(ComplaintCode::Repeated, "stands in this list already")
}

/// By hand: `validator`'s derive can't look at two entries at once, nor name an entry in a rule of the list.
impl Validate for DecideComments {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let Err(wrong) = self.requests() else {
            return Ok(());
        };
        let mut errors = ValidationErrors::new();
        let kind = match wrong {
            Wrong::List(complaint) => ValidationErrorsKind::Field(error_list(complaint)),
            Wrong::Entries(entries) => ValidationErrorsKind::List(
                entries
                    .into_iter()
                    .map(|(place, list)| (place, Box::new(entry_errors(list))))
                    .collect(),
            ),
        };
        errors.errors_mut().insert(Cow::Borrowed("decisions"), kind);
        Err(errors)
    }
}

fn entry_errors(problems: Vec<EntryProblem>) -> ValidationErrors {
    let mut errors = ValidationErrors::new();
    for (member, complaint) in problems {
        let kind = ValidationErrorsKind::Field(error_list(complaint));
        errors.errors_mut().insert(Cow::Borrowed(member), kind);
    }
    errors
}

fn error_list(complaint: Complaint) -> Vec<validator::ValidationError> {
    rule::<()>(Err(complaint)).err().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01936000-0000-7000-8000-000000000001";

    fn wrong(json: &str) -> Vec<(String, String)> {
        let body: DecideComments = serde_json::from_str(json).unwrap();
        assert!(body.validate().is_err(), "{json}");
        let problems = body.parse().unwrap_err();
        problems
            .into_iter()
            .map(|problem| (problem.field, problem.code.into_owned()))
            .collect()
    }

    #[test]
    fn reason_and_version_may_be_missing_or_null() {
        let json = format!(
            r#"{{"decisions": [{{"id": "{ID}", "decision": "approve", "reason": null, "version": null}}]}}"#
        );
        let body: DecideComments = serde_json::from_str(&json).unwrap();
        assert!(body.validate().is_ok());
        let requests = body.parse().unwrap();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].decision, Decision::Approve);
        let empty: DecideComments = serde_json::from_str(r#"{"decisions": []}"#).unwrap();
        assert!(empty.validate().is_ok());
    }

    #[test]
    fn every_complaint_names_its_entry() {
        let json = format!(
            r#"{{"decisions": [
                {{"id": "{ID}", "decision": "approve"}},
                {{"id": "7", "decision": "keep", "reason": "Mood", "version": 0}},
                {{"id": "{}", "decision": "spam"}},
                {{}}
            ]}}"#,
            ID.to_uppercase()
        );
        let expected = [
            ("decisions[1].id", "invalid_value"),
            ("decisions[1].decision", "invalid_value"),
            ("decisions[1].reason", "unknown_reason"),
            ("decisions[1].version", "invalid_value"),
            ("decisions[2].id", "repeated"),
            ("decisions[3].id", "required"),
            ("decisions[3].decision", "required"),
        ];
        assert_eq!(
            wrong(&json),
            expected.map(|(field, code)| (field.to_owned(), code.to_owned()))
        );
    }

    #[test]
    fn a_list_is_required_and_bounded() {
        assert_eq!(
            wrong("{}"),
            [("decisions".to_owned(), "required".to_owned())]
        );
        let entries = vec!["{}"; 501].join(",");
        let json = format!(r#"{{"decisions": [{entries}]}}"#);
        assert_eq!(
            wrong(&json),
            [("decisions".to_owned(), "too_many".to_owned())]
        );
    }
}
