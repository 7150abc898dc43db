//! `rejoinder restore FILE`: puts a backup into an empty database. Must not know what is in it.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::backup::STANDARD;
use super::output;
use super::progress::{LongWork, Unit};
use crate::app::backups;
use crate::database::dump::{self, Progress, Summary};
use crate::settings::Settings;

/// How much is read at once.
const BUFFER_BYTES: usize = 256 * 1024;

const EXAMPLES: &str = "\
Examples:
  rejoinder restore /backups/comments.sql --data-dir /srv/rejoinder
  zstd -dc comments.sql.zst | rejoinder restore -
  DATABASE_URL=postgres://rejoinder@db/rejoinder rejoinder restore /backups/comments.sql

Only into an empty database, and whole or not at all. Restore only files that you trust:
what is in them is done as psql would do it.
";

/// Where from.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Restore {
    /// What `rejoinder backup` has written, or - for standard input
    file: PathBuf,
}

pub(super) async fn run(settings: &Settings, command: Restore) -> anyhow::Result<()> {
    let Restore { file } = command;
    let summary = if file == Path::new(STANDARD) {
        read(settings, None, io::stdin().lock()).await?
    } else {
        let read_file = async {
            let opened = File::open(&file).map_err(dump::Error::from)?;
            let total = opened.metadata().map_err(dump::Error::from)?.len();
            let input = BufReader::with_capacity(BUFFER_BYTES, opened);
            read(settings, Some(total), input).await
        };
        read_file
            .await
            .with_context(|| format!("while restoring {}", file.display()))?
    };
    let rows = summary.rows;
    output::say(&format!(
        "restored {rows} rows: comments, moderators, their sessions and tokens are as they were"
    ));
    Ok(())
}

async fn read(
    settings: &Settings,
    total: Option<u64>,
    input: impl BufRead,
) -> anyhow::Result<Summary> {
    let mut work = LongWork::begin(Unit::Bytes, total);
    let report = |progress: Progress<'_>| work.tell(progress.bytes, progress.title);
    let restored = backups::restore(settings, input, report).await;
    work.end();
    restored
}
