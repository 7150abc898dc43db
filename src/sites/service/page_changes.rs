//! Which pages show something else than before, told to whoever keeps what pages show, in this instance at once and in the
//! others by notices. Must not know what a page shows, nor who keeps it.
//!
//! Time is a counter that ticks with each change. Whoever reads asks for the time *before* the database is asked, and what
//! was read holds as long as its page has not changed after that. So a reading that began before a change and came to its
//! end behind it never holds, whatever it saw, and nobody has to wait for anybody.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::broadcast::error::RecvError;

use crate::base::ids::PageId;
use crate::database::{Channel, Notice, Notices};

const PAGES: Channel = Channel::new("pages");
/// Pages that share a slot are taken to change together: with as many, one change in thousands costs another page a reading.
const SLOTS: usize = 4_096;

/// The handle; cheap to clone. One for the process.
#[derive(Clone)]
pub struct PageChanges {
    known: Arc<Known>,
    notices: Notices,
}

/// A moment in the order of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

/// When what changed, in memory that doesn't grow.
struct Known {
    ticks: AtomicU64,
    /// When each page changed last, or another one with the same slot.
    pages: Box<[AtomicU64]>,
    /// When any page changed last, which may have been unknown before.
    any: AtomicU64,
    /// When everything was last taken to have changed.
    all: AtomicU64,
}

impl PageChanges {
    /// Told to others by these notices.
    pub fn new(notices: Notices) -> Self {
        Self {
            known: Arc::new(Known::new()),
            notices,
        }
    }

    /// Tells that these pages show something else now, or are found otherwise; after the commit of that. When this returns
    /// nothing holds any more that was read of them before in this instance. Never waits.
    pub fn publish(&self, pages: impl IntoIterator<Item = PageId>) {
        let pages: BTreeSet<PageId> = pages.into_iter().collect();
        for page in pages {
            self.known.page_changed(page);
            self.notices.publish_elsewhere(PAGES, &page.to_string());
        }
    }

    /// To be asked before the database is.
    pub fn now(&self) -> Moment {
        Moment(self.known.ticks.load(Ordering::SeqCst))
    }

    /// Whether what was read of the page at that moment, or that there is none, can still be so.
    pub fn hold(&self, read: Moment, page: Option<PageId>) -> bool {
        self.known.holds(read, page)
    }

    /// Takes in what other instances tell, for ever. From this call on nothing is missed, even before the future is polled.
    pub fn follow(&self) -> impl Future<Output = ()> + use<> {
        let mut told = self.notices.subscribe(PAGES);
        let known = Arc::clone(&self.known);
        async move {
            loop {
                match told.recv().await {
                    Ok(Notice::Line(line)) => match line.parse() {
                        Ok(page) => known.page_changed(page),
                        // Another release may tell of pages otherwise.
                        Err(_) => known.all_changed(),
                    },
                    Ok(Notice::Missed) | Err(RecvError::Lagged(_)) => known.all_changed(),
                    Err(RecvError::Closed) => return,
                }
            }
        }
    }
}

impl Known {
    fn new() -> Self {
        Self {
            ticks: AtomicU64::new(0),
            pages: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            any: AtomicU64::new(0),
            all: AtomicU64::new(0),
        }
    }

    fn page_changed(&self, page: PageId) {
        let tick = self.tick();
        if let Some(slot) = self.slot(page) {
            slot.fetch_max(tick, Ordering::SeqCst);
        }
        self.any.fetch_max(tick, Ordering::SeqCst);
    }

    fn all_changed(&self) {
        let tick = self.tick();
        self.all.fetch_max(tick, Ordering::SeqCst);
    }

    fn holds(&self, read: Moment, page: Option<PageId>) -> bool {
        let changed = match page {
            Some(page) => self.slot(page),
            None => Some(&self.any),
        };
        let is_before = |changed: &AtomicU64| changed.load(Ordering::SeqCst) <= read.0;
        changed.is_some_and(is_before) && is_before(&self.all)
    }

    fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// By the last octets of the id, which are random.
    fn slot(&self, page: PageId) -> Option<&AtomicU64> {
        let [.., high, low] = *page.as_uuid().as_bytes();
        self.pages
            .get(usize::from(u16::from_be_bytes([high, low])) % SLOTS)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn page(number: u128) -> PageId {
        PageId::from_uuid(Uuid::from_u128(number))
    }

    fn now(known: &Known) -> Moment {
        Moment(known.ticks.load(Ordering::SeqCst))
    }

    #[test]
    fn what_was_read_holds_until_its_page_changes() {
        let known = Known::new();
        let read = now(&known);
        assert!(known.holds(read, Some(page(1))));
        known.page_changed(page(2));
        assert!(known.holds(read, Some(page(1))));
        known.page_changed(page(1));
        assert!(!known.holds(read, Some(page(1))));
        assert!(known.holds(now(&known), Some(page(1))));
    }

    #[test]
    fn that_there_is_no_page_holds_until_any_changes_and_nothing_outlasts_all() {
        let known = Known::new();
        let read = now(&known);
        known.page_changed(page(1));
        assert!(!known.holds(read, None));
        let read = now(&known);
        assert!(known.holds(read, None));
        known.all_changed();
        assert!(!known.holds(read, None) && !known.holds(read, Some(page(3))));
        assert!(known.holds(now(&known), Some(page(3))));
    }
}
