//! Transfers over HTTP. Translates only.

pub mod export;
