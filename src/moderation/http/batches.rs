//! `/api/v1/admin/batches`: count, make, follow, undo. Translates only.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors, ValidationErrorsKind};

use super::filter::{ALL_BUT_DELETED, FilterBody, time};
use super::wire::ActorItem;
use crate::accounts::extract::{Decides, Reads};
use crate::base::clock::rfc3339;
use crate::base::codes::Code;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::{BatchId, CommentId};
use crate::base::paging::{CursorTag, RankCursor, TimeCursor};
use crate::comments::model::Status;
use crate::comments::model::decisions::{Decision, Outcome, Reason};
use crate::moderation::model::batches::{Batch, BatchItem, BatchOrder, BatchState, UndoOutcome};
use crate::moderation::{BatchItemPage, Moderation};
use crate::web::conditional::private_json;
use crate::web::input::rule;
use crate::web::json::object;
use crate::web::problem::FieldProblem;
use crate::web::query::Query;
use crate::web::{ApiError, PathId, Strict};

/// Cursors of the list of batches.
const LIST_TAG: CursorTag = CursorTag(25);
/// Cursors of a batch's results.
const RESULTS_TAG: CursorTag = CursorTag(26);

/// Which comments to count.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CountBatch {
    /// The comments; `{}` are all but deleted ones.
    #[schema(value_type = FilterBody, required = true)]
    #[serde(default, deserialize_with = "object")]
    filter: Option<FilterBody>,
}

/// One decision on all comments that a filter takes.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({
    "filter": { "status": ["pending"], "site": "default" },
    "decision": "reject",
    "reason": "off_topic",
    "expected_count": 12,
}))]
pub struct MakeBatch {
    /// The comments; `{}` are all but deleted ones.
    #[schema(value_type = FilterBody, required = true)]
    #[serde(default, deserialize_with = "object")]
    filter: Option<FilterBody>,
    /// The word on them.
    #[schema(value_type = Decision, required = true)]
    decision: Option<String>,
    /// The code of a reason, whose text the authors may read.
    #[schema(example = "off_topic")]
    reason: Option<String>,
    /// How many comments there have to be: `count` as it was shown.
    #[schema(value_type = i64, required = true, minimum = 0)]
    expected_count: Option<i64>,
    /// Only comments that were submitted until then: `as_of` as it came with the count. Now, where it is missing.
    #[schema(format = DateTime)]
    as_of: Option<String>,
}

/// How many comments the filter takes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchCount)]
struct CountItem {
    /// Exactly so many.
    count: i64,
    /// Of those that were submitted until then.
    #[serde(with = "rfc3339")]
    as_of: OffsetDateTime,
}

/// A batch and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Batch)]
struct BatchBody {
    id: BatchId,
    /// Whether it, or its undo, is at work.
    state: BatchState,
    /// The word on its comments.
    decision: Decision,
    /// The code of the reason.
    reason: Option<String>,
    /// How many comments it has.
    total: i32,
    /// How many have been gone over: by the batch, and from `undoing` on anew by its undo.
    processed: i32,
    /// How many it has decided; the others were so already, have changed meanwhile, or are gone.
    decided: i32,
    /// How many the undo has brought back.
    undone: i32,
    /// Its comments were submitted until then.
    #[serde(with = "rfc3339")]
    as_of: OffsetDateTime,
    /// When it was made.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    /// When the batch, or its undo, came to an end; null while one is at work.
    #[serde(with = "rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
    /// Who made it.
    moderator: ActorItem,
    /// Who had it undone.
    undone_by: Option<ActorItem>,
}

/// A page of batches, the latest first.
#[derive(Debug, Serialize, ToSchema)]
struct BatchList {
    /// The batches.
    batches: Vec<BatchBody>,
    /// For the next page; null on the last.
    next_cursor: Option<String>,
}

/// What came of one comment of a batch.
#[derive(Debug, Serialize, ToSchema)]
struct BatchResult {
    id: CommentId,
    /// Its state when the batch was made.
    was: Status,
    /// Its state now.
    status: Status,
    /// What came of the decision; null until it was gone over.
    outcome: Option<Outcome>,
    /// What came of the undo; null where there was nothing to undo, or until it was gone over.
    undo: Option<UndoOutcome>,
}

/// A page of a batch's comments, in the order in which they were submitted.
#[derive(Debug, Serialize, ToSchema)]
struct BatchResults {
    /// The comments.
    results: Vec<BatchResult>,
    /// For the next page; null on the last.
    next_cursor: Option<String>,
}

/// Counts the comments that a batch would decide.
#[utoipa::path(
    post,
    path = "/api/v1/admin/batches/counts",
    tag = "moderators",
    operation_id = "count_batch",
    request_body = CountBatch,
    responses(
        (status = 200, body = CountItem),
        (status = 403, description = "`forbidden`: also email or ip from somebody who may not see them"),
        (status = 404, description = "`unknown_site`"),
        (status = 422, description = "`validation_failed`, `unknown_field`, `batch_too_large` (more than 100,000 comments)"),
    ),
    security(("bearer" = ["moderator", "comments:decide"])),
)]
pub async fn count(
    Decides(caller): Decides,
    moderation: Data<Moderation>,
    Strict(body): Strict<CountBatch>,
) -> Result<HttpResponse, ApiError> {
    let filter = body.filter.unwrap_or_default().parse(&ALL_BUT_DELETED)?;
    let filter = filter.for_caller(&caller, moderation.authors())?;
    let counted = moderation.count_for_batch(&caller, &filter).await?;
    Ok(private_json(
        HttpResponse::Ok(),
        &CountItem {
            count: counted.count,
            as_of: counted.as_of,
        },
    ))
}

/// Decides all comments that a filter takes, if they are as many as expected; a job does it, some at a time.
#[utoipa::path(
    post,
    path = "/api/v1/admin/batches",
    tag = "moderators",
    operation_id = "make_batch",
    request_body = MakeBatch,
    responses(
        (status = 202, body = BatchBody, headers(("Location" = String, description = "Where to follow it"))),
        (status = 403, description = "`forbidden`: also email or ip from somebody who may not see them"),
        (status = 404, description = "`unknown_site`"),
        (status = 409, description = "`count_changed`"),
        (status = 422, description = "`validation_failed`, `unknown_field`, `batch_too_large` (more than 100,000 comments)"),
    ),
    security(("bearer" = ["moderator", "comments:decide"])),
)]
pub async fn make(
    Decides(caller): Decides,
    moderation: Data<Moderation>,
    Strict(body): Strict<MakeBatch>,
) -> Result<HttpResponse, ApiError> {
    let rest = body.parse().map_err(|problems| {
        let problem = |(field, complaint)| FieldProblem::new(field, complaint);
        ApiError::of_fields(problems.into_iter().map(problem).collect())
    })?;
    let filter = body.filter.unwrap_or_default().parse(&ALL_BUT_DELETED)?;
    let order = BatchOrder {
        filter: filter.for_caller(&caller, moderation.authors())?,
        decision: rest.decision,
        reason: rest.reason,
        expected_count: rest.expected_count,
        as_of: rest.as_of,
    };
    let batch = moderation.make_batch(&caller, &order).await?;
    let mut answer = HttpResponse::Accepted();
    answer.insert_header((
        header::LOCATION,
        format!("/api/v1/admin/batches/{}", batch.id),
    ));
    Ok(private_json(answer, &BatchBody::from(batch)))
}

/// The batches whose sites the caller sees.
#[utoipa::path(
    get,
    path = "/api/v1/admin/batches",
    tag = "moderators",
    operation_id = "list_batches",
    params(
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "50 where it is missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, body = BatchList),
    ),
    security(("bearer" = ["viewer", "comments:read"])),
)]
pub async fn list(
    Reads(caller): Reads,
    moderation: Data<Moderation>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&["limit", "cursor"])?;
    let limit = query.limit()?;
    let before = match query.find("cursor")? {
        Some(text) => Some(TimeCursor::decode(LIST_TAG, text).ok_or_else(invalid_cursor)?),
        None => None,
    };
    let before = before.map(|cursor| BatchId::from_uuid(cursor.id));
    let page = moderation.list_batches(&caller, before, limit).await?;
    Ok(private_json(
        HttpResponse::Ok(),
        &BatchList {
            batches: page.batches.into_iter().map(BatchBody::from).collect(),
            next_cursor: page.next.map(|cursor| cursor.encode(LIST_TAG)),
        },
    ))
}

/// One batch: how far it is.
#[utoipa::path(
    get,
    path = "/api/v1/admin/batches/{id}",
    tag = "moderators",
    operation_id = "show_batch",
    params(("id" = BatchId, Path, description = "The batch's id")),
    responses(
        (status = 200, body = BatchBody),
    ),
    security(("bearer" = ["viewer", "comments:read"])),
)]
pub async fn show(
    Reads(caller): Reads,
    moderation: Data<Moderation>,
    PathId(id): PathId<BatchId>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&[])?;
    let batch = moderation.show_batch(&caller, id).await?;
    Ok(private_json(HttpResponse::Ok(), &BatchBody::from(batch)))
}

/// What came of each comment of a batch.
#[utoipa::path(
    get,
    path = "/api/v1/admin/batches/{id}/results",
    tag = "moderators",
    operation_id = "list_batch_results",
    params(
        ("id" = BatchId, Path, description = "The batch's id"),
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "50 where it is missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, body = BatchResults),
    ),
    security(("bearer" = ["viewer", "comments:read"])),
)]
pub async fn results(
    Reads(caller): Reads,
    moderation: Data<Moderation>,
    PathId(id): PathId<BatchId>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&["limit", "cursor"])?;
    let limit = query.limit()?;
    let after = match query.find("cursor")? {
        Some(text) => place_of(id, text).ok_or_else(invalid_cursor)?,
        None => 0,
    };
    let page = moderation
        .list_batch_results(&caller, id, after, limit)
        .await?;
    Ok(private_json(
        HttpResponse::Ok(),
        &BatchResults::of(id, page),
    ))
}

/// Brings back what a batch decided, but for what has changed since; a job does it. The same again is no mistake.
#[utoipa::path(
    post,
    path = "/api/v1/admin/batches/{id}/undo",
    tag = "moderators",
    operation_id = "undo_batch",
    params(("id" = BatchId, Path, description = "The batch's id")),
    responses(
        (status = 202, body = BatchBody),
        (status = 409, description = "`batch_running`"),
    ),
    security(("bearer" = ["moderator", "comments:decide"])),
)]
pub async fn undo(
    Decides(caller): Decides,
    moderation: Data<Moderation>,
    PathId(id): PathId<BatchId>,
) -> Result<HttpResponse, ApiError> {
    let batch = moderation.undo_batch(&caller, id).await?;
    Ok(private_json(
        HttpResponse::Accepted(),
        &BatchBody::from(batch),
    ))
}

fn invalid_cursor() -> ApiError {
    ApiError::new(Code::InvalidCursor)
}

/// Results are ordered by their places, and a cursor belongs to its batch.
fn place_of(batch: BatchId, text: &str) -> Option<i32> {
    let cursor = RankCursor::decode(RESULTS_TAG, text)?;
    (cursor.id == *batch.as_uuid()).then_some(cursor.rank)
}

impl From<Batch> for BatchBody {
    fn from(batch: Batch) -> Self {
        Self {
            id: batch.id,
            state: batch.state,
            decision: batch.decision,
            reason: batch.reason,
            total: batch.total,
            processed: batch.processed,
            decided: batch.decided,
            undone: batch.undone,
            as_of: batch.as_of,
            created_at: batch.created_at,
            finished_at: batch.finished_at,
            moderator: batch.moderator.into(),
            undone_by: batch.undone_by.map(ActorItem::from),
        }
    }
}

impl From<BatchItem> for BatchResult {
    fn from(item: BatchItem) -> Self {
        Self {
            id: item.comment_id,
            was: item.was,
            status: item.status,
            outcome: item.outcome,
            undo: item.undo,
        }
    }
}

impl BatchResults {
    fn of(batch: BatchId, page: BatchItemPage) -> Self {
        let cursor = |place| RankCursor {
            rank: place,
            at: OffsetDateTime::UNIX_EPOCH,
            id: *batch.as_uuid(),
        };
        Self {
            results: page.items.into_iter().map(BatchResult::from).collect(),
            next_cursor: page.next.map(|place| cursor(place).encode(RESULTS_TAG)),
        }
    }
}

/// What a batch is made with besides its filter.
struct Rest {
    decision: Decision,
    reason: Option<Reason>,
    expected_count: i64,
    as_of: Option<OffsetDateTime>,
}

impl MakeBatch {
    fn parse(&self) -> Result<Rest, Vec<(&'static str, Complaint)>> {
        let mut problems = Vec::new();
        let mut note = |field, complaint| problems.push((field, complaint));
        let decision = self.decision.as_deref().ok_or_else(required);
        let decision = decision
            .and_then(Decision::parse)
            .map_err(|complaint| note("decision", complaint));
        let reason = self.reason.as_deref().map(Reason::parse).transpose();
        let reason = reason.map_err(|complaint| note("reason", complaint));
        let expected_count = self.expected_count.ok_or_else(required);
        let expected_count = expected_count
            .and_then(number)
            .map_err(|complaint| note("expected_count", complaint));
        let as_of = self.as_of.as_deref().map(time).transpose();
        let as_of = as_of.map_err(|complaint| note("as_of", complaint));
        match (decision, reason, expected_count, as_of) {
            (Ok(decision), Ok(reason), Ok(expected_count), Ok(as_of)) => Ok(Rest {
                decision,
                reason,
                expected_count,
                as_of,
            }),
            _ => Err(problems),
        }
    }
}

fn required() -> Complaint {
    Complaint::new(ComplaintCode::Required, "is required")
}

fn number(number: i64) -> Result<i64, Complaint> {
    if number >= 0 {
        return Ok(number);
    }
    Err(Complaint::new(
        ComplaintCode::InvalidValue,
        "must be the number of comments, 0 or more",
    ))
}

/// By hand, here and below: the derived one would keep the values that were sent.
impl Validate for CountBatch {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let mut errors = ValidationErrors::new();
        check_filter(self.filter.as_ref(), &mut errors);
        done(errors)
    }
}

impl Validate for MakeBatch {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let mut errors = ValidationErrors::new();
        check_filter(self.filter.as_ref(), &mut errors);
        for (field, complaint) in self.parse().err().into_iter().flatten() {
            add(field, complaint, &mut errors);
        }
        done(errors)
    }
}

fn check_filter(filter: Option<&FilterBody>, errors: &mut ValidationErrors) {
    match filter.map(Validate::validate) {
        None => add("filter", required(), errors),
        Some(Ok(())) => {}
        Some(Err(inner)) => {
            let kind = ValidationErrorsKind::Struct(Box::new(inner));
            errors.errors_mut().insert(Cow::Borrowed("filter"), kind);
        }
    }
}

fn add(field: &'static str, complaint: Complaint, errors: &mut ValidationErrors) {
    if let Err(error) = rule::<()>(Err(complaint)) {
        errors.add(field, error);
    }
}

fn done(errors: ValidationErrors) -> Result<(), ValidationErrors> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn order(json: &str) -> MakeBatch {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn reason_and_time_may_be_missing() {
        let body = order(r#"{"filter": {}, "decision": "spam", "expected_count": 0}"#);
        assert!(body.validate().is_ok());
        let rest = body.parse().ok().unwrap();
        assert_eq!((rest.decision, rest.expected_count), (Decision::Spam, 0));
        assert!(rest.reason.is_none() && rest.as_of.is_none());
    }

    #[test]
    fn every_complaint_comes_at_once() {
        let body = order(
            r#"{"filter": {"status": ["open"]}, "decision": "keep", "reason": "Mood", "expected_count": -1, "as_of": "now"}"#,
        );
        let errors = body.validate().unwrap_err();
        let mut fields: Vec<_> = errors.errors().keys().map(ToString::to_string).collect();
        fields.sort();
        let expected = ["as_of", "decision", "expected_count", "filter", "reason"];
        assert_eq!(fields, expected);
        let errors = order("{}").validate().unwrap_err();
        assert_eq!(errors.errors().len(), 3);
    }

    #[test]
    fn a_cursor_of_results_belongs_to_its_batch() {
        let (one, other) = (
            BatchId::from_uuid(Uuid::nil()),
            BatchId::from_uuid(Uuid::max()),
        );
        let page = BatchItemPage {
            items: Vec::new(),
            next: Some(50),
        };
        let text = BatchResults::of(one, page).next_cursor.unwrap();
        assert_eq!(place_of(one, &text), Some(50));
        assert_eq!(place_of(other, &text), None);
    }
}
