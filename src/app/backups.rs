//! Back-ups of whichever database the settings name, the embedded one included. Must not print, nor know files.

use std::io::{BufRead, Write};

use anyhow::Context as _;

use super::startup::{self, find_or_open_database, open_database};
use crate::base::clock::Clock;
use crate::database::dump::{self, Backup, Progress, Summary};
use crate::database::{self, embedded};
use crate::settings::Settings;

/// Writes the database as it is at this moment, also while a service works with it.
pub async fn back_up(
    settings: &Settings,
    sink: impl Write,
    report: impl FnMut(Progress<'_>),
) -> anyhow::Result<Summary> {
    let is_new = settings.has_embedded_database()
        && embedded::find_running(settings.data_dir())
            .context("while looking for a running service")?
            .is_none()
        && embedded::find_cluster(settings.data_dir())
            .context("while looking for the embedded database")?
            .is_none();
    if is_new {
        // Opening it would make an empty one.
        return Err(dump::Error::NoDatabase.into());
    }
    let place = find_or_open_database(settings).await?;
    let written = dump::write(&place.options, Clock::new().now(), sink, report).await;
    startup::close(place).await?;
    Ok(written?)
}

/// Puts a backup into the empty database that the settings name, and brings it to this release's schema.
pub async fn restore(
    settings: &Settings,
    input: impl BufRead,
    report: impl FnMut(Progress<'_>),
) -> anyhow::Result<Summary> {
    // First, so that what is no backup leaves everything else untouched.
    let backup = Backup::open(input)?;
    let is_running = settings.has_embedded_database()
        && embedded::find_running(settings.data_dir())
            .context("while looking for a running service")?
            .is_some();
    if is_running {
        return Err(dump::Error::InUse.into());
    }
    let place = open_database(settings).await?;
    let restored = backup.restore(&place.options, report).await;
    let migrated = match restored {
        Ok(_) => database::migrate(&place.options)
            .await
            .context("while migrating what was restored"),
        Err(_) => Ok(()),
    };
    startup::close(place).await?;
    let summary = restored?;
    migrated?;
    Ok(summary)
}
