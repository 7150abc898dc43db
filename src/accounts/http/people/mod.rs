//! `/api/v1/admin/moderators`: people and what becomes of them. Must not know the database, nor who may do what.

pub mod add;
pub mod change;
pub mod list;
pub mod remove;
pub mod second_factor;
pub mod setup_links;
pub mod show;
pub(super) mod wire;
