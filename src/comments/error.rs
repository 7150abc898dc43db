//! Why a submission or a read is refused. Must not know HTTP.

use std::borrow::Cow;
use std::time::Duration;

use crate::base::codes::{Code, Refusal};
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::comments::model::decisions::AdminComment;
use crate::database;

/// A refusal about comments.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] database::Error),
    /// The submitted page's origin belongs to no site.
    #[error("the page's origin belongs to no site")]
    UnknownSiteSubmitted,
    /// The asked page's origin, or the slug, belongs to no site.
    #[error("no such site")]
    UnknownSite,
    /// The request comes from a web page of another site.
    #[error("web pages of this origin may not write here")]
    OriginNotAllowed,
    /// The site takes comments under registered pages only.
    #[error("the page is not registered")]
    PageNotRegistered,
    /// The page exists under another key or without one.
    #[error("the page has another key or none")]
    UnknownPageKey,
    /// The page takes no comments.
    #[error("comments are closed")]
    Closed,
    /// No published comment of the page has the parent's id.
    #[error("the parent is not there")]
    ParentNotFound,
    /// No comment that the caller may see.
    #[error("no such comment")]
    NotFound,
    /// The same page, address and text within 24 hours.
    #[error("a duplicate")]
    Duplicate,
    /// The key stands for other content.
    #[error("the idempotency key belongs to another submission")]
    KeyReused,
    /// The cursor is not one of this list.
    #[error("the cursor is not one of this list")]
    InvalidCursor,
    /// Too many submissions.
    #[error("too many submissions")]
    RateLimited(Duration),
    /// Retries that raced did not come to an end.
    #[error("too many submissions of the same content at once")]
    Contended,
    /// More submissions wait than can be stored soon.
    #[error("too many submissions wait")]
    Flooded,
    /// The time in which the author may edit is over.
    #[error("the time to edit is over")]
    EditWindowOver,
    /// The author can't edit a comment that was refused.
    #[error("a rejected comment can't be edited")]
    NotEditable,
    /// Its content is gone.
    #[error("the comment is deleted")]
    Deleted,
    /// The comment that a moderator answers isn't public.
    #[error("the answered comment is not published")]
    ParentNotApproved,
    /// The comment has changed since the moderator looked at it; here it is as it is now.
    #[error("the comment has changed meanwhile")]
    VersionConflict(Box<AdminComment>),
    /// A stored word that this release doesn't know.
    #[error("a stored comment has a value that this release does not know")]
    UnknownValue,
}

impl Refusal for Error {
    fn code(&self) -> Code {
        match self {
            Self::Database(error) => error.code(),
            Self::UnknownSiteSubmitted => Code::UnknownSiteSubmitted,
            Self::UnknownSite => Code::UnknownSite,
            Self::OriginNotAllowed => Code::OriginNotAllowed,
            Self::PageNotRegistered => Code::PageNotRegistered,
            Self::UnknownPageKey => Code::ValidationFailed,
            Self::Closed => Code::CommentsClosed,
            Self::ParentNotFound => Code::ParentNotFound,
            Self::NotFound => Code::CommentNotFound,
            Self::Duplicate => Code::DuplicateComment,
            Self::KeyReused => Code::IdempotencyKeyReused,
            Self::InvalidCursor => Code::InvalidCursor,
            Self::RateLimited(_) => Code::RateLimited,
            Self::Contended | Self::Flooded => Code::Unavailable,
            Self::EditWindowOver => Code::EditWindowOver,
            Self::NotEditable => Code::CommentNotEditable,
            Self::Deleted => Code::CommentDeleted,
            Self::ParentNotApproved => Code::ParentNotApproved,
            Self::VersionConflict(_) => Code::VersionConflict,
            Self::UnknownValue => Code::InternalError,
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::Database(error) => error.detail(),
            other => Cow::Borrowed(other.code().title()),
        }
    }

    fn complaints(&self) -> Vec<(String, Complaint)> {
        match self {
            Self::UnknownSiteSubmitted => vec![(
                "page_url".to_owned(),
                Complaint::new(
                    ComplaintCode::UnknownSite,
                    "belongs to no site of this service",
                ),
            )],
            Self::UnknownPageKey => vec![(
                "page_key".to_owned(),
                Complaint::new(
                    ComplaintCode::UnknownPageKey,
                    "is not the key of the page at this address",
                ),
            )],
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Database(error) => error.retry_after(),
            Self::RateLimited(wait) => Some(*wait),
            Self::Contended | Self::Flooded => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}
