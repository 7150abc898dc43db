//! Comments that come with their past instead of through a form. Must not know where they come from, nor SQL.

use std::net::IpAddr;

use time::OffsetDateTime;

use super::{ActorKind, Status};
use crate::base::email::EmailAddress;
use crate::base::ids::{CommentId, ModeratorId, PageId, SiteId};
use crate::base::page_url::Website;
use crate::base::text::{Body, Name};

/// A comment as it was written elsewhere or earlier, with all that became of it.
#[derive(Debug, Clone)]
pub struct PastComment {
    /// Its id, chosen by whoever brings it.
    pub id: CommentId,
    /// Its site.
    pub site: SiteId,
    /// Its page, which is there.
    pub page: PageId,
    /// Where it stands in its thread.
    pub place: Place,
    /// Who wrote what; none where it was deleted.
    pub content: Option<Content>,
    /// Votes for less votes against.
    pub score: i32,
    /// When it was sent.
    pub submitted_at: OffsetDateTime,
    /// The state it was stored in at first.
    pub began_as: Status,
    /// What happened afterwards, in the order of time. The last one says what it is now.
    pub changes: Vec<PastChange>,
}

/// Where a comment stands. Its parent is there already or comes in the same piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// What it answers.
    pub parent: Option<CommentId>,
    /// The thread's first comment; itself at the top level.
    pub root: CommentId,
    /// 0 at the top level, at most [`DEPTH_MAX`](super::DEPTH_MAX).
    pub depth: i16,
}

/// What was written, and by whom.
#[derive(Debug, Clone)]
pub struct Content {
    /// The author's name.
    pub name: Name,
    /// The author's address.
    pub email: EmailAddress,
    /// The author's website.
    pub website: Option<Website>,
    /// The text.
    pub body: Body,
    /// Where it came from, where that is known.
    pub ip: Option<IpAddr>,
    /// The browser's name of itself, at most 512 characters.
    pub user_agent: Option<String>,
}

/// A change of state.
#[derive(Debug, Clone)]
pub struct PastChange {
    /// When.
    pub at: OffsetDateTime,
    /// Who.
    pub by: By,
    /// What it became.
    pub to: Status,
    /// Why.
    pub reason: Option<String>,
}

/// Who changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Somebody with an account here.
    Moderator(ModeratorId),
    /// Who wrote it.
    Author,
    /// Nobody who is known here.
    System,
}

impl By {
    /// The kind of actor, as it is stored.
    pub const fn kind(self) -> ActorKind {
        match self {
            Self::Moderator(_) => ActorKind::Moderator,
            Self::Author => ActorKind::Author,
            Self::System => ActorKind::System,
        }
    }

    /// The account.
    pub const fn moderator_id(self) -> Option<ModeratorId> {
        match self {
            Self::Moderator(id) => Some(id),
            Self::Author | Self::System => None,
        }
    }
}

impl PastComment {
    /// What it is now.
    pub fn status(&self) -> Status {
        self.changes.last().map_or(self.began_as, |last| last.to)
    }

    /// When it was published at first, if it ever was.
    pub fn published_at(&self) -> Option<OffsetDateTime> {
        if self.began_as == Status::Approved {
            return Some(self.submitted_at);
        }
        let first = self
            .changes
            .iter()
            .find(|change| change.to == Status::Approved)?;
        Some(first.at)
    }
}
