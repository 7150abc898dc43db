//! Ctrl-C and SIGTERM while a command is at long work. Must not know the work.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use super::advice::Refusal;

/// Does the work, unless Ctrl-C or SIGTERM comes before its end: these end the work here instead of the process, so that
/// what is unfinished is taken away, and the bar with it. Not for work that blocks in between.
pub(super) async fn unless_interrupted<T>(
    work: impl Future<Output = anyhow::Result<T>>,
    then: Refusal,
) -> anyhow::Result<T> {
    let mut interrupt = signal(SignalKind::interrupt()).context("while waiting for signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("while waiting for signals")?;
    tokio::select! {
        outcome = work => outcome,
        _ = interrupt.recv() => Err(then.into()),
        _ = terminate.recv() => Err(then.into()),
    }
}
