//! The settings as flags and in `--help`, made from their catalogue. Must not know a single setting.

use std::fmt::Write as _;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use crate::settings::{Flags, Setting, Shape, catalogue};

/// The flags of all settings that may stand on a command line, before or behind the command.
pub(super) struct SettingFlags(pub(super) Flags);

impl Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        catalogue::ALL
            .iter()
            .filter_map(|setting| Some((setting, setting.flag?)))
            .fold(command, |command, (setting, flag)| {
                command.arg(argument(setting, flag))
            })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Flags::default();
        for setting in catalogue::ALL {
            if let Some(flag) = setting.flag
                && let Some(value) = matches.get_one::<String>(flag)
            {
                flags.set(setting, value.clone());
            }
        }
        Ok(Self(flags))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn argument(setting: &'static Setting, flag: &'static str) -> Arg {
    let mut help = format!("{} [{}]", setting.help, setting.variable);
    if let Some(default) = setting.default {
        // Writing to a String can't fail.
        write!(help, " [default: {default}]").ok();
    }
    // Values are taken as they are: the settings check them, so that all mistakes come at once.
    let argument = Arg::new(flag)
        .long(flag)
        .value_name(setting.placeholder)
        .help(help)
        .help_heading("Settings")
        .global(true);
    match setting.shape {
        // One that is off unless asked for may stand alone; `--demo serve` must not take `serve` for its value.
        Shape::Switch if setting.default.is_none() => argument
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("on"),
        Shape::Text | Shape::List | Shape::Switch => argument,
    }
}

/// What `--help` says of the settings that are no flags.
pub(super) fn secrets_help() -> String {
    let mut text = String::from(
        "Secrets are never flags, since others can read those. Each can be given in a file, too: NAME_FILE.\n",
    );
    for setting in catalogue::ALL
        .into_iter()
        .filter(|setting| setting.is_secret())
    {
        writeln!(text, "  {:<24}  {}", setting.variable, setting.help).ok();
    }
    text
}
