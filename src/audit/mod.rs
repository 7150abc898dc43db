//! The append-only log of administrative acts: who changed which setting, person or token. Must not know what they mean.
//!
//! What holds: an act is recorded in the transaction that does it, so neither is there without the other; entries hold
//! ids, codes and numbers only, nothing personal; a trigger refuses changes.

pub mod model;
pub mod service;
mod store;
