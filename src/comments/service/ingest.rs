//! The queue in which submissions wait for a writer, and the writers: those who wait at the same time share their
//! statements. Must not know HTTP, nor what is stored how (`batch`).
//!
//! One path only: a submission alone is a batch of one. A writer has one batch under way; what comes meanwhile is its next
//! one, so that batches grow with the load and nobody waits for company. What was answered 201 is committed.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::timeout_at;

use super::Comments;
use super::submit::{Candidate, Receipt};
use crate::comments::error::Error;
use crate::database;

/// Writers of each instance; one less than there are, Postgres would rest while answers are made. Each has a connection of
/// its own (`Lane::Submissions`).
pub const WRITERS: usize = 2;
/// Submissions that wait. A full queue is some tenths of a second's work: whoever comes then is refused at once.
const WAITING_MAX: usize = 512;
/// Submissions of one batch.
const BATCH_MAX: usize = 256;

/// A submission on its way, and who waits for its receipt.
pub(super) struct Waiting {
    pub(super) candidate: Candidate,
    reply: Option<oneshot::Sender<Result<Receipt, Error>>>,
}

impl Waiting {
    /// Tells the outcome, once.
    pub(super) fn answer(&mut self, outcome: Result<Receipt, Error>) {
        if let Some(reply) = self.reply.take() {
            // Whoever has gone meanwhile finds it by the same key.
            reply.send(outcome).ok();
        }
    }

    /// Whether somebody still waits for an answer.
    pub(super) fn is_open(&self) -> bool {
        self.reply.as_ref().is_some_and(|reply| !reply.is_closed())
    }
}

/// The queue; cheap to clone.
#[derive(Clone)]
pub(super) struct Ingest {
    waiting: mpsc::Sender<Waiting>,
    /// Whichever writer is free takes all that waits.
    next: Arc<Mutex<mpsc::Receiver<Waiting>>>,
}

impl Ingest {
    pub(super) fn new() -> Self {
        let (waiting, next) = mpsc::channel(WAITING_MAX);
        Self {
            waiting,
            next: Arc::new(Mutex::new(next)),
        }
    }

    /// Hands a submission to the writers, and waits for what becomes of it, as long as a request may wait for the database.
    pub(super) async fn take(&self, candidate: Candidate) -> Result<Receipt, Error> {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting {
            candidate,
            reply: Some(reply),
        };
        if self.waiting.try_send(waiting).is_err() {
            return Err(Error::Flooded);
        }
        match timeout_at(database::deadline(), answer).await {
            Ok(Ok(outcome)) => outcome,
            // Too late, or the writers have ended.
            Err(_) | Ok(Err(_)) => Err(database::Error::Timeout.into()),
        }
    }

    async fn next_batch(&self) -> Vec<Waiting> {
        let mut batch = Vec::new();
        let mut next = self.next.lock().await;
        next.recv_many(&mut batch, BATCH_MAX).await;
        metrics::gauge!("rejoinder_submissions_waiting")
            .set(f64::from(u32::try_from(next.len()).unwrap_or(u32::MAX)));
        batch
    }
}

impl Comments {
    /// Takes submissions from the queue and stores them, for ever. [`WRITERS`] of these run at the same time, beside
    /// requests: dropped midway, those who wait are told that the outcome is unknown.
    pub async fn write_submissions(&self) {
        loop {
            let mut batch = self.ingest.next_batch().await;
            batch.retain(Waiting::is_open);
            if !batch.is_empty() {
                metrics::histogram!("rejoinder_submission_batch_size")
                    .record(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
                self.take_in(batch).await;
            }
        }
    }
}
