//! What can go wrong between us and Postgres, sorted by what the caller can do about it. Must not know the trade.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::base::codes::{Code, Refusal};

/// A failed call to the database. Cloned for those who shared the call.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database can't be reached, refuses work for now, or lost the connection: try again later.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// The request's time for the database (2.5 s) ran out.
    #[error("the database did not answer in time")]
    Timeout,
    /// Anything else; a mistake of ours.
    #[error("a statement failed: {0}")]
    Statement(#[source] Arc<sqlx::Error>),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let passing = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(refusal) => {
                refusal.code().is_some_and(|state| is_passing(&state))
            }
            _ => false,
        };
        if passing {
            Self::Unavailable(Arc::new(error))
        } else {
            Self::Statement(Arc::new(error))
        }
    }
}

/// SQLSTATE classes (PostgreSQL manual, appendix A) that a healthy database would not answer: connection lost,
/// resources exhausted (disk, memory, connections), shutting down, cancelled by time-out, read-only after a fail-over,
/// lock not to be had, serialisation failure and deadlock.
fn is_passing(state: &str) -> bool {
    state.starts_with("08")
        || state.starts_with("53")
        || state.starts_with("58")
        || matches!(
            state,
            "57P01"
                | "57P02"
                | "57P03"
                | "57P05"
                | "57014"
                | "25006"
                | "25P03"
                | "55P03"
                | "40001"
                | "40P01"
        )
}

impl Error {
    /// What the server calls it, where the server refused.
    pub fn sqlstate(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Unavailable(error) | Self::Statement(error) => match &**error {
                sqlx::Error::Database(refusal) => refusal.code(),
                _ => None,
            },
            Self::Timeout => None,
        }
    }

    /// The name of the constraint that refused, when one did.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Statement(error) => match &**error {
                sqlx::Error::Database(refusal) => refusal.constraint(),
                _ => None,
            },
            Self::Unavailable(_) | Self::Timeout => None,
        }
    }
}

/// When a client may try again after a failure that passes by itself.
const RETRY_AFTER: Duration = Duration::from_secs(2);

impl Refusal for Error {
    fn code(&self) -> Code {
        match self {
            Self::Unavailable(_) | Self::Timeout => Code::Unavailable,
            Self::Statement(_) => Code::InternalError,
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Unavailable(_) => "the database can't be reached at the moment",
            Self::Timeout => "the database took too long",
            Self::Statement(_) => "a statement failed",
        })
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable(_) | Self::Timeout => Some(RETRY_AFTER),
            Self::Statement(_) => None,
        }
    }
}
