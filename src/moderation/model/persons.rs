//! What is held of a person, and its erasure. Must not know HTTP or SQL.
//!
//! The document of an export is written out as it stands here, over HTTP and at the command line.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::model::held::HeldAccount;
use crate::accounts::model::{Caller, SiteScope};
use crate::audit::model::AuditActor;
use crate::base::clock::rfc3339;
use crate::base::ids::{AuthorId, CommentId, ErasureId, ModeratorId, NoteId};
use crate::comments::model::changes::Deleter;
use crate::comments::model::persons::{HeldComment, TextKind};

/// Who asks about a person, and on which sites.
#[derive(Debug, Clone)]
pub struct Asker {
    /// Who it is; none: whoever runs the service, at the command line.
    pub moderator_id: Option<ModeratorId>,
    /// The sites that it is about.
    pub sites: SiteScope,
}

impl Asker {
    /// Whoever runs the service: about all sites.
    pub const OPERATOR: Self = Self {
        moderator_id: None,
        sites: SiteScope::All,
    };

    /// As the log of administrative acts names them.
    pub fn actor(&self) -> AuditActor {
        self.moderator_id
            .map_or(AuditActor::Operator, AuditActor::Moderator)
    }
}

impl From<&Caller> for Asker {
    fn from(caller: &Caller) -> Self {
        Self {
            moderator_id: Some(caller.moderator_id),
            sites: caller.sites.clone(),
        }
    }
}

/// How much there is of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonCount {
    /// So many comments.
    pub comments: i64,
    /// Whether a moderator's account has the address.
    pub has_account: bool,
}

/// How far an erasure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ErasureState {
    /// There is more to go over.
    Running,
    /// Nothing is left.
    Done,
}

/// An erasure as people see it.
#[derive(Debug, Clone)]
pub struct Erasure {
    /// Its id.
    pub id: ErasureId,
    /// Comments that the person had when it was asked for.
    pub total: i32,
    /// Comments that are gone.
    pub erased: i32,
    /// Texts of others that don't have the address any more.
    pub redacted: i32,
    /// Whether a moderator's account had the address; that stays.
    pub has_account: bool,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
    /// When it was done.
    pub finished_at: Option<OffsetDateTime>,
}

impl Erasure {
    /// How far it is.
    pub fn state(&self) -> ErasureState {
        match self.finished_at {
            None => ErasureState::Running,
            Some(_) => ErasureState::Done,
        }
    }
}

/// The payload of an erasure's job.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ErasureJob {
    /// The erasure.
    pub erasure: ErasureId,
}

/// An erasure that is at work.
#[derive(Debug)]
pub(in crate::moderation) struct HeldErasure {
    pub(in crate::moderation) author: AuthorId,
    pub(in crate::moderation) sites: SiteScope,
    pub(in crate::moderation) by: Deleter,
    pub(in crate::moderation) walk: Walk,
    /// The last that was gone over of the walk's kind.
    pub(in crate::moderation) walked_to: Uuid,
}

/// Texts of others that are gone over, each kind in the order of its ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::moderation) enum Walk {
    /// Comments, what edits replaced, notes of decisions.
    Comments,
    /// Notes about comments and authors.
    Notes,
    /// Titles of pages.
    Pages,
}

impl Walk {
    /// Every kind, in the order in which they are gone over.
    pub(in crate::moderation) const ALL: [Self; 3] = [Self::Comments, Self::Notes, Self::Pages];

    pub(in crate::moderation) const fn as_str(self) -> &'static str {
        match self {
            Self::Comments => "comments",
            Self::Notes => "notes",
            Self::Pages => "pages",
        }
    }

    pub(in crate::moderation) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|walk| walk.as_str() == word)
    }

    /// What is gone over after this.
    pub(in crate::moderation) const fn next(self) -> Option<Self> {
        match self {
            Self::Comments => Some(Self::Notes),
            Self::Notes => Some(Self::Pages),
            Self::Pages => None,
        }
    }
}

/// All that is held of a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonExport {
    /// The address, as it was asked for.
    pub email: String,
    /// When this was put together.
    #[serde(with = "rfc3339")]
    pub exported_at: OffsetDateTime,
    /// The moderator's account of this address, if there is one.
    pub moderator_account: Option<HeldAccount>,
    /// What they wrote, oldest first.
    pub comments: Vec<PersonComment>,
    /// What moderators noted about them.
    pub notes: Vec<HeldNote>,
    /// Where their address stands in what others wrote.
    pub mentions: Vec<Mention>,
}

/// A comment with all that belongs to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonComment {
    /// The comment.
    #[serde(flatten)]
    pub comment: HeldComment,
    /// What moderators noted about it.
    pub notes: Vec<HeldNote>,
}

/// A moderator's note.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HeldNote {
    /// Its id.
    pub id: NoteId,
    /// The slug of its site.
    pub site: String,
    /// The text.
    pub note: String,
    /// When it was written.
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
}

/// A note, as far as an address is looked for in it.
#[derive(Debug)]
pub(in crate::moderation) struct NoteText {
    pub(in crate::moderation) id: NoteId,
    /// None where it can't have an address, or isn't of the sites that are asked about.
    pub(in crate::moderation) note: Option<String>,
}

/// Where an address stands in what others wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Mention {
    /// In what.
    pub kind: MentionKind,
    /// Of the comment, the note or the page.
    pub id: Uuid,
}

/// What an address stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MentionKind {
    /// A comment as it is.
    Comment,
    /// What an edit of a comment replaced.
    EarlierText,
    /// What was noted with a decision on a comment.
    DecisionNote,
    /// What a reader noted when reporting a comment.
    ReportNote,
    /// A note about a comment or an author.
    Note,
    /// The title of a page.
    PageTitle,
    /// The address of a page, or the publisher's id of it. An erasure leaves these, since readers find the page by them.
    PageAddress,
}

impl Mention {
    /// In a text of a comment.
    pub(in crate::moderation) fn in_comment(kind: TextKind, id: CommentId) -> Self {
        Self {
            kind: match kind {
                TextKind::Current => MentionKind::Comment,
                TextKind::Earlier => MentionKind::EarlierText,
                TextKind::DecisionNote => MentionKind::DecisionNote,
                TextKind::ReportNote(_) => MentionKind::ReportNote,
            },
            id: *id.as_uuid(),
        }
    }
}
