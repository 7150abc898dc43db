//! The database: where it runs. Must not know any table.

pub mod embedded;
