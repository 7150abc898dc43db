//! HTTP that is the same for every module: problem documents, extractors, request ids, client addresses, limits,
//! headers. Must not know the trade.

pub mod body;
pub mod client_address;
pub mod conditional;
pub mod cors;
pub mod envelope;
pub mod events;
pub mod idempotency;
pub mod input;
pub mod json;
pub mod paths;
pub mod problem;
pub mod query;
pub mod resource;
pub mod same_origin;
pub mod throttle;
pub mod user_agent;

pub use idempotency::IdempotencyKey;
pub use input::{Strict, Valid};
pub use paths::PathId;
pub use problem::ApiError;
