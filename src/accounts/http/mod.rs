//! The accounts over HTTP: the guard of the admin API, sessions and the desk's cookie, tokens, the second factor.
//! Must not know the database.

pub mod cookie;
pub mod current;
mod fields;
pub mod guard;
pub mod me;
pub mod people;
pub mod sessions;
pub mod setup;
pub mod sign_in;
pub mod sign_out;
pub mod tokens;
mod tokens_wire;
pub mod totp;
pub mod wire;
