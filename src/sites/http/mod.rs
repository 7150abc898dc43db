//! The admin API of sites and pages. Translates only.

mod cursor;
mod members;
mod page_wire;
pub mod pages;
pub mod reasons;
mod site_wire;
pub mod sites;
