//! A job and what comes of a run. Must not know SQL.

use serde_json::Value;
use time::OffsetDateTime;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// All is done; the job goes.
    Done,
    /// More is to be done: the job is given back and runs again soon, here or elsewhere.
    More,
}
