//! The statements that read and write comments. Must not know who may do what, nor HTTP.

mod admin_row;
pub(super) mod decide;
pub(super) mod history;
pub(super) mod queue;
