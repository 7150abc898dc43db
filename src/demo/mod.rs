//! Believable comments for trying out: made from a seed, so that the same wish gives the same comments.
//!
//! Nothing of it is about real people: addresses are of domains and networks that are kept for examples (RFC 2606, RFC 5737,
//! RFC 3849). Must not know how progress is shown.

mod dice;
mod fill;
mod people;
mod speech;
mod threads;
mod words;

pub use fill::{Error, WRITERS, fill};
pub use threads::{COMMENTS_MAX, PAGES_MAX, Wanted};
