//! Why moderation refuses. Must not know HTTP.

use std::borrow::Cow;
use std::time::Duration;

use crate::base::codes::{Code, Refusal};
use crate::comments::model::decisions::AdminComment;
use crate::database;

/// A reason to refuse.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such comment on the caller's sites.
    #[error("there is no such comment")]
    CommentNotFound,
    /// Deleted is final.
    #[error("the comment is deleted")]
    CommentDeleted,
    /// The comment has changed since the moderator looked at it; here it is as it is now.
    #[error("the comment has changed meanwhile")]
    VersionConflict(Box<AdminComment>),
    /// There is no site of this slug that the caller may see.
    #[error("there is no such site")]
    UnknownSite,
    /// The database.
    #[error(transparent)]
    Database(#[from] database::Error),
}

impl Error {
    /// The comment as it is now, where the refusal is that it has changed.
    pub fn current(&self) -> Option<&AdminComment> {
        match self {
            Self::VersionConflict(comment) => Some(comment),
            _ => None,
        }
    }
}

impl Refusal for Error {
    fn code(&self) -> Code {
        match self {
            Self::CommentNotFound => Code::CommentNotFound,
            Self::CommentDeleted => Code::CommentDeleted,
            Self::VersionConflict(_) => Code::VersionConflict,
            Self::UnknownSite => Code::UnknownSite,
            Self::Database(error) => error.code(),
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::Database(error) => error.detail(),
            other => Cow::Borrowed(other.code().title()),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Database(error) => error.retry_after(),
            _ => None,
        }
    }
}
