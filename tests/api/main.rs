//! Black box over a real port: what a client of the API sees. Must not know how it comes about.
#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that reaches too far shall stop"
)]

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod backstage;
mod journey;
mod moderation;
mod openapi;
mod pages;
mod secrets;
mod statements;
