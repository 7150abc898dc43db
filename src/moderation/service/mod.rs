//! What a moderator can do with comments: list, look at, decide. Must not know HTTP or SQL.

mod authors;
pub(in crate::moderation) mod batches;
mod change;
mod claims;
mod decisions;
pub(super) mod events;
pub(super) mod jobs;
mod log;
mod merge;
mod notes;
mod observe;
pub(in crate::moderation) mod persons;
pub(in crate::moderation) mod summary;

use sqlx::PgConnection;

use crate::accounts::model::Caller;
use crate::base::clock::Clock;
use crate::base::ids::CommentId;
use crate::base::paging::TimeCursor;
use crate::comments::Comments;
use crate::comments::model::decisions::{
    AdminComment, DecidedComment, Decider, DecisionRequest, DecisionResult, HistoryLine, Outcome,
    Reason,
};
use crate::comments::model::queue::{CommentFilter, Completeness, ListAsked, QueuedComment};
use crate::comments::model::reactions::Report;
use crate::comments::service::moderate::{self, Search};
use crate::comments::service::{AuthorIds, Change, Changes};
use crate::database::{Database, Lane};
use crate::moderation::error::Error;
use crate::sites::Sites;

pub use log::LogPage;
pub use merge::{MERGE_JOB, MergeJob, Merged};

pub use claims::CLAIM_TIME;
pub use decisions::DECIDERS;

/// The handle of moderation; cheap to clone.
#[derive(Clone)]
pub struct Moderation {
    database: Database,
    clock: Clock,
    sites: Sites,
    comments: Comments,
    authors: AuthorIds,
    changes: Changes,
    queue: decisions::Queue,
}

/// A page of the list.
#[derive(Debug)]
pub struct CommentPage {
    /// The comments, in the order that was asked for.
    pub comments: Vec<QueuedComment>,
    /// Where the next page begins, if there is one.
    pub next: Option<TimeCursor>,
    /// Whether the page holds all that it could.
    pub completeness: Completeness,
}

/// A comment, what happened to it, and what readers reported.
#[derive(Debug)]
pub struct CommentDetails {
    /// The comment.
    pub comment: QueuedComment,
    /// What happened to it, oldest first.
    pub history: Vec<HistoryLine>,
    /// What readers reported, newest first.
    pub reports: Vec<Report>,
}

impl Moderation {
    /// Moderation on this database, by this clock, of these sites' comments.
    pub fn new(database: Database, clock: Clock, sites: Sites, comments: Comments) -> Self {
        Self {
            database,
            clock,
            authors: comments.authors().clone(),
            changes: comments.changes().clone(),
            queue: decisions::Queue::new(decisions::WAITING_MAX),
            sites,
            comments,
        }
    }

    /// The ids that stand for authors.
    pub fn authors(&self) -> &AuthorIds {
        &self.authors
    }

    /// The comments that the filter takes, of the caller's sites. Three round trips: where to look, which ones, and
    /// what belongs to them; fewer where nothing is found.
    pub async fn list(
        &self,
        caller: &Caller,
        filter: &CommentFilter,
        asked: &ListAsked,
    ) -> Result<CommentPage, Error> {
        let now = self.clock.now();
        let run = async |connection: &mut PgConnection| {
            let places = moderate::find_places(connection, &caller.sites, filter).await?;
            let search = Search {
                places: &places.ok_or(Error::UnknownSite)?,
                filter,
                personal_data: caller.personal_data(),
            };
            let found = moderate::look(connection, &search, asked).await?;
            let comments =
                moderate::load_queued(connection, &caller.sites, &found.ids, now).await?;
            Ok(CommentPage {
                comments,
                next: found.next,
                completeness: found.completeness,
            })
        };
        self.database.run(Lane::Moderators, run).await
    }

    /// One comment with its history and its reports. Three round trips.
    pub async fn show(&self, caller: &Caller, id: CommentId) -> Result<CommentDetails, Error> {
        let now = self.clock.now();
        let run = async |connection: &mut PgConnection| {
            let found = moderate::load_queued(connection, &caller.sites, &[id], now).await?;
            let comment = found.into_iter().next().ok_or(Error::CommentNotFound)?;
            let version = comment.comment.version;
            let history = moderate::load_history(connection, id, version).await?;
            let reports = moderate::load_reports(connection, id).await?;
            Ok(CommentDetails {
                comment,
                history,
                reports,
            })
        };
        self.database.run(Lane::Moderators, run).await
    }

    /// Decides many comments, each on its own; the results stand in the order of the requests, in which no comment
    /// may stand twice. One transaction, none for an empty list. A reason that no site of the caller's has is refused
    /// beforehand, one that only the comment's site lacks is that decision's outcome.
    pub async fn decide_many(
        &self,
        caller: &Caller,
        requests: &[DecisionRequest],
    ) -> Result<Vec<DecisionResult>, Error> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let unknown = self.unknown_reasons(caller, requests).await?;
        if !unknown.is_empty() {
            let field = |place| format!("decisions[{place}].reason");
            return Err(Error::UnknownReason(
                unknown.into_iter().map(field).collect(),
            ));
        }
        let by = self.decider(caller);
        let run = async |connection: &mut PgConnection| {
            Ok::<_, Error>(moderate::decide_many(connection, &caller.sites, by, requests).await?)
        };
        let results = self.database.transact(Lane::Decisions, run).await?;
        self.publish(&results);
        Ok(results)
    }

    /// Tells what has been decided; after the commit.
    fn publish(&self, results: &[DecisionResult]) {
        let changes: Vec<Change> = results.iter().filter_map(Change::of).collect();
        let decided = results
            .iter()
            .filter(|result| result.outcome == Outcome::Decided);
        for facts in decided.filter_map(|result| result.facts) {
            // An edit leaves the state as it is.
            if facts.was != facts.status {
                metrics::counter!("rejoinder_decisions_total", "status" => facts.status.as_str())
                    .increment(1);
            }
        }
        self.changes.publish(&changes);
    }

    /// The places of requests whose reason no site of the caller's has.
    async fn unknown_reasons(
        &self,
        caller: &Caller,
        requests: impl IntoIterator<Item = &DecisionRequest>,
    ) -> Result<Vec<usize>, Error> {
        let codes: Vec<_> = requests
            .into_iter()
            .map(|request| request.reason.as_ref().map(Reason::code))
            .collect();
        Ok(self.sites.unknown_reasons(&caller.sites, &codes).await?)
    }

    fn decider(&self, caller: &Caller) -> Decider {
        Decider {
            moderator_id: caller.moderator_id,
            at: self.clock.now(),
        }
    }
}

/// The comment as it is now, or why it isn't as asked.
fn settle(decided: DecidedComment) -> Result<AdminComment, Error> {
    let comment = decided.comment.ok_or(Error::CommentNotFound)?;
    match decided.result.outcome {
        Outcome::Decided | Outcome::Unchanged => Ok(comment),
        Outcome::NotFound => Err(Error::CommentNotFound),
        Outcome::Deleted => Err(Error::CommentDeleted),
        Outcome::VersionConflict => Err(Error::VersionConflict(Box::new(comment))),
        Outcome::UnknownReason => Err(Error::UnknownReason(vec!["reason".to_owned()])),
    }
}
