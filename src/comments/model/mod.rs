//! What a comment is: its states, who acted on it, what is public of it. Must not know HTTP or SQL.

pub mod changes;
pub mod decisions;
pub mod feed;
pub mod past;
pub mod persons;
pub mod queue;
pub mod reactions;

use std::net::IpAddr;

use time::OffsetDateTime;

use crate::base::email::EmailAddress;
use crate::base::ids::{CommentId, ModeratorId, PageId, SiteId};
use crate::base::page_url::{PageUrl, Website};
use crate::base::text::{Body, Name, PageKey, Title};

/// The state of a comment. `Deleted` is final, all others go to each other by decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Waits for a moderator.
    Pending,
    /// Public.
    Approved,
    /// Refused by a person or a rule.
    Rejected,
    /// Advertising by machines.
    Spam,
    /// Content gone.
    Deleted,
}

impl Status {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Approved,
        Self::Rejected,
        Self::Spam,
        Self::Deleted,
    ];

    /// The state as it is stored and answered.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Spam => "spam",
            Self::Deleted => "deleted",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// Who changed a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// A person with an account.
    Moderator,
    /// A rule of the site.
    Rule,
    /// Who wrote the comment.
    Author,
    /// The service itself.
    System,
}

impl ActorKind {
    /// The kind as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Moderator => "moderator",
            Self::Rule => "rule",
            Self::Author => "author",
            Self::System => "system",
        }
    }

    /// The kind of a stored word; the schema holds no other.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Moderator, Self::Rule, Self::Author, Self::System]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// Who changed a comment, as colleagues see it; never an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What sort of actor.
    pub kind: ActorKind,
    /// The moderator, where it was one.
    pub id: Option<ModeratorId>,
    /// The moderator's name.
    pub name: Option<String>,
}

/// The deepest level of a thread. An answer to a comment there is stored under that comment's parent.
pub const DEPTH_MAX: i16 = 9;

/// A submission whose fields are all right, before anything is known of its site and page.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The page's address.
    pub page_url: PageUrl,
    /// The publisher's own id of the page.
    pub page_key: Option<PageKey>,
    /// The page's title, taken when the page is first seen.
    pub page_title: Option<Title>,
    /// The comment it answers.
    pub parent_id: Option<CommentId>,
    /// The author's name.
    pub name: Name,
    /// The author's address; never published.
    pub email: EmailAddress,
    /// The author's website.
    pub website: Option<Website>,
    /// The text, in the Markdown subset.
    pub body: Body,
    /// Where it came from.
    pub ip: IpAddr,
    /// The browser's name of itself, at most 512 characters.
    pub user_agent: Option<String>,
}

/// A comment as the public sees it. By its type it can't hold an e-mail address or an unpublished text.
#[derive(Debug, Clone)]
pub enum Published {
    /// A public one.
    Comment(Box<PublicComment>),
    /// No longer public, but with public answers: only its place is left.
    Removed(RemovedComment),
}

/// A public comment.
#[derive(Debug, Clone)]
pub struct PublicComment {
    /// Its id.
    pub id: CommentId,
    /// The comment it answers.
    pub parent_id: Option<CommentId>,
    /// 0 at the top level, at most [`DEPTH_MAX`].
    pub depth: i16,
    /// The author's name.
    pub name: String,
    /// The author's website.
    pub website: Option<String>,
    /// Whether somebody of the site's staff wrote it.
    pub is_staff: bool,
    /// The hash that the avatar is drawn from.
    pub avatar: String,
    /// Safe HTML.
    pub body_html: String,
    /// When it was sent.
    pub submitted_at: OffsetDateTime,
    /// When its text was last changed.
    pub edited_at: Option<OffsetDateTime>,
    /// Votes for less votes against.
    pub score: i32,
}

/// The place of a comment that is no longer public.
#[derive(Debug, Clone, Copy)]
pub struct RemovedComment {
    /// Its id.
    pub id: CommentId,
    /// The comment it answered.
    pub parent_id: Option<CommentId>,
    /// 0 at the top level.
    pub depth: i16,
    /// When it was sent: its place in the order.
    pub submitted_at: OffsetDateTime,
    /// Its score: its place in the order by score.
    pub score: i32,
}

/// A page as the public sees it. Unknown pages of a known site have no id, title or comments.
#[derive(Debug, Clone)]
pub struct PublicPage {
    /// Its id, once it has a comment or is registered.
    pub id: Option<PageId>,
    /// Its site.
    pub site_id: SiteId,
    /// Its normalised address; none for an unknown key.
    pub url: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Published comments.
    pub comment_count: i32,
    /// Whether it takes comments.
    pub comments_open: bool,
}
