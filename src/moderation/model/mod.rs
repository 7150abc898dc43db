//! What moderation keeps besides comments. Must not know HTTP or SQL.

pub mod batches;
pub mod figures;
mod notes;
pub mod persons;

pub use notes::{AuthorDetails, NoteLine, NotePage};
