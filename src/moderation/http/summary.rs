//! `GET /api/v1/admin/summary`: the figures of the moderators' work. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::wire::ActorItem;
use crate::accounts::extract::Reads;
use crate::base::clock::rfc3339;
use crate::base::ids::CommentId;
use crate::comments::model::Status;
use crate::moderation::Moderation;
use crate::moderation::model::figures::{
    CappedCount, DayDecisions, DayWaits, OldestPending, Summary,
};
use crate::web::ApiError;
use crate::web::conditional::private_json;
use crate::web::query::Query;

/// The figures of the moderators' work on the sites that the caller sees.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Summary)]
struct SummaryItem {
    /// Comments by state.
    counts: CountsItem,
    /// The comment that waits longest; null where none waits.
    oldest_pending: Option<OldestPendingItem>,
    /// What moderators decided in the last 30 days (UTC), the latest day first.
    decisions: Vec<DayDecisionsItem>,
    /// How long comments waited for the first decision, by the day of that decision (UTC), the latest day first.
    waits: Vec<DayWaitsItem>,
    /// The median wait of the last 7 days, today included: each comment of an unfinished day counts with its wait, each of
    /// a finished one with the median of its site and day. Null where nothing was decided.
    median_wait_seconds: Option<i32>,
    /// False where more was decided since the last finished day than one call looks at: then only the latest 10,000
    /// decisions of all sites count for the days since.
    complete: bool,
}

/// Comments by state.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SummaryCounts)]
struct CountsItem {
    /// So many are pending.
    pending: CountItem,
    /// So many are approved.
    approved: CountItem,
    /// So many are rejected.
    rejected: CountItem,
    /// So many are spam.
    spam: CountItem,
    /// So many are deleted.
    deleted: CountItem,
}

/// A number, exact up to 10,000; more than that is the text `10000+`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = SummaryCount)]
enum CountItem {
    Exactly(i32),
    More(&'static str),
}

/// The comment that waits longest.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OldestPending)]
struct OldestPendingItem {
    id: CommentId,
    /// When it was sent.
    #[serde(with = "rfc3339")]
    submitted_at: OffsetDateTime,
}

/// What a moderator decided on a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DayDecisions)]
struct DayDecisionsItem {
    /// The day (UTC).
    #[schema(format = Date)]
    day: String,
    /// Who decided.
    moderator: ActorItem,
    /// So many were approved.
    approved: i64,
    /// So many were rejected.
    rejected: i64,
    /// So many were marked as spam.
    spam: i64,
    /// So many were put back into the queue.
    restored: i64,
}

/// How long comments waited whose first decision was taken on a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DayWaits)]
struct DayWaitsItem {
    /// The day (UTC).
    #[schema(format = Date)]
    day: String,
    /// The lower median. Of several sites on a finished day: that of their medians, each as often as it had waits.
    median_seconds: i32,
    /// How many comments.
    decided: u64,
}

/// Figures of the queue and of the work on it.
#[utoipa::path(
    get,
    path = "/api/v1/admin/summary",
    tag = "moderators",
    operation_id = "show_summary",
    params(("site" = Option<String>, Query, description = "The slug of a site; all that the caller may see where it is missing")),
    responses(
        (status = 200, body = SummaryItem),
        (status = 404, description = "`unknown_site`"),
    ),
    security(("bearer" = ["viewer", "comments:read"])),
)]
pub async fn summary(
    Reads(caller): Reads,
    moderation: Data<Moderation>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&["site"])?;
    let summary = moderation.summary(&caller, query.find("site")?).await?;
    Ok(private_json(
        HttpResponse::Ok(),
        &SummaryItem::from(summary),
    ))
}

impl From<Summary> for SummaryItem {
    fn from(summary: Summary) -> Self {
        let count = |status: Status| match summary.counts.get(status.as_str()) {
            Some(CappedCount::Exactly(number)) => CountItem::Exactly(*number),
            Some(CappedCount::More) => CountItem::More("10000+"),
            None => CountItem::Exactly(0),
        };
        Self {
            counts: CountsItem {
                pending: count(Status::Pending),
                approved: count(Status::Approved),
                rejected: count(Status::Rejected),
                spam: count(Status::Spam),
                deleted: count(Status::Deleted),
            },
            oldest_pending: summary.oldest_pending.map(OldestPendingItem::from),
            decisions: summary
                .decisions
                .into_iter()
                .map(DayDecisionsItem::from)
                .collect(),
            waits: summary.waits.into_iter().map(DayWaitsItem::from).collect(),
            median_wait_seconds: summary.median_wait_seconds,
            complete: summary.complete,
        }
    }
}

impl From<OldestPending> for OldestPendingItem {
    fn from(oldest: OldestPending) -> Self {
        Self {
            id: oldest.id,
            submitted_at: oldest.submitted_at,
        }
    }
}

impl From<DayDecisions> for DayDecisionsItem {
    fn from(line: DayDecisions) -> Self {
        let number = |status: Status| {
            let found = line.by_status.get(status.as_str());
            found.copied().unwrap_or_default()
        };
        Self {
            day: line.day.to_string(),
            approved: number(Status::Approved),
            rejected: number(Status::Rejected),
            spam: number(Status::Spam),
            restored: number(Status::Pending),
            moderator: line.moderator.into(),
        }
    }
}

impl From<DayWaits> for DayWaitsItem {
    fn from(line: DayWaits) -> Self {
        Self {
            day: line.day.to_string(),
            median_seconds: line.median_seconds,
            decided: line.decided,
        }
    }
}
