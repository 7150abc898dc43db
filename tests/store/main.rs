//! Races and invariants straight on the database. Must not know HTTP.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may stop a test"
)]

#[path = "../support/mod.rs"]
mod support;

mod authors;
mod changes;
mod checks;
mod claims;
mod decisions;
mod export;
mod jobs;
mod observe;
mod plans;
mod queue;
mod reactions;
mod seed;
mod submissions;
