//! `rejoinder backup FILE`: the whole database as one file of SQL. Must not know what is in it.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use tempfile::NamedTempFile;

use super::advice::{Cause, Refusal};
use super::interrupts::unless_interrupted;
use super::output;
use super::progress::{LongWork, Unit};
use crate::app::backups;
use crate::database::dump::{self, Progress, Summary};
use crate::settings::Settings;

/// What stands for standard input or output.
pub(super) const STANDARD: &str = "-";

const EXAMPLES: &str = "\
Examples:
  rejoinder backup /backups/comments.sql
  rejoinder backup - | zstd > comments.sql.zst
  rejoinder backup - | DATABASE_URL=postgres://rejoinder@db/rejoinder rejoinder restore -

The file holds secrets and personal data. Only its owner may read it (mode 0600).
";

const INTERRUPTED: Refusal = Refusal {
    what: "it was interrupted, nothing was written",
    what_to_do: "start it again",
    cause: Cause::State,
};

/// Where to.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct BackUp {
    /// A file that isn't there yet, or - for standard output
    file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(settings: &Settings, command: BackUp) -> anyhow::Result<()> {
    let BackUp { file, force } = command;
    if file == Path::new(STANDARD) {
        if io::stdout().is_terminal() {
            return Err(Refusal {
                what: "the backup would go to this terminal",
                what_to_do: "name a file, or the program that takes it: rejoinder backup - | zstd > FILE",
                cause: Cause::Usage,
            }
            .into());
        }
        let sink = BufWriter::new(io::stdout().lock());
        let summary = write(settings, sink).await?;
        output::tell(&in_words(summary));
        return Ok(());
    }
    let existing = if force {
        Existing::Replaced
    } else {
        Existing::Kept
    };
    let summary = unless_interrupted(write_file(settings, &file, existing), INTERRUPTED)
        .await
        .with_context(|| format!("while writing {}", file.display()))?;
    output::say(&format!("{}, in {}", in_words(summary), file.display()));
    Ok(())
}

/// What becomes of a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Existing {
    Kept,
    Replaced,
}

/// Under a name of its own until it is whole and on disk. Nobody else can read it; it goes if this fails.
async fn write_file(
    settings: &Settings,
    file: &Path,
    existing: Existing,
) -> anyhow::Result<Summary> {
    let refused = |error: io::Error| anyhow::Error::from(dump::Error::from(error));
    if existing == Existing::Kept && file.symlink_metadata().is_ok() {
        return Err(refused(ErrorKind::AlreadyExists.into()));
    }
    let directory = match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let unfinished = tempfile::Builder::new()
        .prefix(".rejoinder-backup-")
        .tempfile_in(directory)
        .map_err(refused)?;
    let summary = write(settings, BufWriter::new(unfinished.as_file())).await?;
    keep(unfinished, file, existing)
        .and_then(|()| File::open(directory)?.sync_all())
        .map_err(refused)?;
    Ok(summary)
}

fn keep(unfinished: NamedTempFile, file: &Path, existing: Existing) -> io::Result<()> {
    unfinished.as_file().sync_all()?;
    match existing {
        Existing::Kept => unfinished.persist_noclobber(file)?,
        Existing::Replaced => unfinished.persist(file)?,
    };
    Ok(())
}

async fn write(settings: &Settings, mut sink: impl io::Write) -> anyhow::Result<Summary> {
    let mut work = LongWork::begin(Unit::Rows, None);
    let report = |progress: Progress<'_>| {
        work.expect(progress.about_rows.unwrap_or_default());
        work.tell(progress.rows, progress.title);
    };
    let written = backups::back_up(settings, &mut sink, report).await;
    work.end();
    let summary = written?;
    sink.flush().map_err(dump::Error::from)?;
    Ok(summary)
}

/// `1234 rows, 5.6 MB`.
fn in_words(Summary { rows, bytes }: Summary) -> String {
    format!("{rows} rows, {}", indicatif::DecimalBytes(bytes))
}
