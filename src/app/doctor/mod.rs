//! Looks at everything that an installation needs, and says what to do about each thing that isn't right. Changes nothing.
//! Must not print.

mod configured;
mod finding;

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::time::timeout;

use super::startup::{open_embedded, quiet};
use crate::accounts;
use crate::base::clock::Clock;
use crate::base::page_url::Origin;
use crate::database::embedded::{self, Embedded};
use crate::database::{self, Capacity, Database, Inspection, Notices, SchemaState, VERSION_MIN};
use crate::jobs;
use crate::settings::{Mistake, Settings};
use crate::sites::Sites;
use crate::sites::service::PageChanges;

pub use finding::{Finding, Level};

/// How long a database may take to answer; whoever asks a doctor doesn't wait for one that may be starting.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// All questions together.
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);
/// Clocks that differ by more make confusing times; by much more, codes of second factors fail.
const CLOCK_WARNING: time::Duration = time::Duration::seconds(2);
/// See [`CLOCK_WARNING`]: a code holds for 30 seconds.
const CLOCK_PROBLEM: time::Duration = time::Duration::seconds(30);

/// With less room on its disk the database may stop within the hour.
const ROOM_PROBLEM_MB: u64 = 100;
/// With less room it is time to look for more: a million comments take about 2,000 MB.
const ROOM_WARNING_MB: u64 = 2_000;

/// What can be said where the settings are wrong: each mistake, and that nothing else could be looked at.
pub fn of_mistakes(mistakes: &[Mistake]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = mistakes
        .iter()
        .map(|mistake| {
            let what = format!(
                "{} ({}): {}",
                mistake.shown_name(),
                mistake.place,
                mistake.problem
            );
            Finding::problem("settings", what, mistake.remedy.clone())
        })
        .collect();
    findings.push(Finding::warning(
        "settings",
        "nothing else was looked at",
        "put the settings right and ask again",
    ));
    findings
}

/// Looks at everything; what can't be looked at is said, and the rest goes on.
pub async fn examine(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![Finding::ok("settings", "all settings can be read")];
    let Reached {
        options,
        started,
        found,
    } = reach(settings).await;
    findings.extend(found);
    let first_site = match options {
        Some(options) => ask(&options, settings, &mut findings).await,
        None => FirstSite::Unknown,
    };
    if let Some(embedded) = started
        && let Err(error) = embedded.stop().await
    {
        let remedy = "look at the log of the database in the data directory";
        findings.push(Finding::problem("database", error.to_string(), remedy));
    }
    findings.push(configured::origins(settings, first_site));
    findings.push(configured::public_url(settings));
    findings.push(configured::proxies(settings));
    findings.push(configured::secret(settings));
    findings.push(configured::limits(settings));
    findings
}

/// The way to the database.
#[derive(Default)]
struct Reached {
    /// How to connect; none where there is nothing to ask.
    options: Option<PgConnectOptions>,
    /// Started for this, and stopped afterwards.
    started: Option<Embedded>,
    found: Vec<Finding>,
}

async fn reach(settings: &Settings) -> Reached {
    let Some(url) = &settings.database.url else {
        return reach_embedded(settings).await;
    };
    let mut reached = Reached::default();
    match url.expose_secret().parse::<PgConnectOptions>() {
        Ok(options) => {
            reached.options = Some(quiet(options));
            reached.found.extend([
                Finding::ok("database", "an external one, named by DATABASE_URL"),
                Finding::ok(
                    "disk",
                    "that of the database can't be seen from here: watch it there",
                ),
            ]);
        }
        Err(error) => reached.found.push(Finding::problem(
            "database",
            format!("DATABASE_URL can't be used: {error}"),
            "give an address such as postgres://user:password@host:5432/database",
        )),
    }
    reached
}

async fn reach_embedded(settings: &Settings) -> Reached {
    let mut reached = Reached::default();
    let failed = |error: String| {
        let remedy = "do what it says, and ask again";
        Finding::problem("database", error, remedy)
    };
    match embedded::find_running(settings.data_dir()) {
        Ok(Some(options)) => {
            reached.options = Some(quiet(options));
            reached.found.extend([
                Finding::ok("service", "it is running on this data directory"),
                Finding::ok("database", "the embedded one"),
            ]);
            if let Ok(Some(place)) = embedded::find_cluster(settings.data_dir()) {
                reached.found.push(room(&place));
            }
            return reached;
        }
        Ok(None) => reached.found.push(Finding::warning(
            "service",
            "it is not running on this data directory",
            "start it: rejoinder serve",
        )),
        Err(error) => {
            reached.found.push(failed(error.to_string()));
            return reached;
        }
    }
    let place = match embedded::find_cluster(settings.data_dir()) {
        Ok(Some(place)) => place,
        Ok(None) => {
            let what = "the embedded one, which the first start makes";
            reached.found.push(Finding::ok("database", what));
            return reached;
        }
        Err(error) => {
            reached.found.push(failed(error.to_string()));
            return reached;
        }
    };
    let what = format!("the embedded one in {}", place.display());
    reached.found.push(Finding::ok("database", what));
    reached.found.push(room(&place));
    match open_embedded(settings).await {
        Ok(embedded) => {
            reached.options = Some(quiet(embedded.connect_options()));
            reached.started = Some(embedded);
        }
        Err(error) => reached.found.push(failed(format!("{error:#}"))),
    }
    reached
}

/// What the database says of the first site's origins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FirstSite {
    HasOrigins,
    LoopbackOnly,
    Unknown,
}

async fn ask(
    options: &PgConnectOptions,
    settings: &Settings,
    findings: &mut Vec<Finding>,
) -> FirstSite {
    let mut connection = match timeout(ANSWERS_WITHIN, options.connect()).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => {
            findings.push(unreachable(&format!("it can't be reached: {error}")));
            return FirstSite::Unknown;
        }
        Err(_elapsed) => {
            findings.push(unreachable("it doesn't answer"));
            return FirstSite::Unknown;
        }
    };
    let asked = timeout(
        ANSWERED_WITHIN,
        ask_all(&mut connection, settings, findings),
    )
    .await;
    let schema = match asked {
        Ok(Ok(schema)) => schema,
        Ok(Err(error)) => {
            findings.push(unreachable(&format!("it can't be asked: {error:#}")));
            return FirstSite::Unknown;
        }
        Err(_elapsed) => {
            findings.push(unreachable("it takes too long to answer"));
            return FirstSite::Unknown;
        }
    };
    // What it says at the end is of no use to anybody.
    connection.close().await.ok();
    if schema == SchemaState::Current {
        first_site(options, settings).await
    } else {
        FirstSite::Unknown
    }
}

fn unreachable(what: &str) -> Finding {
    Finding::problem(
        "database",
        what,
        "check that the server runs, that it can be reached from here, and what DATABASE_URL says",
    )
}

async fn ask_all(
    connection: &mut PgConnection,
    settings: &Settings,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<SchemaState> {
    let clock = Clock::new();
    let before = clock.now();
    let inspection = database::inspect(connection)
        .await
        .context("while looking at the server")?;
    let ahead = inspection.now - (before + (clock.now() - before) / 2);
    findings.push(server(&inspection));
    if !settings.has_embedded_database() {
        findings.push(service(&inspection));
    }
    let schema = database::schema_state(connection)
        .await
        .context("while looking at the migrations")?;
    findings.push(migrations(&schema, &inspection));
    findings.push(rights(&inspection));
    findings.push(indexes(&inspection));
    findings.push(connections(&inspection));
    findings.push(clocks(ahead));
    if schema == SchemaState::Current {
        let owners = accounts::count_owners(connection)
            .await
            .context("while looking for an owner")?;
        findings.push(owner(owners));
        let given_up = jobs::count_given_up(connection)
            .await
            .context("while looking at the jobs")?;
        findings.push(jobs_given_up(given_up));
    }
    Ok(schema)
}

fn server(inspection: &Inspection) -> Finding {
    let version = inspection.version / 10_000;
    if inspection.version < VERSION_MIN {
        let oldest = VERSION_MIN / 10_000;
        return Finding::problem(
            "database",
            format!("it is Postgres {version}"),
            format!("use Postgres {oldest} or later"),
        );
    }
    if inspection.is_read_only {
        return Finding::problem(
            "database",
            "it takes no writes",
            "name the primary server in DATABASE_URL, not a standby",
        );
    }
    let megabytes = inspection.size_bytes / 1_000_000;
    Finding::ok(
        "database",
        format!("it answers: Postgres {version}, {megabytes} MB"),
    )
}

fn service(inspection: &Inspection) -> Finding {
    if inspection.service_connections == 0 {
        return Finding::warning(
            "service",
            "none is connected to the database",
            "start one: rejoinder serve",
        );
    }
    Finding::ok(
        "service",
        format!(
            "it is running: {} connections of it to the database",
            inspection.service_connections
        ),
    )
}

fn migrations(schema: &SchemaState, inspection: &Inspection) -> Finding {
    match schema {
        SchemaState::Current => Finding::ok("migrations", "the schema is this release's"),
        SchemaState::LeftBehind { needed, known } => Finding::problem(
            "migrations",
            format!("the schema needs migration {needed}, this release ends at {known}"),
            "install the newer release that made it",
        ),
        SchemaState::Pending(number) if inspection.may_create => Finding::warning(
            "migrations",
            format!("{number} are still to be applied"),
            "start the service, or: rejoinder migrate",
        ),
        SchemaState::Pending(number) => Finding::problem(
            "migrations",
            format!("{number} are still to be applied, and this account may not create tables"),
            "grant it CREATE on its schema, as: grant create on schema public to its role",
        ),
    }
}

fn rights(inspection: &Inspection) -> Finding {
    let lacking = &inspection.tables_without_rights;
    if lacking.is_empty() {
        return Finding::ok("rights", "this account may do what the service does");
    }
    Finding::problem(
        "rights",
        format!(
            "this account may not read or change: {}",
            lacking.join(", ")
        ),
        "grant it select, insert, update and delete on all tables of its schema",
    )
}

/// Room on the disk of the embedded database. That of another server can't be seen from here.
fn room(cluster: &Path) -> Finding {
    let free = match rustix::fs::statvfs(cluster) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize) / 1_000_000,
        Err(error) => {
            let what = format!("the free space can't be seen: {error}");
            return Finding::warning("disk", what, "check who owns the data directory");
        }
    };
    let what = format!("{free} MB are free for the database");
    let remedy = "make room, or move the data directory to a larger disk";
    match free {
        ..ROOM_PROBLEM_MB => Finding::problem("disk", what, remedy),
        ROOM_PROBLEM_MB..ROOM_WARNING_MB => Finding::warning("disk", what, remedy),
        _ => Finding::ok("disk", what),
    }
}

fn indexes(inspection: &Inspection) -> Finding {
    if inspection.broken_indexes.is_empty() {
        return Finding::ok("indexes", "all are of use");
    }
    Finding::warning(
        "indexes",
        format!("not of use: {}", inspection.broken_indexes.join(", ")),
        "if no migration is under way, `rejoinder migrate` makes them anew",
    )
}

fn connections(inspection: &Inspection) -> Finding {
    let (used, max) = (inspection.connections_used, inspection.connections_max);
    let each = i64::from(Capacity::default().all());
    // What services of ours hold already needn't come on top.
    let needed = (each - inspection.service_connections).max(0);
    let what = format!("{used} of {max} are in use");
    if max - used < needed {
        return Finding::warning(
            "connections",
            format!("{what}, and an instance takes up to {each}"),
            "raise max_connections of the server, or run fewer instances",
        );
    }
    Finding::ok("connections", what)
}

fn clocks(ahead: time::Duration) -> Finding {
    let seconds = ahead.abs().whole_seconds();
    let what = format!("that of the database differs by {seconds} s");
    let remedy = "let both machines keep time by NTP";
    if ahead.abs() >= CLOCK_PROBLEM {
        Finding::problem("clock", what, remedy)
    } else if ahead.abs() >= CLOCK_WARNING {
        Finding::warning("clock", what, remedy)
    } else {
        Finding::ok("clock", "that of the database agrees with this one")
    }
}

fn owner(owners: accounts::Owners) -> Finding {
    match (owners.all, owners.able) {
        (0, _) => Finding::warning(
            "owner",
            "there is none yet",
            "start the service, which makes the first one",
        ),
        (_, 0) => Finding::problem(
            "owner",
            "none can sign in: they are disabled, or have no password",
            "give one a password: rejoinder moderator reset-password",
        ),
        (_, able) => Finding::ok("owner", format!("{able} can sign in")),
    }
}

fn jobs_given_up(number: i64) -> Finding {
    if number == 0 {
        return Finding::ok("jobs", "none was given up");
    }
    Finding::warning(
        "jobs",
        format!("{number} were given up after too many failures"),
        "look at GET /api/v1/admin/jobs, put right what made them fail, and retry them there",
    )
}

async fn first_site(options: &PgConnectOptions, settings: &Settings) -> FirstSite {
    let database = Database::new(options.clone(), Capacity::ONE_EACH);
    let own = settings.http.public_url.clone();
    let changes = PageChanges::new(Notices::new(database.clone()));
    let sites = Sites::new(database.clone(), Clock::new(), own, changes);
    let read = sites.refresh().await;
    database.close().await;
    // Pages on this machine belong to the first site as long as it has no origins of its own.
    match (read, Origin::parse("http://localhost")) {
        (Ok(()), Ok(local)) if sites.find_by_origin(&local).is_some() => FirstSite::LoopbackOnly,
        (Ok(()), Ok(_)) => FirstSite::HasOrigins,
        _ => FirstSite::Unknown,
    }
}
