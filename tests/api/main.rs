//! Black box over a real port: what a client of the API sees. Must not know how it comes about.

#[path = "../support/mod.rs"]
mod support;

mod client_address;
mod journey;
