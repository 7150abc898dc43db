//! A bounded queue of work for a few workers: those who wait at the same time are taken together, so that they can share
//! statements and a commit. Must not know what the work is.
//!
//! One path only: who comes alone is alone in a batch. A worker has one batch under way; what comes meanwhile is its next
//! one, so that batches grow with the load and nobody waits for company.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::timeout_at;

use super::deadline;
use super::error::Error;

/// Work on its way, and who waits for its outcome.
pub struct Waiting<T, O> {
    /// What is to be done.
    pub work: T,
    reply: Option<oneshot::Sender<O>>,
}

impl<T, O> Waiting<T, O> {
    /// Tells the outcome, once.
    pub fn answer(&mut self, outcome: O) {
        if let Some(reply) = self.reply.take() {
            // Whoever has gone meanwhile learns it some other way.
            reply.send(outcome).ok();
        }
    }

    /// Whether somebody still waits for an answer.
    pub fn is_open(&self) -> bool {
        self.reply.as_ref().is_some_and(|reply| !reply.is_closed())
    }
}

/// Why there is no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// The queue is full: it was not taken.
    Full,
    /// The request's time is over, or the workers have ended: what becomes of it is unknown.
    TooLate,
}

impl From<Unanswered> for Error {
    fn from(_: Unanswered) -> Self {
        Self::Timeout
    }
}

/// The queue; cheap to clone.
pub struct Gather<T, O> {
    waiting: mpsc::Sender<Waiting<T, O>>,
    /// Whichever worker is free takes what waits.
    next: Arc<Mutex<mpsc::Receiver<Waiting<T, O>>>>,
}

impl<T, O> Clone for Gather<T, O> {
    fn clone(&self) -> Self {
        Self {
            waiting: self.waiting.clone(),
            next: self.next.clone(),
        }
    }
}

impl<T, O> Gather<T, O> {
    /// With room for so many that wait.
    pub fn new(waiting_max: usize) -> Self {
        let (waiting, next) = mpsc::channel(waiting_max);
        Self {
            waiting,
            next: Arc::new(Mutex::new(next)),
        }
    }

    /// Hands work over, and waits for what becomes of it as long as a request may wait for the database.
    pub async fn take(&self, work: T) -> Result<O, Unanswered> {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting {
            work,
            reply: Some(reply),
        };
        if self.waiting.try_send(waiting).is_err() {
            return Err(Unanswered::Full);
        }
        match timeout_at(deadline(), answer).await {
            Ok(Ok(outcome)) => Ok(outcome),
            Err(_) | Ok(Err(_)) => Err(Unanswered::TooLate),
        }
    }

    /// What waits, at most so many, without what nobody waits for any more, and how many are left; waits for the first.
    pub async fn next_batch(&self, batch_max: usize) -> (Vec<Waiting<T, O>>, usize) {
        let mut batch = Vec::new();
        let mut next = self.next.lock().await;
        next.recv_many(&mut batch, batch_max).await;
        batch.retain(Waiting::is_open);
        (batch, next.len())
    }
}
