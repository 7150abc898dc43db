//! Work beside requests: a queue in Postgres. Must not know what the jobs do.
//!
//! What holds: a job is enqueued in the transaction that makes it necessary, so neither is there without the other; it is
//! leased by one run at a time; it may run twice, after a lost run, so what it does must bear that.

pub mod model;
mod store;

pub use store::{count_given_up, enqueue};
