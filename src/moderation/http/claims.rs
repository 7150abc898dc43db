//! `POST` and `DELETE /api/v1/admin/queue/claims`: comments lent to a moderator. Translates only.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors, ValidationErrorsKind};

use super::filter::FilterBody;
use super::wire::QueuedCommentItem;
use crate::accounts::extract::Decides;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::CommentId;
use crate::base::paging::Limit;
use crate::comments::model::Status;
use crate::moderation::Moderation;
use crate::web::conditional::private_json;
use crate::web::input::rule;
use crate::web::json::object;
use crate::web::problem::FieldProblem;
use crate::web::{ApiError, Strict};

/// The most ids that can be given back by name at once.
const IDS_MAX: usize = 500;

/// How many comments are wanted, and which.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
pub struct ClaimComments {
    /// With those that are held already; 50 where it is missing.
    #[validate(custom(function = "limit_rule"))]
    #[schema(minimum = 1, maximum = 100)]
    limit: Option<i32>,
    /// What waits, where it is missing or names neither state nor signal.
    #[validate(nested)]
    #[schema(value_type = Option<FilterBody>)]
    #[serde(default, deserialize_with = "object")]
    filter: Option<Box<FilterBody>>,
}

fn limit_rule(limit: i32) -> Result<(), validator::ValidationError> {
    rule(Limit::parse(&limit.to_string()))
}

impl ClaimComments {
    fn limit(&self) -> Result<Limit, ApiError> {
        let limit = self.limit.map(|limit| Limit::parse(&limit.to_string()));
        let limit = limit.transpose().map_err(|complaint| {
            ApiError::of_fields(vec![FieldProblem::new("limit", complaint)])
        })?;
        Ok(limit.unwrap_or_default())
    }
}

/// Comments that the caller holds now.
#[derive(Debug, Serialize, ToSchema)]
struct ClaimedComments {
    /// Those held before, then the oldest of the new ones.
    comments: Vec<QueuedCommentItem>,
}

/// Lends comments for five minutes: those that the caller holds already, then the oldest that nobody holds.
#[utoipa::path(
    post,
    path = "/api/v1/admin/queue/claims",
    tag = "moderators",
    operation_id = "claim_comments",
    request_body = Option<ClaimComments>,
    responses(
        (status = 200, body = ClaimedComments, description = "What the caller holds now; fewer than asked for where no more is left"),
        (status = 403, description = "`forbidden`, also for email or ip from somebody who may not see them"),
        (status = 404, description = "`unknown_site`"),
    ),
    security(("bearer" = ["moderator", "comments:decide"])),
)]
pub async fn claim(
    Decides(caller): Decides,
    moderation: Data<Moderation>,
    Strict(body): Strict<ClaimComments>,
) -> Result<HttpResponse, ApiError> {
    let limit = body.limit()?;
    let filter = body.filter.unwrap_or_default().parse(&[Status::Pending])?;
    let filter = filter.for_caller(&caller, moderation.authors())?;
    let held = moderation.claim(&caller, &filter, limit).await?;
    let personal_data = caller.personal_data();
    let items = held
        .into_iter()
        .map(|comment| QueuedCommentItem::of(comment, personal_data));
    Ok(private_json(
        HttpResponse::Ok(),
        &ClaimedComments {
            comments: items.collect(),
        },
    ))
}

/// Which comments are given back.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct GiveBackComments {
    /// All that the caller holds, where it is missing.
    #[schema(value_type = Option<Vec<CommentId>>, max_items = 500)]
    ids: Option<Vec<String>>,
}

impl GiveBackComments {
    /// The ids, or what is wrong with which field.
    fn parse(&self) -> Result<Option<Vec<CommentId>>, Vec<(String, Complaint)>> {
        let Some(texts) = &self.ids else {
            return Ok(None);
        };
        if texts.len() > IDS_MAX {
            let complaint = Complaint::new(ComplaintCode::TooMany, "must have at most 500 ids");
            return Err(vec![("ids".to_owned(), complaint)]);
        }
        let (mut ids, mut wrong) = (Vec::new(), Vec::new());
        for (place, text) in texts.iter().enumerate() {
            match text.parse() {
                Ok(id) => ids.push(id),
                // Why it is no UUID is of no use to anybody.
                Err(_) => wrong.push((
                    format!("ids[{place}]"),
                    Complaint::new(
                        ComplaintCode::InvalidValue,
                        "must be a comment's id, a UUID",
                    ),
                )),
            }
        }
        if wrong.is_empty() {
            Ok(Some(ids))
        } else {
            Err(wrong)
        }
    }
}

/// By hand: the derived one can't name an entry of a list of texts.
impl Validate for GiveBackComments {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let Err(wrong) = self.parse() else {
            return Ok(());
        };
        let mut errors = ValidationErrors::new();
        for (field, complaint) in wrong {
            let list = rule::<()>(Err(complaint)).err().into_iter().collect();
            let kind = ValidationErrorsKind::Field(list);
            errors.errors_mut().insert(Cow::Owned(field), kind);
        }
        Err(errors)
    }
}

/// Gives claims back: the comments are free for others. What the caller doesn't hold is passed over.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/queue/claims",
    tag = "moderators",
    operation_id = "give_back_comments",
    request_body = Option<GiveBackComments>,
    responses(
        (status = 204, description = "The caller holds none of them"),
    ),
    security(("bearer" = ["moderator", "comments:decide"])),
)]
pub async fn give_back(
    Decides(caller): Decides,
    moderation: Data<Moderation>,
    Strict(body): Strict<GiveBackComments>,
) -> Result<HttpResponse, ApiError> {
    let ids = body.parse().map_err(|wrong| {
        let problem = |(field, complaint)| FieldProblem::new(field, complaint);
        ApiError::of_fields(wrong.into_iter().map(problem).collect())
    })?;
    moderation.give_back(&caller, ids.as_deref()).await?;
    Ok(HttpResponse::NoContent()
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .finish())
}
