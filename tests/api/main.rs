//! Black box over a real port: what a client of the API sees. Must not know how it comes about.
#![expect(
    clippy::indexing_slicing,
    reason = "a test that reaches too far shall stop"
)]

#[path = "../support/mod.rs"]
mod support;

mod client_address;
mod journey;
