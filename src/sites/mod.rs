//! Sites, their origins and policy, their pages. A page belongs to one site; its address and key are unique there.

pub mod error;
pub mod http;
pub mod model;
pub mod service;
mod store;

pub use error::Error;
pub use model::{Hold, NewPages, Site};
pub use service::Sites;
