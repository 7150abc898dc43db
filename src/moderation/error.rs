//! Why moderation refuses. Must not know HTTP.

use std::borrow::Cow;
use std::time::Duration;

use crate::base::codes::{Code, Refusal};
use crate::base::complaint::Complaint;
use crate::comments;
use crate::comments::model::decisions::{AdminComment, Reason};
use crate::database;
use crate::sites;

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
    /// There is no reason of the code that these fields name.
    #[error("there is no such reason")]
    UnknownReason(Vec<String>),
    /// What comments refuse.
    #[error(transparent)]
    Comments(comments::Error),
    /// What sites refuse.
    #[error(transparent)]
    Sites(#[from] sites::Error),
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

/// What moderation has words of its own for keeps them, whoever finds it.
impl From<comments::Error> for Error {
    fn from(error: comments::Error) -> Self {
        match error {
            comments::Error::Database(error) => Self::Database(error),
            comments::Error::NotFound => Self::CommentNotFound,
            comments::Error::Deleted => Self::CommentDeleted,
            comments::Error::VersionConflict(current) => Self::VersionConflict(current),
            other => Self::Comments(other),
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
            Self::UnknownReason(_) => Code::ValidationFailed,
            Self::Comments(error) => error.code(),
            Self::Sites(error) => error.code(),
            Self::Database(error) => error.code(),
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::Comments(error) => error.detail(),
            Self::Sites(error) => error.detail(),
            Self::Database(error) => error.detail(),
            other => Cow::Borrowed(other.code().title()),
        }
    }

    fn complaints(&self) -> Vec<(String, Complaint)> {
        match self {
            Self::UnknownReason(fields) => fields
                .iter()
                .map(|field| (field.clone(), Reason::unknown()))
                .collect(),
            Self::Sites(error) => error.complaints(),
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Comments(error) => error.retry_after(),
            Self::Sites(error) => error.retry_after(),
            Self::Database(error) => error.retry_after(),
            _ => None,
        }
    }
}
