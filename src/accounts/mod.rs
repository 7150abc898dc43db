//! Moderators, their roles, sessions and passwords, and the extractors that say who calls.

pub mod model;
