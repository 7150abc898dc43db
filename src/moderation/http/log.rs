//! `GET /api/v1/admin/log`: the log of administrative acts. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::extract::ReadsSettings;
use crate::audit::model::AuditEntry;
use crate::base::clock::rfc3339;
use crate::base::codes::Code;
use crate::base::ids::{AuditEntryId, ModeratorId, SiteId};
use crate::base::paging::{CursorTag, TimeCursor};
use crate::moderation::Moderation;
use crate::web::ApiError;
use crate::web::conditional::private_json;
use crate::web::query::Query;

const TAG: CursorTag = CursorTag(43);

/// A part of the log.
#[derive(Serialize, ToSchema)]
struct LogEntries {
    /// The acts.
    entries: Vec<LogEntry>,
    /// For the next part; null on the last.
    next_cursor: Option<String>,
}

/// An administrative act.
#[derive(Serialize, ToSchema)]
struct LogEntry {
    id: AuditEntryId,
    /// When it was done.
    #[serde(with = "rfc3339")]
    at: OffsetDateTime,
    /// Who did it.
    actor: LogActor,
    /// What was done, as `site.changed`.
    #[schema(example = "site.changed")]
    act: String,
    /// What it was done to.
    subject: LogSubject,
    /// The id of the site that the subject belongs to; null where it concerns all.
    site: Option<SiteId>,
    /// What changed, by field: ids, codes and numbers.
    #[schema(value_type = HashMap<String, Value>)]
    details: Value,
}

/// Who acted.
#[derive(Serialize, ToSchema)]
struct LogActor {
    /// `moderator`, `operator` (at the command line) or `system`.
    #[schema(pattern = "^(moderator|operator|system)$")]
    kind: String,
    /// The account, where it was one.
    id: Option<ModeratorId>,
    /// Its name today.
    name: Option<String>,
}

/// What was acted on.
#[derive(Serialize, ToSchema)]
struct LogSubject {
    /// As `moderator`, `token`, `site`, `page`, `reason`, `job`.
    #[schema(example = "site")]
    kind: String,
    id: Option<Uuid>,
}

impl From<AuditEntry> for LogEntry {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            actor: LogActor {
                kind: entry.actor_kind,
                id: entry.actor_id,
                name: entry.actor_name,
            },
            act: entry.act,
            subject: LogSubject {
                kind: entry.subject_kind,
                id: entry.subject_id,
            },
            site: entry.site_id,
            details: entry.details,
        }
    }
}

/// What was done to people, tokens, sites, pages, reasons and jobs, the newest first. Who sees some sites only gets what
/// was done on these.
#[utoipa::path(
    get,
    path = "/api/v1/admin/log",
    tag = "settings",
    operation_id = "list_log",
    params(
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "50 where it is missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, body = LogEntries),
    ),
    security(("bearer" = ["viewer", "settings"]), ("bearer" = ["viewer", "comments:read"])),
)]
pub async fn list(
    ReadsSettings(caller): ReadsSettings,
    moderation: Data<Moderation>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&["limit", "cursor"])?;
    let before = match query.find("cursor")? {
        Some(text) => {
            let cursor = TimeCursor::decode(TAG, text);
            Some(cursor.ok_or_else(|| ApiError::new(Code::InvalidCursor))?)
        }
        None => None,
    };
    let before = before.map(|cursor| AuditEntryId::from_uuid(cursor.id));
    let page = moderation.log(&caller, before, query.limit()?).await?;
    let last = page.entries.last().filter(|_| page.next.is_some());
    let next_cursor = last.map(|last| {
        let (at, id) = (last.at, *last.id.as_uuid());
        TimeCursor { at, id }.encode(TAG)
    });
    Ok(private_json(
        HttpResponse::Ok(),
        &LogEntries {
            entries: page.entries.into_iter().map(LogEntry::from).collect(),
            next_cursor,
        },
    ))
}
