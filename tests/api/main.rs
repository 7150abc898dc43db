//! Black box over a real port: what a client of the API sees. Must not know how it comes about.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that reaches too far shall stop"
)]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod accounts;
mod backstage;
mod bad_inputs;
mod client_address;
mod comments;
mod connections;
mod cors;
mod errors;
mod examples;
mod headers;
mod journey;
mod metrics;
mod moderation;
mod openapi;
mod pages;
mod retention;
mod rows;
mod secrets;
mod sites;
mod statements;
mod transfer;
