//! `rejoinder export --site SLUG [FILE]`: everything that is held of a site. Must not know what the lines hold.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::advice::{Cause, Refusal};
use super::output;
use super::progress::{LongWork, Unit};
use crate::app::startup;
use crate::base::clock::Clock;
use crate::settings::Settings;
use crate::transfer::model::to_text;
use crate::transfer::{Error, Export, Transfer};

/// What to export, and where to.
#[derive(Args)]
pub(super) struct ExportCommand {
    /// The site's slug
    #[arg(long, value_name = "SLUG")]
    site: String,
    /// The file to make, readable by you only; `-` or none: standard output
    file: Option<PathBuf>,
}

pub(super) async fn run(settings: &Settings, command: ExportCommand) -> anyhow::Result<()> {
    let file = command.file.filter(|file| file.as_os_str() != "-");
    let Some(path) = file else {
        let (pages, comments) = export(settings, &command.site, &mut io::stdout().lock()).await?;
        tracing::debug!(pages, comments, "exported to standard output");
        return Ok(());
    };
    let mut made = make(&path)?;
    match export(settings, &command.site, &mut made).await {
        Ok((pages, comments)) => {
            made.sync_all()
                .context("while writing the export to disk")?;
            let path = path.display();
            output::say(&format!(
                "exported {comments} comments on {pages} pages to {path}"
            ));
            Ok(())
        }
        Err(error) => {
            // A part is of no use, and would stand in the way of the next attempt.
            std::fs::remove_file(&path).ok();
            Err(error)
        }
    }
}

/// A new file that only its owner reads, for it holds addresses.
fn make(path: &Path) -> anyhow::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    let made = options.write(true).create_new(true).mode(0o600).open(path);
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Refusal {
            what: "the file is there already",
            what_to_do: "name another one, or take it away first",
            cause: Cause::Usage,
        }
        .into()),
        other => other.context("while making the file"),
    }
}

async fn export(
    settings: &Settings,
    site: &str,
    to: &mut impl Write,
) -> anyhow::Result<(u64, u64)> {
    startup::with_database(settings, async |database| {
        let transfer = Transfer::new(database, Clock::new());
        let mut export = transfer.export_for_operator(site).await.map_err(explain)?;
        let outcome = write(&mut export, to).await;
        outcome?;
        Ok(export.written())
    })
    .await
}

async fn write(export: &mut Export, to: &mut impl Write) -> anyhow::Result<()> {
    let mut work = LongWork::begin(Unit::Comments, None);
    while let Some(lines) = export.next().await? {
        to.write_all(&to_text(&lines)?)
            .context("while writing the export")?;
        let (pages, comments) = export.written();
        work.tell(comments, &format!("{pages} pages"));
    }
    work.end();
    to.flush().context("while writing the export")
}

fn explain(error: Error) -> anyhow::Error {
    match error {
        Error::SiteNotFound => Refusal {
            what: "there is no site of this slug",
            what_to_do: "name one that the service has; the first one is called `default`",
            cause: Cause::State,
        }
        .into(),
        error => error.into(),
    }
}
