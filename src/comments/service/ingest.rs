//! The queue in which submissions wait for a writer, and the writers: those who wait at the same time share their
//! statements. Must not know HTTP, nor what is stored how (`batch`).
//!
//! What was answered 201 is committed.

use super::Comments;
use super::submit::{Candidate, Receipt};
use crate::comments::error::Error;
use crate::database::{self, Gather, Unanswered};

/// Writers of each instance; one less than there are, Postgres would rest while answers are made. Each has a connection of
/// its own (`Lane::Submissions`).
pub const WRITERS: usize = 2;
/// Submissions that wait. A full queue is some tenths of a second's work: whoever comes then is refused at once.
pub(super) const WAITING_MAX: usize = 512;
/// Submissions of one batch.
const BATCH_MAX: usize = 256;

/// A submission on its way, and who waits for its receipt.
pub(super) type Waiting = database::Waiting<Candidate, Result<Receipt, Error>>;
/// The queue.
pub(super) type Ingest = Gather<Candidate, Result<Receipt, Error>>;

impl Comments {
    /// Hands a submission to the writers, and waits for what becomes of it. Whoever has gone meanwhile finds it by the same
    /// key.
    pub(super) async fn hand_over(&self, candidate: Candidate) -> Result<Receipt, Error> {
        match self.ingest.take(candidate).await {
            Ok(outcome) => outcome,
            Err(Unanswered::Full) => Err(Error::Flooded),
            Err(too_late) => Err(database::Error::from(too_late).into()),
        }
    }

    /// Takes submissions from the queue and stores them, for ever. [`WRITERS`] of these run at the same time, beside
    /// requests: dropped midway, those who wait are told that the outcome is unknown.
    pub async fn write_submissions(&self) {
        loop {
            let (batch, left) = self.ingest.next_batch(BATCH_MAX).await;
            metrics::gauge!("rejoinder_submissions_waiting")
                .set(f64::from(u32::try_from(left).unwrap_or(u32::MAX)));
            if !batch.is_empty() {
                metrics::histogram!("rejoinder_submission_batch_size")
                    .record(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
                self.take_in(batch).await;
            }
        }
    }
}
