//! Following what changes: a feed for each who follows, bounded in all that it holds. Must not know HTTP.
//!
//! A feed holds a place in a buffer that all share, never items of its own: whoever takes too slowly loses the oldest and
//! gets one [`FeedItem::Resync`] instead. It ends with the session or token that it was opened with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use uuid::Uuid;

use crate::accounts::model::{Caller, Proof};
use crate::accounts::{Access, Accounts};
use crate::comments::Changes;
use crate::comments::service::Change;
use crate::database::Notice;
use crate::moderation::error::Error;
use crate::sites::Sites;

/// Feeds of one session or token.
const FEEDS_OF_ONE_MAX: usize = 8;
/// Feeds of the process.
const FEEDS_MAX: usize = 500;
/// Items that are handed on together.
const ITEMS_MAX: usize = 64;
/// When to come back where there are too many feeds.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Opens feeds; cheap to clone. One for the process.
#[derive(Clone)]
pub struct Events {
    changes: Changes,
    accounts: Accounts,
    sites: Sites,
    /// True when the instance is about to end: feeds end at once.
    stopping: watch::Receiver<bool>,
    heartbeat: Duration,
    seats: Seats,
}

/// Something for whoever follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedItem {
    /// A comment has changed.
    Change {
        /// What it is now.
        change: Change,
        /// The slug of its site.
        site: String,
    },
    /// Something may have been missed: fetch again.
    Resync,
    /// Nothing has happened for a while.
    Heartbeat,
}

/// What changes on the sites of one who follows.
pub struct Feed {
    changes: broadcast::Receiver<Notice>,
    access_changes: broadcast::Receiver<Notice>,
    heartbeat: Interval,
    stopping: watch::Receiver<bool>,
    accounts: Accounts,
    sites: Sites,
    caller: Caller,
    /// What the caller could do when the feed was opened; with any other it ends.
    access: Access,
    _seat: Seat,
}

/// Why a feed looks up.
enum Woken {
    Stopping,
    Access(Result<Notice, RecvError>),
    Change(Result<Notice, RecvError>),
    Silence,
}

impl Events {
    /// Feeds of these changes; a silent one gives a heartbeat each time that `heartbeat` has passed.
    pub fn new(
        changes: Changes,
        accounts: Accounts,
        sites: Sites,
        heartbeat: Duration,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            changes,
            accounts,
            sites,
            stopping,
            heartbeat,
            seats: Seats::default(),
        }
    }

    /// A feed of what changes from now on, on the caller's sites. One round trip.
    pub async fn open(&self, caller: Caller) -> Result<Feed, Error> {
        let seat = self.seats.take(&caller.proof)?;
        // Followed before it is asked: a change in between is seen either way.
        let access_changes = self.accounts.follow_access_changes();
        let access = self.accounts.find_access(&caller.proof).await?;
        let access = access
            .filter(|access| access.role == caller.role)
            .ok_or(crate::accounts::Error::Unauthenticated)?;
        let mut heartbeat = interval_at(Instant::now() + self.heartbeat, self.heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Feed {
            changes: self.changes.follow(),
            access_changes,
            heartbeat,
            stopping: self.stopping.clone(),
            accounts: self.accounts.clone(),
            sites: self.sites.clone(),
            caller,
            access,
            _seat: seat,
        })
    }
}

impl Feed {
    /// The next items, at least one; none when the feed has ended. Nothing is lost where the future is dropped midway but
    /// what a [`FeedItem::Resync`] tells of later.
    pub async fn next(&mut self) -> Option<Vec<FeedItem>> {
        loop {
            match self.wait().await {
                Woken::Stopping => return None,
                Woken::Access(told) => {
                    if self.concerns_us(&told) && !self.may_go_on().await {
                        return None;
                    }
                }
                Woken::Change(told) => {
                    let items = self.gather(told);
                    if !items.is_empty() {
                        return Some(items);
                    }
                }
                // Looked at also for the case that the notice of a change was lost.
                Woken::Silence => {
                    return self.may_go_on().await.then(|| vec![FeedItem::Heartbeat]);
                }
            }
        }
    }

    async fn wait(&mut self) -> Woken {
        tokio::select! {
            biased;
            // An error means that nobody is left who could say so: that is the end as well.
            _ = self.stopping.wait_for(|stopping| *stopping) => Woken::Stopping,
            told = self.access_changes.recv() => Woken::Access(told),
            _ = self.heartbeat.tick() => Woken::Silence,
            told = self.changes.recv() => Woken::Change(told),
        }
    }

    fn concerns_us(&self, told: &Result<Notice, RecvError>) -> bool {
        match told {
            Ok(Notice::Line(moderator)) => **moderator == self.caller.moderator_id.to_string(),
            Ok(Notice::Missed) | Err(_) => true,
        }
    }

    /// Whether role, sites and proof are as they were. A database that isn't there ends nothing: it is asked again.
    async fn may_go_on(&self) -> bool {
        match self.accounts.find_access(&self.caller.proof).await {
            Ok(access) => access.as_ref() == Some(&self.access),
            Err(error) => {
                tracing::debug!(%error, "the access of a feed could not be looked at, trying again");
                true
            }
        }
    }

    /// The first and what else is there already.
    fn gather(&mut self, first: Result<Notice, RecvError>) -> Vec<FeedItem> {
        let mut items = Vec::new();
        let mut next = first;
        loop {
            match next {
                Ok(Notice::Line(line)) => items.extend(self.item(&line)),
                Ok(Notice::Missed) => items.push(FeedItem::Resync),
                // What is left of the buffer is of no use to somebody who fetches again.
                Err(_lagged_or_closed) => {
                    self.changes = self.changes.resubscribe();
                    return vec![FeedItem::Resync];
                }
            }
            if items.len() >= ITEMS_MAX {
                return items;
            }
            next = match self.changes.try_recv() {
                Ok(notice) => Ok(notice),
                Err(TryRecvError::Lagged(missed)) => Err(RecvError::Lagged(missed)),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return items,
            };
        }
    }

    /// None for comments of other sites. A site that this instance hasn't read yet can't be named: fetch again.
    fn item(&self, line: &str) -> Option<FeedItem> {
        let change = Change::parse(line)?;
        if !self.caller.sites.holds(change.site_id) {
            return None;
        }
        Some(match self.sites.find_by_id(change.site_id) {
            Some(site) => FeedItem::Change {
                change,
                site: site.slug.clone(),
            },
            None => FeedItem::Resync,
        })
    }
}

/// The feeds that are open, by what they were opened with.
#[derive(Clone, Default)]
struct Seats(Arc<Mutex<HashMap<Uuid, usize>>>);

/// Counts as long as it is held.
struct Seat {
    seats: Seats,
    holder: Uuid,
}

impl Seats {
    fn take(&self, proof: &Proof) -> Result<Seat, Error> {
        let holder = match proof {
            Proof::Session(id) => *id.as_uuid(),
            Proof::Token(id, _) => *id.as_uuid(),
        };
        let mut taken = self.lock();
        let all: usize = taken.values().sum();
        let own = taken.get(&holder).copied().unwrap_or_default();
        if all >= FEEDS_MAX || own >= FEEDS_OF_ONE_MAX {
            return Err(Error::TooManyFeeds { wait: RETRY_AFTER });
        }
        taken.insert(holder, own + 1);
        metrics::gauge!("rejoinder_event_streams").set(gauge(all + 1));
        Ok(Seat {
            seats: self.clone(),
            holder,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        match taken.get_mut(&self.holder) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                taken.remove(&self.holder);
            }
        }
        metrics::gauge!("rejoinder_event_streams").set(gauge(taken.values().sum()));
    }
}

fn gauge(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;
    use crate::base::ids::SessionId;

    fn session() -> Proof {
        Proof::Session(SessionId::new(OffsetDateTime::UNIX_EPOCH))
    }

    #[test]
    fn seats_are_bounded_for_one_and_for_all_and_come_free_again() {
        let seats = Seats::default();
        let one = session();
        let mut held: Vec<Seat> = (0..FEEDS_OF_ONE_MAX)
            .map(|_| seats.take(&one).ok().unwrap())
            .collect();
        assert!(seats.take(&one).is_err());
        held.pop();
        held.push(seats.take(&one).ok().unwrap());
        while held.len() < FEEDS_MAX {
            held.push(seats.take(&session()).ok().unwrap());
        }
        assert!(seats.take(&session()).is_err());
        held.clear();
        assert!(seats.lock().is_empty());
    }
}
