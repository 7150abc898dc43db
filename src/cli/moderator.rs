//! `rejoinder moderator …`: the people who moderate, for whoever runs the service. Must not know the server's secret, nor
//! hold a rule of the trade.

use std::fmt::{self, Write as _};
use std::io::{self, Read as _};

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use secrecy::SecretString;
use serde_json::json;

use super::advice::{Cause, Refusal};
use super::output;
use crate::accounts::model::Role;
use crate::accounts::model::people::{
    Access, Moderator, NewModerator, NewPassword, PersonListed, SetupLink,
};
use crate::accounts::{Error, Operator, PasswordCost};
use crate::app::startup;
use crate::base::clock::{self, Clock};
use crate::base::complaint::Complaint;
use crate::base::email::EmailAddress;
use crate::base::text::Name;
use crate::settings::Settings;

/// Octets of standard input that are read for a password; far more than one has.
const INPUT_BYTES_MAX: u64 = 16 * 1024;

/// What to do with people.
#[derive(Subcommand)]
pub(super) enum ModeratorCommand {
    /// Make an account, and a link by which its owner sets a password
    Add(Add),
    /// Show everybody with an account
    List {
        /// How to show them
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Take a password away, end all sessions, and make a link to set another one
    ResetPassword {
        /// The account's e-mail address
        #[arg(value_parser = parse_email)]
        email: EmailAddress,
    },
    /// Shut somebody out at once: no sign-in, no session, no API token
    Disable {
        /// The account's e-mail address
        #[arg(value_parser = parse_email)]
        email: EmailAddress,
    },
    /// Let somebody sign in again who was shut out; sessions and tokens don't come back
    Enable {
        /// The account's e-mail address
        #[arg(value_parser = parse_email)]
        email: EmailAddress,
    },
}

#[derive(Args)]
pub(super) struct Add {
    /// How they sign in
    #[arg(value_parser = parse_email)]
    email: EmailAddress,
    /// The name that colleagues see
    #[arg(long, value_parser = parse_name)]
    name: Name,
    /// owner, admin, moderator or viewer
    #[arg(long, value_parser = parse_role)]
    role: Role,
    /// Slugs of the sites that they see, comma separated; all where it is missing
    #[arg(long, value_delimiter = ',', value_name = "SLUGS")]
    sites: Option<Vec<String>>,
    /// Take the password from standard input instead of making a link
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A table
    Text,
    /// One JSON object
    Json,
}

fn in_words(complaint: Complaint) -> String {
    complaint.message.into_owned()
}

fn parse_email(text: &str) -> Result<EmailAddress, String> {
    EmailAddress::parse_account(text).map_err(in_words)
}

fn parse_name(text: &str) -> Result<Name, String> {
    Name::parse(text).map_err(in_words)
}

fn parse_role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "must be owner, admin, moderator or viewer".to_owned())
}

pub(super) async fn run(settings: &Settings, command: ModeratorCommand) -> anyhow::Result<()> {
    // Before anything is started: somebody may still be typing.
    let password = match &command {
        ModeratorCommand::Add(add) if add.password_stdin => Some(read_password()?),
        _ => None,
    };
    startup::with_database(settings, async |database| {
        let operator = Operator::new(database, Clock::new(), PasswordCost::Standard);
        execute(settings, &operator, command, password)
            .await
            .map_err(explain)
    })
    .await
}

async fn execute(
    settings: &Settings,
    operator: &Operator,
    command: ModeratorCommand,
    password: Option<NewPassword>,
) -> Result<(), Error> {
    match command {
        ModeratorCommand::Add(add) => {
            let added = operator
                .add(NewModerator {
                    sites: operator.find_sites(add.sites.as_deref()).await?,
                    email: add.email,
                    name: add.name,
                    role: add.role,
                    password,
                })
                .await?;
            output::say(&format!("added {}", described(&added.moderator)));
            if let Some(link) = added.link {
                say_link(settings, &link);
            }
        }
        ModeratorCommand::List { format } => show(&operator.list().await?, format),
        ModeratorCommand::ResetPassword { email } => {
            let link = operator.reset_password(&email).await?;
            let email = email.as_str();
            output::say(&format!(
                "the password of {email} is void, and all sessions have ended"
            ));
            say_link(settings, &link);
        }
        ModeratorCommand::Disable { email } => {
            let moderator = operator.set_access(&email, Access::Disabled).await?;
            output::say(&format!("disabled {}", described(&moderator)));
        }
        ModeratorCommand::Enable { email } => {
            let moderator = operator.set_access(&email, Access::Enabled).await?;
            output::say(&format!("enabled {}", described(&moderator)));
        }
    }
    Ok(())
}

/// The first line of standard input.
fn read_password() -> anyhow::Result<NewPassword> {
    let mut text = String::new();
    io::stdin()
        .lock()
        .take(INPUT_BYTES_MAX)
        .read_to_string(&mut text)
        .context("while reading the password from standard input")?;
    let line = SecretString::from(text.lines().next().unwrap_or_default());
    NewPassword::parse(&line).ok().ok_or_else(|| {
        anyhow::Error::new(Refusal {
            what: "the password on standard input can't be taken",
            what_to_do: "give 12 to 1,000 characters in one line",
            cause: Cause::Usage,
        })
    })
}

/// What is refused, with the way out; a failure stays what it is.
fn explain(error: Error) -> anyhow::Error {
    let (what, what_to_do) = match &error {
        Error::ModeratorNotFound => (
            "no account has this e-mail address",
            "`rejoinder moderator list` shows them all",
        ),
        Error::ModeratorExists => (
            "another account has this e-mail address",
            "`rejoinder moderator reset-password` makes a new link for it",
        ),
        Error::ModeratorDisabled => (
            "the account is disabled",
            "let them in first with `rejoinder moderator enable`",
        ),
        Error::LastOwner => (
            "nobody who can sign in would be an owner any more",
            "make somebody else an owner first, and let them set their password",
        ),
        Error::UnfitSites(_) => (
            "these sites can't be given",
            "name slugs of sites that there are, and none for an owner, who sees all",
        ),
        _ => return error.into(),
    };
    Refusal {
        what,
        what_to_do,
        cause: Cause::State,
    }
    .into()
}

fn described(moderator: &Moderator) -> String {
    let Moderator {
        email, name, role, ..
    } = moderator;
    format!("{} {name} <{}>", role.as_str(), email.as_str())
}

fn say_link(settings: &Settings, link: &SetupLink) {
    let ends = clock::to_rfc3339(link.expires_at);
    let (token, public) = (link.token.expose(), settings.http.public_url.as_ref());
    output::say(&match public {
        Some(public) => format!(
            "they set a password there, once, until {ends}:\n  {}",
            link.url(public)
        ),
        None => format!(
            "they set a password with POST /api/v1/setup {{\"token\": …, \"password\": …}}, once, until {ends}:"
        ),
    });
    output::say(&format!("  token {token}"));
}

fn show(people: &[PersonListed], format: Format) {
    match format {
        Format::Text => output::say(&Table(people)),
        Format::Json => {
            let moderators: Vec<_> = people.iter().map(as_json).collect();
            output::say(&json!({ "moderators": moderators }));
        }
    }
}

fn as_json(person: &PersonListed) -> serde_json::Value {
    let moderator = &person.moderator;
    json!({
        "id": moderator.id,
        "email": moderator.email.as_str(),
        "name": moderator.name,
        "role": moderator.role,
        "sites": person.slugs,
        "disabled": moderator.disabled_at.is_some(),
        "created_at": clock::to_rfc3339(moderator.created_at),
        "last_seen_at": moderator.last_seen_at.map(clock::to_rfc3339),
        "has_password": moderator.has_password,
        "totp": moderator.has_second_factor,
    })
}

/// People in columns.
struct Table<'a>(&'a [PersonListed]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![["EMAIL", "NAME", "ROLE", "SITES", "STATE"].map(str::to_owned)];
        lines.extend(self.0.iter().map(columns));
        let mut widths = [0; 5];
        for line in &lines {
            for (width, text) in widths.iter_mut().zip(line) {
                *width = text.chars().count().max(*width);
            }
        }
        for (number, line) in lines.iter().enumerate() {
            let mut text = String::new();
            for (width, column) in widths.iter().zip(line) {
                write!(text, "{column:<width$}  ")?;
            }
            let end = if number + 1 == lines.len() { "" } else { "\n" };
            write!(f, "{}{end}", text.trim_end())?;
        }
        Ok(())
    }
}

fn columns(person: &PersonListed) -> [String; 5] {
    let moderator = &person.moderator;
    let state = if moderator.disabled_at.is_some() {
        "disabled"
    } else if !moderator.has_password {
        "no password yet"
    } else if moderator.has_second_factor {
        "active, second factor"
    } else {
        "active"
    };
    [
        moderator.email.as_str().to_owned(),
        moderator.name.clone(),
        moderator.role.as_str().to_owned(),
        person
            .slugs
            .as_ref()
            .map_or_else(|| "all".to_owned(), |slugs| slugs.join(", ")),
        state.to_owned(),
    ]
}
