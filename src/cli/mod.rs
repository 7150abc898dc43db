//! The command line: one command a file; exit codes 0, 1 for a failure, 2 for wrong usage or settings.
//! Must not hold a rule of the trade.

use std::{ffi::OsString, process::ExitCode};

use anyhow::Context as _;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind};
use clap_complete::Shell;

use crate::{
    app::logs,
    database::embedded,
    settings::{Flags, Settings, Sources},
};

mod advice;
mod backup;
mod demo_data;
mod doctor;
mod export;
mod flags;
mod interrupts;
mod manual;
mod migrate;
mod moderator;
mod output;
mod person;
mod progress;
mod reference;
mod restore;
mod serve;
mod usage;
mod welcome;

use advice::Cause;
use backup::BackUp;
use demo_data::DemoData;
use export::ExportCommand;
use flags::SettingFlags;
use moderator::ModeratorCommand;
use person::PersonCommand;
use restore::Restore;

/// A failure while running.
const FAILURE: u8 = 1;
/// A wrong command line, or a wrong setting.
const USAGE: u8 = 2;

const EXAMPLES: &str = "\
Examples:
  rejoinder                                   try it: own database in ./data, on this machine only
  rejoinder --listen 127.0.0.1:9000 --data-dir /srv/rejoinder
  REJOINDER_PUBLIC_URL=https://comments.example.org REJOINDER_SITE_ORIGINS=https://example.org \\
    DATABASE_URL_FILE=/run/secrets/database rejoinder serve
  rejoinder migrate --config /etc/rejoinder.toml
  rejoinder doctor --format json
  rejoinder demo-data --comments 10000 --pages 100 --seed 7
  rejoinder export --site default comments.jsonl
  rejoinder backup /backups/comments.sql
  rejoinder moderator add mo@example.org --name Mo --role moderator --sites default
  rejoinder person export - ada.json          the address comes on standard input, and stands in no list of processes

Exit codes: 0 done, 1 failed, 2 wrong usage or settings.
";

/// Self-hosted comment moderation: readers write, moderators decide, what is approved appears.
#[derive(Parser)]
#[command(name = "rejoinder", version, disable_help_subcommand = true)]
struct CommandLine {
    #[command(flatten)]
    settings: SettingFlags,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve readers and moderators; what happens without a command
    Serve,
    /// Bring the database to this version's schema, and exit
    Migrate,
    /// Check settings, database, migrations and proxies, and say what to do
    Doctor {
        /// The form of the report
        #[arg(long, value_enum, default_value_t = doctor::Format::Text)]
        format: doctor::Format,
    },
    /// Look after the people who moderate; works while the service runs, too
    #[command(subcommand)]
    Moderator(ModeratorCommand),
    /// Fill a site with made comments, for trying out and measuring
    DemoData(DemoData),
    /// Print every setting, as the reference page or as a configuration file to start from
    Settings {
        /// The form
        #[arg(long, value_enum, default_value_t = reference::Format::Toml)]
        format: reference::Format,
    },
    /// Print what makes a shell complete commands and flags
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Manual,
    /// Write everything that is held of a site as JSON lines; works while the service runs, too
    Export(ExportCommand),
    /// Write the whole database into a file of SQL; works while the service runs, too
    Backup(BackUp),
    /// Put a backup into an empty database
    Restore(Restore),
    /// Export or erase all that is held of a person; works while the service runs, too
    #[command(subcommand)]
    Person(PersonCommand),
    /// Hold the embedded database; started by ourselves
    #[command(hide = true)]
    PostgresKeeper {
        /// Understood by the keeper only
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// Does what the command line says, and prints what went wrong.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let CommandLine {
        settings: flags,
        command,
    } = match parse(arguments) {
        Ok(command_line) => command_line,
        Err(error) => return refuse(&error),
    };
    match command {
        Some(Command::PostgresKeeper { arguments }) => embedded::keep(arguments),
        // These tell about the program itself: they must work whatever the settings are.
        Some(Command::Settings { format }) => {
            reference::run(format, &flags.0);
            ExitCode::SUCCESS
        }
        Some(Command::Completions { shell }) => finish(complete(shell)),
        Some(Command::Manual) => finish(manual::run(CommandLine::command(), EXAMPLES)),
        command => run_with_flags(flags.0, command),
    }
}

fn run_with_flags(flags: Flags, command: Option<Command>) -> ExitCode {
    let settings = Settings::gather(Sources::of_process(flags));
    if let Some(Command::Doctor { format }) = command {
        return doctor::run(settings, format);
    }
    match settings {
        Ok(settings) => finish(run_with(settings, command.unwrap_or(Command::Serve))),
        Err(mistakes) => {
            output::complain_of_all(&"these settings are wrong, nothing was started:", &mistakes);
            ExitCode::from(USAGE)
        }
    }
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<CommandLine, clap::Error> {
    let command =
        CommandLine::command().after_help(format!("{}\n{EXAMPLES}", flags::secrets_help()));
    CommandLine::from_arg_matches(&command.try_get_matches_from(arguments)?)
}

fn run_with(settings: Settings, command: Command) -> anyhow::Result<()> {
    let log = logs::start(&settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("while starting the runtime")?;
    let outcome = match command {
        Command::Serve => runtime.block_on(serve::run(settings)),
        Command::Migrate => runtime.block_on(migrate::run(settings)),
        Command::DemoData(asked) => runtime.block_on(demo_data::run(&settings, asked)),
        // Answered before: they have outcomes of their own.
        Command::Doctor { .. }
        | Command::PostgresKeeper { .. }
        | Command::Settings { .. }
        | Command::Completions { .. }
        | Command::Manual => Ok(()),
        Command::Backup(command) => runtime.block_on(backup::run(&settings, command)),
        Command::Restore(command) => runtime.block_on(restore::run(&settings, command)),
        Command::Person(command) => runtime.block_on(person::run(&settings, command)),
        Command::Moderator(command) => runtime.block_on(moderator::run(&settings, command)),
        Command::Export(command) => runtime.block_on(export::run(&settings, command)),
    };
    log.finish();
    outcome
}

fn complete(shell: Shell) -> anyhow::Result<()> {
    // A shell would offer hidden commands, too.
    let whole = CommandLine::command();
    let commands = whole.get_subcommands();
    let mut shown = clap::Command::new("rejoinder")
        .disable_help_subcommand(true)
        .args(whole.get_arguments().cloned())
        .subcommands(commands.filter(|command| !command.is_hide_set()).cloned());
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut shown, "rejoinder", &mut script);
    let script = String::from_utf8(script).context("while writing the completions")?;
    output::say(&script.trim_end());
    Ok(())
}

/// Help and version are asked for and go to standard output; all else is wrong usage.
fn refuse(error: &clap::Error) -> ExitCode {
    let text = error.render();
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        output::say(&text.to_string().trim_end());
        return ExitCode::SUCCESS;
    }
    let (what, what_to_do) = usage::shorten(&text.to_string());
    output::complain(&what, &what_to_do);
    ExitCode::from(USAGE)
}

fn finish(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&causes(&error), &advice::for_failure(&error));
            ExitCode::from(match advice::find_refusal(&error) {
                Some(refusal) if refusal.cause == Cause::Usage => USAGE,
                _ => FAILURE,
            })
        }
    }
}

/// What failed and why, in one line; a cause that its error has already named isn't repeated.
fn causes(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, io, path::Path};

    use super::*;
    use crate::settings::{Demo, RateLimit};

    fn parsed(arguments: &[&str]) -> Result<(Settings, Option<Command>), clap::Error> {
        let arguments = std::iter::once("rejoinder").chain(arguments.iter().copied());
        let line = parse(arguments.map(OsString::from))?;
        let read = Box::new(|_: &Path| Err(io::Error::from(io::ErrorKind::NotFound)));
        let sources = Sources {
            flags: line.settings.0,
            environment: BTreeMap::new(),
            read,
        };
        Ok((Settings::gather(sources).unwrap(), line.command))
    }

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow::anyhow!("no room")
            .context("writing failed: no room")
            .context("while starting");
        assert_eq!(causes(&error), "while starting: writing failed: no room");
    }

    #[test]
    fn the_definition_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn flags_may_stand_before_and_behind_the_command() {
        for arguments in [
            &["--listen", "127.0.0.1:1", "--demo", "serve"][..],
            &["serve", "--listen", "127.0.0.1:1", "--demo"],
            &["--demo", "serve", "--listen=127.0.0.1:1"],
            &["--listen=127.0.0.1:1", "--demo=on"],
        ] {
            let (settings, _) = parsed(arguments).unwrap();
            assert_eq!(settings.http.listen.port(), 1, "{arguments:?}");
            assert_eq!(settings.sites.demo, Demo::On, "{arguments:?}");
        }
        let (settings, command) = parsed(&["--demo=off"]).unwrap();
        assert_eq!(settings.sites.demo, Demo::Off);
        assert!(command.is_none());
        for arguments in [&["--rate-limit", "off"][..], &["--rate-limit=off", "serve"]] {
            let (settings, _) = parsed(arguments).unwrap();
            assert_eq!(settings.http.rate_limit, RateLimit::Off, "{arguments:?}");
        }
    }

    #[test]
    fn a_secret_is_not_a_flag() {
        for flag in ["--secret", "--database-url", "--admin-password"] {
            assert!(parsed(&[flag, "x"]).is_err(), "{flag}");
            let Err(error) = parsed(&[&format!("{flag}=hunter2")]) else {
                panic!("{flag}")
            };
            assert!(
                !usage::shorten(&error.to_string()).0.contains("hunter2"),
                "{flag}"
            );
        }
    }

    #[test]
    fn the_keeper_gets_its_arguments_as_they_are() {
        let (_, command) = parsed(&["postgres-keeper", "/a b", "--unknown", "-x"]).unwrap();
        let Some(Command::PostgresKeeper { arguments }) = command else {
            panic!("another command")
        };
        assert_eq!(arguments, ["/a b", "--unknown", "-x"]);
    }

    #[test]
    fn help_names_every_setting_and_no_hidden_command() {
        let Err(help) = parse(["rejoinder", "--help"].map(OsString::from)) else {
            panic!("no help")
        };
        let help = help.to_string();
        for setting in crate::settings::catalogue::ALL {
            assert!(help.contains(setting.variable), "{}", setting.variable);
        }
        assert!(help.contains("Examples:") && !help.contains("keeper"));
    }
}
