//! A job, one run of it, and what comes of that. Must not know SQL, nor what the jobs do.

use std::borrow::Cow;
use std::error::Error;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::watch;

use crate::base::codes::{Code, Refusal};
use crate::base::ids::JobId;

/// A job to be enqueued.
#[derive(Debug, Clone)]
pub struct NewJob<'a> {
    /// What is to be done, as `batches.run`: two words of lower-case letters and `_`.
    pub kind: &'static str,
    /// Ids and bounds only, nothing personal.
    pub payload: Value,
    /// At most one living job for a kind and key; another one is dropped silently.
    pub unique_key: Option<&'a str>,
    /// Not before this time.
    pub run_at: OffsetDateTime,
}

/// How far a run came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// All is done; the job goes.
    Done,
    /// More is to be done: the job is given back and runs again soon, here or elsewhere. Other jobs that are due get
    /// their turn first.
    More,
    /// The same, and from now on the job's payload is this: how far it came.
    MoreFrom(Value),
}

/// One run of a job, as its handler sees it.
///
/// A handler does a bounded piece of work (a second or so), then answers [`Progress::More`]; it may run twice for the
/// same piece, after an instance was lost. What it writes is to be committed before it returns.
#[derive(Debug, Clone)]
pub struct Run {
    /// The job.
    pub id: JobId,
    /// 1 for the first run, one more after each run that failed or was lost.
    pub attempt: i16,
    payload: Value,
    stopping: watch::Receiver<bool>,
}

impl Run {
    pub(super) fn new(
        id: JobId,
        attempt: i16,
        payload: Value,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            id,
            attempt,
            payload,
            stopping,
        }
    }

    /// The payload, read as what the handler expects.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        T::deserialize(&self.payload)
            .map_err(|error| Failure::of("the payload can't be read", &error))
    }

    /// Whether the instance is about to end: a handler between two steps returns [`Progress::More`] then. One that
    /// doesn't is waited for a few seconds, and broken off.
    pub fn stopping(&self) -> bool {
        *self.stopping.borrow()
    }
}

/// The payload of a job that a schedule enqueued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// When the one before was enqueued; long ago for the first. What became due by then was its business.
    #[serde(with = "crate::base::clock::rfc3339")]
    pub since: OffsetDateTime,
}

/// Why a run failed. Made by `?` from any module's error.
#[derive(Debug)]
pub struct Failure {
    pub(super) words: Cow<'static, str>,
    pub(super) kind: FailureKind,
    /// For the log: the whole chain of causes.
    pub(super) cause: Option<String>,
}

/// Whose failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// The job's: it counts.
    Own,
    /// The database isn't there, or too slow: the job is tried again without counting.
    Unavailable,
}

impl Failure {
    /// A failure in words: no personal data, no value that somebody sent.
    pub fn because(words: impl Into<Cow<'static, str>>) -> Self {
        Self {
            words: words.into(),
            kind: FailureKind::Own,
            cause: None,
        }
    }

    /// The same with a cause that only the log shows.
    pub fn of(words: impl Into<Cow<'static, str>>, cause: &dyn Error) -> Self {
        Self {
            cause: Some(causes(cause)),
            ..Self::because(words)
        }
    }
}

impl<E: Refusal> From<E> for Failure {
    fn from(error: E) -> Self {
        let code = error.code();
        Self {
            words: format!("{}: {}", code.as_str(), error.detail()).into(),
            kind: if code == Code::Unavailable {
                FailureKind::Unavailable
            } else {
                FailureKind::Own
            },
            cause: Some(causes(&error)),
        }
    }
}

fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let words = source.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = source.source();
    }
    text
}

/// A job that was given up, as a person sees it.
#[derive(Debug, Clone)]
pub struct DeadJob {
    /// The job.
    pub id: JobId,
    /// What was to be done.
    pub kind: String,
    /// Runs that failed or were lost.
    pub attempts: i16,
    /// What the last failure was.
    pub last_error: Option<String>,
    /// When it was enqueued.
    pub created_at: OffsetDateTime,
    /// When it was given up.
    pub dead_at: OffsetDateTime,
}
