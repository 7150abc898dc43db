//! The only place that knows every module: it puts them together. Must not hold a rule of the trade.

pub mod backups;
pub mod doctor;
pub mod health;
pub mod logs;
mod metrics;
pub mod openapi;
mod routes;
mod shutdown;
pub mod startup;
#[cfg(feature = "opentelemetry")]
mod telemetry;
mod workers;
mod works;
