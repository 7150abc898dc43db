//! Published lists as ready answers, in memory that has a bound. Must not know what a list holds, SQL, or who asks.
//!
//! What is kept is served while it can't have changed: [`PageChanges`] say which pages have, from own changes at once and
//! from those of other instances by their notices. Since a notice may be lost, an entry is compared with its page's version
//! in the database every few seconds, and read anew after a minute, because votes move no version. While one asks, others
//! are served what is kept, until the last second: then they wait for the answer, so that 5 s are a promise and nobody
//! waits in quiet times. Where the database can't be asked, what is kept is served to the end of its minute: nothing can
//! have been decided by a database that isn't there.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use metrics::Counter;
use moka::notification::RemovalCause;
use moka::sync::Cache;
use time::{Duration, OffsetDateTime};
use tokio::sync::watch;
use tokio::time::timeout_at;

use crate::base::clock::Clock;
use crate::base::codes::{Code, Refusal as _};
use crate::base::ids::PageId;
use crate::comments::error::Error;
use crate::comments::service::ListAsked;
use crate::database;
use crate::sites::Site;
use crate::sites::service::{Moment, PageChanges};
use crate::web::conditional::Ready;

/// Read anew after this, whatever is known: votes that other instances took may have been lost on the way, and pages
/// close by age.
const AGE_MAX: Duration = Duration::seconds(60);
/// That there is no page may be believed so long: a page that comes into being elsewhere has to be seen within a second.
const UNKNOWN_AGE_MAX: Duration = Duration::milliseconds(500);
/// Unasked so long, the page's version is asked for; by one reader, the others are served meanwhile.
const CHECK_AFTER: Duration = Duration::seconds(4);
/// Unasked so long, nothing is served before it is.
const UNCHECKED_MAX: Duration = Duration::seconds(5);
/// What an entry takes besides its texts.
const ENTRY_BYTES: usize = 600;
/// The part of the bound that is for requests that were read before: addresses take long to normalise.
const ASKED_SHARE: u64 = 16;

/// A list that is kept.
pub struct Kept {
    /// What is answered.
    pub answer: Ready,
    site: Arc<Site>,
    /// The page with its version; none where there was no such page.
    page: Option<(PageId, i64)>,
    read: Moment,
    read_at: OffsetDateTime,
    /// When it was last known to be the database's, in milliseconds after `read_at`.
    checked_ms: AtomicI64,
    /// Somebody has gone to ask.
    is_being_checked: AtomicBool,
}

/// What the database has of a list.
pub(in crate::comments) struct Fetched {
    pub(in crate::comments) answer: Ready,
    pub(in crate::comments) page: Option<(PageId, i64)>,
}

/// Whether what is kept may be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// It may; but somebody should ask.
    Due,
    /// Only after it was compared with the database.
    Doubtful,
    Old,
}

/// Why nobody who waited gets a list. What is particular to the one who asked isn't handed on.
#[derive(Debug, Clone, Copy)]
enum Failure {
    NotFound,
    Unavailable,
}

type Outcome = Option<Result<Arc<Kept>, Failure>>;
type Flights = HashMap<Arc<ListAsked>, watch::Receiver<Outcome>>;

/// The lists of the process.
pub(in crate::comments) struct Lists {
    kept: Cache<Arc<ListAsked>, Arc<Kept>>,
    /// Requests as they were sent, read once.
    asked: Cache<String, Arc<ListAsked>>,
    /// What is being read from the database at the moment.
    flights: Mutex<Flights>,
    changes: PageChanges,
    figures: OnceLock<Figures>,
}

/// Handles, since looking one up costs as much as serving.
struct Figures {
    hits: Counter,
    misses: Counter,
    waits: Counter,
    checks: Counter,
}

impl Figures {
    fn new() -> Self {
        let of = |outcome: &'static str| metrics::counter!("rejoinder_cache_reads_total", "cache" => "lists", "outcome" => outcome);
        Self {
            hits: of("hit"),
            misses: of("miss"),
            waits: of("wait"),
            checks: of("check"),
        }
    }
}

impl Lists {
    /// With a bound in octets for all that is kept; 0 keeps nothing.
    pub(in crate::comments) fn new(bytes_max: u64, changes: PageChanges) -> Self {
        let asked_bytes_max = bytes_max / ASKED_SHARE;
        Self {
            kept: Cache::builder()
                .max_capacity(bytes_max - asked_bytes_max)
                .weigher(|asked: &Arc<ListAsked>, kept: &Arc<Kept>| {
                    weight(asked.text_bytes() + kept.answer.bytes_max())
                })
                .time_to_live(AGE_MAX.unsigned_abs())
                .eviction_listener(|_, _, cause| {
                    if cause == RemovalCause::Size {
                        metrics::counter!("rejoinder_cache_evicted_total", "cache" => "lists")
                            .increment(1);
                    }
                })
                .build(),
            asked: Cache::builder()
                .max_capacity(asked_bytes_max)
                .weigher(|sent: &String, asked: &Arc<ListAsked>| {
                    weight(sent.len() + asked.text_bytes())
                })
                .build(),
            flights: Mutex::default(),
            changes,
            figures: OnceLock::new(),
        }
    }

    /// What a query string asks for, if it was read before.
    pub(in crate::comments) fn find_asked(&self, sent: &str) -> Option<Arc<ListAsked>> {
        self.asked.get(sent)
    }

    /// Remembers what a query string asks for, which is for ever the same.
    pub(in crate::comments) fn remember_asked(&self, sent: &str, asked: &Arc<ListAsked>) {
        self.asked.insert(sent.to_owned(), Arc::clone(asked));
    }

    /// A list of this site, kept or fetched; one fetches at a time, and who comes meanwhile waits for that. `fetch` is given
    /// the page with the version that is kept, if one is, and says none where the database has the same.
    ///
    /// Whoever has changed something sees it: a fetching that began before they came is waited for, but its list is served
    /// to them only if nothing has changed since.
    pub(in crate::comments) async fn read(
        &self,
        asked: &Arc<ListAsked>,
        site: &Arc<Site>,
        clock: &Clock,
        fetch: impl AsyncFn(Option<(PageId, i64)>) -> Result<Option<Fetched>, Error>,
    ) -> Result<Arc<Kept>, Error> {
        let figures = self.figures.get_or_init(Figures::new);
        if let Some(kept) = self.find_good(asked, site, clock) {
            figures.hits.increment(1);
            return Ok(kept);
        }
        let came = self.changes.now();
        let deadline = database::deadline();
        loop {
            let mut landing = match self.board(asked) {
                Boarded::Pilot(flight) => return self.fly(flight, site, clock, fetch).await,
                Boarded::Passenger(landing) => landing,
            };
            figures.waits.increment(1);
            // Without an outcome it was given up midway: somebody else has to fly.
            let landed = match timeout_at(deadline, landing.wait_for(Option::is_some)).await {
                Ok(landed) => landed.ok().and_then(|outcome| outcome.clone()),
                Err(_elapsed) => return Err(database::Error::Timeout.into()),
            };
            match landed {
                Some(Ok(kept)) => {
                    let is_of_site = Arc::ptr_eq(&kept.site, site);
                    if is_of_site && (kept.read >= came || self.holds(&kept)) {
                        return Ok(kept);
                    }
                }
                Some(Err(Failure::NotFound)) => return Err(Error::NotFound),
                Some(Err(Failure::Unavailable)) => return Err(database::Error::Timeout.into()),
                None => {}
            }
        }
    }

    /// What may be served as it is; whoever finds that somebody should ask becomes that one, if none has.
    fn find_good(
        &self,
        asked: &Arc<ListAsked>,
        site: &Arc<Site>,
        clock: &Clock,
    ) -> Option<Arc<Kept>> {
        let kept = self.kept.get(asked)?;
        match self.state(&kept, site, clock.now()) {
            State::Good => Some(kept),
            State::Due => kept
                .is_being_checked
                .swap(true, Ordering::Relaxed)
                .then_some(kept),
            State::Doubtful | State::Old => None,
        }
    }

    fn state(&self, kept: &Kept, site: &Arc<Site>, now: OffsetDateTime) -> State {
        let age = now - kept.read_at;
        let is_whole = Arc::ptr_eq(&kept.site, site) && self.holds(kept);
        // A clock that was put back says nothing.
        if !is_whole || age.is_negative() || age >= AGE_MAX {
            return State::Old;
        }
        let checked = Duration::milliseconds(kept.checked_ms.load(Ordering::Relaxed));
        match (kept.page, age - checked) {
            (None, _) if age < UNKNOWN_AGE_MAX => State::Good,
            (None, _) => State::Old,
            (Some(_), unchecked) if unchecked < CHECK_AFTER => State::Good,
            (Some(_), unchecked) if unchecked < UNCHECKED_MAX => State::Due,
            (Some(_), _) => State::Doubtful,
        }
    }

    fn holds(&self, kept: &Kept) -> bool {
        let page = kept.page.map(|(page, _)| page);
        self.changes.hold(kept.read, page)
    }

    fn board<'a>(&'a self, asked: &'a Arc<ListAsked>) -> Boarded<'a> {
        let mut flights = self.lock_flights();
        if let Some(landing) = flights.get(asked) {
            return Boarded::Passenger(landing.clone());
        }
        let (landing, board) = watch::channel(None);
        flights.insert(Arc::clone(asked), board);
        Boarded::Pilot(Flight {
            lists: self,
            asked,
            landing,
            outcome: None,
        })
    }

    async fn fly(
        &self,
        flight: Flight<'_>,
        site: &Arc<Site>,
        clock: &Clock,
        fetch: impl AsyncFn(Option<(PageId, i64)>) -> Result<Option<Fetched>, Error>,
    ) -> Result<Arc<Kept>, Error> {
        let (read, read_at) = (self.changes.now(), clock.now());
        let found = self.kept.get(flight.asked);
        let known = found.filter(|kept| self.state(kept, site, read_at) != State::Old);
        if let Some(kept) = &known
            && self.state(kept, site, read_at) == State::Good
        {
            // Somebody else has landed since we looked.
            flight.land(Ok(Arc::clone(kept)));
            return Ok(Arc::clone(kept));
        }
        let outcome = match (
            fetch(known.as_ref().and_then(|kept| kept.page)).await,
            known,
        ) {
            (Ok(Some(fetched)), _) => {
                let kept = Arc::new(Kept::new(fetched, Arc::clone(site), read, read_at));
                if self.holds(&kept) {
                    self.kept
                        .insert(Arc::clone(flight.asked), Arc::clone(&kept));
                }
                self.count(|figures| &figures.misses);
                Ok(kept)
            }
            (Ok(None), Some(kept)) => {
                kept.note_checked(read_at);
                self.count(|figures| &figures.checks);
                Ok(kept)
            }
            (Err(error), Some(kept)) if error.code() == Code::Unavailable => {
                kept.note_checked(read_at);
                Ok(kept)
            }
            (Err(error), _) => Err(error),
            // What isn't kept can't be the same.
            (Ok(None), None) => Err(Error::UnknownValue),
        };
        match &outcome {
            Ok(kept) => flight.land(Ok(Arc::clone(kept))),
            Err(Error::NotFound) => flight.land(Err(Failure::NotFound)),
            Err(error) if error.code() == Code::Unavailable => {
                flight.land(Err(Failure::Unavailable));
            }
            Err(_) => {}
        }
        outcome
    }

    fn count(&self, counter: impl Fn(&Figures) -> &Counter) {
        counter(self.figures.get_or_init(Figures::new)).increment(1);
    }

    fn lock_flights(&self) -> MutexGuard<'_, Flights> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes how much is kept.
    pub(in crate::comments) fn observe(&self) {
        let number = |number: u64| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        self.kept.run_pending_tasks();
        metrics::gauge!("rejoinder_cache_entries", "cache" => "lists")
            .set(number(self.kept.entry_count()));
        metrics::gauge!("rejoinder_cache_bytes", "cache" => "lists").set(number(
            self.kept.weighted_size() + self.asked.weighted_size(),
        ));
    }
}

impl Kept {
    fn new(fetched: Fetched, site: Arc<Site>, read: Moment, read_at: OffsetDateTime) -> Self {
        Self {
            answer: fetched.answer,
            site,
            page: fetched.page,
            read,
            read_at,
            checked_ms: AtomicI64::new(0),
            is_being_checked: AtomicBool::new(false),
        }
    }

    fn note_checked(&self, at: OffsetDateTime) {
        let after = i64::try_from((at - self.read_at).whole_milliseconds()).unwrap_or(0);
        self.checked_ms.store(after, Ordering::Relaxed);
        self.is_being_checked.store(false, Ordering::Relaxed);
    }
}

/// What somebody is who wants a list that isn't kept.
enum Boarded<'a> {
    /// The one who fetches it.
    Pilot(Flight<'a>),
    /// One of those who wait.
    Passenger(watch::Receiver<Outcome>),
}

/// A list on its way. Dropped without an outcome (its client has gone, or it failed in a way of its own) it lets the next one
/// fly.
struct Flight<'a> {
    lists: &'a Lists,
    asked: &'a Arc<ListAsked>,
    landing: watch::Sender<Outcome>,
    outcome: Outcome,
}

impl Flight<'_> {
    fn land(mut self, outcome: Result<Arc<Kept>, Failure>) {
        self.outcome = Some(outcome);
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        // First, so that nobody boards what has landed.
        self.lists.lock_flights().remove(self.asked);
        if let Some(outcome) = self.outcome.take() {
            self.landing.send_replace(Some(outcome));
        }
    }
}

fn weight(text_bytes: usize) -> u32 {
    u32::try_from(text_bytes + ENTRY_BYTES).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
