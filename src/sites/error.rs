//! Why something about a site is refused. Must not know HTTP.

use std::borrow::Cow;
use std::time::Duration;

use crate::base::codes::{Code, Refusal};
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::database;

/// A refusal about sites.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] database::Error),
    /// A stored word that this release doesn't know: the schema is newer.
    #[error("a site's policy has a value that this release does not know")]
    UnknownPolicy,
    /// There is no site of this slug that the caller may see.
    #[error("there is no such site")]
    UnknownSite,
    /// The site that a body names isn't one that the caller may see.
    #[error("the body names no known site")]
    UnknownSiteNamed,
    /// There is no such reason on the caller's sites.
    #[error("there is no such reason")]
    ReasonNotFound,
    /// The site has a reason of this code.
    #[error("the site has a reason of this code")]
    ReasonExists,
    /// The site has as many reasons as it may.
    #[error("the site has too many reasons")]
    TooManyReasons,
}

impl Refusal for Error {
    fn code(&self) -> Code {
        match self {
            Self::Database(error) => error.code(),
            Self::UnknownPolicy => Code::InternalError,
            Self::UnknownSite => Code::UnknownSite,
            Self::UnknownSiteNamed => Code::UnknownSiteSubmitted,
            Self::ReasonNotFound => Code::ReasonNotFound,
            Self::ReasonExists => Code::ReasonExists,
            Self::TooManyReasons => Code::ValidationFailed,
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::Database(error) => error.detail(),
            other => Cow::Borrowed(other.code().title()),
        }
    }

    fn complaints(&self) -> Vec<(String, Complaint)> {
        let (field, code, message) = match self {
            Self::UnknownSiteNamed => ("site", ComplaintCode::UnknownSite, "is no site's slug"),
            Self::TooManyReasons => (
                "code",
                ComplaintCode::TooMany,
                "the site has as many reasons as it may; change or delete one",
            ),
            _ => return Vec::new(),
        };
        vec![(field.to_owned(), Complaint::new(code, message))]
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Database(error) => error.retry_after(),
            _ => None,
        }
    }
}
