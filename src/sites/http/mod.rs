//! The admin API of sites. Translates only.

pub mod reasons;
