//! `rejoinder migrate`: brings the database to this version's schema, and no more. Must not know how.

use super::output;
use crate::app::startup;
use crate::settings::Settings;

pub(super) async fn run(settings: Settings) -> anyhow::Result<()> {
    startup::migrate(&settings).await?;
    output::say(&"the database has this release's schema");
    Ok(())
}
