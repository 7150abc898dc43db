//! Merging two pages of a site: the addresses at once, the comments in parts. Must not know HTTP or SQL.

use serde_json::json;
use sqlx::PgConnection;
use time::Duration;

use super::Moderation;
use crate::accounts::model::Caller;
use crate::base::ids::PageId;
use crate::comments::service::moderate::{self, Moved};
use crate::database::Lane;
use crate::jobs;
use crate::jobs::model::{NewJob, Progress};
use crate::moderation::error::Error;
use crate::sites::model::pages::PageDetails;
use crate::sites::service::merge as sites;

/// The kind of the jobs that move comments; the payload is a [`MergeJob`].
pub const MERGE_JOB: &str = "pages.merge";

/// What the job of a merge is about.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct MergeJob {
    /// The merged page, whose comments are to be moved.
    pub page: PageId,
}

/// The request moves the first part itself, which is all of most pages; the job comes after that.
const HEAD_START: Duration = Duration::seconds(3);
/// So many comments are moved by one statement: some 100 ms in which nothing else under the two pages is decided.
const PART: i64 = 1_000;
/// So many parts are moved by one run of the job.
const PARTS_MAX: usize = 10;

/// What a merge has come to.
#[derive(Debug)]
pub struct Merged {
    /// The page that both addresses lead to now.
    pub page: PageDetails,
    /// So many comments have been moved.
    pub moved: i64,
    /// Whether the job has more to move.
    pub remaining: bool,
}

impl Moderation {
    /// Merges a page into another one of the same site. Afterwards its addresses, key and WordPress id lead there for
    /// everybody; the first 1,000 comments have been moved, and a job moves what is left. Some 15 round trips.
    pub async fn merge_pages(
        &self,
        caller: &Caller,
        source: PageId,
        target: PageId,
    ) -> Result<Merged, Error> {
        let now = self.clock.now();
        let key = source.to_string();
        let job = NewJob {
            kind: MERGE_JOB,
            payload: json!(MergeJob { page: source }),
            unique_key: Some(&key),
            run_at: now + HEAD_START,
        };
        self.database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                sites::merge_pages(connection, caller, source, target, now).await?;
                Ok::<_, Error>(jobs::enqueue(connection, &job, now).await?)
            })
            .await?;
        self.changes.pages().publish([source, target]);
        self.await_submissions(source).await?;
        let moved = self.move_part(source).await?;
        let page = self
            .database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                sites::load_page(connection, caller, target).await
            })
            .await?;
        Ok(Merged {
            page,
            moved: moved.comments,
            remaining: !is_last(moved),
        })
    }

    /// One run of the job [`MERGE_JOB`]: moves up to 10,000 comments. May run twice or at the same time as another, and
    /// after the end.
    pub async fn run_merge(&self, page: PageId) -> Result<Progress, Error> {
        self.await_submissions(page).await?;
        for _ in 0..PARTS_MAX {
            // Only a look that finds nothing is the end: while a part waited for a comment, an answer to it may have come.
            if self.move_part(page).await?.found == 0 {
                return Ok(Progress::Done);
            }
        }
        Ok(Progress::More)
    }

    async fn await_submissions(&self, merged_page: PageId) -> Result<(), Error> {
        self.database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                Ok(moderate::await_submissions(connection, merged_page).await?)
            })
            .await
    }

    async fn move_part(&self, merged_page: PageId) -> Result<Moved, Error> {
        let moved = self
            .database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                Ok::<_, Error>(moderate::move_comments(connection, merged_page, PART).await?)
            })
            .await?;
        self.changes.pages().publish(moved.target);
        Ok(moved)
    }
}

/// All are moved when fewer were found than asked for, unless the target was merged on at the same moment. The job looks
/// again.
fn is_last(moved: Moved) -> bool {
    moved.found < PART && (moved.found == 0 || moved.comments > 0)
}
