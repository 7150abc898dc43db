//! The accounts over HTTP: the guard of the admin API, the extractors that say who calls, and sessions.
//! Must not know the database.

pub mod current;
pub mod guard;
pub mod sign_in;
pub mod sign_out;
pub mod wire;
