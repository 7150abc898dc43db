//! Rejoinder: self-hosted comment moderation.

pub mod base;
pub mod database;
