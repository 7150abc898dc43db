//! The embedded default database: real Postgres as a child of a keeper process, on a private socket in the data directory.
//! Must not know what is stored in it.
//!
//! What holds: one instance a data directory (`lock`); a cluster is whole or absent (`cluster`); no server outlives its
//! application, however that ends (`keeper`, `leftover`); a refused start has changed nothing.

mod account;
mod bundle;
mod cluster;
mod error;
mod keeper;
mod leftover;
mod lock;
mod place;
mod process;
mod programs;
mod server;

use std::convert::Infallible;
use std::fs;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Executor};
use tokio::time::{Instant, sleep, timeout};

pub use error::Error;
pub use keeper::keep;

use keeper::Charge;
use lock::{AppLock, Holder};
use place::Place;
use programs::{Found, Programs};

/// The one role, who may do everything; only its user can reach the socket.
const USER: &str = "rejoinder";
const DATABASE: &str = "rejoinder";
/// Marks a data directory that was made for tests and goes with them.
const MARKER: &str = ".rejoinder-test-server";

/// How long the server may stay silent at its start.
const ANSWERS_WITHIN: Duration = Duration::from_mins(1);
/// How long it may say that it is still replaying what a crash left.
const RECOVERS_WITHIN: Duration = Duration::from_mins(10);
/// The keeper's own patience with the server, and a little more.
const STOPS_WITHIN: Duration = Duration::from_secs(20);

/// How often we look after the keeper.
const KEEPER_GLANCE: Duration = Duration::from_millis(500);

/// What an acknowledged write is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It is on disk.
    Durable,
    /// Nothing: the whole directory is removed at the end, when this start made it.
    ForTests,
}

/// Where and with what the database runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// The wanted data directory; see [`Embedded::data_dir`] for the one in use.
    pub data_dir: PathBuf,
    /// The directory of the server programs, where the operator names one (`REJOINDER_POSTGRES_BIN`).
    pub programs: Option<PathBuf>,
    /// Our own binary, which is started again as the keeper.
    pub keeper: PathBuf,
    /// Whether the data must survive.
    pub durability: Durability,
}

/// A running database. Dropping it (or dying) makes the keeper shut the server down; [`Embedded::stop`] also waits for that.
#[derive(Debug)]
pub struct Embedded {
    data_dir: PathBuf,
    keeper: Child,
    program: PathBuf,
    charge: Charge,
    _lock: AppLock,
}

/// Starts the database, making it where there is none. Afterwards it has answered once.
pub async fn start(options: Options) -> Result<Embedded, Error> {
    let Options {
        data_dir,
        programs,
        keeper,
        durability,
    } = options;
    let claim = blocking(move || claim(&data_dir, programs.as_deref(), durability)).await?;
    leftover::stop(&claim.place.data_dir).await?;
    let (charge, lock) = blocking(move || claim.prepare(durability)).await?;
    let data_dir = charge.data_dir.clone();
    let log_length = server::log_length(&data_dir);
    let program = keeper;
    let keeper = spawn_keeper(&program, charge.clone())?;
    let mut embedded = Embedded {
        data_dir,
        keeper,
        program,
        charge,
        _lock: lock,
    };
    embedded.await_answer(log_length).await?;
    Ok(embedded)
}

/// How administrative commands reach the database of a running service; none when no service runs on this directory.
pub fn find_running(data_dir: &Path) -> Result<Option<PgConnectOptions>, Error> {
    for path in place::places_of(data_dir)? {
        let Holder::Process(pid) = lock::holder(&path)? else {
            continue;
        };
        let socket = server::socket_in(&server::socket_dir(&path));
        return match UnixStream::connect(socket) {
            Ok(_) => Ok(Some(server::connect_options(&path))),
            Err(_) => Err(Error::NotYet { path, pid }),
        };
    }
    Ok(None)
}

/// Where a cluster is for this data directory; none where the first start would make one. Looks only.
pub fn find_cluster(data_dir: &Path) -> Result<Option<PathBuf>, Error> {
    for path in place::places_of(data_dir)? {
        if cluster::find_version(&path)?.is_some() {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

impl Embedded {
    /// How to reach it: the socket, role and database; nothing is taken from `PG*` in the environment but `PGOPTIONS`.
    pub fn connect_options(&self) -> PgConnectOptions {
        server::connect_options(&self.data_dir)
    }

    /// The data directory really in use; as root it may be another than the wanted one.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The log of the server and its keeper. For tests each line begins with the name of its database.
    pub fn log_file(&self) -> PathBuf {
        server::log_file(&self.data_dir)
    }

    /// Looks after the keeper for ever. One that has ended before us was killed; its server runs on, but nobody would
    /// start that one again. So the server is stopped, too, and both begin anew.
    pub async fn replace_killed_keepers(&mut self) -> Infallible {
        loop {
            sleep(KEEPER_GLANCE).await;
            if matches!(self.keeper.try_wait(), Ok(None)) {
                continue;
            }
            tracing::error!("the keeper of the database was killed, starting another one");
            if let Err(error) = self.replace_keeper().await {
                tracing::error!(%error, "the database has no keeper, trying again");
            }
        }
    }

    async fn replace_keeper(&mut self) -> Result<(), Error> {
        leftover::stop(&self.data_dir).await?;
        self.keeper = spawn_keeper(&self.program, self.charge.clone())?;
        Ok(())
    }

    /// Shuts the server down (clients are cut off) and waits until it is gone.
    pub async fn stop(mut self) -> Result<(), Error> {
        drop(self.keeper.stdin.take());
        let deadline = Instant::now() + STOPS_WITHIN;
        while matches!(self.keeper.try_wait(), Ok(None)) {
            if Instant::now() >= deadline {
                let log = server::log_file(&self.data_dir);
                return Err(Error::DidNotStop {
                    log,
                    seconds: STOPS_WITHIN.as_secs(),
                });
            }
            sleep(Duration::from_millis(10)).await;
        }
        // Where the keeper was killed before us, the server is still there.
        leftover::stop(&self.data_dir).await
    }

    async fn await_answer(&mut self, log_length: u64) -> Result<(), Error> {
        let options = self.connect_options().disable_statement_logging();
        let begun = Instant::now();
        let mut limit = ANSWERS_WITHIN;
        loop {
            match timeout(Duration::from_secs(5), answer(&options)).await {
                Ok(Answer::Ready) => return Ok(()),
                Ok(Answer::Refused(cause)) => return Err(Error::Refused(cause)),
                Ok(Answer::Recovering) => limit = RECOVERS_WITHIN,
                Ok(Answer::Silent) | Err(_) => {}
            }
            let has_given_up = !matches!(self.keeper.try_wait(), Ok(None));
            if has_given_up || begun.elapsed() > limit {
                let end = server::end_of_log(&self.data_dir, log_length);
                return Err(Error::DidNotStart {
                    log: self.log_file(),
                    end,
                });
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// What a try to connect came to.
enum Answer {
    Ready,
    Recovering,
    Silent,
    Refused(sqlx::Error),
}

async fn answer(options: &PgConnectOptions) -> Answer {
    let outcome = match PgConnection::connect_with(options).await {
        Err(cause) if has_code(&cause, "3D000") => create_database(options).await,
        Err(cause) => Err(cause),
        Ok(connection) => connection.close().await,
    };
    match outcome {
        Ok(()) => Answer::Ready,
        Err(cause) if has_code(&cause, "57P03") => Answer::Recovering,
        Err(cause @ sqlx::Error::Database(_)) => Answer::Refused(cause),
        Err(_) => Answer::Silent,
    }
}

async fn create_database(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect_with(&options.clone().database("postgres")).await?;
    connection.execute("create database rejoinder").await?;
    connection.close().await
}

fn has_code(error: &sqlx::Error, code: &str) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|found| found == code)
}

/// A data directory that is ours now, and what will run in it.
struct Claim {
    place: Place,
    lock: AppLock,
    programs: Found,
    has_cluster: bool,
}

/// Looks at everything that can refuse us before anything is made.
fn claim(wanted: &Path, programs: Option<&Path>, durability: Durability) -> Result<Claim, Error> {
    let place = Place::choose(wanted)?;
    let version = cluster::find_version(&place.data_dir)?;
    let programs = programs::find(
        programs,
        version.as_deref(),
        &place.data_dir,
        &place.account,
    )?;
    let is_new = place.make()?;
    let lock = AppLock::take(&place.data_dir)?;
    if is_new && durability == Durability::ForTests {
        let marker = place.data_dir.join(MARKER);
        fs::write(&marker, place.data_dir.as_os_str().as_encoded_bytes())
            .map_err(Error::io("writing", &marker))?;
    }
    lock::await_earlier_keeper(&place.data_dir)?;
    // Asked again: until the lock was ours, somebody else may have made one.
    let has_cluster = cluster::find_version(&place.data_dir)?.is_some();
    Ok(Claim {
        place,
        lock,
        programs,
        has_cluster,
    })
}

impl Claim {
    fn prepare(self, durability: Durability) -> Result<(Charge, AppLock), Error> {
        let Self {
            place,
            lock,
            programs,
            has_cluster,
        } = self;
        let is_bundled = matches!(programs, Found::Bundled);
        let programs = match programs {
            Found::Installed(programs) => programs,
            Found::Bundled => bundle::unpack(&place.data_dir, &place.account)?,
        };
        if has_cluster {
            cluster::hand_over(&place)?;
        } else if is_bundled && !bundle::is_plain(&programs.bin) {
            let aside = bundle::unpack_aside(&place.account)?;
            cluster::create(&place, &aside.programs, durability)?;
        } else {
            cluster::create(&place, &programs, durability)?;
        }
        let socket_dir = server::make_socket_dir(&place)?;
        let Place { data_dir, account } = place;
        let Programs {
            bin, environment, ..
        } = programs;
        Ok((
            Charge {
                data_dir,
                bin,
                socket_dir,
                durability,
                account,
                environment,
            },
            lock,
        ))
    }
}

fn spawn_keeper(program: &Path, charge: Charge) -> Result<Child, Error> {
    let program = std::path::absolute(program).map_err(Error::io("resolving", program))?;
    let mut command = Command::new(&program);
    process::clean_environment(&mut command)
        .arg("postgres-keeper")
        .args(charge.into_arguments())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C goes to the whole group of the terminal: it must reach the application alone, which has requests to finish.
        .process_group(0)
        .spawn()
        .map_err(Error::io("starting", &program))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(Error::Interrupted))
}

fn sha256_hex(bytes: &[u8]) -> String {
    let digits: Vec<_> = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    digits.concat()
}
