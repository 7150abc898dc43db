//! What is kept for a time only: addresses, spam, keys of submissions. Each function is the handler of a regular job and
//! does one bounded piece. Must not know SQL, nor when it is called.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::submit::REMEMBERED;
use super::{Change, Comments};
use crate::accounts::model::SiteScope;
use crate::base::ids::{CommentId, SiteId};
use crate::comments::error::Error;
use crate::comments::model::Status;
use crate::comments::model::changes::{Deleter, Deletion};
use crate::comments::store::erase::delete_comments;
use crate::comments::store::reports::drop_reporters;
use crate::comments::store::retention::{self as store, ExpiredSpam, Place};
use crate::database::Lane;
use crate::jobs::model::{Failure, Progress, Run, Since};
use crate::sites::service::retention::{Kept, WalkFrom, find_next, note_addresses_dropped};

/// Sites that one run goes over at most.
const SITES_MAX: usize = 50;
/// Clocks of instances differ, and a submission is stored a moment after its time: what is younger is left for later.
const SLACK: Duration = Duration::minutes(5);

/// How far a walk over the sites came: the last site, and the place in it unless that is done.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Walk {
    #[serde(default)]
    site: Option<SiteId>,
    #[serde(default)]
    place: Option<WalkPlace>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct WalkPlace {
    #[serde(with = "crate::base::clock::rfc3339")]
    at: OffsetDateTime,
    id: CommentId,
}

impl Walk {
    fn to(site: SiteId, place: Option<Place>) -> Self {
        Self {
            site: Some(site),
            place: place.map(|Place { at, id }| WalkPlace { at, id }),
        }
    }

    fn from(&self) -> WalkFrom {
        match (self.site, self.place) {
            (None, _) => WalkFrom::Start,
            (Some(site), Some(_)) => WalkFrom::At(site),
            (Some(site), None) => WalkFrom::Behind(site),
        }
    }

    /// Where to begin in this site: where the walk stopped, or else at `otherwise`.
    fn place_in(&self, site: SiteId, otherwise: OffsetDateTime) -> Place {
        match self.place {
            Some(WalkPlace { at, id }) if self.site == Some(site) => Place { at, id },
            _ => Place::before(otherwise),
        }
    }
}

/// The job goes on from here.
fn go_on_from(position: &impl Serialize) -> Result<Progress, Failure> {
    serde_json::to_value(position)
        .map(Progress::MoreFrom)
        .map_err(|error| Failure::of("the place to go on from can't be written", &error))
}

impl Comments {
    /// Drops network addresses and user agents that have been kept as long as their site says, and what tells from which
    /// network a report came. One transaction for each
    /// site, until one has more than a piece.
    pub async fn drop_addresses(&self, run: Run) -> Result<Progress, Failure> {
        let mut walk: Walk = run.payload()?;
        for _ in 0..SITES_MAX {
            let before = self.clock.now() - SLACK;
            let piece = async |connection: &mut PgConnection| {
                let next = find_next(connection, Kept::Addresses, walk.from(), before).await?;
                let Some(site) = next else {
                    return Ok::<_, Error>(None);
                };
                let done_until = site.done_until.unwrap_or(OffsetDateTime::UNIX_EPOCH);
                let after = walk.place_in(site.id, done_until);
                let place = store::drop_addresses(connection, site.id, after, site.until).await?;
                // Reports have times of their own: an old comment may be reported today.
                let more = drop_reporters(connection, site.id, site.until).await?;
                let place = place.or_else(|| more.then_some(after));
                if place.is_none() {
                    note_addresses_dropped(connection, site.id, site.until).await?;
                }
                Ok(Some(Walk::to(site.id, place)))
            };
            match self.database.transact(Lane::Moderators, piece).await? {
                None => return Ok(Progress::Done),
                Some(further) => walk = further,
            }
            if run.stopping() || walk.place.is_some() {
                break;
            }
        }
        go_on_from(&walk)
    }

    /// Deletes spam that has been kept as long as its site says. One transaction for each site, until one has more than a
    /// piece.
    pub async fn expire_spam(&self, run: Run) -> Result<Progress, Failure> {
        let mut walk: Walk = run.payload()?;
        for _ in 0..SITES_MAX {
            let now = self.clock.now();
            let piece = async |connection: &mut PgConnection| {
                let next = find_next(connection, Kept::Spam, walk.from(), now).await?;
                let Some(site) = next else {
                    return Ok::<_, Error>(None);
                };
                let after = walk.place_in(site.id, OffsetDateTime::UNIX_EPOCH);
                let ExpiredSpam { ids, place } =
                    store::find_expired_spam(connection, site.id, after, site.until).await?;
                let deletion = Deletion {
                    ids: &ids,
                    // What was restored meanwhile stays.
                    only: Some(Status::Spam),
                    version: None,
                    by: Deleter::System,
                    at: now,
                };
                let deleted = delete_comments(connection, &SiteScope::All, &deletion).await?;
                Ok(Some((Walk::to(site.id, place), deleted)))
            };
            match self.database.transact(Lane::Moderators, piece).await? {
                None => return Ok(Progress::Done),
                Some((further, deleted)) => {
                    let changes: Vec<Change> = deleted.iter().filter_map(Change::of).collect();
                    self.changes.publish(&changes);
                    walk = further;
                }
            }
            if run.stopping() || walk.place.is_some() {
                break;
            }
        }
        go_on_from(&walk)
    }

    /// Frees keys of submissions whose 24 hours are over; a submission that meets one frees it itself, so nobody waits for
    /// this. One transaction.
    pub async fn forget_keys(&self, run: Run) -> Result<Progress, Failure> {
        #[derive(Serialize, Deserialize)]
        struct KeysWalk {
            after: CommentId,
        }
        let after = if let Ok(walk) = run.payload::<KeysWalk>() {
            walk.after
        } else {
            // The first piece: what the job before can't have seen to.
            let Since { since } = run.payload()?;
            CommentId::least_of(since - REMEMBERED - SLACK)
        };
        let before = CommentId::least_of(self.clock.now() - REMEMBERED);
        let piece = async |connection: &mut PgConnection| {
            store::forget_keys(connection, after, before).await
        };
        match self.database.transact(Lane::Moderators, piece).await? {
            None => Ok(Progress::Done),
            Some(after) => go_on_from(&KeysWalk { after }),
        }
    }
}
