//! Processes of the system: are they alive, which environment do ours get. Must not know Postgres' files.

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// What a child of ours inherits. Anything else could steer it (`PG*`, `LC_*`) or is a secret that it has no need of.
const INHERITED: [&str; 4] = ["PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/// Leaves only what a server needs of our environment.
#[expect(
    clippy::disallowed_methods,
    reason = "the environment is handed on to a child here, not read"
)]
pub(super) fn clean_environment(command: &mut Command) -> &mut Command {
    command.env_clear();
    command.envs(env::vars_os().filter(|(name, _)| INHERITED.iter().any(|kept| name == kept)));
    command.env("TZ", "UTC")
}

/// Whether a process with this pid runs; one that has ended but wasn't waited for (state Z) doesn't.
pub(super) fn is_alive(pid: Pid) -> bool {
    match test_kill_process(pid) {
        Ok(()) | Err(Errno::PERM) => !is_zombie(pid),
        Err(_) => false,
    }
}

fn is_zombie(pid: Pid) -> bool {
    let raw = pid.as_raw_nonzero();
    if cfg!(target_os = "linux") {
        // The name before it stands in brackets and may itself hold brackets and spaces.
        std::fs::read_to_string(format!("/proc/{raw}/stat"))
            .ok()
            .and_then(|stat| {
                stat.rsplit_once(')')
                    .map(|(_, rest)| rest.trim_start().starts_with('Z'))
            })
            .unwrap_or(false)
    } else {
        Command::new("ps")
            .args(["-o", "state=", "-p", &raw.to_string()])
            .output()
            .is_ok_and(|output| output.stdout.first() == Some(&b'Z'))
    }
}

/// Sends a signal; a process that is gone already is no failure.
pub(super) fn signal(pid: Pid, signal: Signal) -> Result<(), Errno> {
    match kill_process(pid, signal) {
        Err(Errno::SRCH) => Ok(()),
        other => other,
    }
}

/// Asks again and again until the answer is yes or the time is over; says which.
pub(super) fn poll_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        pause(Duration::from_millis(20));
    }
}

/// Sleeps; only for the keeper, a process without a runtime, and for the blocking pool.
#[expect(clippy::disallowed_methods, reason = "no worker runs here, see above")]
fn pause(length: Duration) {
    std::thread::sleep(length);
}
