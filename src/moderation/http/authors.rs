//! `GET /api/v1/admin/authors/{id}`: what is known of an author. Translates only.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::notes::{AUTHOR_NOTES, NoteItem};
use super::wire::AuthorRecordItem;
use crate::accounts::extract::Reads;
use crate::accounts::model::PersonalData;
use crate::base::clock::rfc3339;
use crate::base::ids::AuthorId;
use crate::moderation::Moderation;
use crate::moderation::model::AuthorDetails;
use crate::web::conditional::private_json;
use crate::web::query::Query;
use crate::web::{ApiError, PathId};

/// An author, as the comments on the sites that the caller may see show them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuthorDetails)]
struct AuthorItem {
    id: AuthorId,
    /// The name under the latest comment.
    name: String,
    /// The address that the id stands for; null for viewers.
    email: Option<String>,
    /// How many comments of theirs are in which state.
    record: AuthorRecordItem,
    /// When the first comment that is still there was sent.
    #[serde(with = "rfc3339")]
    first_seen_at: OffsetDateTime,
    /// When the latest was sent.
    #[serde(with = "rfc3339")]
    last_seen_at: OffsetDateTime,
    /// The slugs of the sites on which they wrote.
    sites: Vec<String>,
    /// The latest notes about them, newest first.
    notes: Vec<NoteItem>,
    /// For the rest, at `/api/v1/admin/authors/{id}/notes`.
    next_notes_cursor: Option<String>,
}

impl AuthorItem {
    fn of(details: AuthorDetails, personal_data: PersonalData) -> Self {
        let AuthorDetails { author, notes } = details;
        let shown = personal_data == PersonalData::Shown;
        Self {
            id: author.id,
            name: author.name,
            email: Some(author.email).filter(|_| shown),
            record: author.record.into(),
            first_seen_at: author.first_seen_at,
            last_seen_at: author.last_seen_at,
            sites: author.sites.into_iter().map(|site| site.slug).collect(),
            notes: notes.notes.into_iter().map(NoteItem::from).collect(),
            next_notes_cursor: notes.next.map(|cursor| cursor.encode(AUTHOR_NOTES)),
        }
    }
}

/// What is known of an author. Their comments are a list of their own: `GET /api/v1/admin/comments?author=…`.
#[utoipa::path(
    get,
    path = "/api/v1/admin/authors/{id}",
    tag = "moderators",
    operation_id = "show_author",
    params(("id" = AuthorId, Path, description = "The author's id, from a comment's author_id")),
    responses(
        (status = 200, body = AuthorItem),
    ),
    security(("bearer" = ["viewer", "comments:read"])),
)]
pub async fn show(
    Reads(caller): Reads,
    moderation: Data<Moderation>,
    PathId(id): PathId<AuthorId>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&[])?;
    let details = moderation.show_author(&caller, id).await?;
    Ok(private_json(
        HttpResponse::Ok(),
        &AuthorItem::of(details, caller.personal_data()),
    ))
}
