//! The lines of an export, as docs/export-format.md describes them. Must not know HTTP or SQL.

use serde::Serialize;
use time::OffsetDateTime;

use crate::base::clock::rfc3339;
use crate::base::ids::{CommentId, ModeratorId, PageId, SiteId};

/// The format that the first line names. Fields may be added without a new number; what changes its meaning gets one.
pub const FORMAT: u32 = 1;

/// A line of an export.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line {
    /// The first one.
    Site(Box<SiteLine>),
    /// A page.
    Page(PageLine),
    /// A comment, behind the one that it answers.
    Comment(Box<CommentLine>),
    /// What moderators noted about an author.
    AuthorNote(AuthorNoteLine),
    /// The last one.
    End {
        /// How many pages there were.
        pages: u64,
        /// How many comments.
        comments: u64,
    },
}

/// The lines as the file has them: JSON, each with a line feed at its end.
pub fn to_text(lines: &[Line]) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
    }
    Ok(text)
}

/// A site with its settings and reasons.
#[derive(Debug, Serialize)]
pub struct SiteLine {
    /// [`FORMAT`].
    pub format: u32,
    /// When the export began.
    #[serde(with = "rfc3339")]
    pub exported_at: OffsetDateTime,
    /// Its id.
    pub id: SiteId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// The origins of its pages.
    pub origins: Vec<String>,
    /// How it deals with comments.
    pub policy: PolicyPart,
    /// Its reasons for decisions.
    pub reasons: Vec<ReasonPart>,
    /// When it was made.
    #[serde(with = "rfc3339")]
    pub created_at: OffsetDateTime,
}

/// How a site deals with comments, by the names of the API.
#[derive(Debug, Serialize)]
pub struct PolicyPart {
    /// What is held for a moderator.
    pub hold: String,
    /// Whether unknown pages are made.
    pub pages: String,
    /// How many links a comment may have before it is a signal.
    pub max_links: i16,
    /// For how long an author may edit.
    pub edit_window_minutes: i32,
    /// When pages close.
    pub close_after_days: Option<i32>,
    /// For how long network addresses are kept.
    pub ip_retention_days: i32,
    /// For how long spam is kept.
    pub spam_retention_days: i32,
    /// What follows a form without JavaScript.
    pub after_form: String,
}

/// A reason for decisions.
#[derive(Debug, Serialize)]
pub struct ReasonPart {
    /// What is stored with a decision.
    pub code: String,
    /// What authors read.
    pub text: String,
}

/// A page.
#[derive(Debug, Serialize)]
pub struct PageLine {
    /// Its id.
    pub id: PageId,
    /// Its normalised address.
    pub url: String,
    /// Further addresses, of pages that were merged into it.
    pub aliases: Vec<String>,
    /// The publisher's own id of it.
    pub key: Option<String>,
    /// The id of the article in WordPress.
    pub wordpress_id: Option<i64>,
    /// Its title.
    pub title: Option<String>,
    /// Whether it takes comments, as set by hand.
    pub comments_open: bool,
    /// The page that it was merged into.
    pub merged_into: Option<PageId>,
    /// When the article was published.
    #[serde(with = "rfc3339::option")]
    pub published_at: Option<OffsetDateTime>,
    /// When its first comment came in.
    #[serde(with = "rfc3339::option")]
    pub first_comment_at: Option<OffsetDateTime>,
    /// When it was made.
    #[serde(with = "rfc3339")]
    pub created_at: OffsetDateTime,
}

/// A comment in any state; of a deleted one only its place and history are left.
#[derive(Debug, Serialize)]
pub struct CommentLine {
    /// Its id.
    pub id: CommentId,
    /// Its page.
    pub page: PageId,
    /// The comment that it answers.
    pub parent_id: Option<CommentId>,
    /// Its state.
    pub status: String,
    /// Raised with every change; as many as it has lines of history.
    pub version: i32,
    /// The author's name.
    pub name: Option<String>,
    /// The author's address.
    pub email: Option<String>,
    /// The author's website.
    pub website: Option<String>,
    /// The text, in the Markdown subset.
    pub body: Option<String>,
    /// Whether somebody of the site's staff wrote it.
    pub is_staff: bool,
    /// Where it came from.
    pub ip: Option<String>,
    /// The browser's name of itself.
    pub user_agent: Option<String>,
    /// Votes for less votes against.
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
    /// Who decided that.
    pub decided_by: Option<ActorPart>,
    /// Why.
    pub reason: Option<String>,
    /// Manage tokens of lower versions are revoked.
    pub token_version: i32,
    /// What happened to it, oldest first.
    pub history: Vec<HistoryPart>,
    /// What moderators noted about it, oldest first.
    pub notes: Vec<NotePart>,
    /// What readers reported, oldest first.
    pub reports: Vec<ReportPart>,
}

/// Who acted; never an e-mail address.
#[derive(Debug, Serialize)]
pub struct ActorPart {
    /// `moderator`, `rule`, `author` or `system`.
    pub kind: String,
    /// The moderator, where it was one.
    pub id: Option<ModeratorId>,
    /// The moderator's name today.
    pub name: Option<String>,
}

/// A change of a comment.
#[derive(Debug, Serialize)]
pub struct HistoryPart {
    /// When.
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
    /// Who.
    pub actor: ActorPart,
    /// The state before; none: it was submitted.
    pub from: Option<String>,
    /// The state after.
    pub to: String,
    /// The code of the reason.
    pub reason: Option<String>,
    /// What was noted with a decision.
    pub note: Option<String>,
    /// What this change replaced.
    pub earlier: Option<EarlierPart>,
}

/// What a comment was before an edit.
#[derive(Debug, Serialize)]
pub struct EarlierPart {
    /// The author's name.
    pub name: String,
    /// The author's website.
    pub website: Option<String>,
    /// The text.
    pub body: String,
}

/// A reader's report; from where it came stays behind.
#[derive(Debug, Serialize)]
pub struct ReportPart {
    /// When.
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
    /// What is wrong.
    pub reason: String,
    /// In the reader's words.
    pub note: Option<String>,
    /// When a decision settled it; none: it is open.
    #[serde(with = "rfc3339::option")]
    pub settled_at: Option<OffsetDateTime>,
}

/// A note about a comment.
#[derive(Debug, Serialize)]
pub struct NotePart {
    /// When.
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
    /// Who.
    pub by: ActorPart,
    /// The note.
    pub note: String,
}

/// A note about an author.
#[derive(Debug, Serialize)]
pub struct AuthorNoteLine {
    /// The author's address; none where none of their comments has it any more.
    pub email: Option<String>,
    /// The note.
    #[serde(flatten)]
    pub note: NotePart,
}
