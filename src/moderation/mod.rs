//! The moderators' work: the queue, decisions, history.
//!
//! Every decision names its decider, changes a comment at most once, and has exactly one line in the history.

mod error;
pub mod http;
pub mod service;
mod store;

pub use error::Error;
pub use service::{CommentDetails, CommentPage, LogPage, MERGE_JOB, Merged, Moderation};
