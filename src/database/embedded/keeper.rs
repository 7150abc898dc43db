//! The keeper: our own binary, started again, that has the server as its child and shuts it down when its parent has gone,
//! however that went. A process of its own without runtime; must not know the application.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use super::account::Account;
use super::process::{clean_environment, poll_until, signal};
use super::{Durability, MARKER, lock, server};

/// After the fast shutdown the hard one, and then none.
const STOPPING: [(Signal, Duration); 3] = [
    (Signal::INT, Duration::from_secs(15)),
    (Signal::QUIT, Duration::from_secs(3)),
    (Signal::KILL, Duration::from_secs(1)),
];
/// How soon an end of the server is seen.
const GLANCE: Duration = Duration::from_millis(200);
/// The first wait before a new start; each next one is twice as long.
const BACK_OFF: Duration = Duration::from_millis(250);
/// Short enough for a service that should be back five seconds after its database can be.
const BACK_OFF_MAX: Duration = Duration::from_secs(4);
/// A server that ran this long has not failed at its start.
const STEADY: Duration = Duration::from_mins(1);
/// So often a server that was never ready is started; then something is wrong that a person must see.
const FIRST_STARTS_MAX: u32 = 5;
/// A longer log is moved aside, so that at most twice as much is kept.
const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What a keeper is given to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Charge {
    pub(super) data_dir: PathBuf,
    pub(super) bin: PathBuf,
    pub(super) socket_dir: PathBuf,
    pub(super) durability: Durability,
    pub(super) account: Account,
    pub(super) environment: Vec<(OsString, OsString)>,
}

impl Charge {
    /// As arguments of the hidden command.
    pub(super) fn into_arguments(self) -> Vec<OsString> {
        let (uid, gid) = match &self.account {
            Account::Own => ("-".to_owned(), "-".to_owned()),
            Account::Other { uid, gid, .. } => (uid.to_string(), gid.to_string()),
        };
        let durability = match self.durability {
            Durability::Durable => "durable",
            Durability::ForTests => "for-tests",
        };
        let mut arguments = vec![
            self.data_dir.into(),
            self.bin.into(),
            self.socket_dir.into(),
            durability.into(),
        ];
        arguments.extend([uid.into(), gid.into()]);
        arguments.extend(
            self.environment
                .into_iter()
                .flat_map(|(name, value)| [name, value]),
        );
        arguments
    }

    fn parse(arguments: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut arguments = arguments.into_iter();
        let mut path = || arguments.next().map(PathBuf::from);
        let (data_dir, bin, socket_dir) = (path()?, path()?, path()?);
        let durability = match arguments.next()?.to_str()? {
            "durable" => Durability::Durable,
            "for-tests" => Durability::ForTests,
            _ => return None,
        };
        let (uid, gid) = (arguments.next()?, arguments.next()?);
        let account = if uid == "-" {
            Account::Own
        } else {
            let (uid, gid) = (uid.to_str()?.parse().ok()?, gid.to_str()?.parse().ok()?);
            Account::Other {
                uid,
                gid,
                name: String::new(),
            }
        };
        let mut environment = Vec::new();
        while let Some(name) = arguments.next() {
            environment.push((name, arguments.next()?));
        }
        Some(Self {
            data_dir,
            bin,
            socket_dir,
            durability,
            account,
            environment,
        })
    }
}

/// The body of the hidden command `rejoinder postgres-keeper …`.
pub fn keep(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Some(charge) = Charge::parse(arguments) else {
        return ExitCode::from(2);
    };
    let Ok(Some(mut keeper)) = Keeper::begin(charge) else {
        return ExitCode::FAILURE;
    };
    let code = keeper.serve();
    keeper.clear_up();
    code
}

struct Keeper {
    charge: Charge,
    log: File,
    /// Disconnected when the parent has gone.
    parent: Receiver<()>,
    _lock: File,
}

enum End {
    ParentGone,
    Server(String),
}

impl Keeper {
    fn begin(charge: Charge) -> std::io::Result<Option<Self>> {
        let Some(lock) = lock::take_keeper_lock(&charge.data_dir)? else {
            return Ok(None);
        };
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(server::log_file(&charge.data_dir))?;
        let (alive, parent) = channel();
        std::thread::spawn(move || {
            // Nothing is ever written to the pipe: it only has an end, when no process holds its other side any more.
            let mut input = std::io::stdin().lock();
            let mut buffer = [0; 64];
            while input.read(&mut buffer).is_ok_and(|length| length > 0) {}
            drop(alive);
        });
        Ok(Some(Self {
            charge,
            log,
            parent,
            _lock: lock,
        }))
    }

    /// Runs the server until the parent has gone.
    fn serve(&mut self) -> ExitCode {
        let mut was_ready = false;
        let mut failures = 0;
        loop {
            let started = Instant::now();
            let end = match self.start() {
                Ok(child) => self.watch(child, &mut was_ready),
                Err(cause) => End::Server(format!("can't be started: {cause}")),
            };
            let End::Server(how) = end else {
                return ExitCode::SUCCESS;
            };
            failures = if started.elapsed() > STEADY {
                1
            } else {
                failures + 1
            };
            self.note(&format!("the server {how}"));
            if !was_ready && failures >= FIRST_STARTS_MAX {
                return ExitCode::FAILURE;
            }
            let wait = BACK_OFF
                .saturating_mul(1 << (failures - 1).min(10))
                .min(BACK_OFF_MAX);
            if self.parent_goes_within(wait) {
                return ExitCode::SUCCESS;
            }
        }
    }

    fn start(&self) -> std::io::Result<Child> {
        let charge = &self.charge;
        let mut command = Command::new(charge.bin.join("postgres"));
        clean_environment(&mut command).envs(charge.environment.iter().cloned());
        command
            .args(server::arguments(
                &charge.data_dir,
                &charge.socket_dir,
                charge.durability,
            ))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(self.log.try_clone()?);
        charge.account.apply(&mut command).spawn()
    }

    fn watch(&mut self, mut child: Child, was_ready: &mut bool) -> End {
        loop {
            if self.parent_goes_within(GLANCE) {
                stop(&mut child);
                return End::ParentGone;
            }
            match child.try_wait() {
                Ok(None) => {}
                Ok(Some(status)) => return End::Server(format!("has ended ({status})")),
                Err(cause) => return End::Server(format!("is lost ({cause})")),
            }
            *was_ready |= server::find_status(&self.charge.data_dir).is_some_and(|status| {
                status.is_ready && u32::try_from(status.pid) == Ok(child.id())
            });
            if self.charge.durability == Durability::Durable {
                self.shorten_log();
            }
        }
    }

    fn parent_goes_within(&self, limit: Duration) -> bool {
        self.parent.recv_timeout(limit) == Err(RecvTimeoutError::Disconnected)
    }

    /// The server holds the file open, so it is copied and emptied, not renamed.
    fn shorten_log(&mut self) {
        let path = server::log_file(&self.charge.data_dir);
        if self
            .log
            .metadata()
            .is_ok_and(|metadata| metadata.len() > LOG_BYTES_MAX)
            && fs::copy(&path, path.with_extension("log.1")).is_ok()
            && let Err(cause) = self.log.set_len(0)
        {
            self.note(&format!("the log can't be shortened: {cause}"));
        }
    }

    /// Into the log, since nobody reads our output.
    fn note(&mut self, sentence: &str) {
        // Where the disk is full there is nowhere left to say so.
        drop(writeln!(self.log, "keeper: {sentence}"));
    }

    fn clear_up(&self) {
        let charge = &self.charge;
        if !charge.socket_dir.starts_with(&charge.data_dir) {
            // Left alone when it isn't empty.
            drop(fs::remove_dir(&charge.socket_dir));
        }
        if charge.durability == Durability::ForTests && is_made_for_tests(&charge.data_dir) {
            // The last processes of a server that was killed may still be writing.
            poll_until(Duration::from_secs(5), || {
                fs::remove_dir_all(&charge.data_dir).is_ok()
            });
        }
    }
}

/// Only a directory that we made ourselves holds our marker with its own path in it.
fn is_made_for_tests(data_dir: &Path) -> bool {
    fs::read(data_dir.join(MARKER))
        .is_ok_and(|text| text == data_dir.as_os_str().as_encoded_bytes())
}

fn stop(child: &mut Child) {
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return;
    };
    for (how, limit) in STOPPING {
        // We haven't waited for it, so the pid is still its own.
        if signal(pid, how).is_err() {
            return;
        }
        if poll_until(limit, || !matches!(child.try_wait(), Ok(None))) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_survives_the_way_through_the_arguments() {
        let charge = |account| Charge {
            data_dir: "/a b,'\"".into(),
            bin: "/bin".into(),
            socket_dir: "/s".into(),
            durability: Durability::ForTests,
            account,
            environment: vec![("NAME".into(), "some value".into())],
        };
        for account in [
            Account::Own,
            Account::Other {
                uid: 1,
                gid: 2,
                name: String::new(),
            },
        ] {
            let parsed = Charge::parse(charge(account.clone()).into_arguments());
            assert_eq!(parsed, Some(charge(account)));
        }
        assert_eq!(Charge::parse([]), None);
    }
}
