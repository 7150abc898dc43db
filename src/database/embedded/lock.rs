//! One instance for one data directory: a lock that goes with its process. Must not know what is in the directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::Error;
use super::process::poll_until;

/// How long a lock may be held by someone who only looks, or by a process that is just ending.
const GLIMPSE: Duration = Duration::from_millis(500);
/// How long an earlier keeper may take: 15 s for a fast shutdown, then some for the hard one.
const KEEPER_STOPS: Duration = Duration::from_secs(20);

/// Held while this process uses the data directory.
#[derive(Debug)]
pub(super) struct AppLock {
    _file: File,
}

impl AppLock {
    /// Takes the lock, or says who has it.
    pub(super) fn take(data_dir: &Path) -> Result<Self, Error> {
        let path = data_dir.join("app.lock");
        let mut file = open(&path).map_err(|cause| Error::NotWritable {
            path: data_dir.to_owned(),
            cause,
        })?;
        if !lock_within(&mut file, GLIMPSE).map_err(Error::io("locking", &path))? {
            return Err(Error::Locked {
                path: data_dir.to_owned(),
                pid: pid_in(&mut file),
            });
        }
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{}", std::process::id()))
            .map_err(|cause| Error::NotWritable {
                path: data_dir.to_owned(),
                cause,
            })?;
        Ok(Self { _file: file })
    }
}

/// Who holds a data directory.
pub(super) enum Holder {
    Nobody,
    Process(Option<u32>),
}

/// Looks who has the lock, without taking it from anybody.
pub(super) fn holder(data_dir: &Path) -> Result<Holder, Error> {
    let path = data_dir.join("app.lock");
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Holder::Nobody),
        Err(cause) => {
            return Err(Error::Io {
                doing: "reading",
                path,
                cause,
            });
        }
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(Holder::Nobody),
        Err(TryLockError::WouldBlock) => Ok(Holder::Process(pid_in(&mut file))),
        Err(TryLockError::Error(cause)) => Err(Error::Io {
            doing: "locking",
            path,
            cause,
        }),
    }
}

/// The keeper's own lock, held as long as it has a server.
pub(super) fn take_keeper_lock(data_dir: &Path) -> std::io::Result<Option<File>> {
    let mut file = open(&keeper_lock(data_dir))?;
    Ok(lock_within(&mut file, GLIMPSE)?.then_some(file))
}

/// Waits until an earlier keeper has shut its server down.
pub(super) fn await_earlier_keeper(data_dir: &Path) -> Result<(), Error> {
    let path = keeper_lock(data_dir);
    let mut file = open(&path).map_err(Error::io("opening", &path))?;
    if lock_within(&mut file, KEEPER_STOPS).map_err(Error::io("locking", &path))? {
        Ok(())
    } else {
        Err(Error::StillStopping {
            path: data_dir.to_owned(),
        })
    }
}

fn keeper_lock(data_dir: &Path) -> PathBuf {
    data_dir.join("keeper.lock")
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn lock_within(file: &mut File, limit: Duration) -> std::io::Result<bool> {
    let mut failure = None;
    let locked = poll_until(limit, || match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(cause)) => {
            failure = Some(cause);
            true
        }
    });
    failure.map_or(Ok(locked), Err)
}

fn pid_in(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(20).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
