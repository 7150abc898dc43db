//! Comments on the wire: what readers send and get. Must not know rules of the trade; it names and translates.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use crate::base::clock::rfc3339;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::email::EmailAddress;
use crate::base::ids::{CommentId, PageId};
use crate::base::page_url::{PageUrl, Website};
use crate::base::text::{Body, Name, PageKey, Title};
use crate::comments::model::{Draft, PublicComment, PublicPage, Published, Status};
use crate::comments::service::{AuthorView, Replies, Thread, ThreadList};
use crate::web::client_address::ClientAddress;
use crate::web::input::rule;
use crate::web::problem::{ApiError, FieldProblem};

/// A reader's comment. Lengths count Unicode scalar values after normalising.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[schema(example = json!({
    "page_url": "https://example.org/tides",
    "page_title": "Tides",
    "name": "Ada",
    "email": "ada@example.org",
    "website": "https://ada.example/",
    "body": "The *spring tide* comes later.",
}))]
pub struct SubmitComment {
    /// The page's absolute http or https address, without user information; its origin is one of a site's.
    #[schema(
        required = true,
        nullable = false,
        max_length = 2048,
        example = "https://example.org/tides"
    )]
    #[validate(required(code = "required", message = "is required"), custom(function = check_page_url))]
    pub page_url: Option<String>,
    /// The author's name, shown with the comment.
    #[schema(
        required = true,
        nullable = false,
        min_length = 1,
        max_length = 100,
        example = "Ada"
    )]
    #[validate(required(code = "required", message = "is required"), custom(function = check_name))]
    pub name: Option<String>,
    /// The author's e-mail address; never published.
    #[schema(
        required = true,
        nullable = false,
        max_length = 254,
        example = "ada@example.org"
    )]
    #[validate(required(code = "required", message = "is required"), custom(function = check_email))]
    pub email: Option<String>,
    /// The text, in a Markdown subset: paragraphs, emphasis, code, quotes, lists, links. Raw HTML is shown as text.
    #[schema(
        required = true,
        nullable = false,
        min_length = 1,
        max_length = 10000,
        example = "The *spring tide* comes later."
    )]
    #[validate(required(code = "required", message = "is required"), custom(function = check_body))]
    pub body: Option<String>,
    /// The author's website, http or https.
    #[schema(max_length = 2048)]
    #[validate(custom(function = check_website))]
    pub website: Option<String>,
    /// The published comment of the same page that this one answers.
    #[schema(format = "uuid")]
    #[validate(custom(function = check_parent_id))]
    pub parent_id: Option<String>,
    /// The page's title; taken when the page is first seen.
    #[schema(max_length = 300)]
    #[validate(custom(function = check_page_title))]
    pub page_title: Option<String>,
    /// The publisher's own id of the page. A known one wins over the address.
    #[schema(max_length = 200)]
    #[validate(custom(function = check_page_key))]
    pub page_key: Option<String>,
}

fn check_page_url(text: &str) -> Result<(), ValidationError> {
    rule(PageUrl::parse(text))
}

fn check_name(text: &str) -> Result<(), ValidationError> {
    rule(Name::parse(text))
}

fn check_email(text: &str) -> Result<(), ValidationError> {
    rule(EmailAddress::parse(text))
}

pub(super) fn check_body(text: &str) -> Result<(), ValidationError> {
    rule(Body::parse(text))
}

fn check_website(text: &str) -> Result<(), ValidationError> {
    rule(optional(text, Website::parse))
}

fn check_parent_id(text: &str) -> Result<(), ValidationError> {
    rule(optional(text, parse_id))
}

fn check_page_title(text: &str) -> Result<(), ValidationError> {
    rule(optional(text, Title::parse))
}

fn check_page_key(text: &str) -> Result<(), ValidationError> {
    rule(optional(text, PageKey::parse))
}

fn parse_id(text: &str) -> Result<CommentId, Complaint> {
    text.parse()
        .ok()
        .ok_or_else(|| Complaint::new(ComplaintCode::InvalidValue, "must be a comment's id"))
}

/// What forms send for a field that was left empty is nothing.
fn optional<T>(
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, Complaint>,
) -> Result<Option<T>, Complaint> {
    if text.trim().is_empty() {
        Ok(None)
    } else {
        parse(text).map(Some)
    }
}

impl SubmitComment {
    /// The fields as the trade knows them.
    pub fn into_draft(
        self,
        from: ClientAddress,
        user_agent: Option<String>,
    ) -> Result<Draft, ApiError> {
        fn take<T>(field: &'static str, parsed: Result<T, Complaint>) -> Result<T, ApiError> {
            parsed
                .map_err(|complaint| ApiError::of_fields(vec![FieldProblem::new(field, complaint)]))
        }
        fn need(text: Option<&String>) -> &str {
            text.map_or("", String::as_str)
        }
        fn may<T>(
            field: &'static str,
            text: Option<&String>,
            parse: impl FnOnce(&str) -> Result<T, Complaint>,
        ) -> Result<Option<T>, ApiError> {
            take(field, optional(need(text), parse))
        }
        Ok(Draft {
            page_url: take("page_url", PageUrl::parse(need(self.page_url.as_ref())))?,
            page_key: may("page_key", self.page_key.as_ref(), PageKey::parse)?,
            page_title: may("page_title", self.page_title.as_ref(), Title::parse)?,
            parent_id: may("parent_id", self.parent_id.as_ref(), parse_id)?,
            name: take("name", Name::parse(need(self.name.as_ref())))?,
            email: take("email", EmailAddress::parse(need(self.email.as_ref())))?,
            website: may("website", self.website.as_ref(), Website::parse)?,
            body: take("body", Body::parse(need(self.body.as_ref())))?,
            ip: from.ip(),
            user_agent,
        })
    }
}

/// Who wrote a comment, as the public sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Author {
    /// The name.
    pub name: String,
    /// The website.
    pub website: Option<String>,
    /// Whether it is somebody of the site's staff.
    pub is_staff: bool,
    /// The path of a picture drawn by this service.
    #[schema(example = "/avatars/0123456789abcdef0123456789abcdef.svg")]
    pub avatar: String,
}

/// A published comment, or the place of one that is no longer public but has public answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// The comment it answers.
    pub parent_id: Option<CommentId>,
    /// 0 at the top level, at most 9.
    #[schema(minimum = 0, maximum = 9)]
    pub depth: i16,
    /// True where only the place is left: author and text are null then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// Who wrote it.
    pub author: Option<Author>,
    /// Safe HTML.
    pub body_html: Option<String>,
    /// When it was sent.
    #[serde(with = "rfc3339")]
    pub submitted_at: OffsetDateTime,
    /// When its text was last changed.
    #[serde(with = "rfc3339::option")]
    pub edited_at: Option<OffsetDateTime>,
    /// Votes for less votes against.
    pub score: i32,
}

impl From<Published> for Comment {
    fn from(published: Published) -> Self {
        match published {
            Published::Comment(comment) => (*comment).into(),
            Published::Removed(place) => Self {
                id: place.id,
                parent_id: place.parent_id,
                depth: place.depth,
                removed: true,
                author: None,
                body_html: None,
                submitted_at: place.submitted_at,
                edited_at: None,
                score: place.score,
            },
        }
    }
}

impl From<PublicComment> for Comment {
    fn from(comment: PublicComment) -> Self {
        Self {
            id: comment.id,
            parent_id: comment.parent_id,
            depth: comment.depth,
            removed: false,
            author: Some(Author {
                name: comment.name,
                website: comment.website,
                is_staff: comment.is_staff,
                avatar: format!("/avatars/{}.svg", comment.avatar),
            }),
            body_html: Some(comment.body_html),
            submitted_at: comment.submitted_at,
            edited_at: comment.edited_at,
            score: comment.score,
        }
    }
}

/// A top-level comment with the beginning of its answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct ThreadedComment {
    /// The comment itself.
    #[serde(flatten)]
    pub comment: Comment,
    /// Public answers in the whole thread.
    pub reply_count: i64,
    /// The first 20 of them, flat, oldest first.
    pub replies: Vec<Comment>,
    /// For `GET /comments/{id}/replies`.
    pub next_replies_cursor: Option<String>,
}

impl From<Thread> for ThreadedComment {
    fn from(thread: Thread) -> Self {
        Self {
            comment: thread.first.into(),
            reply_count: thread.reply_count,
            replies: thread.replies.into_iter().map(Comment::from).collect(),
            next_replies_cursor: thread.next_replies_cursor,
        }
    }
}

/// A page of a site.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page {
    /// Null until the page has its first comment or is registered.
    pub id: Option<PageId>,
    /// The normalised address; null for an unknown key.
    pub url: Option<String>,
    /// The title.
    pub title: Option<String>,
    /// Published comments in all.
    pub comment_count: i32,
    /// Whether it takes comments.
    pub comments_open: bool,
}

impl From<PublicPage> for Page {
    fn from(page: PublicPage) -> Self {
        Self {
            id: page.id,
            url: page.url,
            title: page.title,
            comment_count: page.comment_count,
            comments_open: page.comments_open,
        }
    }
}

/// A page's published comments.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommentList {
    /// The page.
    pub page: Page,
    /// Top-level comments, in the order asked for.
    pub comments: Vec<ThreadedComment>,
    /// Where the list goes on; null at its end.
    pub next_cursor: Option<String>,
}

impl From<ThreadList> for CommentList {
    fn from(list: ThreadList) -> Self {
        Self {
            page: list.page.into(),
            comments: list
                .threads
                .into_iter()
                .map(ThreadedComment::from)
                .collect(),
            next_cursor: list.next_cursor,
        }
    }
}

/// A part of a thread's answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplyList {
    /// The answers, flat, oldest first.
    pub replies: Vec<Comment>,
    /// Where the list goes on; null at its end.
    pub next_cursor: Option<String>,
}

impl From<Replies> for ReplyList {
    fn from(replies: Replies) -> Self {
        Self {
            replies: replies.replies.into_iter().map(Comment::from).collect(),
            next_cursor: replies.next_cursor,
        }
    }
}

/// Why a comment was rejected.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuthorReason {
    /// A stable code.
    #[schema(example = "off_topic")]
    pub code: String,
    /// The same in words.
    pub text: String,
}

/// A comment as its author may see it, in any state. The members that are its author's alone are not required: one schema
/// describes both answers of `GET /comments/{id}`.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnComment {
    /// What the public sees once it is approved.
    #[serde(flatten)]
    pub comment: Comment,
    /// `pending` (held), `approved` (public) or `rejected`.
    #[schema(value_type = String, required = false, pattern = "^(pending|approved|rejected)$")]
    pub status: Cow<'static, str>,
    /// The text as it was written.
    #[schema(required = false)]
    pub body: String,
    /// Why it was rejected.
    pub reason: Option<AuthorReason>,
    /// Until when the author may edit it.
    #[serde(with = "rfc3339::option")]
    pub editable_until: Option<OffsetDateTime>,
}

impl From<AuthorView> for OwnComment {
    fn from(view: AuthorView) -> Self {
        let status: Status = view.status;
        Self {
            comment: view.comment.into(),
            status: Cow::Borrowed(status.as_str()),
            body: view.body,
            reason: view.reason.map(|(code, text)| AuthorReason { code, text }),
            editable_until: view.editable_until,
        }
    }
}

/// The answer to a submission.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubmitReceipt {
    /// The comment.
    pub comment: OwnComment,
    /// For `Authorization: Bearer` on this comment; keep it, never put it into an address.
    #[schema(example = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA")]
    pub manage_token: String,
}
