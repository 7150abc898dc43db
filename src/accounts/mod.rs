//! Moderators, their roles, sessions and passwords, and the extractors that say who calls.
//! Must not know what is moderated.
//!
//! What holds: a token and a password are known to their holder only (the database has hashes); a sign-in fails in equal
//! time whatever the reason; a session ends with its account, 12 hours after its last use, and 30 days after it began;
//! there is always an owner once `Accounts::ensure_first_owner` has run.

mod backoff;
pub mod error;
pub mod extract;
pub mod http;
pub mod model;
mod passwords;
mod service;
mod store;

pub use error::Error;
pub use service::{Accounts, FirstOwner, PasswordCost};
