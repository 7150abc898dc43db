//! What moderators change of a comment besides its state: its text, its end, an answer to it. Must not know HTTP or SQL.

use time::OffsetDateTime;

use super::{ActorKind, Status};
use crate::base::change::Change;
use crate::base::ids::{CommentId, ModeratorId};
use crate::base::page_url::Website;
use crate::base::text::{Body, Name};

/// What is to be changed about a comment's text; what is none stays.
#[derive(Debug, Clone)]
pub struct TextChange {
    /// The comment.
    pub comment_id: CommentId,
    /// The author's name.
    pub name: Option<Name>,
    /// The author's website.
    pub website: Change<Website>,
    /// The text.
    pub body: Option<Body>,
    /// The version that the moderator looked at. Without it the change stands on whatever is there.
    pub version: Option<i32>,
}

/// Who deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleter {
    /// Somebody with an account.
    Moderator(ModeratorId),
    /// Who wrote it.
    Author,
    /// The service itself, when a time is over.
    System,
}

impl Deleter {
    /// What sort of actor the history names.
    pub const fn kind(self) -> ActorKind {
        match self {
            Self::Moderator(_) => ActorKind::Moderator,
            Self::Author => ActorKind::Author,
            Self::System => ActorKind::System,
        }
    }

    /// The account, where it is one.
    pub const fn moderator_id(&self) -> Option<&ModeratorId> {
        match self {
            Self::Moderator(id) => Some(id),
            Self::Author | Self::System => None,
        }
    }
}

/// Which comments are to be deleted, and on what condition.
#[derive(Debug, Clone, Copy)]
pub struct Deletion<'a> {
    /// The comments, none twice.
    pub ids: &'a [CommentId],
    /// Only those that are in this state still: what was chosen by its state may have been decided meanwhile.
    pub only: Option<Status>,
    /// Only those that have this version still.
    pub version: Option<i32>,
    /// Who deletes them.
    pub by: Deleter,
    /// The time by the service's clock.
    pub at: OffsetDateTime,
}

/// What is to happen to a comment that waits when it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldParent {
    /// It is approved with the answer.
    Approve,
    /// The answer is refused.
    Refuse,
}

/// A moderator's answer to a comment.
#[derive(Debug, Clone)]
pub struct StaffReply {
    /// The comment that is answered.
    pub parent_id: CommentId,
    /// The text.
    pub body: Body,
    /// Where it is still held.
    pub held_parent: HeldParent,
    /// The version of it that the moderator looked at; counts where the answer approves it.
    pub version: Option<i32>,
    /// The client's Idempotency-Key.
    pub idempotency_key: Option<String>,
}
