//! The admin API of comments: list, show, decide. Translates only.

pub mod decide;
pub mod decide_many;
pub mod list;
pub mod show;
mod wire;
