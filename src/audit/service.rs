//! Recording acts and reading them. Must not know who may read.

pub use super::store::{AuditFilter, list, record};
