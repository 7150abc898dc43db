//! A server that outlived its keeper: found by proof, not by its pid alone, and stopped. Must not know who starts the next.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, Row};
use tokio::time::{Instant, sleep, timeout};

use super::error::Error;
use super::process::{is_alive, signal};
use super::{cluster, server};

/// How long it may take to answer who it is.
const ANSWER: Duration = Duration::from_secs(3);

/// Stops the server that runs on this data directory without a keeper, if there is one.
pub(super) async fn stop(data_dir: &Path) -> Result<(), Error> {
    let Some(pid) = find(data_dir).await else {
        return Ok(());
    };
    tracing::warn!("a database server of an earlier run is stopped");
    for (how, limit) in [(Signal::INT, 15), (Signal::QUIT, 5)] {
        signal(pid, how).map_err(|cause| Error::Io {
            doing: "stopping the server of",
            path: data_dir.to_owned(),
            cause: cause.into(),
        })?;
        if has_ended(pid, Duration::from_secs(limit)).await {
            return Ok(());
        }
    }
    Err(Error::Leftover {
        pid: pid.as_raw_nonzero().get(),
    })
}

async fn find(data_dir: &Path) -> Option<Pid> {
    let pid = Pid::from_raw(server::find_status(data_dir)?.pid)?;
    if !is_alive(pid) {
        return None;
    }
    // A pid is soon given to somebody else; the file alone proves nothing.
    let is_it = match has_it_open(pid, data_dir) {
        Some(proof) => proof,
        None => answers_for(data_dir).await,
    };
    is_it.then_some(pid)
}

/// Where the system shows it: whether the process is a Postgres in this cluster.
fn has_it_open(pid: Pid, data_dir: &Path) -> Option<bool> {
    let process = format!("/proc/{}", pid.as_raw_nonzero());
    let directory = std::fs::read_link(format!("{process}/cwd")).ok()?;
    let program = std::fs::read_link(format!("{process}/exe")).ok()?;
    // A program that was replaced since has " (deleted)" behind its name.
    let is_postgres = program
        .file_name()?
        .as_encoded_bytes()
        .starts_with(b"postgres");
    Some(is_postgres && directory == cluster::path(data_dir))
}

/// Whether the server at our socket says that it serves this cluster.
async fn answers_for(data_dir: &Path) -> bool {
    let options: PgConnectOptions = server::connect_options(data_dir)
        .database("postgres")
        .disable_statement_logging();
    let ask = async {
        let mut connection = sqlx::PgConnection::connect_with(&options).await?;
        let row = connection.fetch_one("show data_directory").await?;
        row.try_get::<String, _>(0)
    };
    matches!(timeout(ANSWER, ask).await, Ok(Ok(directory)) if Path::new(&directory) == cluster::path(data_dir))
}

async fn has_ended(pid: Pid, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    while is_alive(pid) {
        if Instant::now() >= deadline {
            return false;
        }
        sleep(Duration::from_millis(20)).await;
    }
    true
}
