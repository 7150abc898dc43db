//! `/api/v1/admin/persons`: what is held of a person by their e-mail address, which stands in bodies only, never in a path.
//! Translates only.

use std::fmt;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use crate::accounts::extract::Governs;
use crate::base::clock::rfc3339;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::email::EmailAddress;
use crate::base::ids::ErasureId;
use crate::moderation::Persons;
use crate::moderation::model::persons::{Asker, Erasure, ErasureState, PersonExport};
use crate::web::conditional::private_json;
use crate::web::input::all_wrong;
use crate::web::problem::{FieldProblem, Problem};
use crate::web::query::Query;
use crate::web::{ApiError, PathId, Strict};

/// Whose data.
#[derive(Deserialize, ToSchema)]
pub struct Person {
    /// Their e-mail address; addresses are the same when equal in lower case with the domain in IDNA form.
    #[schema(value_type = String, required = true, format = Email, max_length = 254, example = "ada@example.org")]
    email: Option<String>,
}

/// Whose data are to be erased.
#[derive(Deserialize, ToSchema)]
pub struct ErasePerson {
    /// Their e-mail address; addresses are the same when equal in lower case with the domain in IDNA form.
    #[schema(value_type = String, required = true, format = Email, max_length = 254, example = "ada@example.org")]
    email: Option<String>,
    /// How many comments they have: `comments` as it was counted.
    #[schema(value_type = i64, required = true, minimum = 0)]
    expected_count: Option<i64>,
}

/// How much there is of a person on the caller's sites.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PersonCount)]
struct CountItem {
    /// Comments that aren't deleted, answers that they gave as staff among them.
    comments: i64,
    /// Whether a moderator's account has the address. An erasure leaves it: `DELETE /api/v1/admin/moderators/{id}`.
    moderator_account: bool,
}

/// An erasure, and how far it is. It doesn't say whose it is or was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Erasure)]
struct ErasureItem {
    id: ErasureId,
    /// Whether it is at work.
    state: ErasureState,
    /// Comments that the person had, and those that they sent meanwhile.
    total: i32,
    /// Comments that are gone. One that somebody else deletes meanwhile isn't among them.
    erased: i32,
    /// Texts of others (comments, notes, titles of pages) from which the address was taken.
    redacted: i32,
    /// Whether a moderator's account had the address when this was asked for. It stays.
    moderator_account: bool,
    /// When it was asked for.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    /// Null while it is at work.
    #[serde(with = "rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
}

impl From<Erasure> for ErasureItem {
    fn from(erasure: Erasure) -> Self {
        Self {
            id: erasure.id,
            state: erasure.state(),
            total: erasure.total,
            erased: erasure.erased,
            redacted: erasure.redacted,
            moderator_account: erasure.has_account,
            created_at: erasure.created_at,
            finished_at: erasure.finished_at,
        }
    }
}

/// Counts what an erasure would take away, on the caller's sites.
#[utoipa::path(
    post,
    path = "/api/v1/admin/persons/counts",
    tag = "persons",
    operation_id = "count_person",
    request_body = Person,
    responses(
        (status = 200, body = CountItem),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "unauthenticated"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "forbidden"),
        (status = 408, body = Problem, content_type = "application/problem+json", description = "request_timeout"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "body_too_large"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "unsupported_media_type"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "validation_failed, unknown_field"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "rate_limited"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "unavailable"),
    ),
    security(("bearer" = ["admin", "session"])),
)]
pub async fn count(
    Governs(caller): Governs,
    persons: Data<Persons>,
    Strict(body): Strict<Person>,
) -> Result<HttpResponse, ApiError> {
    let email = read(email(body.email.as_deref()))?;
    let counted = persons.count(&Asker::from(&caller), &email).await?;
    Ok(private_json(
        HttpResponse::Ok(),
        &CountItem {
            comments: counted.comments,
            moderator_account: counted.has_account,
        },
    ))
}

/// All that is held of a person on the caller's sites, as one document. It is written as it is sent: one that breaks off is
/// no JSON. The log of administrative acts tells of it.
#[utoipa::path(
    post,
    path = "/api/v1/admin/persons/exports",
    tag = "persons",
    operation_id = "export_person",
    request_body = Person,
    responses(
        (status = 200, body = PersonExport, headers(("Content-Disposition" = String, description = "attachment"))),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "unauthenticated"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "forbidden"),
        (status = 408, body = Problem, content_type = "application/problem+json", description = "request_timeout"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "body_too_large"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "unsupported_media_type"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "validation_failed, unknown_field"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "rate_limited"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "unavailable"),
    ),
    security(("bearer" = ["admin", "session"])),
)]
pub async fn export(
    Governs(caller): Governs,
    persons: Data<Persons>,
    Strict(body): Strict<Person>,
) -> Result<HttpResponse, ApiError> {
    let email = read(email(body.email.as_deref()))?;
    let export = persons.export(Asker::from(&caller), &email).await?;
    let pieces = stream::try_unfold(export, async |mut export| {
        let piece = export
            .next()
            .await
            .inspect_err(|error| tracing::error!(%error, "an export of a person broke off"))?;
        Ok::<_, crate::moderation::Error>(piece.map(|text| (Bytes::from(text), export)))
    });
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header((
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"person.json\"",
        ))
        .content_type("application/json")
        .streaming(pieces))
}

/// Erases all that is held of a person on the caller's sites, if they have as many comments there as expected; a job does
/// it, some at a time. Threads and histories stay whole. What the address sends meanwhile goes too.
#[utoipa::path(
    post,
    path = "/api/v1/admin/persons/erasures",
    tag = "persons",
    operation_id = "erase_person",
    request_body = ErasePerson,
    responses(
        (status = 202, body = ErasureItem, headers(("Location" = String, description = "Where to follow it"))),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "malformed_body"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "unauthenticated"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "forbidden"),
        (status = 408, body = Problem, content_type = "application/problem+json", description = "request_timeout"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "count_changed"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "body_too_large"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "unsupported_media_type"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "validation_failed, unknown_field"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "rate_limited"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "unavailable"),
    ),
    security(("bearer" = ["admin", "session"])),
)]
pub async fn erase(
    Governs(caller): Governs,
    persons: Data<Persons>,
    Strict(body): Strict<ErasePerson>,
) -> Result<HttpResponse, ApiError> {
    let email = read(email(body.email.as_deref()))?;
    let expected = body.expected_count.unwrap_or_default();
    let erasure = persons
        .begin_erasure(&Asker::from(&caller), &email, expected)
        .await?;
    let mut answer = HttpResponse::Accepted();
    answer.insert_header((
        header::LOCATION,
        format!("/api/v1/admin/persons/erasures/{}", erasure.id),
    ));
    Ok(private_json(answer, &ErasureItem::from(erasure)))
}

/// How far an erasure is.
#[utoipa::path(
    get,
    path = "/api/v1/admin/persons/erasures/{id}",
    tag = "persons",
    operation_id = "show_erasure",
    params(("id" = ErasureId, Path, description = "The erasure's id")),
    responses(
        (status = 200, body = ErasureItem),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "invalid_query"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "unauthenticated"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "forbidden"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "erasure_not_found"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "rate_limited"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "unavailable"),
    ),
    security(("bearer" = ["admin", "session"])),
)]
pub async fn show(
    Governs(caller): Governs,
    persons: Data<Persons>,
    PathId(id): PathId<ErasureId>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&[])?;
    let erasure = persons.show_erasure(&caller.sites, id).await?;
    Ok(private_json(
        HttpResponse::Ok(),
        &ErasureItem::from(erasure),
    ))
}

/// Accounts' addresses too: their owners may have answered readers.
fn email(text: Option<&str>) -> Result<EmailAddress, Complaint> {
    EmailAddress::parse_account(text.ok_or_else(required)?)
}

/// The address of a body that has been looked at.
fn read(email: Result<EmailAddress, Complaint>) -> Result<EmailAddress, ApiError> {
    email.map_err(|complaint| ApiError::of_fields(vec![FieldProblem::new("email", complaint)]))
}

fn number(number: Option<i64>) -> Result<(), Complaint> {
    if number.ok_or_else(required)? >= 0 {
        return Ok(());
    }
    Err(Complaint::new(
        ComplaintCode::InvalidValue,
        "must be the number of comments, 0 or more",
    ))
}

fn required() -> Complaint {
    Complaint::new(ComplaintCode::Required, "is required")
}

/// By hand, here and below: the derived one would keep the values that were sent.
impl Validate for Person {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let wrong = email(self.email.as_deref()).err();
        all_wrong(
            wrong
                .map(|complaint| ("email", complaint))
                .into_iter()
                .collect(),
        )
    }
}

impl Validate for ErasePerson {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let email = email(self.email.as_deref()).err();
        let number = number(self.expected_count).err();
        let email = email.map(|complaint| ("email", complaint));
        let number = number.map(|complaint| ("expected_count", complaint));
        all_wrong(email.into_iter().chain(number).collect())
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(…)")
    }
}

impl fmt::Debug for ErasePerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ErasePerson(…)")
    }
}
