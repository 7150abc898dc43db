//! Postgres as every module sees it: connections under deadlines, migrations, the embedded default.
//! Must not know the trade; statements of the trade stand in the modules' stores.

pub mod embedded;
mod error;
mod installation;
mod migrations;
mod pool;

pub use error::Error;
pub use installation::load_secret;
pub use migrations::{MigrationError, is_current, migrate, migrate_with};
pub use pool::{Capacity, Database, Lane, REQUEST_BUDGET, within_one_budget};
