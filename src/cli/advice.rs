//! What to do about a failure, as far as its cause tells. Must not know commands.

use std::io::{self, ErrorKind};

use crate::database::dump;

/// Whose mistake it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// What was typed can't be right, whatever the database holds.
    Usage,
    /// Things are otherwise than the command needs.
    State,
}

/// Why a command can't do what was asked, with the way out.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(super) struct Refusal {
    /// What is wrong.
    pub(super) what: &'static str,
    /// What to do.
    pub(super) what_to_do: &'static str,
    /// Whose mistake it was.
    pub(super) cause: Cause,
}

/// The refusal of a command, where that is what failed.
pub(super) fn find_refusal(error: &anyhow::Error) -> Option<&Refusal> {
    error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Refusal>())
}

/// One line for the person in front of the terminal.
pub(super) fn for_failure(error: &anyhow::Error) -> &'static str {
    if let Some(refusal) = find_refusal(error) {
        return refusal.what_to_do;
    }
    if let Some(error) = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<dump::Error>())
    {
        return error.what_to_do();
    }
    let kind = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<io::Error>())
        .map(io::Error::kind);
    match kind {
        Some(ErrorKind::AddrInUse) => {
            "stop the other program that listens there, or choose another address with --listen"
        }
        Some(ErrorKind::AddrNotAvailable) => {
            "choose an address that this machine has, such as --listen 127.0.0.1:8080"
        }
        Some(ErrorKind::PermissionDenied) => {
            "check who owns the data directory, and that the port is above 1023"
        }
        Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            "make room, or choose another directory with --data-dir"
        }
        Some(ErrorKind::ReadOnlyFilesystem) => {
            "choose a directory that can be written with --data-dir"
        }
        Some(ErrorKind::ConnectionRefused | ErrorKind::TimedOut | ErrorKind::HostUnreachable) => {
            "check that the database runs and that DATABASE_URL names it"
        }
        _ => "`--log debug` tells more of what led to it",
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn the_cause_decides_however_deep_it_is() {
        let failed: Result<(), _> = Err(io::Error::from(ErrorKind::AddrInUse));
        let error = failed
            .context("while opening the port")
            .context("while starting")
            .unwrap_err();
        assert!(for_failure(&error).contains("--listen"));
        assert!(for_failure(&anyhow::anyhow!("else")).contains("--log debug"));
    }
}
