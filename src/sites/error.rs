//! Why something about a site is refused. Must not know HTTP.

use std::borrow::Cow;
use std::time::Duration;

use crate::base::codes::{Code, Refusal};
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
}

impl Refusal for Error {
    fn code(&self) -> Code {
        match self {
            Self::Database(error) => error.code(),
            Self::UnknownPolicy => Code::InternalError,
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::Database(error) => error.detail(),
            Self::UnknownPolicy => Cow::Borrowed(Code::InternalError.title()),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Database(error) => error.retry_after(),
            Self::UnknownPolicy => None,
        }
    }
}
