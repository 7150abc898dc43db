//! HTTP that is the same for all operations. Must not know any domain module.

pub mod client_address;
