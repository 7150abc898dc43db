//! `rejoinder migrate`: brings the database to this version's schema, and no more. Must not know how.

use futures_util::future::LocalBoxFuture;

use super::output;
use crate::settings::Settings;

/// Migrates; the answer says in one line what was done.
pub type Migrate = fn(Settings) -> LocalBoxFuture<'static, anyhow::Result<String>>;

pub(super) async fn run(settings: Settings, migrate: Migrate) -> anyhow::Result<()> {
    let done = migrate(settings).await?;
    output::say(&done);
    Ok(())
}
