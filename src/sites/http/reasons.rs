//! `/api/v1/admin/reasons`: why comments are rejected, in words for their authors. Translates only.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use crate::accounts::extract::{Configures, ReadsSettings};
use crate::base::change::Change;
use crate::base::clock::rfc3339;
use crate::base::codes::Code;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::ReasonId;
use crate::base::paging::{CursorTag, TimeCursor};
use crate::base::text::ReasonText;
use crate::sites::Sites;
use crate::sites::model::{Reason, ReasonCode};
use crate::sites::service::reasons::ReasonFilter;
use crate::web::conditional::private_json;
use crate::web::input::all_wrong;
use crate::web::problem::FieldProblem;
use crate::web::query::Query;
use crate::web::{ApiError, PathId, Strict};

/// The cursors of this list.
const TAG: CursorTag = CursorTag(61);

/// Why comments of a site are rejected.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reason)]
struct ReasonItem {
    /// Its id.
    id: ReasonId,
    /// The slug of its site.
    site: String,
    /// What goes with a decision.
    #[schema(example = "off_topic")]
    code: String,
    /// What the author of the comment reads.
    text: String,
    /// When it was made.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
}

impl From<Reason> for ReasonItem {
    fn from(reason: Reason) -> Self {
        Self {
            id: reason.id,
            site: reason.site,
            code: reason.code,
            text: reason.text,
            created_at: reason.created_at,
        }
    }
}

/// A page of reasons, in the order in which they were made.
#[derive(Debug, Serialize, ToSchema)]
struct ReasonList {
    /// The reasons.
    reasons: Vec<ReasonItem>,
    /// For the next page; null on the last.
    next_cursor: Option<String>,
}

/// The reasons of the caller's sites.
#[utoipa::path(
    get,
    path = "/api/v1/admin/reasons",
    tag = "settings",
    operation_id = "list_reasons",
    params(
        ("site" = Option<String>, Query, description = "The slug of a site; all that the caller may see where it is missing"),
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "50 where it is missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, body = ReasonList),
        (status = 404, description = "`unknown_site`"),
    ),
    security(("bearer" = ["viewer", "settings"]), ("bearer" = ["viewer", "comments:read"])),
)]
pub async fn list(
    ReadsSettings(caller): ReadsSettings,
    sites: Data<Sites>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&["site", "limit", "cursor"])?;
    let after = match query.find("cursor")? {
        Some(text) => {
            let cursor = TimeCursor::decode(TAG, text);
            Some(cursor.ok_or_else(|| ApiError::new(Code::InvalidCursor))?)
        }
        None => None,
    };
    let filter = ReasonFilter {
        site: query.find("site")?.map(str::to_owned),
        after,
        limit: query.limit()?,
    };
    let page = sites.list_reasons(&caller, &filter).await?;
    Ok(private_json(
        HttpResponse::Ok(),
        &ReasonList {
            reasons: page.reasons.into_iter().map(ReasonItem::from).collect(),
            next_cursor: page.next.map(|cursor| cursor.encode(TAG)),
        },
    ))
}

/// One reason.
#[utoipa::path(
    get,
    path = "/api/v1/admin/reasons/{id}",
    tag = "settings",
    operation_id = "show_reason",
    params(("id" = ReasonId, Path, description = "The reason's id")),
    responses(
        (status = 200, body = ReasonItem),
    ),
    security(("bearer" = ["viewer", "settings"]), ("bearer" = ["viewer", "comments:read"])),
)]
pub async fn show(
    ReadsSettings(caller): ReadsSettings,
    sites: Data<Sites>,
    PathId(id): PathId<ReasonId>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&[])?;
    let reason = sites.load_reason(&caller, id).await?;
    Ok(private_json(HttpResponse::Ok(), &ReasonItem::from(reason)))
}

/// A reason to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateReason {
    /// The slug of the site.
    #[schema(value_type = String, required = true)]
    site: Option<String>,
    /// What goes with a decision; `spam` stands for spam itself.
    #[schema(value_type = String, required = true, pattern = "^[a-z][a-z0-9_]{0,39}$", example = "personal_data")]
    code: Option<String>,
    /// What the author of the comment reads.
    #[schema(value_type = String, required = true, min_length = 1, max_length = 500)]
    text: Option<String>,
}

type Problems = Vec<(&'static str, Complaint)>;

fn required() -> Complaint {
    Complaint::new(ComplaintCode::Required, "is required")
}

impl CreateReason {
    fn parse(&self) -> Result<(&str, ReasonCode, ReasonText), Problems> {
        let mut problems = Vec::new();
        let mut note = |member, complaint| problems.push((member, complaint));
        let site = self.site.as_deref().ok_or_else(required);
        let site = site.map_err(|complaint| note("site", complaint));
        let code = self.code.as_deref().ok_or_else(required);
        let code = code
            .and_then(ReasonCode::parse)
            .map_err(|complaint| note("code", complaint));
        let text = self.text.as_deref().ok_or_else(required);
        let text = text
            .and_then(ReasonText::parse)
            .map_err(|complaint| note("text", complaint));
        match (site, code, text) {
            (Ok(site), Ok(code), Ok(text)) => Ok((site, code, text)),
            _ => Err(problems),
        }
    }
}

/// By hand, since the derived one keeps the values that it complains of.
impl Validate for CreateReason {
    fn validate(&self) -> Result<(), ValidationErrors> {
        all_wrong(self.parse().err().unwrap_or_default())
    }
}

fn refused(problems: Problems) -> ApiError {
    let problem = |(member, complaint)| FieldProblem::new(member, complaint);
    ApiError::of_fields(problems.into_iter().map(problem).collect())
}

/// Makes a reason of a site.
#[utoipa::path(
    post,
    path = "/api/v1/admin/reasons",
    tag = "settings",
    operation_id = "create_reason",
    request_body = CreateReason,
    responses(
        (status = 201, body = ReasonItem, headers(("Location" = String, description = "The reason's address"))),
        (status = 409, description = "`reason_exists`"),
        (status = 422, description = "`unknown_site`"),
    ),
    security(("bearer" = ["admin", "settings"])),
)]
pub async fn create(
    Configures(caller): Configures,
    sites: Data<Sites>,
    Strict(body): Strict<CreateReason>,
) -> Result<HttpResponse, ApiError> {
    let (site, code, text) = body.parse().map_err(refused)?;
    let made = sites.create_reason(&caller, site, &code, &text).await?;
    let mut answer = HttpResponse::Created();
    answer.insert_header((
        header::LOCATION,
        format!("/api/v1/admin/reasons/{}", made.id),
    ));
    Ok(private_json(answer, &ReasonItem::from(made)))
}

/// What is to be changed about a reason; what is missing stays. The code stays in any case, since decisions carry it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ChangeReason {
    /// What the author of the comment reads.
    #[serde(default)]
    #[schema(value_type = String, required = false, nullable = false, min_length = 1, max_length = 500)]
    text: Change<String>,
}

impl ChangeReason {
    fn parse(&self) -> Result<Option<ReasonText>, Problems> {
        let text = match &self.text {
            Change::Keep => return Ok(None),
            Change::Remove => Err(required()),
            Change::Set(text) => ReasonText::parse(text),
        };
        text.map(Some)
            .map_err(|complaint| vec![("text", complaint)])
    }
}

/// By hand, since the derived one keeps the values that it complains of.
impl Validate for ChangeReason {
    fn validate(&self) -> Result<(), ValidationErrors> {
        all_wrong(self.parse().err().unwrap_or_default())
    }
}

/// Changes a reason's text; authors read it from now on, of earlier decisions too.
#[utoipa::path(
    patch,
    path = "/api/v1/admin/reasons/{id}",
    tag = "settings",
    operation_id = "change_reason",
    params(("id" = ReasonId, Path, description = "The reason's id")),
    request_body = ChangeReason,
    responses(
        (status = 200, body = ReasonItem),
    ),
    security(("bearer" = ["admin", "settings"])),
)]
pub async fn change(
    Configures(caller): Configures,
    sites: Data<Sites>,
    PathId(id): PathId<ReasonId>,
    Strict(body): Strict<ChangeReason>,
) -> Result<HttpResponse, ApiError> {
    let text = body.parse().map_err(refused)?;
    let reason = sites.change_reason(&caller, id, text.as_ref()).await?;
    Ok(private_json(HttpResponse::Ok(), &ReasonItem::from(reason)))
}

/// Deletes a reason. Decisions that were taken for it keep its code.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/reasons/{id}",
    tag = "settings",
    operation_id = "delete_reason",
    params(("id" = ReasonId, Path, description = "The reason's id")),
    responses(
        (status = 204, description = "Deleted"),
    ),
    security(("bearer" = ["admin", "settings"])),
)]
pub async fn delete(
    Configures(caller): Configures,
    sites: Data<Sites>,
    PathId(id): PathId<ReasonId>,
) -> Result<HttpResponse, ApiError> {
    sites.delete_reason(&caller, id).await?;
    Ok(HttpResponse::NoContent()
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .finish())
}
