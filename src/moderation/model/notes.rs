//! What moderators keep besides decisions. Must not know HTTP or SQL.

use time::OffsetDateTime;

use crate::base::ids::NoteId;
use crate::base::paging::TimeCursor;
use crate::comments::model::Actor;
use crate::comments::model::queue::AuthorProfile;

/// A note about a comment or an author.
#[derive(Debug, Clone)]
pub struct NoteLine {
    /// Its id; later ones sort after earlier ones.
    pub id: NoteId,
    /// The slug of the site that it belongs to.
    pub site: String,
    /// Who wrote it.
    pub by: Actor,
    /// The text.
    pub note: String,
    /// When.
    pub at: OffsetDateTime,
}

/// A page of notes, newest first.
#[derive(Debug)]
pub struct NotePage {
    /// The notes.
    pub notes: Vec<NoteLine>,
    /// Where the next page begins, if there is one.
    pub next: Option<TimeCursor>,
}

/// An author with the latest notes about them.
#[derive(Debug)]
pub struct AuthorDetails {
    /// The author.
    pub author: AuthorProfile,
    /// The latest notes; the rest comes page by page.
    pub notes: NotePage,
}
