//! Rejoinder: self-hosted comment moderation.

pub mod app;
pub mod base;
pub mod cli;
pub mod settings;
pub mod web;
