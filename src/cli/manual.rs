//! `rejoinder manual`: the manual page, made from the definition of the command line and the catalogue of settings.
//! Must not know what commands do.

use std::io;

use anyhow::Context as _;
use clap::{Arg, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::output;
use crate::settings::catalogue;

/// Files that an installation has.
const FILES: [(&str, &str); 5] = [
    (
        "/etc/rejoinder/rejoinder.toml",
        "Settings of the packaged service; any other file by --config.",
    ),
    (
        "/var/lib/rejoinder",
        "The data directory of the packaged service.",
    ),
    (
        "DATA_DIR/owner-password",
        "The first owner's password, where one was made and no person read the output. Delete it once it is changed.",
    ),
    (
        "DATA_DIR/pgdata",
        "The embedded database. Nobody but its server may write there.",
    ),
    ("DATA_DIR/postgres.log", "What the embedded database says."),
];

const SIGNALS: [(&str, &str); 2] = [
    (
        "SIGTERM, SIGINT",
        "No new connections; what is under way is finished within 25 seconds; then the database is closed.",
    ),
    (
        "SIGKILL",
        "Loses nothing that was answered with 201; the embedded database recovers at the next start.",
    ),
];

const EXITS: [(&str, &str); 3] = [
    ("0", "Done; for doctor also with warnings."),
    (
        "1",
        "Failed; the reason and what to do are on standard error.",
    ),
    ("2", "Wrong usage or settings; nothing was started."),
];

pub(super) fn run(command: Command, examples: &str) -> anyhow::Result<()> {
    let page = page(command, examples).context("while writing the manual page")?;
    output::say(
        &String::from_utf8(page)
            .context("while writing the manual page")?
            .trim_end(),
    );
    Ok(())
}

fn page(mut command: Command, examples: &str) -> io::Result<Vec<u8>> {
    command.build();
    // One page for all: clap's own list of commands would name a page for each, which there isn't.
    let commands = commands(&command);
    let man = Man::new(command);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    synopsis().to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    commands.to_writer(&mut page)?;
    man.render_options_section(&mut page)?;
    environment().to_writer(&mut page)?;
    listed("FILES", &FILES).to_writer(&mut page)?;
    listed("SIGNALS", &SIGNALS).to_writer(&mut page)?;
    listed("EXIT STATUS", &EXITS).to_writer(&mut page)?;
    let mut last = Roff::new();
    last.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in examples.lines() {
        last.text([roman(line)]);
    }
    last.control("fi", []);
    last.control("SH", ["SEE ALSO"]);
    last.text([roman(
        "/usr/share/doc/rejoinder, or the folder docs of the sources.",
    )]);
    last.to_writer(&mut page)?;
    man.render_version_section(&mut page)?;
    Ok(page)
}

/// clap's own would list every flag.
fn synopsis() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([
        bold("rejoinder"),
        roman(" ["),
        italic("settings"),
        roman("] ["),
        italic("command"),
        roman("]"),
    ]);
    roff
}

/// Every command that isn't hidden, with its own arguments, and those below it.
fn commands(command: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["COMMANDS"]);
    add_commands(&mut roff, command, "");
    roff
}

fn add_commands(roff: &mut Roff, parent: &Command, path: &str) {
    for command in parent
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
    {
        let path = format!("{path}{}", command.get_name());
        if command.has_subcommands() {
            add_commands(roff, command, &format!("{path} "));
            continue;
        }
        roff.control("TP", []);
        let own: Vec<&Arg> = command
            .get_arguments()
            .filter(|argument| !argument.is_global_set() && argument.get_id() != "help")
            .collect();
        let mut head = vec![bold(path)];
        head.extend(
            own.iter()
                .flat_map(|argument| [roman(" "), usage(argument)]),
        );
        roff.text(head);
        roff.text([roman(sentence(command.get_about()))]);
        for argument in own {
            roff.control("RS", []).control("TP", []);
            roff.text([usage(argument)]);
            roff.text([roman(sentence(argument.get_help()))]);
            roff.control("RE", []);
        }
    }
}

fn usage(argument: &Arg) -> Inline {
    let shown = argument.to_string();
    if argument.is_positional() {
        italic(shown)
    } else {
        bold(shown)
    }
}

fn sentence(text: Option<&clap::builder::StyledStr>) -> String {
    text.map_or_else(String::new, |text| format!("{text}."))
}

fn environment() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["ENVIRONMENT"]);
    roff.text([roman(
        "Flags come before the environment, and the environment before the file of settings.",
    )]);
    for setting in catalogue::ALL {
        roff.control("TP", []);
        let mut head = vec![bold(setting.variable)];
        if let Some(file_variable) = setting.file_variable() {
            head.extend([roman(", "), bold(file_variable)]);
        }
        roff.text(head);
        let default = setting
            .default
            .map_or_else(String::new, |default| format!(" Default: {default}."));
        let (help, bound) = (setting.help, setting.bound);
        roff.text([roman(format!("{help}. Value: {bound}.{default}"))]);
    }
    roff
}

fn listed(heading: &str, entries: &[(&str, &str)]) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [heading]);
    for (name, text) in entries {
        roff.control("TP", []);
        roff.text([bold(*name)]);
        roff.text([roman(*text)]);
    }
    roff
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::{CommandLine, EXAMPLES};
    use super::*;

    #[test]
    fn the_page_has_every_setting_and_every_command_that_is_not_hidden() {
        let page = page(CommandLine::command(), EXAMPLES).unwrap();
        // Roff writes a dash that isn't a hyphen with a backslash.
        let page = String::from_utf8(page).unwrap().replace("\\-", "-");
        for setting in catalogue::ALL {
            assert!(page.contains(setting.variable), "{}", setting.variable);
        }
        for command in [
            "\\fBserve\\fR",
            "moderator reset-password",
            "doctor",
            "completions",
        ] {
            assert!(page.contains(command), "{command} in {page}");
        }
        assert!(!page.contains("postgres-keeper"));
        for section in ["FILES", "SIGNALS", "EXIT STATUS", "EXAMPLES"] {
            assert!(
                page.contains(&format!(".SH \"{section}\""))
                    || page.contains(&format!(".SH {section}")),
                "{section}"
            );
        }
    }
}
