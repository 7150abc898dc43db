//! All that is kept of a comment, as its author gets it on demand. Must not know HTTP or SQL.
//!
//! Written out as it stands here, over HTTP and at the command line. What is only computed from these values (the avatar,
//! keyed hashes) isn't part of it.

use std::net::IpAddr;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::reactions::ReportReason;
use super::{ActorKind, Status};
use crate::base::clock::rfc3339;
use crate::base::ids::{CommentId, PageId, ReportId};

/// A comment with its history.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldComment {
    /// Its id.
    pub id: CommentId,
    /// The slug of its site.
    pub site: String,
    /// The page that it stands under.
    pub page_id: PageId,
    /// The page's normalised address.
    pub page_url: String,
    /// The page's title.
    pub page_title: Option<String>,
    /// The comment that it answers.
    pub parent_id: Option<CommentId>,
    /// Its state.
    pub status: Status,
    /// Its version.
    pub version: i32,
    /// The name under it.
    pub name: String,
    /// The address as it was written.
    pub email: String,
    /// The website.
    pub website: Option<String>,
    /// The text, in Markdown.
    pub body: String,
    /// Whether it is an answer of the staff.
    pub is_staff: bool,
    /// Where it came from, until the site's retention time is over.
    #[schema(value_type = Option<String>)]
    pub ip: Option<IpAddr>,
    /// The browser's name of itself, as long.
    pub user_agent: Option<String>,
    /// Votes of readers.
    pub score: i32,
    /// When it was sent.
    #[serde(with = "rfc3339")]
    pub submitted_at: OffsetDateTime,
    /// When its text was last changed.
    #[serde(with = "rfc3339::option")]
    pub edited_at: Option<OffsetDateTime>,
    /// When it was first published.
    #[serde(with = "rfc3339::option")]
    pub published_at: Option<OffsetDateTime>,
    /// When it was last decided.
    #[serde(with = "rfc3339::option")]
    pub decided_at: Option<OffsetDateTime>,
    /// The code of the last decision's reason.
    pub reason: Option<String>,
    /// What happened to it, oldest first.
    pub history: Vec<HeldChange>,
    /// Readers' reports of it, oldest first, at most 1,000. Who reported isn't known, and what they noted is theirs.
    pub reports: Vec<HeldReport>,
}

/// A report of a comment.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldReport {
    /// Why.
    pub reason: ReportReason,
    /// When.
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
    /// When a moderator's decision settled it.
    #[serde(with = "rfc3339::option")]
    pub settled_at: Option<OffsetDateTime>,
}

/// One change of a comment.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldChange {
    /// The comment's version afterwards.
    pub version: i32,
    /// When.
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
    /// What sort of actor; people who moderate aren't named.
    pub by: ActorKind,
    /// The state before; none for the submission.
    pub from: Option<Status>,
    /// The state after.
    pub to: Status,
    /// The reason's code.
    pub reason: Option<String>,
    /// What the moderator noted.
    pub note: Option<String>,
    /// What an edit replaced.
    pub earlier: Option<HeldText>,
}

/// What a comment was before an edit.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldText {
    /// The name under it.
    pub name: String,
    /// The website.
    pub website: Option<String>,
    /// The text, in Markdown.
    pub body: String,
}

/// Which of a comment's texts it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// What stands there now.
    Current,
    /// What an edit replaced.
    Earlier,
    /// What a moderator noted with a decision; in the place of the body.
    DecisionNote,
    /// What a reader noted with a report; in the place of the body.
    ReportNote(ReportId),
}

/// A text of somebody, in which an address may stand.
#[derive(Debug)]
pub struct CommentText {
    /// Which of the comment's texts.
    pub kind: TextKind,
    /// The comment.
    pub comment_id: CommentId,
    /// The comment's version now; that of the earlier text, of the decision.
    pub version: i32,
    /// The name under it.
    pub name: String,
    /// The website.
    pub website: Option<String>,
    /// The browser's name of itself.
    pub user_agent: Option<String>,
    /// The text.
    pub body: String,
}
