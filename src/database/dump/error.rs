//! Why there is no backup, or why it can't be put back, each with what to do. Must not know commands.

use std::io::{self, ErrorKind};

use crate::database;

/// The reasons. None repeats a row of the file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] database::Error),
    /// The file or the pipe failed.
    #[error("the backup can't be written or read: {0}")]
    File(#[source] io::Error),
    /// Nothing is overwritten unasked.
    #[error("there is a file of that name already")]
    Exists,
    /// There is nothing of ours to write.
    #[error("there is no database of Rejoinder to back up")]
    NoDatabase,
    /// The schema holds what isn't ours, and what we couldn't write.
    #[error("the database holds a {0}, which isn't Rejoinder's")]
    Foreign(String),
    /// A migration came in between.
    #[error("the schema changed just when the backup began")]
    Moved,
    /// Something else, or a form that we don't know.
    #[error("this is no backup of Rejoinder that this release can read")]
    NotABackup,
    /// The end is missing.
    #[error("the backup isn't whole: it was cut off; nothing was restored")]
    Cut,
    /// It isn't as it was written.
    #[error("the backup is damaged ({0}); nothing was restored")]
    Damaged(String),
    /// Its schema has left this binary behind.
    #[error(
        "the backup comes from a newer release and doesn't serve this one \
         (it needs migration {needed}, this release ends at {known})"
    )]
    TooOld {
        /// The newest migration that a binary must know.
        needed: i64,
        /// The newest one that this binary knows.
        known: i64,
    },
    /// There is something where it should go.
    #[error("the database to restore into isn't empty: it has {0} tables; nothing was changed")]
    NotEmpty(i64),
    /// A service works there.
    #[error("a running rejoinder uses the database to restore into; nothing was changed")]
    InUse,
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::AlreadyExists => Self::Exists,
            _ => Self::File(error),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Error {
    /// What the server said about a section. Where it is the section's fault, its words aren't told: they may repeat a row.
    pub(super) fn of_section(title: &str, error: sqlx::Error) -> Self {
        let error = database::Error::from(error);
        match error.sqlstate() {
            // Values, constraints, syntax.
            Some(state)
                if state.starts_with("22") || state.starts_with("23") || state == "42601" =>
            {
                Self::Damaged(format!("{title}, {state}"))
            }
            _ => Self::Database(error),
        }
    }

    /// One line for the operator.
    pub fn what_to_do(&self) -> &'static str {
        match self {
            Self::Database(error) => of_database(error.sqlstate().as_deref()),
            Self::File(error) => of_file(error.kind()),
            Self::Exists => "name another file, or replace this one with --force",
            Self::NoDatabase => {
                "name its directory with --data-dir, or its address in DATABASE_URL"
            }
            Self::Foreign(_) => "move it into a schema of its own, or use pg_dump",
            Self::Moved => "try again when the migrations are done",
            Self::NotABackup => {
                "name a file that `rejoinder backup` has written; unpack it first where it was compressed"
            }
            Self::Cut | Self::Damaged(_) => "take another backup, or fetch this one again",
            Self::TooOld { .. } => "install the newer release",
            Self::NotEmpty(_) => {
                "name a fresh directory with --data-dir, or an empty database in DATABASE_URL"
            }
            Self::InUse => "stop it first",
        }
    }
}

fn of_database(state: Option<&str>) -> &'static str {
    match state {
        Some("42501") => "use a role that owns the database, or may read and make tables in it",
        Some("53100") => "make room on the disk of the database, and try again",
        Some("55P03") => "try again when migrations and other restores are done",
        Some(_) => "`--log debug` tells more of what led to it",
        None => "check that the database runs and that DATABASE_URL names it",
    }
}

fn of_file(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "check the path",
        ErrorKind::PermissionDenied => "name a file that this user may write or read",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "make room there, or name another place"
        }
        ErrorKind::BrokenPipe => "see why the program behind the pipe has ended",
        _ => "try another place",
    }
}
