//! Why an export is refused. Must not know HTTP.

use std::borrow::Cow;
use std::time::Duration;

use crate::base::codes::{Code, Refusal};
use crate::database;

/// When somebody may ask again while others export.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// A refusal about transfers.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] database::Error),
    /// There is no such site that the caller may see.
    #[error("there is no such site")]
    SiteNotFound,
    /// As many exports as may run at once are running.
    #[error("too many exports run at once")]
    Busy,
}

impl Refusal for Error {
    fn code(&self) -> Code {
        match self {
            Self::Database(error) => error.code(),
            Self::SiteNotFound => Code::SiteNotFound,
            Self::Busy => Code::RateLimited,
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::Database(error) => error.detail(),
            Self::SiteNotFound => Cow::Borrowed(Code::SiteNotFound.title()),
            Self::Busy => Cow::Borrowed("too many exports run at once"),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Database(error) => error.retry_after(),
            Self::SiteNotFound => None,
            Self::Busy => Some(RETRY_AFTER),
        }
    }
}
