//! `rejoinder person …`: what is held of a person, for whoever runs the service. Must not know what that is, nor how it goes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;

use super::advice::{Cause, Refusal};
use super::output;
use super::progress::{LongWork, Unit};
use crate::app::startup::{self, Tools};
use crate::base::email::EmailAddress;
use crate::jobs::model::Progress;
use crate::moderation::model::persons::{Asker, Erasure};
use crate::moderation::{Error, Export, Persons};
use crate::settings::Settings;

/// Octets of standard input that are read for an address or an answer; far more than one has.
const INPUT_BYTES_MAX: u64 = 16 * 1024;

/// What to do with a person's data.
#[derive(Subcommand)]
pub(super) enum PersonCommand {
    /// Write all that is held of a person as one JSON document
    Export {
        /// The e-mail address, or - to read it from standard input
        #[arg(value_parser = parse_address)]
        email: Address,
        /// Where to write it, readable by nobody else; standard output where it is missing
        file: Option<PathBuf>,
    },
    /// Erase all that is held of a person for good; threads and histories stay whole
    Erase {
        /// The e-mail address, or - to read it from standard input
        #[arg(value_parser = parse_address)]
        email: Address,
        /// Don't ask whether it is meant
        #[arg(long)]
        yes: bool,
    },
}

/// Where the address is. Never printed.
#[derive(Clone)]
pub(super) enum Address {
    Given(EmailAddress),
    OnStandardInput,
}

fn parse_address(text: &str) -> Result<Address, String> {
    if text == "-" {
        return Ok(Address::OnStandardInput);
    }
    EmailAddress::parse_account(text)
        .map(Address::Given)
        .map_err(|complaint| complaint.message.into_owned())
}

impl Address {
    fn read(self) -> anyhow::Result<EmailAddress> {
        let Self::Given(email) = self else {
            let line = read_line().context("while reading the address from standard input")?;
            return EmailAddress::parse_account(&line).ok().ok_or_else(|| {
                refusal(
                    "there is no e-mail address on standard input",
                    "give one address in one line",
                    Cause::Usage,
                )
            });
        };
        Ok(email)
    }
}

pub(super) async fn run(settings: &Settings, command: PersonCommand) -> anyhow::Result<()> {
    // Before anything is started: somebody may still be typing.
    match command {
        PersonCommand::Export { email, file } => {
            let email = email.read()?;
            startup::with_tools(settings, async |Tools { persons, .. }| {
                persons.prepare().await.map_err(explain)?;
                let export = persons.export(Asker::OPERATOR, &email).await;
                export_to(export.map_err(explain)?, file.as_deref()).await
            })
            .await
        }
        PersonCommand::Erase { email, yes } => {
            let may_ask = matches!(email, Address::Given(_)) && io::stdin().is_terminal();
            if !yes && !may_ask {
                return Err(refusal(
                    "nobody can be asked whether the erasure is meant",
                    "add --yes once you are sure: what is erased can't be brought back",
                    Cause::Usage,
                ));
            }
            let email = email.read()?;
            startup::with_tools(settings, async |tools| {
                erase(&tools.persons, &email, yes).await
            })
            .await
        }
    }
}

async fn export_to(mut export: Export, file: Option<&Path>) -> anyhow::Result<()> {
    let Some(path) = file else {
        while let Some(piece) = export.next().await.map_err(explain)? {
            output::write(&piece).context("while writing to standard output")?;
        }
        return Ok(());
    };
    let mut written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .context("while making the file")?;
    let outcome = write_all(&mut export, &mut written).await;
    if outcome.is_err() {
        // A part would be taken for the whole.
        fs::remove_file(path).context("while removing the file, which isn't whole")?;
    }
    outcome
}

async fn write_all(export: &mut Export, file: &mut File) -> anyhow::Result<()> {
    while let Some(piece) = export.next().await.map_err(explain)? {
        file.write_all(piece.as_bytes())
            .context("while writing the file")?;
    }
    file.sync_all().context("while writing the file")
}

async fn erase(persons: &Persons, email: &EmailAddress, yes: bool) -> anyhow::Result<()> {
    persons.prepare().await.map_err(explain)?;
    let asker = Asker::OPERATOR;
    let count = persons.count(&asker, email).await.map_err(explain)?;
    if !yes {
        output::ask(&format!(
            "erase {} for good, and the address wherever it stands? [y/N]",
            comments(count.comments)
        ));
        let answer = read_line().context("while reading the answer")?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            return Err(refusal(
                "nothing was erased",
                "answer y to erase",
                Cause::State,
            ));
        }
    }
    let begun = persons.begin_erasure(&asker, email, count.comments).await;
    let begun = begun.map_err(explain)?;
    let done = finish(persons, &begun)
        .await
        .map_err(explain)
        .context("while erasing; what is left goes by itself while the service runs")?;
    output::say(&format!(
        "erased {}; the address was taken out of {} texts of others",
        comments(done.erased.into()),
        done.redacted
    ));
    if done.has_account {
        output::say(
            &"a moderator's account has this address and stays; an owner can delete it at the desk",
        );
    }
    Ok(())
}

async fn finish(persons: &Persons, begun: &Erasure) -> Result<Erasure, Error> {
    let total = u64::try_from(begun.total).unwrap_or_default();
    let mut work = LongWork::begin(Unit::Comments, Some(total));
    loop {
        let progress = persons.run_erasure(begun.id).await?;
        let erasure = persons
            .show_erasure(&Asker::OPERATOR.sites, begun.id)
            .await?;
        let Erasure { erased, total, .. } = erasure;
        if progress == Progress::Done {
            work.end();
            return Ok(erasure);
        }
        let point = if erased < total {
            "erasing"
        } else {
            "looking for the address in the texts of others"
        };
        work.tell(u64::try_from(erased).unwrap_or_default(), point);
    }
}

fn comments(number: i64) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} comment{plural}")
}

/// The first line of standard input.
fn read_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin()
        .lock()
        .take(INPUT_BYTES_MAX)
        .read_line(&mut line)?;
    Ok(line)
}

fn refusal(what: &'static str, what_to_do: &'static str, cause: Cause) -> anyhow::Error {
    Refusal {
        what,
        what_to_do,
        cause,
    }
    .into()
}

/// What is refused, with the way out; a failure stays what it is.
fn explain(error: Error) -> anyhow::Error {
    match error {
        Error::OtherSecret => refusal(
            "the comments were stored with another secret, so nobody's can be found",
            "give the command the REJOINDER_SECRET that the service has",
            Cause::State,
        ),
        Error::CountChanged => refusal(
            "there are more or fewer comments by now",
            "look again, and repeat the command",
            Cause::State,
        ),
        other => other.into(),
    }
}
