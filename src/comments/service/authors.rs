//! Giving comments from before there were author ids theirs. Must not know HTTP or SQL.

use serde_json::json;
use sqlx::PgConnection;

use super::Comments;
use crate::comments::error::Error;
use crate::comments::store::authors as store;
use crate::database::Lane;
use crate::jobs::model::{NewJob, Progress};

/// The kind of job that does it.
pub const AUTHOR_IDS_JOB: &str = "comments.author_ids";
/// So many comments get their id in one transaction.
const BATCH_MAX: i64 = 1_000;

impl Comments {
    /// Puts the job into the queue where any comment lacks its author's id; for the start of a release. One round trip,
    /// which asks an index that is empty but then; two where there is something to do.
    pub async fn enqueue_author_ids(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let run = async |connection: &mut PgConnection| {
            if store::any_without_author(connection).await? {
                let job = NewJob {
                    kind: AUTHOR_IDS_JOB,
                    payload: json!({}),
                    unique_key: Some("all"),
                    run_at: now,
                };
                crate::jobs::enqueue(connection, &job, now).await?;
            }
            Ok::<_, Error>(())
        };
        self.database.transact(Lane::Moderators, run).await
    }

    /// Gives up to 1,000 comments their author's id, and says whether there are more. Two round trips in a transaction.
    /// May run twice, and beside anything else: what has an id is not touched again.
    pub async fn fill_author_ids(&self) -> Result<Progress, Error> {
        let run = async |connection: &mut PgConnection| {
            let found = store::lock_without_author(connection, BATCH_MAX).await?;
            if found.is_empty() {
                return Ok::<_, Error>(Progress::Done);
            }
            let authors: Vec<_> = found
                .iter()
                .map(|(id, address)| (*id, self.authors.of(address)))
                .collect();
            store::set_authors(connection, &authors).await?;
            Ok(Progress::More)
        };
        self.database.transact(Lane::Moderators, run).await
    }
}
