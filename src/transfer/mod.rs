//! Taking a site's comments along: the export as JSON lines.
//!
//! What holds: a line names only pages and comments of lines before it; the last line says how many there were, so that a
//! file that was cut off is noticed; whatever the size of a site, a bounded part of it is in memory, and no connection is
//! held while somebody reads slowly.

mod error;
pub mod http;
pub mod model;
pub mod service;
mod store;

pub use error::Error;
pub use service::{Export, Transfer};
