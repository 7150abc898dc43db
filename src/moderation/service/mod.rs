//! What a moderator can do with comments: list, look at, decide. Must not know HTTP or SQL.

use sqlx::PgConnection;

use crate::accounts::model::Caller;
use crate::base::clock::Clock;
use crate::base::ids::CommentId;
use crate::base::paging::TimeCursor;
use crate::comments::model::decisions::{
    AdminComment, Decider, DecisionRequest, DecisionResult, HistoryLine, Outcome,
};
use crate::comments::service::moderate::{self, QueueFilter};
use crate::database::{Database, Lane};
use crate::moderation::error::Error;

/// The handle of moderation; cheap to clone.
#[derive(Debug, Clone)]
pub struct Moderation {
    database: Database,
    clock: Clock,
}

/// A page of the list.
#[derive(Debug)]
pub struct CommentPage {
    /// The comments, in the order that was asked for.
    pub comments: Vec<AdminComment>,
    /// Where the next page begins, if there is one.
    pub next: Option<TimeCursor>,
}

/// A comment and what happened to it, oldest first.
#[derive(Debug)]
pub struct CommentDetails {
    /// The comment.
    pub comment: AdminComment,
    /// What happened to it.
    pub history: Vec<HistoryLine>,
}

impl Moderation {
    /// Moderation on this database, by this clock.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    /// The comments that the filter takes, of the caller's sites. One round trip; two where a site was named and
    /// nothing found, to tell an empty site from one that isn't there.
    pub async fn list(&self, caller: &Caller, filter: &QueueFilter) -> Result<CommentPage, Error> {
        let run = async |connection: &mut PgConnection| {
            let personal = caller.personal_data();
            let found =
                moderate::list_admin_comments(connection, &caller.sites, personal, filter).await?;
            if let (true, Some(slug)) = (found.is_empty(), &filter.site)
                && !moderate::site_exists(connection, &caller.sites, slug).await?
            {
                return Err(Error::UnknownSite);
            }
            Ok(found)
        };
        let mut comments = self.database.run(Lane::Moderators, run).await?;
        let more = comments.len() > filter.limit.get();
        comments.truncate(filter.limit.get());
        let last = comments.last().filter(|_| more);
        let next = last.map(|last| TimeCursor {
            at: last.submitted_at,
            id: *last.id.as_uuid(),
        });
        Ok(CommentPage { comments, next })
    }

    /// One comment with its history. Two round trips.
    pub async fn show(&self, caller: &Caller, id: CommentId) -> Result<CommentDetails, Error> {
        let run = async |connection: &mut PgConnection| {
            let comment = moderate::find_admin_comment(connection, &caller.sites, id)
                .await?
                .ok_or(Error::CommentNotFound)?;
            let history = moderate::load_history(connection, id, comment.version).await?;
            Ok(CommentDetails { comment, history })
        };
        self.database.run(Lane::Moderators, run).await
    }

    /// Decides one comment. One round trip. Afterwards it is as decided, was so already, or the refusal says why not.
    pub async fn decide(
        &self,
        caller: &Caller,
        request: &DecisionRequest,
    ) -> Result<AdminComment, Error> {
        let by = self.decider(caller);
        let run = async |connection: &mut PgConnection| {
            let decided = moderate::decide_one(connection, &caller.sites, by, request).await?;
            Ok::<_, Error>(decided)
        };
        let decided = self.database.run(Lane::Moderators, run).await?;
        let comment = decided.comment.ok_or(Error::CommentNotFound)?;
        match decided.result.outcome {
            Outcome::Decided | Outcome::Unchanged => Ok(comment),
            Outcome::NotFound => Err(Error::CommentNotFound),
            Outcome::Deleted => Err(Error::CommentDeleted),
            Outcome::VersionConflict => Err(Error::VersionConflict(Box::new(comment))),
        }
    }

    /// Decides many comments, each on its own; the results stand in the order of the requests, in which no comment
    /// may stand twice. One round trip, none for an empty list.
    pub async fn decide_many(
        &self,
        caller: &Caller,
        requests: &[DecisionRequest],
    ) -> Result<Vec<DecisionResult>, Error> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let by = self.decider(caller);
        let run = async |connection: &mut PgConnection| {
            Ok(moderate::decide_many(connection, &caller.sites, by, requests).await?)
        };
        self.database.run(Lane::Moderators, run).await
    }

    fn decider(&self, caller: &Caller) -> Decider {
        Decider {
            moderator_id: caller.moderator_id,
            at: self.clock.now(),
        }
    }
}
