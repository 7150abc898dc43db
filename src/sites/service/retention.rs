//! How long sites keep what is personal: for the jobs that take it away. Must not know what a comment is.
//!
//! Each is one statement of the store, for the transaction of whoever takes something away.

pub use crate::sites::store::retention::{
    Kept, SiteRetention, WalkFrom, find_next, note_addresses_dropped,
};
