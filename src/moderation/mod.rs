//! The moderators' work: the queue, decisions, history.
//!
//! Every decision names its decider, changes a comment at most once, and has exactly one line in the history. A comment is lent
//! to one moderator at most at a time, and a claim forbids nobody anything.

mod error;
pub mod http;
pub mod model;
pub mod service;
mod store;

pub use error::Error;
pub use service::batches::{BatchItemPage, BatchPage, FORGET_BATCHES, RUN_BATCH, UNDO_BATCH};
pub use service::events::{Events, Feed, FeedItem};
pub use service::jobs::DeadJobPage;
pub use service::persons::{ERASURE_JOB, Export, Persons};
pub use service::summary::DAILY_FIGURES;
pub use service::{
    CLAIM_TIME, CommentDetails, CommentPage, DECIDERS, LogPage, MERGE_JOB, MergeJob, Merged,
    Moderation,
};
