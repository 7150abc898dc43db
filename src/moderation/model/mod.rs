//! What moderation keeps besides comments. Must not know HTTP or SQL.

pub mod batches;
pub mod figures;
mod notes;

pub use notes::{AuthorDetails, NoteLine, NotePage};
