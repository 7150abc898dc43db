//! Moderators, their roles, sessions, passwords, second factors and API tokens, and the extractors that say who calls.
//! Must not know what is moderated.
//!
//! What holds: a token and a password are known to their holder only (the database has hashes); a sign-in fails in equal
//! time whatever the reason; a session ends with its account, 12 hours after its last use, and 30 days after it began; an
//! API token never exceeds its maker as they are at the time of each request; a one-time code or recovery code begins one
//! session at most, and the database alone gives none; what goes by a cookie comes from our own pages;
//! there is always an owner once `Accounts::ensure_first_owner` has run, and no change of people leaves none who can sign in;
//! nobody changes an account of an equal or higher role but owners; a disabled account has no session, token or link.

mod api_tokens;
mod backoff;
pub mod error;
pub mod extract;
pub mod http;
pub mod model;
mod passwords;
mod service;
mod store;
mod totp;

pub use error::Error;
pub use service::{
    Access, AccountOptions, Accounts, FirstOwner, Operator, Owners, PasswordCost, count_owners,
    find_account_of,
};
