//! Lending comments to moderators, so that no two work on the same. Must not know HTTP or SQL.

use sqlx::PgConnection;
use time::Duration;

use super::Moderation;
use crate::accounts::model::Caller;
use crate::base::ids::CommentId;
use crate::base::paging::{Limit, TimeCursor};
use crate::comments::model::queue::{CommentFilter, QueuedComment};
use crate::comments::service::moderate::{self, Search};
use crate::database::Lane;
use crate::jobs::model::Progress;
use crate::moderation::error::Error;
use crate::moderation::store::claims::{self as store, Lease};

/// A comment is lent for this time, unless it is asked for again.
pub const CLAIM_TIME: Duration = Duration::minutes(5);
/// Each time some hundred candidates were all taken by others a moment ago; whoever meets that so often comes back.
const ROUNDS_MAX: usize = 20;
/// So many claims that have run out go at once.
const EXPIRED_MAX: i64 = 1_000;

impl Moderation {
    /// Lends comments to the caller: those that they hold already, for five minutes more, then the oldest that the filter
    /// takes and nobody holds, until there are `limit`. What they held and is in none of the filter's states any more is
    /// given up. In one transaction, three round trips as a rule and two more for each round in which others were faster.
    pub async fn claim(
        &self,
        caller: &Caller,
        filter: &CommentFilter,
        limit: Limit,
    ) -> Result<Vec<QueuedComment>, Error> {
        let now = self.clock.now();
        let lease = Lease {
            moderator: caller.moderator_id,
            now,
            until: now + CLAIM_TIME,
        };
        let run = async |connection: &mut PgConnection| {
            let places = moderate::find_places(connection, &caller.sites, filter).await?;
            let search = Search {
                places: &places.ok_or(Error::UnknownSite)?,
                filter,
                personal_data: caller.personal_data(),
            };
            let size = limit.rows() - 1;
            let statuses = &filter.statuses;
            let mut held = store::renew(connection, &lease, &caller.sites, statuses, size).await?;
            fill(connection, &search, &lease, limit, &mut held).await?;
            Ok(moderate::load_queued(connection, &caller.sites, &held, now).await?)
        };
        self.database.transact(Lane::Moderators, run).await
    }

    /// Gives back what the caller holds: these comments, or all. What they don't hold is passed over. One transaction.
    pub async fn give_back(
        &self,
        caller: &Caller,
        comments: Option<&[CommentId]>,
    ) -> Result<(), Error> {
        let run = async |connection: &mut PgConnection| {
            Ok(store::give_back(connection, caller.moderator_id, comments).await?)
        };
        self.database.transact(Lane::Moderators, run).await
    }

    /// Deletes claims that have run out, a thousand at most. They count for nothing before that too. One round trip; may
    /// run twice and beside anything else.
    pub async fn expire_claims(&self) -> Result<Progress, Error> {
        let now = self.clock.now();
        let run = async |connection: &mut PgConnection| {
            Ok::<_, Error>(store::delete_expired(connection, now, EXPIRED_MAX).await?)
        };
        let deleted = self.database.run(Lane::Moderators, run).await?;
        Ok(
            if i64::try_from(deleted).unwrap_or(i64::MAX) < EXPIRED_MAX {
                Progress::Done
            } else {
                Progress::More
            },
        )
    }
}

/// Lends further comments until the limit is reached or nothing is left.
async fn fill(
    connection: &mut PgConnection,
    search: &Search<'_>,
    lease: &Lease,
    limit: Limit,
    held: &mut Vec<CommentId>,
) -> Result<(), Error> {
    let mut after: Option<TimeCursor> = None;
    for _ in 0..ROUNDS_MAX {
        let wanted = limit.get().saturating_sub(held.len());
        if wanted == 0 {
            break;
        }
        let found = moderate::find_free(connection, search, after, lease.now).await?;
        if !found.ids.is_empty() {
            let statuses = &search.filter.statuses;
            let wanted = i64::try_from(wanted).unwrap_or(i64::MAX);
            held.extend(store::lend(connection, lease, &found.ids, statuses, wanted).await?);
        }
        let Some(next) = found.next else { break };
        after = Some(next);
    }
    Ok(())
}
