//! `/api/v1/admin/jobs`: jobs that were given up. Translates only.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::accounts::extract::Configures;
use crate::base::codes::Code;
use crate::base::ids::JobId;
use crate::base::paging::{CursorTag, TimeCursor};
use crate::jobs::model::DeadJob;
use crate::moderation::Moderation;
use crate::web::conditional::private_json;
use crate::web::query::Query;
use crate::web::{ApiError, PathId};

const TAG: CursorTag = CursorTag(41);

/// A job that was given up after eight failures.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadJob)]
struct DeadJobItem {
    /// The job.
    id: JobId,
    /// What was to be done, as `batches.run`.
    #[schema(example = "batches.run")]
    kind: String,
    /// How often it failed, or was lost with its instance.
    attempts: i16,
    /// What went wrong the last time.
    #[schema(required = true, example = "unavailable")]
    last_error: Option<String>,
    /// When it was enqueued.
    #[serde(with = "crate::base::clock::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was given up.
    #[serde(with = "crate::base::clock::rfc3339")]
    dead_at: OffsetDateTime,
}

impl From<DeadJob> for DeadJobItem {
    fn from(job: DeadJob) -> Self {
        Self {
            id: job.id,
            kind: job.kind,
            attempts: job.attempts,
            last_error: job.last_error,
            created_at: job.created_at,
            dead_at: job.dead_at,
        }
    }
}

/// A page of jobs that were given up.
#[derive(Debug, Serialize, ToSchema)]
struct DeadJobList {
    /// The jobs.
    jobs: Vec<DeadJobItem>,
    /// For the next page; null on the last.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// Jobs that were given up, newest first. For those who see all sites.
#[utoipa::path(
    get,
    path = "/api/v1/admin/jobs",
    tag = "moderators",
    operation_id = "list_jobs",
    params(
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "50 where it is missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, body = DeadJobList),
    ),
    security(("bearer" = ["admin", "settings"])),
)]
pub async fn list(
    Configures(caller): Configures,
    moderation: Data<Moderation>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&["limit", "cursor"])?;
    let before = match query.find("cursor")? {
        Some(text) => {
            let cursor = TimeCursor::decode(TAG, text);
            let cursor = cursor.ok_or_else(|| ApiError::new(Code::InvalidCursor))?;
            Some(JobId::from_uuid(cursor.id))
        }
        None => None,
    };
    let page = moderation
        .list_dead_jobs(&caller, before, query.limit()?)
        .await?;
    let next = page.next.map(|last| TimeCursor {
        at: OffsetDateTime::UNIX_EPOCH,
        id: *last.as_uuid(),
    });
    Ok(private_json(
        HttpResponse::Ok(),
        &DeadJobList {
            jobs: page.jobs.into_iter().map(DeadJobItem::from).collect(),
            next_cursor: next.map(|next| next.encode(TAG)),
        },
    ))
}

/// Has a job that was given up tried again, at once and as often as a new one. For those who see all sites.
#[utoipa::path(
    post,
    path = "/api/v1/admin/jobs/{id}/retry",
    tag = "moderators",
    operation_id = "retry_job",
    params(("id" = JobId, Path, description = "The job")),
    responses(
        (status = 202, description = "It is due now. Where another job that does the same waits already, that one stands for it."),
    ),
    security(("bearer" = ["admin", "settings"])),
)]
pub async fn retry(
    Configures(caller): Configures,
    moderation: Data<Moderation>,
    PathId(id): PathId<JobId>,
) -> Result<HttpResponse, ApiError> {
    moderation.retry_dead_job(&caller, id).await?;
    Ok(HttpResponse::Accepted()
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .finish())
}

/// Takes a job away that was given up: what it was to do is not done. For those who see all sites.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/jobs/{id}",
    tag = "moderators",
    operation_id = "drop_job",
    params(("id" = JobId, Path, description = "The job")),
    responses(
        (status = 204, description = "It is gone"),
    ),
    security(("bearer" = ["admin", "settings"])),
)]
pub async fn drop_dead(
    Configures(caller): Configures,
    moderation: Data<Moderation>,
    PathId(id): PathId<JobId>,
) -> Result<HttpResponse, ApiError> {
    moderation.drop_dead_job(&caller, id).await?;
    Ok(HttpResponse::NoContent()
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .finish())
}
