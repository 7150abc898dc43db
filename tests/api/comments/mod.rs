//! What readers do with comments, a file for each operation. Must not know what moderators see.

mod cached;
mod closing;
mod counts;
mod edit;
mod feeds;
mod limits;
mod list;
mod policy;
mod preview;
mod removed;
mod replies;
mod reports;
mod retries;
mod show;
mod submit;
mod votes;
mod withdraw;
