//! Why the embedded database can't be used, each in one line that says what to do. Must not know how it is started.

use std::io;
use std::path::{Path, PathBuf};

/// The reasons why there is no embedded database. Causes stand in the sentence, so there is no `source` to print twice.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another instance has the data directory.
    #[error(
        "the data directory {} is in use by a running rejoinder{}: stop that one first, or set REJOINDER_DATA_DIR to another directory",
        path.display(), with_pid(*pid)
    )]
    Locked { path: PathBuf, pid: Option<u32> },
    /// An instance has the data directory, but its database isn't there (yet).
    #[error(
        "the rejoinder that uses the data directory {}{} has no database running at the moment: try again shortly",
        path.display(), with_pid(*pid)
    )]
    NotYet { path: PathBuf, pid: Option<u32> },
    /// The data directory can't be made, read or written.
    #[error(
        "can't write to the data directory {} ({cause}): give it to this user, or set REJOINDER_DATA_DIR to a directory that can be written",
        path.display()
    )]
    NotWritable { path: PathBuf, cause: io::Error },
    /// The cluster belongs to another user of the system.
    #[error("the database in {} belongs to the user with uid {owner}: run rejoinder as that user", path.display())]
    ForeignCluster { path: PathBuf, owner: u32 },
    /// The cluster's directory holds something else.
    #[error("{} holds files but no database: move it away, or restore it from a backup", path.display())]
    NotACluster { path: PathBuf },
    /// No program found can run the cluster that is there.
    #[error(
        "the database in {} was made by PostgreSQL {cluster}, but only {found} was found: install PostgreSQL {cluster}, or name the directory of its programs in REJOINDER_POSTGRES_BIN",
        path.display()
    )]
    WrongMajor {
        path: PathBuf,
        cluster: String,
        found: String,
    },
    /// No server programs at all.
    #[error(
        "no PostgreSQL {} or later was found ({tried}): install it, name the directory of its programs in REJOINDER_POSTGRES_BIN, or name a running server in DATABASE_URL",
        super::programs::MAJOR_MIN
    )]
    NoPrograms { tried: String },
    /// What `REJOINDER_POSTGRES_BIN` names doesn't do.
    #[error("the programs in {} named by REJOINDER_POSTGRES_BIN can't be used: {cause}", path.display())]
    UnusablePrograms { path: PathBuf, cause: String },
    /// As root: the server's user can't get to the directory, nor to the one instead of it.
    #[error(
        "the database can't run as root, and {user} can't enter {}: set REJOINDER_DATA_DIR to a directory outside of it, or run rejoinder as another user",
        ancestor.display()
    )]
    CannotEnter { ancestor: PathBuf, user: String },
    /// The cluster couldn't be made.
    #[error("the database couldn't be created in {}: {output}", path.display())]
    Initdb { path: PathBuf, output: String },
    /// An earlier keeper doesn't come to its end.
    #[error("the database of an earlier run in {} is still shutting down: try again in a minute", path.display())]
    StillStopping { path: PathBuf },
    /// A server without keeper doesn't stop.
    #[error(
        "a database server of an earlier run (pid {pid}) doesn't stop: end that process, then start again"
    )]
    Leftover { pid: i32 },
    /// The server came to no life.
    #[error("the database server didn't start; its log {} ends with: {end}", log.display())]
    DidNotStart { log: PathBuf, end: String },
    /// The keeper didn't end in time.
    #[error("the database server didn't stop within {seconds} s; see its log {}", log.display())]
    DidNotStop { log: PathBuf, seconds: u64 },
    /// The bundled programs couldn't be unpacked.
    #[error("the bundled PostgreSQL couldn't be unpacked: {0}")]
    Bundle(String),
    /// A file or process of ours failed us.
    #[error("while {doing} {}: {cause}", path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        cause: io::Error,
    },
    /// The server answers, but with a refusal.
    #[error("the database server refuses us: {0}")]
    Refused(sqlx::Error),
    /// The runtime is going down while we start.
    #[error("the start of the database was interrupted")]
    Interrupted,
}

impl Error {
    /// For `map_err`: what was being done, to which path.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Io { doing, path, cause }
    }
}

fn with_pid(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
}
