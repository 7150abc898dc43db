//! Signing in, sessions, and who is kept out. Must not know what is moderated.

mod cookie;
mod errors;
mod first_owner;
mod sessions;
mod sign_in;
mod tokens;
mod totp;
