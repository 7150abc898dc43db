//! What readers write: submitting, reading, editing, withdrawing; votes and reports; the renderer and the avatars.
//!
//! Invariants: nothing that is not approved is ever public, and the public type of a comment can't hold an e-mail
//! address; every change of state has exactly one line in the append-only history; a page's count equals a recount;
//! what was answered 201 is on disk; a score moves by exactly what the votes do.

mod authors;
mod avatar;
mod cache;
mod error;
pub mod extract;
pub mod http;
mod limits;
pub mod model;
pub mod render;
pub mod service;
mod store;
mod tokens;

pub use error::Error;
pub use service::{AuthorIds, Changes, Comments, Limits, ManageToken, WRITERS};
