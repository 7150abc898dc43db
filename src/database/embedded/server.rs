//! How the server is started: its arguments, its socket, its log, and how to reach it. Must not know who keeps it running.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::account::Account;
use super::error::Error;
use super::place::{Place, short_hash};
use super::{DATABASE, Durability, USER, cluster};

/// The longest path of a socket that the system takes.
const SOCKET_PATH_BYTES_MAX: usize = if cfg!(target_os = "linux") { 107 } else { 103 };
const PORT: u16 = 5432;

/// The same for all: no TCP, the socket for us alone, little memory, and no comment's text in the log.
const ALWAYS: [&str; 14] = [
    "listen_addresses=",
    "port=5432",
    "unix_socket_permissions=0700",
    "cluster_name=rejoinder",
    "log_destination=stderr",
    "logging_collector=off",
    "log_timezone=UTC",
    "timezone=UTC",
    "jit=off",
    "huge_pages=off",
    "random_page_cost=1.1",
    "min_wal_size=64MB",
    "max_prepared_transactions=0",
    "restart_after_crash=on",
];
const DURABLE: [&str; 9] = [
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "shared_buffers=64MB",
    "max_connections=100",
    "max_wal_size=512MB",
    "effective_cache_size=512MB",
    "log_line_prefix=%m [%p] ",
    // "Key (email)=(…) already exists" is a detail; the log must not hold it.
    "log_error_verbosity=terse",
];
/// Each statement is logged with its database first, so that a test finds its own.
/// After a crash every file is synced before anything else: one by one that takes seconds on a busy disk, as a whole a
/// fraction of it. Only Linux can do that.
const RECOVERED_FAST: Option<&str> = if cfg!(target_os = "linux") {
    Some("recovery_init_sync_method=syncfs")
} else {
    None
};
const FOR_TESTS: [&str; 9] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=32MB",
    "max_connections=400",
    "max_wal_size=1GB",
    // Its workers would hold the template database while a test clones it.
    "autovacuum=off",
    "log_line_prefix=%d ",
    "log_statement=all",
];

/// The arguments of `postgres`.
pub(super) fn arguments(
    data_dir: &Path,
    socket_dir: &Path,
    durability: Durability,
) -> Vec<OsString> {
    let mut arguments = vec![
        OsString::from("-D"),
        cluster::path(data_dir).into_os_string(),
    ];
    let mut set = |setting: OsString| arguments.extend([OsString::from("-c"), setting]);
    let own: &[&str] = match durability {
        Durability::Durable => &DURABLE,
        Durability::ForTests => &FOR_TESTS,
    };
    ALWAYS
        .iter()
        .chain(own)
        .chain(&RECOVERED_FAST)
        .for_each(|setting| set(OsString::from(setting)));
    let mut sockets = OsString::from("unix_socket_directories=");
    sockets.push(quoted(socket_dir));
    set(sockets);
    arguments
}

/// One directory in a list of directories, where a comma or a space would end it.
fn quoted(path: &Path) -> OsString {
    let mut quoted = vec![b'"'];
    for byte in path.as_os_str().as_bytes() {
        if *byte == b'"' {
            quoted.push(b'"');
        }
        quoted.push(*byte);
    }
    quoted.push(b'"');
    OsString::from_vec(quoted)
}

/// Makes the private directory of the socket: in the data directory, or a short one elsewhere when its path would be too long.
pub(super) fn make_socket_dir(place: &Place) -> Result<PathBuf, Error> {
    let directory = socket_dir(&place.data_dir);
    match place.account.make_private(&directory) {
        Ok(()) => Ok(directory),
        Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {
            if is_ours(&directory, &place.account).map_err(Error::io("reading", &directory))? {
                Ok(directory)
            } else {
                Err(Error::Io {
                    doing: "using",
                    path: directory,
                    cause,
                })
            }
        }
        Err(cause) => Err(Error::Io {
            doing: "making",
            path: directory,
            cause,
        }),
    }
}

/// Where the socket of this data directory is.
pub(super) fn socket_dir(data_dir: &Path) -> PathBuf {
    let near = data_dir.join("socket");
    if socket_in(&near).as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
        return near;
    }
    // Not the system's temporary directory as TMPDIR has it: administrative commands may have another one, and it may be long.
    Path::new("/tmp").join(format!("rejoinder-{}", short_hash(data_dir)))
}

/// The socket's file.
pub(super) fn socket_in(directory: &Path) -> PathBuf {
    directory.join(format!(".s.PGSQL.{PORT}"))
}

/// In a directory that all can write to, somebody else may have been first.
fn is_ours(directory: &Path, account: &Account) -> std::io::Result<bool> {
    let metadata = fs::symlink_metadata(directory)?;
    if !metadata.is_dir() || metadata.uid() != account.uid() {
        return Ok(false);
    }
    if metadata.mode() & 0o777 != 0o700 {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    }
    Ok(true)
}

/// How to reach it, with every field set: what is left open is taken from `PG*` in the environment.
pub(super) fn connect_options(data_dir: &Path) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host("localhost")
        .port(PORT)
        .socket(socket_dir(data_dir))
        .username(USER)
        .password("")
        .database(DATABASE)
        .ssl_mode(PgSslMode::Disable)
        // Not the service's name, which its pools set and `doctor` counts.
        .application_name("rejoinder command")
}

/// The server's log.
pub(super) fn log_file(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres.log")
}

/// The last lines that the log got since it was this long.
pub(super) fn end_of_log(data_dir: &Path, since: u64) -> String {
    const BYTES_MAX: u64 = 8 * 1024;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = fs::File::open(log_file(data_dir))?;
        let length = file.metadata()?.len();
        let from = since.min(length).max(length.saturating_sub(BYTES_MAX));
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) if bytes.is_empty() => "(nothing)".to_owned(),
        Ok(bytes) => cluster::one_line(&String::from_utf8_lossy(&bytes), 6),
        Err(cause) => format!("({cause})"),
    }
}

/// How long the log is by now.
pub(super) fn log_length(data_dir: &Path) -> u64 {
    fs::metadata(log_file(data_dir)).map_or(0, |metadata| metadata.len())
}

/// What the server wrote about itself into `postmaster.pid`.
pub(super) struct Status {
    pub(super) pid: i32,
    pub(super) is_ready: bool,
}

/// Reads it; none when no server runs, or one is just beginning.
pub(super) fn find_status(data_dir: &Path) -> Option<Status> {
    let text = fs::read(cluster::path(data_dir).join("postmaster.pid")).ok()?;
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    Some(Status {
        pid,
        is_ready: lines.nth(6).is_some_and(|state| state.trim() == "ready"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_quoted_for_a_list_of_directories() {
        assert_eq!(
            quoted(Path::new("/a b, \"c\"'/d")),
            std::ffi::OsStr::new("\"/a b, \"\"c\"\"'/d\"")
        );
    }

    #[test]
    fn a_socket_whose_path_would_be_too_long_is_elsewhere() {
        let short = Path::new("/srv/rejoinder");
        assert_eq!(socket_dir(short), short.join("socket"));
        let long = Path::new("/srv").join("x".repeat(200));
        assert!(socket_in(&socket_dir(&long)).as_os_str().len() < 60);
    }
}
