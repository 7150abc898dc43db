//! Why moderation refuses. Must not know HTTP.

use std::borrow::Cow;
use std::time::Duration;

use crate::base::codes::{Code, Refusal};
use crate::base::complaint::Complaint;
use crate::comments;
use crate::comments::model::decisions::{AdminComment, Reason};
use crate::database;
use crate::sites;

/// Giving comments their authors' ids takes a minute for each million.
const AUTHORS_WAIT: Duration = Duration::from_secs(10);

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
    /// There is no such batch whose sites the caller sees.
    #[error("there is no such batch")]
    BatchNotFound,
    /// The filter takes another number of comments than the moderator was shown.
    #[error("other comments match by now")]
    CountChanged,
    /// The filter takes more comments than one batch may have.
    #[error("too many comments for one batch")]
    BatchTooLarge,
    /// The batch is at work, so it can't be undone yet.
    #[error("the batch is still at work")]
    BatchRunning,
    /// Nobody of this id has written on the caller's sites.
    #[error("there is no such author")]
    AuthorNotFound,
    /// There is no note of this id that the caller may change.
    #[error("there is no such note")]
    NoteNotFound,
    /// A note about an author belongs to one of several sites, and it isn't clear to which.
    #[error("the note's site is not clear")]
    NoteSite(Complaint),
    /// There is no erasure of this id whose sites the caller sees.
    #[error("there is no such erasure")]
    ErasureNotFound,
    /// Comments from before there were author ids don't have theirs yet.
    #[error("not every comment is found by its author yet")]
    AuthorsNotReady,
    /// Comments were stored by a service with another secret, so no author's id can be made.
    #[error("the comments belong to another secret")]
    OtherSecret,
    /// A mistake of ours.
    #[error("an export could not be written: {0}")]
    Unwritable(#[source] serde_json::Error),
    /// There is no job of this id that was given up.
    #[error("there is no such job")]
    JobNotFound,
    /// What concerns all sites is for those who see all.
    #[error("the account does not see all sites")]
    AllSitesNeeded,
    /// More streams of events are open than may be.
    #[error("too many streams of events are open")]
    TooManyFeeds {
        /// When to try again.
        wait: Duration,
    },
    /// The accounts refused.
    #[error(transparent)]
    Accounts(#[from] crate::accounts::Error),
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
            Self::UnknownReason(_) | Self::NoteSite(_) => Code::ValidationFailed,
            Self::Comments(error) => error.code(),
            Self::Sites(error) => error.code(),
            Self::BatchNotFound => Code::BatchNotFound,
            Self::CountChanged => Code::CountChanged,
            Self::BatchTooLarge => Code::BatchTooLarge,
            Self::BatchRunning => Code::BatchRunning,
            Self::AuthorNotFound => Code::AuthorNotFound,
            Self::NoteNotFound => Code::NoteNotFound,
            Self::JobNotFound => Code::JobNotFound,
            Self::ErasureNotFound => Code::ErasureNotFound,
            Self::AuthorsNotReady => Code::Unavailable,
            Self::OtherSecret | Self::Unwritable(_) => Code::InternalError,
            Self::AllSitesNeeded => Code::Forbidden,
            Self::TooManyFeeds { .. } => Code::RateLimited,
            Self::Accounts(error) => error.code(),
            Self::Database(error) => error.code(),
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::Comments(error) => error.detail(),
            Self::Sites(error) => error.detail(),
            Self::Database(error) => error.detail(),
            Self::Accounts(error) => error.detail(),
            Self::AuthorsNotReady => Cow::Borrowed(
                "comments from an earlier release are still being put in order, try again",
            ),
            Self::AllSitesNeeded => Cow::Borrowed("only accounts that see all sites may do this"),
            Self::TooManyFeeds { .. } => Cow::Borrowed("too many streams of events are open"),
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
            Self::NoteSite(complaint) => vec![("site".to_owned(), complaint.clone())],
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Comments(error) => error.retry_after(),
            Self::Sites(error) => error.retry_after(),
            Self::Database(error) => error.retry_after(),
            Self::Accounts(error) => error.retry_after(),
            Self::TooManyFeeds { wait } => Some(*wait),
            Self::AuthorsNotReady => Some(AUTHORS_WAIT),
            _ => None,
        }
    }
}
