//! Batches: one decision on all that a filter takes, its progress, its results, its undo. Must not know HTTP or SQL.
//!
//! A batch is written down with its comments in one transaction, together with the job that runs it. The job decides so
//! many at a time, each time in one transaction with what came of it, so that an end between two of them loses and repeats
//! nothing. Each comment is decided with the version that it had when the batch was made, and brought back with the version
//! that the batch gave it: whatever happened in between stays.

use serde_json::{Map, Value};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::Moderation;
use crate::accounts::model::Caller;
use crate::audit;
use crate::audit::model::{Act, AuditActor, Subject};
use crate::base::ids::BatchId;
use crate::base::paging::{Limit, TimeCursor};
use crate::comments::model::decisions::{
    Decider, DecisionRequest, DecisionResult, Outcome, Reason,
};
use crate::comments::model::queue::{CommentFilter, Places};
use crate::comments::service::moderate::{self, Search};
use crate::database::Lane;
use crate::jobs::{
    self,
    model::{NewJob, Progress},
};
use crate::moderation::error::Error;
use crate::moderation::model::batches::{
    BATCH_COMMENTS_MAX, Batch, BatchCount, BatchItem, BatchJob, BatchOrder, BatchState, NewBatch,
    UndoOutcome, decision_to,
};
use crate::moderation::store::batches as store;

/// The job that decides a batch's comments.
pub const RUN_BATCH: &str = "batches.run";
/// The job that brings them back.
pub const UNDO_BATCH: &str = "batches.undo";
/// The job that removes batches whose time is over.
pub const FORGET_BATCHES: &str = "batches.forget";

/// So many comments are decided at once, as many as in one request of a moderator.
const CHUNK: i64 = 500;
/// So many chunks a run of the job does before other jobs get their turn: about a second.
const CHUNKS_OF_RUN: usize = 4;
/// A batch is kept so long after it, or its undo, came to an end.
const KEPT: Duration = Duration::days(30);
/// So many items of forgotten batches are removed at once.
const FORGOTTEN_AT_ONCE: i64 = 10_000;

/// A page of the list of batches.
#[derive(Debug)]
pub struct BatchPage {
    /// The batches, the latest first.
    pub batches: Vec<Batch>,
    /// The last of them, if another page follows.
    pub next: Option<TimeCursor>,
}

/// A page of what came of a batch's comments.
#[derive(Debug)]
pub struct BatchItemPage {
    /// The comments, in the batch's order.
    pub items: Vec<BatchItem>,
    /// The place of the last of them, if another page follows.
    pub next: Option<i32>,
}

impl Moderation {
    /// How many of the caller's comments the filter takes now, exactly. Two round trips.
    pub async fn count_for_batch(
        &self,
        caller: &Caller,
        filter: &CommentFilter,
    ) -> Result<BatchCount, Error> {
        let as_of = self.clock.now();
        let run = async |connection: &mut PgConnection| {
            let places = find_places(connection, caller, filter).await?;
            let search = search(caller, filter, &places);
            let most = BATCH_COMMENTS_MAX + 1;
            Ok::<_, Error>(moderate::count_matching(connection, &search, as_of, most).await?)
        };
        let count = self.database.run(Lane::Moderators, run).await?;
        if count > BATCH_COMMENTS_MAX {
            return Err(Error::BatchTooLarge);
        }
        Ok(BatchCount { count, as_of })
    }

    /// Makes a batch of all of the caller's comments that the filter takes, if they are as many as was expected. One
    /// transaction; a job goes on from here.
    pub async fn make_batch(&self, caller: &Caller, order: &BatchOrder) -> Result<Batch, Error> {
        let reasons = [order.reason.as_ref().map(Reason::code)];
        let unknown = self.sites.unknown_reasons(&caller.sites, &reasons).await?;
        if !unknown.is_empty() {
            return Err(Error::UnknownReason(vec!["reason".to_owned()]));
        }
        let now = self.clock.now();
        let as_of = order.as_of.map_or(now, |as_of| as_of.min(now));
        let work = async |connection: &mut PgConnection| {
            let places = find_places(connection, caller, &order.filter).await?;
            let search = search(caller, &order.filter, &places);
            let most = BATCH_COMMENTS_MAX + 1;
            let taken = moderate::find_matching(connection, &search, as_of, most).await?;
            let count = i64::try_from(taken.len()).unwrap_or(i64::MAX);
            if count > BATCH_COMMENTS_MAX {
                return Err(Error::BatchTooLarge);
            }
            if count != order.expected_count {
                return Err(Error::CountChanged);
            }
            let batch = NewBatch {
                id: BatchId::new(now),
                decision: order.decision,
                reason: order
                    .reason
                    .as_ref()
                    .map(|reason| reason.code().as_str().to_owned()),
                as_of,
                created_at: now,
                total: i32::try_from(count).unwrap_or(i32::MAX),
            };
            store::insert(connection, &batch, caller.moderator_id, &caller.sites).await?;
            if !taken.is_empty() {
                store::insert_items(connection, batch.id, &taken).await?;
                enqueue(connection, RUN_BATCH, batch.id, now).await?;
            }
            let numbers = [("total", count)];
            record(connection, caller, "batch.made", batch.id, &numbers, now).await?;
            self.load(connection, caller, batch.id).await
        };
        self.database.transact(Lane::Moderators, work).await
    }

    /// A batch whose sites the caller sees. One round trip.
    pub async fn show_batch(&self, caller: &Caller, id: BatchId) -> Result<Batch, Error> {
        let run = async |connection: &mut PgConnection| self.load(connection, caller, id).await;
        self.database.run(Lane::Moderators, run).await
    }

    /// The batches whose sites the caller sees, the latest first. One round trip.
    pub async fn list_batches(
        &self,
        caller: &Caller,
        before: Option<BatchId>,
        limit: Limit,
    ) -> Result<BatchPage, Error> {
        let since = self.kept_since();
        let run = async |connection: &mut PgConnection| {
            Ok::<_, Error>(store::list(connection, &caller.sites, since, before, limit).await?)
        };
        let mut batches = self.database.run(Lane::Moderators, run).await?;
        let more = batches.len() > limit.get();
        batches.truncate(limit.get());
        let next = batches.last().filter(|_| more).map(|last| TimeCursor {
            at: last.created_at,
            id: *last.id.as_uuid(),
        });
        Ok(BatchPage { batches, next })
    }

    /// What came of a batch's comments, in its order. Two round trips.
    pub async fn list_batch_results(
        &self,
        caller: &Caller,
        id: BatchId,
        after_place: i32,
        limit: Limit,
    ) -> Result<BatchItemPage, Error> {
        let run = async |connection: &mut PgConnection| {
            self.load(connection, caller, id).await?;
            Ok::<_, Error>(store::list_items(connection, id, after_place, limit).await?)
        };
        let mut items = self.database.run(Lane::Moderators, run).await?;
        let more = items.len() > limit.get();
        items.truncate(limit.get());
        let next = items.last().filter(|_| more).map(|last| last.place);
        Ok(BatchItemPage { items, next })
    }

    /// Begins to bring back what a batch decided, or leaves it where that has begun already. One transaction; a job goes
    /// on from here.
    pub async fn undo_batch(&self, caller: &Caller, id: BatchId) -> Result<Batch, Error> {
        let now = self.clock.now();
        let work = async |connection: &mut PgConnection| {
            self.load(connection, caller, id).await?;
            let begun = store::begin_undo(connection, id, caller.moderator_id).await?;
            let batch = self.load(connection, caller, id).await?;
            if begun {
                let numbers = [("decided", i64::from(batch.decided))];
                record(connection, caller, "batch.undone", id, &numbers, now).await?;
                enqueue(connection, UNDO_BATCH, id, now).await?;
                return Ok(batch);
            }
            match batch.state {
                BatchState::Undoing | BatchState::Undone => Ok(batch),
                // Done only a moment ago: then it was running when the undo was asked for.
                BatchState::Running | BatchState::Done => Err(Error::BatchRunning),
            }
        };
        self.database.transact(Lane::Moderators, work).await
    }

    async fn load(
        &self,
        connection: &mut PgConnection,
        caller: &Caller,
        id: BatchId,
    ) -> Result<Batch, Error> {
        store::find(connection, &caller.sites, id, self.kept_since())
            .await?
            .ok_or(Error::BatchNotFound)
    }

    fn kept_since(&self) -> OffsetDateTime {
        self.clock.now().saturating_sub(KEPT)
    }

    /// Decides the next comments of a batch; for the job. One transaction for each 500 comments.
    pub async fn run_batch(&self, id: BatchId) -> Result<Progress, Error> {
        for _ in 0..CHUNKS_OF_RUN {
            let work =
                async |connection: &mut PgConnection| self.decide_chunk(connection, id).await;
            let (progress, results) = self.database.transact(Lane::Moderators, work).await?;
            self.publish(&results);
            if progress == Progress::Done {
                return Ok(Progress::Done);
            }
        }
        Ok(Progress::More)
    }

    /// Brings back the next comments that a batch decided; for the job. One transaction for each 500 comments.
    pub async fn run_batch_undo(&self, id: BatchId) -> Result<Progress, Error> {
        for _ in 0..CHUNKS_OF_RUN {
            let work = async |connection: &mut PgConnection| self.undo_chunk(connection, id).await;
            let (progress, results) = self.database.transact(Lane::Moderators, work).await?;
            self.publish(&results);
            if progress == Progress::Done {
                return Ok(Progress::Done);
            }
        }
        Ok(Progress::More)
    }

    /// Removes batches that came to an end 30 days ago, some items at a time; for the job. One transaction.
    pub async fn forget_batches(&self) -> Result<Progress, Error> {
        let until = self.kept_since();
        let work = async |connection: &mut PgConnection| {
            let Some(id) = store::hold_forgettable(connection, until).await? else {
                return Ok(Progress::Done);
            };
            let removed = store::delete_items(connection, id, FORGOTTEN_AT_ONCE).await?;
            if i64::try_from(removed).is_ok_and(|removed| removed < FORGOTTEN_AT_ONCE) {
                store::delete(connection, id).await?;
            }
            Ok::<_, Error>(Progress::More)
        };
        self.database.transact(Lane::Moderators, work).await
    }

    /// Decides up to 500 comments; nothing where the batch isn't there any more, or another run has finished it.
    async fn decide_chunk(
        &self,
        connection: &mut PgConnection,
        id: BatchId,
    ) -> Result<Chunk, Error> {
        let held = store::hold(connection, id).await?;
        let Some(batch) = held.filter(|batch| batch.state == BatchState::Running) else {
            return Ok((Progress::Done, Vec::new()));
        };
        let items = store::load_open_items(connection, id, batch.processed, CHUNK).await?;
        let by = Decider {
            moderator_id: batch.by,
            at: self.clock.now(),
        };
        let request = |item: &store::OpenItem| DecisionRequest {
            comment_id: item.comment_id,
            decision: batch.decision,
            reason: parse_reason(batch.reason.as_deref()),
            note: None,
            version: Some(item.was_version),
        };
        let requests: Vec<_> = items.iter().map(request).collect();
        let results = moderate::decide_many(connection, &batch.scope, by, &requests).await?;
        let outcomes: Vec<_> = items
            .iter()
            .zip(&results)
            .map(|(item, result)| store::Decided {
                place: item.place,
                outcome: result.outcome,
                version: result.facts.map(|facts| facts.version),
            })
            .collect();
        store::record_outcomes(connection, id, &outcomes).await?;
        let processed = items.last().map_or(batch.total, |last| last.place);
        let at_end = processed >= batch.total;
        let step = store::Step {
            state: if at_end {
                BatchState::Done
            } else {
                BatchState::Running
            },
            processed,
            decided: count(&results),
            undone: 0,
            finished_at: at_end.then_some(by.at),
        };
        store::advance(connection, id, &step).await?;
        Ok((progress(at_end), results))
    }

    /// Brings up to 500 comments back.
    async fn undo_chunk(&self, connection: &mut PgConnection, id: BatchId) -> Result<Chunk, Error> {
        let held = store::hold(connection, id).await?;
        let Some(batch) = held.filter(|batch| batch.state == BatchState::Undoing) else {
            return Ok((Progress::Done, Vec::new()));
        };
        let items = store::load_open_items(connection, id, batch.processed, CHUNK).await?;
        let by = Decider {
            moderator_id: batch.by,
            at: self.clock.now(),
        };
        let (places, requests): (Vec<i32>, Vec<_>) = items
            .iter()
            .filter_map(|item| Some((item.place, way_back(item)?)))
            .unzip();
        let mut results = Vec::new();
        if !requests.is_empty() {
            results = moderate::decide_many(connection, &batch.scope, by, &requests).await?;
            let again = without_lost_reasons(&requests, &results);
            if !again.is_empty() {
                let later = moderate::decide_many(connection, &batch.scope, by, &again).await?;
                replace(&mut results, later);
            }
        }
        let outcomes: Vec<_> = places
            .into_iter()
            .zip(results.iter().map(|result| undo_outcome(result.outcome)))
            .collect();
        store::record_undo_outcomes(connection, id, &outcomes).await?;
        let processed = items.last().map_or(batch.total, |last| last.place);
        let at_end = processed >= batch.total;
        let step = store::Step {
            state: if at_end {
                BatchState::Undone
            } else {
                BatchState::Undoing
            },
            processed,
            decided: 0,
            undone: count(&results),
            finished_at: at_end.then_some(by.at),
        };
        store::advance(connection, id, &step).await?;
        Ok((progress(at_end), results))
    }
}

async fn find_places(
    connection: &mut PgConnection,
    caller: &Caller,
    filter: &CommentFilter,
) -> Result<Places, Error> {
    moderate::find_places(connection, &caller.sites, filter)
        .await?
        .ok_or(Error::UnknownSite)
}

fn search<'a>(caller: &Caller, filter: &'a CommentFilter, places: &'a Places) -> Search<'a> {
    Search {
        places,
        filter,
        personal_data: caller.personal_data(),
    }
}

/// How far a transaction of a job came, and what it changed.
type Chunk = (Progress, Vec<DecisionResult>);

fn progress(at_end: bool) -> Progress {
    if at_end {
        Progress::Done
    } else {
        Progress::More
    }
}

fn count(results: &[DecisionResult]) -> i32 {
    let decided = results
        .iter()
        .filter(|result| result.outcome == Outcome::Decided);
    i32::try_from(decided.count()).unwrap_or(i32::MAX)
}

/// A stored code, which was read before it was stored.
fn parse_reason(code: Option<&str>) -> Option<Reason> {
    code.and_then(|code| Reason::parse(code).ok())
}

/// What brings a comment back that the batch decided; none where it didn't.
fn way_back(item: &store::OpenItem) -> Option<DecisionRequest> {
    let version = item.decided_version?;
    Some(DecisionRequest {
        comment_id: item.comment_id,
        decision: decision_to(item.was_status)?,
        reason: parse_reason(item.was_reason.as_deref()),
        note: None,
        version: Some(version),
    })
}

/// Comments whose former reason the site has no more; they go back without one.
fn without_lost_reasons(
    requests: &[DecisionRequest],
    results: &[DecisionResult],
) -> Vec<DecisionRequest> {
    let settled = [
        Outcome::Decided,
        Outcome::Unchanged,
        Outcome::NotFound,
        Outcome::Deleted,
        Outcome::VersionConflict,
    ];
    requests
        .iter()
        .zip(results)
        .filter(|(_, result)| !settled.contains(&result.outcome))
        .map(|(request, _)| DecisionRequest {
            reason: None,
            ..request.clone()
        })
        .collect()
}

/// Puts later results in the places of the earlier ones about the same comments.
fn replace(results: &mut [DecisionResult], later: Vec<DecisionResult>) {
    let mut later = later.into_iter().peekable();
    for result in results {
        if let Some(new) = later.next_if(|new| new.comment_id == result.comment_id) {
            *result = new;
        }
    }
}

fn undo_outcome(outcome: Outcome) -> UndoOutcome {
    match outcome {
        Outcome::Decided => UndoOutcome::Undone,
        Outcome::Deleted => UndoOutcome::Deleted,
        _ => UndoOutcome::ChangedSince,
    }
}

/// Puts a batch's job into the queue.
async fn enqueue(
    connection: &mut PgConnection,
    kind: &'static str,
    id: BatchId,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let key = id.to_string();
    let payload = serde_json::to_value(BatchJob { batch: id });
    let job = NewJob {
        kind,
        payload: payload.unwrap_or_default(),
        unique_key: Some(&key),
        run_at: now,
    };
    jobs::enqueue(connection, &job, now).await?;
    Ok(())
}

/// Writes what was done with a batch into the log of administrative acts.
async fn record(
    connection: &mut PgConnection,
    caller: &Caller,
    name: &'static str,
    id: BatchId,
    numbers: &[(&str, i64)],
    now: OffsetDateTime,
) -> Result<(), Error> {
    let act = Act {
        by: AuditActor::Moderator(caller.moderator_id),
        name,
        subject: Subject {
            kind: "batch",
            id: Some(*id.as_uuid()),
            site: None,
        },
        details: numbers
            .iter()
            .map(|(field, number)| ((*field).to_owned(), Value::from(*number)))
            .collect::<Map<_, _>>(),
    };
    audit::service::record(connection, &act, now).await?;
    Ok(())
}
