//! Decisions on one comment each: those that wait at the same time share a transaction, and so its way to the disk. Must
//! not know HTTP or SQL.

use std::collections::HashSet;

use sqlx::PgConnection;

use super::{Moderation, settle};
use crate::accounts::model::{Caller, SiteScope};
use crate::base::ids::ModeratorId;
use crate::comments::model::decisions::{AdminComment, DecidedComment, DecisionRequest};
use crate::comments::service::moderate::{self, Ask};
use crate::database::{self, Gather, Lane};
use crate::moderation::error::Error;

/// Deciders of each instance; one less than there are, Postgres would rest while answers are made. The other connections of
/// their lane are for many decisions at once, and for comments that somebody holds.
pub const DECIDERS: usize = 2;
/// Decisions that wait; whoever finds so many is refused at once.
pub(super) const WAITING_MAX: usize = 512;
/// Decisions of one transaction.
const BATCH_MAX: usize = 128;

/// What one moderator wants of one comment.
pub(super) struct Wanted {
    scope: SiteScope,
    by: ModeratorId,
    request: DecisionRequest,
}

impl Wanted {
    fn ask(&self) -> Ask<'_> {
        Ask {
            scope: &self.scope,
            by: self.by,
            request: &self.request,
        }
    }
}

/// What came of it; nothing yet where somebody else held the comment.
type Answer = Result<Option<DecidedComment>, database::Error>;
type Waiting = database::Waiting<Wanted, Answer>;
/// The queue.
pub(super) type Queue = Gather<Wanted, Answer>;

impl Moderation {
    /// Decides one comment, in one transaction that it shares with those that wait at the same time; in none, or with the
    /// reading of all sites, for a reason that no site has. Afterwards it is as decided, was so already, or the refusal says
    /// why not.
    pub async fn decide(
        &self,
        caller: &Caller,
        request: &DecisionRequest,
    ) -> Result<AdminComment, Error> {
        if !self.unknown_reasons(caller, [request]).await?.is_empty() {
            return Err(Error::UnknownReason(vec!["reason".to_owned()]));
        }
        let wanted = || Wanted {
            scope: caller.sites.clone(),
            by: caller.moderator_id,
            request: request.clone(),
        };
        let answer = self.queue.take(wanted()).await;
        let decided = match answer.map_err(database::Error::from)?? {
            Some(decided) => decided,
            None => self.decide_held(&wanted()).await?,
        };
        settle(decided)
    }

    /// Waits for whoever holds the comment, by itself: nobody else has to wait for that.
    async fn decide_held(&self, wanted: &Wanted) -> Result<DecidedComment, Error> {
        let at = self.clock.now();
        let work = async |connection: &mut PgConnection| {
            let decided = moderate::decide_whole(connection, at, &[wanted.ask()]).await?;
            let decided = decided.into_iter().next().ok_or(Error::CommentNotFound)?;
            Ok::<_, Error>(decided)
        };
        let decided = self.database.transact(Lane::Decisions, work).await?;
        self.publish(&[decided.result]);
        Ok(decided)
    }

    /// Takes decisions from the queue, for ever. [`DECIDERS`] of these run at the same time, beside requests: dropped midway,
    /// those who wait are told that the outcome is unknown.
    pub async fn write_decisions(&self) {
        loop {
            let (mut batch, left) = self.queue.next_batch(BATCH_MAX).await;
            metrics::gauge!("rejoinder_decisions_waiting")
                .set(f64::from(u32::try_from(left).unwrap_or(u32::MAX)));
            while !batch.is_empty() {
                let (now, later) = without_repeats(batch);
                metrics::histogram!("rejoinder_decision_batch_size")
                    .record(f64::from(u32::try_from(now.len()).unwrap_or(u32::MAX)));
                self.decide_together(now).await;
                batch = later;
            }
        }
    }

    /// Decides these and answers each. Where a statement fails on what one of them holds, they are halved until that one is
    /// alone.
    async fn decide_together(&self, batch: Vec<Waiting>) {
        let mut batches = vec![batch];
        while let Some(mut batch) = batches.pop() {
            let at = self.clock.now();
            let asks: Vec<_> = batch.iter().map(|waiting| waiting.work.ask()).collect();
            let work = async |connection: &mut PgConnection| {
                moderate::decide_free(connection, at, &asks).await
            };
            let outcome = self.database.transact(Lane::Decisions, work).await;
            match outcome {
                Ok(decided) => {
                    let results: Vec<_> = decided
                        .iter()
                        .flatten()
                        .map(|decided| decided.result)
                        .collect();
                    self.publish(&results);
                    for (waiting, decided) in batch.iter_mut().zip(decided) {
                        waiting.answer(Ok(decided));
                    }
                }
                Err(database::Error::Statement(_)) if batch.len() > 1 => {
                    let second = batch.split_off(batch.len() / 2);
                    batches.extend([second, batch]);
                }
                Err(error) => {
                    for waiting in &mut batch {
                        waiting.answer(Err(error.clone()));
                    }
                }
            }
        }
    }
}

/// Those that come first for their comments, and those that come after them.
fn without_repeats(batch: Vec<Waiting>) -> (Vec<Waiting>, Vec<Waiting>) {
    let mut known = HashSet::new();
    batch
        .into_iter()
        .partition(|waiting| known.insert(waiting.work.request.comment_id))
}
