//! Notes about comments and authors under `/api/v1/admin`: list, write, delete. Translates only.

use std::fmt;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::wire::ActorItem;
use crate::accounts::extract::{Decides, Reads};
use crate::base::clock::rfc3339;
use crate::base::codes::Code;
use crate::base::complaint::Complaint;
use crate::base::ids::{AuthorId, CommentId, NoteId};
use crate::base::paging::{CursorTag, TimeCursor};
use crate::base::text::Note;
use crate::moderation::Moderation;
use crate::moderation::model::{NoteLine, NotePage};
use crate::web::conditional::private_json;
use crate::web::input::rule;
use crate::web::problem::FieldProblem;
use crate::web::query::Query;
use crate::web::{ApiError, PathId, Strict};

/// Cursors of the notes about a comment.
const COMMENT_NOTES: CursorTag = CursorTag(23);
/// Cursors of the notes about an author.
pub(super) const AUTHOR_NOTES: CursorTag = CursorTag(24);

/// A note about a comment or an author.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Note)]
pub(super) struct NoteItem {
    id: NoteId,
    /// When it was written.
    #[serde(with = "rfc3339")]
    at: OffsetDateTime,
    /// Who wrote it.
    moderator: ActorItem,
    /// The slug of the site that it belongs to.
    site: String,
    /// Its text.
    note: String,
}

impl From<NoteLine> for NoteItem {
    fn from(line: NoteLine) -> Self {
        Self {
            id: line.id,
            at: line.at,
            moderator: line.by.into(),
            site: line.site,
            note: line.note,
        }
    }
}

/// A page of notes, newest first.
#[derive(Debug, Serialize, ToSchema)]
struct NoteList {
    /// The notes.
    notes: Vec<NoteItem>,
    /// For the next page; null on the last.
    next_cursor: Option<String>,
}

/// A note about a comment.
#[derive(Deserialize, ToSchema)]
pub struct WriteNote {
    /// Its text.
    #[schema(value_type = String, required = true, min_length = 1, max_length = 2000)]
    note: Option<String>,
}

/// A note about an author.
#[derive(Deserialize, ToSchema)]
pub struct WriteAuthorNote {
    /// Its text.
    #[schema(value_type = String, required = true, min_length = 1, max_length = 2000)]
    note: Option<String>,
    /// The slug of the site that the note belongs to; needed where the author wrote on several that the caller sees.
    site: Option<String>,
}

impl fmt::Debug for WriteNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteNote(…)")
    }
}

impl fmt::Debug for WriteAuthorNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteAuthorNote(…)")
    }
}

fn parse_note(note: Option<&str>) -> Result<Note, Complaint> {
    Note::parse(note.unwrap_or_default())
}

/// By hand, since the derived one keeps the values that it complains of; here and below.
fn validate_note(note: Option<&str>) -> Result<(), ValidationErrors> {
    let Err(error) = rule(parse_note(note)) else {
        return Ok(());
    };
    let mut errors = ValidationErrors::new();
    errors.add("note", error);
    Err(errors)
}

fn valid_note(note: Option<&str>) -> Result<Note, ApiError> {
    parse_note(note)
        .map_err(|complaint| ApiError::of_fields(vec![FieldProblem::new("note", complaint)]))
}

impl Validate for WriteNote {
    fn validate(&self) -> Result<(), ValidationErrors> {
        validate_note(self.note.as_deref())
    }
}

impl Validate for WriteAuthorNote {
    fn validate(&self) -> Result<(), ValidationErrors> {
        validate_note(self.note.as_deref())
    }
}

fn before(query: &Query, tag: CursorTag) -> Result<Option<TimeCursor>, ApiError> {
    let cursor =
        |text| TimeCursor::decode(tag, text).ok_or_else(|| ApiError::new(Code::InvalidCursor));
    query.find("cursor")?.map(cursor).transpose()
}

fn answer(page: NotePage, tag: CursorTag) -> HttpResponse {
    private_json(
        HttpResponse::Ok(),
        &NoteList {
            notes: page.notes.into_iter().map(NoteItem::from).collect(),
            next_cursor: page.next.map(|cursor| cursor.encode(tag)),
        },
    )
}

/// A comment's notes, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/admin/comments/{id}/notes",
    tag = "moderators",
    operation_id = "list_comment_notes",
    params(
        ("id" = CommentId, Path, description = "The comment's id"),
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "50 where it is missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, body = NoteList),
    ),
    security(("bearer" = ["viewer", "comments:read"])),
)]
pub async fn list_for_comment(
    Reads(caller): Reads,
    moderation: Data<Moderation>,
    PathId(id): PathId<CommentId>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&["limit", "cursor"])?;
    let (before, limit) = (before(&query, COMMENT_NOTES)?, query.limit()?);
    let page = moderation
        .list_comment_notes(&caller, id, before, limit)
        .await?;
    Ok(answer(page, COMMENT_NOTES))
}

/// An author's notes, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/admin/authors/{id}/notes",
    tag = "moderators",
    operation_id = "list_author_notes",
    params(
        ("id" = AuthorId, Path, description = "The author's id"),
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "50 where it is missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, body = NoteList),
    ),
    security(("bearer" = ["viewer", "comments:read"])),
)]
pub async fn list_for_author(
    Reads(caller): Reads,
    moderation: Data<Moderation>,
    PathId(id): PathId<AuthorId>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&["limit", "cursor"])?;
    let (before, limit) = (before(&query, AUTHOR_NOTES)?, query.limit()?);
    let page = moderation
        .list_author_notes(&caller, id, before, limit)
        .await?;
    Ok(answer(page, AUTHOR_NOTES))
}

/// Writes a note about a comment, for colleagues.
#[utoipa::path(
    post,
    path = "/api/v1/admin/comments/{id}/notes",
    tag = "moderators",
    operation_id = "note_comment",
    params(("id" = CommentId, Path, description = "The comment's id")),
    request_body = WriteNote,
    responses(
        (status = 201, body = NoteItem),
    ),
    security(("bearer" = ["moderator", "comments:decide"])),
)]
pub async fn note_comment(
    Decides(caller): Decides,
    moderation: Data<Moderation>,
    PathId(id): PathId<CommentId>,
    Strict(body): Strict<WriteNote>,
) -> Result<HttpResponse, ApiError> {
    let note = valid_note(body.note.as_deref())?;
    let kept = moderation.note_comment(&caller, id, &note).await?;
    Ok(private_json(HttpResponse::Created(), &NoteItem::from(kept)))
}

/// Writes a note about an author, for colleagues.
#[utoipa::path(
    post,
    path = "/api/v1/admin/authors/{id}/notes",
    tag = "moderators",
    operation_id = "note_author",
    params(("id" = AuthorId, Path, description = "The author's id")),
    request_body = WriteAuthorNote,
    responses(
        (status = 201, body = NoteItem),
    ),
    security(("bearer" = ["moderator", "comments:decide"])),
)]
pub async fn note_author(
    Decides(caller): Decides,
    moderation: Data<Moderation>,
    PathId(id): PathId<AuthorId>,
    Strict(body): Strict<WriteAuthorNote>,
) -> Result<HttpResponse, ApiError> {
    let note = valid_note(body.note.as_deref())?;
    let site = body.site.as_deref();
    let kept = moderation.note_author(&caller, id, site, &note).await?;
    Ok(private_json(HttpResponse::Created(), &NoteItem::from(kept)))
}

/// Deletes a note: one's own, or as an admin anybody's.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/notes/{id}",
    tag = "moderators",
    operation_id = "delete_note",
    params(("id" = NoteId, Path, description = "The note's id")),
    responses(
        (status = 204, description = "The note is gone"),
        (status = 404, description = "`note_not_found`, also for a note that only its writer or an admin may delete"),
    ),
    security(("bearer" = ["moderator", "comments:decide"])),
)]
pub async fn delete(
    Decides(caller): Decides,
    moderation: Data<Moderation>,
    PathId(id): PathId<NoteId>,
) -> Result<HttpResponse, ApiError> {
    moderation.delete_note(&caller, id).await?;
    Ok(HttpResponse::NoContent()
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .finish())
}
