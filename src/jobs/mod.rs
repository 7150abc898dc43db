//! Work beside requests: a queue in Postgres. Must not know what the jobs do.
//!
//! What holds: a job is enqueued in the transaction that makes it necessary, so neither is there without the other; it is
//! leased by one run at a time; it may run twice, after a lost run, so what it does must bear that.
//!
//! A kind of job is known by its line in `app/works.rs`: `Handlers::new().on("batches.run", move |run| …)`, where the
//! handler takes a [`crate::jobs::model::Run`] and answers `Result<Progress, Failure>`.

mod handlers;
pub mod model;
mod runner;
mod store;

pub use handlers::Handlers;
pub use runner::Jobs;

pub use store::{WORK, count_given_up, drop_dead, enqueue, list_dead, retry};
