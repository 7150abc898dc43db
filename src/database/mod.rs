//! Postgres as every module sees it: connections under deadlines, migrations, the embedded default.
//! Must not know the trade; statements of the trade stand in the modules' stores.

pub mod dump;
pub mod embedded;
mod error;
mod gather;
mod inspection;
mod installation;
mod migrations;
mod notices;
mod operation;
mod pool;

pub use error::Error;
pub use gather::{Gather, Unanswered, Waiting};
pub use inspection::{Inspection, VERSION_MIN, inspect};
pub use installation::load_secret;
pub use migrations::{
    MigrationError, SchemaState, is_current, migrate, migrate_with, schema_state, schema_version,
};
pub use notices::{Channel, Notice, Notices, notify_with_commit};
pub use pool::{Capacity, Database, Lane, REQUEST_BUDGET, deadline, within_one_budget};
