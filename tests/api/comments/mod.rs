//! What readers do with comments, a file for each operation. Must not know what moderators see.

mod closing;
mod limits;
mod list;
mod policy;
mod removed;
mod replies;
mod retries;
mod show;
mod submit;
