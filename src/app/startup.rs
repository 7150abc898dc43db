//! From settings to a running service. The only file that builds; must not hold a rule of the trade.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use actix_web::{App, HttpServer, middleware::from_fn};
use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::shutdown::Shutdown;
use super::workers::{Beginnings, Workers};
use super::{metrics, routes, works};
use crate::accounts::{AccountOptions, Accounts, FirstOwner, PasswordCost};
use crate::base::clock::Clock;
use crate::base::secret::{Purpose, ServerSecret};
use crate::comments::{Changes, Comments, Limits};
use crate::database::embedded::{self, Durability, Embedded};
use crate::database::{self, Capacity, Database, Lane, Notices};
use crate::demo;
use crate::jobs::Jobs;
use crate::moderation::{Events, Moderation, Persons};
use crate::settings::Settings;
use crate::sites::Sites;
use crate::sites::service::PageChanges;
use crate::transfer::Transfer;
use crate::web::client_address::ClientAddresses;
use crate::web::envelope;
use crate::web::same_origin::OwnOrigin;

/// How long an external database may take to answer at the start; it may be starting too.
const DATABASE_WAIT_MAX: Duration = Duration::from_secs(30);
/// How often it is tried meanwhile.
const DATABASE_POLL: Duration = Duration::from_millis(500);
/// Idle connections of clients are closed after this.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// A request's head has to arrive within this, else 408 from the HTTP parser.
const HEAD_TIME_MAX: Duration = Duration::from_secs(5);
/// What is under way at the end may take so long.
pub(super) const FINISH_TIME_MAX: Duration = Duration::from_secs(20);
/// Streams of events are never silent for longer.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Where a generated password is put when no person reads the output.
const PASSWORD_FILE: &str = "owner-password";

/// What tests need otherwise than operators.
#[derive(Clone)]
pub struct Setting {
    /// The time that the service goes by.
    pub clock: Clock,
    /// What a password's hash costs.
    pub passwords: PasswordCost,
    /// Threads that serve HTTP; none: one for each processor.
    pub http_workers: Option<usize>,
    /// How long a stream of events may be silent.
    pub heartbeat: Duration,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            clock: Clock::new(),
            passwords: PasswordCost::Standard,
            http_workers: None,
            heartbeat: HEARTBEAT,
        }
    }
}

/// Who owns the service after a first start.
pub struct NewOwner {
    /// How they sign in.
    pub email: String,
    /// The password that was made; none where the operator gave one.
    pub generated: Option<Generated>,
}

/// Where a generated password is to be had.
pub enum Generated {
    /// Here, to be shown once.
    Here(SecretString),
    /// In a file that only we can read.
    File(PathBuf),
}

/// Whether somebody reads what the start says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// A person at a terminal.
    Person,
    /// A log.
    Machine,
}

/// A service that answers.
pub struct Running {
    /// The port it listens on.
    pub port: u16,
    /// Made by this start, if one was.
    pub first_owner: Option<NewOwner>,
    /// Where the data is: the directory in use, or none with an external database.
    pub data_dir: Option<PathBuf>,
    shutdown: Shutdown,
}

impl Running {
    /// Serves until a signal (SIGTERM, SIGINT) comes, then finishes what is under way.
    pub async fn wait(self) -> anyhow::Result<()> {
        self.shutdown.at_signal().await
    }

    /// Stops at once, after finishing what is under way.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.now().await
    }
}

/// Where the database is, and who holds it.
pub(super) struct Place {
    pub(super) options: PgConnectOptions,
    embedded: Option<Embedded>,
}

/// Starts everything and answers when it serves: database, migrations, secret, first site and owner, HTTP.
pub async fn start(settings: Settings, audience: Audience) -> anyhow::Result<Running> {
    start_with(settings, audience, Setting::default()).await
}

/// The same with what tests need.
pub async fn start_with(
    settings: Settings,
    audience: Audience,
    setting: Setting,
) -> anyhow::Result<Running> {
    // First, so that a taken port leaves everything else untouched.
    let address = settings.http.listen;
    let listener =
        TcpListener::bind(address).with_context(|| format!("while listening on {address}"))?;
    let port = listener
        .local_addr()
        .context("while asking for the own address")?
        .port();
    let place = open_database(&settings).await?;
    let started = serve(&settings, setting, listener, &place).await;
    let (mut shutdown, first_owner) = match started {
        Ok(started) => started,
        Err(error) => {
            // The keeper would notice our end by itself, but a tidy shut-down is faster than a recovery.
            if let Some(embedded) = place.embedded
                && let Err(error) = embedded.stop().await
            {
                tracing::warn!(%error, "stopping the embedded database failed");
            }
            return Err(error);
        }
    };
    let data_dir = place
        .embedded
        .as_ref()
        .map(|embedded| embedded.data_dir().to_owned());
    let first_owner = first_owner
        .map(|owner| hand_over(owner, audience, data_dir.as_deref(), &settings))
        .transpose()?;
    shutdown.embedded = place.embedded;
    Ok(Running {
        port,
        first_owner,
        data_dir,
        shutdown,
    })
}

/// Brings the database to this release's schema; for `rejoinder migrate`.
pub async fn migrate(settings: &Settings) -> anyhow::Result<()> {
    with_database(settings, async |_migrated| Ok(())).await
}

/// Works on the database, which has this release's schema then; for commands. Where a service holds the embedded database,
/// it is asked through that one's socket; else it is started, and stopped again.
pub async fn with_database<T>(
    settings: &Settings,
    work: impl AsyncFnOnce(Database) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let place = find_or_open_database(settings).await?;
    let outcome = work_at(&place, work).await;
    close(place).await?;
    outcome
}

/// What commands work with that change pages and comments.
pub struct Tools {
    /// The database.
    pub database: Database,
    /// The sites; the first one is there.
    pub sites: Sites,
    /// The comments.
    pub comments: Comments,
    /// What is held of persons.
    pub persons: Persons,
}

/// Like [`with_database`], with all set up as the service does it. Other instances are told what was changed.
pub async fn with_tools<T>(
    settings: &Settings,
    work: impl AsyncFnOnce(Tools) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    with_database(settings, async |database| {
        let secret = secret(settings, &database)
            .await
            .context("while loading the secret")?;
        let clock = Clock::new();
        let own = settings.http.public_url.clone();
        let notices = Notices::new(database.clone());
        let pages = PageChanges::new(notices.clone());
        let sites = Sites::new(database.clone(), clock.clone(), own, pages.clone());
        sites
            .set_up(&settings.sites.origins)
            .await
            .context("while setting up the first site")?;
        let limits = Arc::new(Limits::new(settings.http.rate_limit));
        let comments = Comments::new(
            database.clone(),
            sites.clone(),
            clock.clone(),
            &secret,
            limits,
            Changes::new(notices.clone(), pages),
        );
        let outcome = work(Tools {
            persons: Persons::new(database.clone(), clock, comments.clone()),
            database,
            sites,
            comments,
        })
        .await;
        if let Err(error) = notices.flush().await {
            tracing::debug!(%error, "the notices of a command could not be sent");
        }
        outcome
    })
    .await
}

/// Stops what was started for a command.
pub(super) async fn close(place: Place) -> anyhow::Result<()> {
    match place.embedded {
        Some(embedded) => embedded
            .stop()
            .await
            .context("while stopping the embedded database"),
        None => Ok(()),
    }
}

pub(super) async fn find_or_open_database(settings: &Settings) -> anyhow::Result<Place> {
    if settings.database.url.is_none()
        && let Some(running) = embedded::find_running(settings.data_dir())
            .context("while looking for a running service")?
    {
        return Ok(Place {
            options: quiet(running),
            embedded: None,
        });
    }
    open_database(settings).await
}

async fn work_at<T>(
    place: &Place,
    work: impl AsyncFnOnce(Database) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    database::migrate(&place.options)
        .await
        .context("while migrating the database")?;
    // Made when they are needed: all but what stores made comments needs one.
    let capacity = Capacity {
        readers: demo::WRITERS.into(),
        ..Capacity::ONE_EACH
    };
    let database = Database::new(place.options.clone(), capacity);
    let outcome = work(database.clone()).await;
    database.close().await;
    outcome
}

pub(super) async fn open_database(settings: &Settings) -> anyhow::Result<Place> {
    let Some(url) = &settings.database.url else {
        let embedded = open_embedded(settings).await?;
        return Ok(Place {
            options: quiet(embedded.connect_options()),
            embedded: Some(embedded),
        });
    };
    let options: PgConnectOptions = url
        .expose_secret()
        .parse()
        .context("while reading DATABASE_URL")?;
    let options = quiet(options);
    await_answer(&options)
        .await
        .context("while connecting to the database of DATABASE_URL")?;
    Ok(Place {
        options,
        embedded: None,
    })
}

pub(super) async fn open_embedded(settings: &Settings) -> anyhow::Result<Embedded> {
    embedded::start(embedded::Options {
        data_dir: settings.data_dir().clone(),
        programs: settings.database.postgres_bin.clone(),
        keeper: std::env::current_exe().context("while looking for the own program")?,
        durability: Durability::Durable,
    })
    .await
    .context("while starting the embedded database")
}

/// sqlx would log every statement; slow ones show in the figures and in Postgres's own log.
pub(super) fn quiet(options: PgConnectOptions) -> PgConnectOptions {
    options.disable_statement_logging()
}

/// A server that is just starting refuses connections, answers that it isn't ready, or not at all.
async fn await_answer(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
    let deadline = Instant::now() + DATABASE_WAIT_MAX;
    loop {
        let error = match timeout_at(deadline, options.clone().connect()).await {
            Ok(Ok(connection)) => return connection.close().await,
            Ok(Err(error)) => error,
            Err(_elapsed) => return Err(std::io::Error::from(ErrorKind::TimedOut).into()),
        };
        if Instant::now() >= deadline || !may_pass(&error) {
            return Err(error);
        }
        tracing::warn!(%error, "the database can't be reached yet, trying again");
        sleep(DATABASE_POLL).await;
    }
}

/// No connection at all, too many connections (SQLSTATE 53300), or starting up (57P03).
fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(refusal) => refusal
            .code()
            .is_some_and(|state| matches!(&*state, "53300" | "57P03")),
        _ => false,
    }
}

async fn serve(
    settings: &Settings,
    setting: Setting,
    listener: TcpListener,
    place: &Place,
) -> anyhow::Result<(Shutdown, Option<NewOwner>)> {
    database::migrate(&place.options)
        .await
        .context("while migrating the database")?;
    let database = Database::new(place.options.clone(), Capacity::default());
    let limits = Arc::new(Limits::new(settings.http.rate_limit));
    let http_workers = setting.http_workers;
    let clock = setting.clock.clone();
    let (stop, stopping) = watch::channel(false);
    let beside = Beside {
        notices: Notices::new(database.clone()),
        limits: Arc::clone(&limits),
        stopping,
    };
    let services = services(settings, setting, &database, &beside).await?;
    let first_owner = first_owner(settings, &services.accounts)
        .await
        .context("while making the first owner")?;
    let (figures_server, figures_handle) = match settings.http.metrics_listen {
        Some(address) => {
            let (accounts, comments) = (services.accounts.clone(), services.comments.clone());
            let database = database.clone();
            let observe = move || {
                database.observe();
                accounts.observe();
                comments.observe();
            };
            let (server, handle, address) = metrics::serve(address, observe)?;
            tracing::info!("metrics are at http://{address}/metrics");
            (Some(server), Some(handle))
        }
        None => (None, None),
    };
    let handlers = works::handlers(&services);
    let jobs = Jobs::new(database.clone(), clock, beside.notices.clone(), handlers);
    jobs.set_up()
        .await
        .context("while setting up the regular jobs")?;
    let workers = Workers::start(
        Beginnings {
            comments: services.comments.as_ref().clone(),
            moderation: services.moderation.as_ref().clone(),
            sites: services.sites.clone(),
            jobs,
            figures: figures_handle,
        },
        beside,
        stop,
    );
    let mut server = HttpServer::new(move || {
        let services = services.clone();
        App::new()
            .configure(move |config| routes::register(config, &services))
            .wrap(from_fn(routes::docs_policy))
            .wrap(from_fn(envelope::wrap))
    })
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(HEAD_TIME_MAX)
    .shutdown_timeout(FINISH_TIME_MAX.as_secs())
    .disable_signals();
    if let Some(workers) = http_workers {
        server = server.workers(workers);
    }
    let server = server.listen(listener).context("while listening")?.run();
    let shutdown = Shutdown::new(server, figures_server, workers, database);
    Ok((shutdown, first_owner))
}

/// What requests share with what runs beside them.
pub(super) struct Beside {
    pub(super) notices: Notices,
    pub(super) limits: Arc<Limits>,
    /// True when the instance is about to end.
    pub(super) stopping: watch::Receiver<bool>,
}

/// What the handlers work with; the first site is there afterwards.
async fn services(
    settings: &Settings,
    setting: Setting,
    database: &Database,
    beside: &Beside,
) -> anyhow::Result<routes::Services> {
    let http = &settings.http;
    let secret = secret(settings, database)
        .await
        .context("while loading the secret")?;
    let own = http.public_url.clone();
    let pages = PageChanges::new(beside.notices.clone());
    let sites = Sites::new(database.clone(), setting.clock.clone(), own, pages.clone());
    sites
        .set_up(&settings.sites.origins)
        .await
        .context("while setting up the first site")?;
    let accounts = Accounts::new(
        database.clone(),
        setting.clock.clone(),
        beside.notices.clone(),
        secret.subkey(Purpose::SecondFactor),
        AccountOptions {
            limiting: http.rate_limit,
            cost: setting.passwords,
            public_url: http.public_url.clone(),
        },
    )
    .context("while preparing the accounts")?;
    let changes = Changes::new(beside.notices.clone(), pages);
    let comments = Comments::new(
        database.clone(),
        sites.clone(),
        setting.clock.clone(),
        &secret,
        Arc::clone(&beside.limits),
        changes.clone(),
    )
    .keeping(http.list_cache_bytes_max);
    let transfer = Transfer::new(database.clone(), setting.clock.clone());
    let persons = Persons::new(database.clone(), setting.clock.clone(), comments.clone());
    let moderation = Moderation::new(
        database.clone(),
        setting.clock,
        sites.clone(),
        comments.clone(),
    );
    let events = Events::new(
        changes.clone(),
        accounts.clone(),
        sites.clone(),
        setting.heartbeat,
        beside.stopping.clone(),
    );
    comments
        .enqueue_author_ids()
        .await
        .context("while looking for comments that lack their author's id")?;
    Ok(routes::Services {
        database: Data::new(database.clone()),
        sites,
        accounts: Data::new(accounts),
        comments: Data::new(comments),
        moderation: Data::new(moderation),
        persons: Data::new(persons),
        events: Data::new(events),
        transfer: Data::new(transfer),
        addresses: Data::new(ClientAddresses::new(http)),
        own_origin: Data::new(OwnOrigin::new(http.public_url.clone())),
        document: Data::new(super::openapi::document()?),
    })
}

async fn secret(settings: &Settings, database: &Database) -> anyhow::Result<ServerSecret> {
    let parse = |bytes: &[u8]| {
        ServerSecret::parse(bytes)
            .map_err(|complaint| anyhow::anyhow!("the secret {}", complaint.message))
    };
    if let Some(given) = &settings.accounts.secret {
        return parse(given.expose_secret().as_bytes());
    }
    let fresh = ServerSecret::generate();
    let kept = database
        .run(Lane::Moderators, async |connection: &mut PgConnection| {
            database::load_secret(connection, fresh.expose()).await
        })
        .await?;
    parse(&kept)
}

async fn first_owner(settings: &Settings, accounts: &Accounts) -> anyhow::Result<Option<NewOwner>> {
    let email = &settings.accounts.admin_email;
    let made = accounts
        .ensure_first_owner(email, settings.accounts.admin_password.clone())
        .await?;
    Ok(match made {
        FirstOwner::Existing => None,
        FirstOwner::Created { generated } => Some(NewOwner {
            email: email.as_str().to_owned(),
            generated: generated.map(Generated::Here),
        }),
    })
}

/// A generated password is shown to a person once; where none looks on, it goes into a file instead of a log.
fn hand_over(
    owner: NewOwner,
    audience: Audience,
    data_dir: Option<&Path>,
    settings: &Settings,
) -> anyhow::Result<NewOwner> {
    let Some(Generated::Here(password)) = &owner.generated else {
        return Ok(owner);
    };
    if audience == Audience::Person {
        return Ok(owner);
    }
    // Where one looks first: in the directory that was set, also when root's database had to go elsewhere. The others are
    // for a place that can't be written: an owner whose password nobody knows would lock everybody out.
    let temporary = std::env::temp_dir();
    let places = [
        Some(settings.data_dir().as_path()),
        data_dir,
        Some(&temporary),
    ];
    let mut refused = None;
    for directory in places.into_iter().flatten() {
        let path = directory.join(PASSWORD_FILE);
        match std::fs::create_dir_all(directory).and_then(|()| write_private(&path, password)) {
            Ok(()) => {
                let generated = Some(Generated::File(path));
                return Ok(NewOwner { generated, ..owner });
            }
            Err(error) => refused = Some(error),
        }
    }
    let refused = refused.unwrap_or_else(|| ErrorKind::NotFound.into());
    Err(refused).context("while writing the owner's password into a file")
}

fn write_private(path: &Path, password: &SecretString) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    // A file or a link that is there already would keep its mode, or lead elsewhere.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{}", password.expose_secret())
}
