//! Lists without a database: who fetches, who waits, and what is kept. Each order is forced, so nothing has to be waited for.

use std::cell::Cell;

use futures_util::FutureExt as _;
use futures_util::future::join;
use sqlx::postgres::PgConnectOptions;
use tokio::join;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::Instant;
use uuid::Uuid;

use super::*;
use crate::base::ids::SiteId;
use crate::base::page_url::PageUrl;
use crate::base::paging::Limit;
use crate::comments::service::{Order, PageName, Start};
use crate::database::{Capacity, Database, Notices};
use crate::sites::{Hold, NewPages};

struct Stage {
    lists: Lists,
    changes: PageChanges,
    clock: Clock,
    site: Arc<Site>,
    asked: Arc<ListAsked>,
    fetched: Cell<usize>,
}

type Answered = Result<Option<Fetched>, Error>;

fn page() -> PageId {
    PageId::from_uuid(Uuid::from_u128(7))
}

fn site() -> Arc<Site> {
    Arc::new(Site {
        id: SiteId::from_uuid(Uuid::nil()),
        slug: "tides".to_owned(),
        origins: Vec::new(),
        hold: Hold::All,
        new_pages: NewPages::Open,
        edit_window: Duration::ZERO,
        close_after: None,
        reasons: Vec::new(),
    })
}

fn fetched(page: Option<PageId>) -> Fetched {
    Fetched {
        answer: Ready::new("application/json", b"{}".to_vec()),
        page: page.map(|page| (page, 1)),
    }
}

impl Stage {
    /// Nothing here connects to the database.
    fn set() -> Self {
        let database = Database::new(PgConnectOptions::new_without_pgpass(), Capacity::default());
        let changes = PageChanges::new(Notices::new(database));
        Self {
            lists: Lists::new(1 << 20, changes.clone()),
            changes,
            clock: Clock::movable(),
            site: site(),
            asked: Arc::new(ListAsked {
                page: PageName::Url(PageUrl::parse("https://example.org/tides").unwrap()),
                order: Order::Oldest,
                start: Start::Beginning,
                limit: Limit::default(),
            }),
            fetched: Cell::new(0),
        }
    }

    /// Reads; whatever is fetched is counted.
    async fn read(
        &self,
        fetch: impl AsyncFn(Option<(PageId, i64)>) -> Answered,
    ) -> Result<Arc<Kept>, Error> {
        let counted = async |kept| {
            self.fetched.set(self.fetched.get() + 1);
            fetch(kept).await
        };
        let read = self
            .lists
            .read(&self.asked, &self.site, &self.clock, counted);
        read.await
    }

    async fn read_page(&self) -> Arc<Kept> {
        self.read(async |_| Ok(Some(fetched(Some(page())))))
            .await
            .unwrap()
    }

    /// So many were fetched since the last call.
    fn fetched(&self) -> usize {
        self.fetched.replace(0)
    }
}

#[tokio::test]
async fn one_fetches_for_all_who_come_meanwhile_and_for_those_who_come_later() {
    let stage = Stage::set();
    let slow = || {
        stage.read(async |_| {
            yield_now().await;
            Ok(Some(fetched(Some(page()))))
        })
    };
    let (one, two, three) = join!(slow(), slow(), slow());
    assert!(Arc::ptr_eq(&one.unwrap(), &two.unwrap()));
    assert!(Arc::ptr_eq(&three.unwrap(), &stage.read_page().await));
    assert_eq!(stage.fetched(), 1);
}

#[tokio::test]
async fn what_was_begun_before_a_change_and_ends_behind_it_is_neither_kept_nor_given_to_later_ones()
{
    let stage = Stage::set();
    let (go, gone) = oneshot::channel::<()>();
    let gone = Cell::new(Some(gone));
    let before = stage.read(async |_| {
        if let Some(gone) = gone.take() {
            gone.await.unwrap();
        }
        Ok(Some(fetched(Some(page()))))
    });
    let behind = async {
        // The first one is at the database now.
        assert_eq!(stage.fetched(), 1);
        stage.changes.publish([page()]);
        let later = stage.read(async |_| Ok(Some(fetched(Some(page())))));
        join(later, async { go.send(()).unwrap() }).await.0
    };
    let (before, later) = join!(before, behind);
    assert!(!Arc::ptr_eq(&before.unwrap(), &later.unwrap()));
    assert_eq!(stage.fetched(), 1);
    stage.read_page().await;
    assert_eq!(stage.fetched(), 0, "the later one is kept");
}

#[tokio::test]
async fn whoever_waits_for_one_who_gives_up_fetches_instead() {
    let stage = Stage::set();
    let mut given_up = Box::pin(stage.read(async |_| std::future::pending().await));
    assert!((&mut given_up).now_or_never().is_none());
    let waiting = async {
        let mut waiting = Box::pin(stage.read(async |_| Ok(Some(fetched(Some(page()))))));
        assert!((&mut waiting).now_or_never().is_none());
        assert_eq!(stage.fetched(), 1);
        drop(given_up);
        waiting.await
    };
    assert!(waiting.await.is_ok());
    assert_eq!(stage.fetched(), 1);
}

#[tokio::test]
async fn the_time_of_waiting_for_another_comes_off_the_requests_budget() {
    let stage = Stage::set();
    let mut given_up = Box::pin(stage.read(async |_| std::future::pending().await));
    assert!((&mut given_up).now_or_never().is_none());
    let until = Cell::new(None);
    let mut waiting = Box::pin(database::within_one_budget(stage.read(async |_| {
        until.set(Some(database::deadline()));
        Ok(Some(fetched(Some(page()))))
    })));
    assert!((&mut waiting).now_or_never().is_none());
    let waited_already = Instant::now();
    drop(given_up);
    waiting.await.unwrap();
    assert!(until.get().unwrap() <= waited_already + database::REQUEST_BUDGET);
}

#[tokio::test]
async fn a_failure_is_told_to_all_who_wait_and_is_over_then() {
    let stage = Stage::set();
    let failing = || {
        stage.read(async |_| {
            yield_now().await;
            Err(database::Error::Timeout.into())
        })
    };
    let (one, two) = join!(failing(), failing());
    for outcome in [one, two] {
        assert_eq!(outcome.err().unwrap().code(), Code::Unavailable);
    }
    assert_eq!(stage.fetched(), 1);
    stage.read_page().await;
    assert_eq!(stage.fetched(), 1);
}

#[tokio::test]
async fn a_page_is_compared_after_five_seconds_and_read_anew_after_a_minute() {
    let stage = Stage::set();
    let first = stage.read_page().await;
    stage.fetched();
    for _ in 0..11 {
        stage.clock.advance(Duration::seconds(5));
        let same = stage.read(async |kept| {
            assert_eq!(kept, Some((page(), 1)));
            Ok(None)
        });
        assert!(Arc::ptr_eq(&first, &same.await.unwrap()));
        assert_eq!(stage.fetched(), 1);
        stage.read_page().await;
        assert_eq!(stage.fetched(), 0);
    }
    stage.clock.advance(Duration::seconds(5));
    let anew = stage.read(async |kept| {
        assert_eq!(kept, None);
        Ok(Some(fetched(Some(page()))))
    });
    assert!(!Arc::ptr_eq(&first, &anew.await.unwrap()));
}

#[tokio::test]
async fn others_are_served_while_one_compares_in_time() {
    let stage = Stage::set();
    let first = stage.read_page().await;
    stage.clock.advance(Duration::milliseconds(4_200));
    stage.fetched();
    let mut comparing = Box::pin(stage.read(async |_| std::future::pending().await));
    assert!((&mut comparing).now_or_never().is_none());
    assert!(Arc::ptr_eq(&first, &stage.read_page().await));
    assert_eq!(stage.fetched(), 1);
}

#[tokio::test]
async fn without_a_database_what_is_kept_is_served_to_the_end_of_its_minute() {
    let stage = Stage::set();
    let away = || stage.read(async |_| Err(database::Error::Timeout.into()));
    let first = stage.read_page().await;
    stage.clock.advance(Duration::seconds(30));
    assert!(Arc::ptr_eq(&first, &away().await.unwrap()));
    stage.clock.advance(Duration::seconds(30));
    assert!(away().await.is_err());
}

#[tokio::test]
async fn that_there_is_no_page_is_believed_for_half_a_second_and_until_one_changes() {
    let stage = Stage::set();
    let unknown = || stage.read(async |_| Ok(Some(fetched(None))));
    unknown().await.unwrap();
    unknown().await.unwrap();
    assert_eq!(stage.fetched(), 1);
    stage.clock.advance(Duration::milliseconds(500));
    unknown().await.unwrap();
    assert_eq!(stage.fetched(), 1);
    stage.changes.publish([page()]);
    unknown().await.unwrap();
    assert_eq!(stage.fetched(), 1);
}

#[tokio::test]
async fn another_policy_makes_every_list_of_the_site_old() {
    let mut stage = Stage::set();
    stage.read_page().await;
    stage.site = site();
    stage.read_page().await;
    assert_eq!(stage.fetched(), 2);
}

#[tokio::test]
async fn what_is_kept_stays_within_its_bound() {
    let stage = Stage::set();
    for number in 0..200 {
        let asked = Arc::new(ListAsked {
            start: Start::Cursor(number.to_string()),
            ..ListAsked::clone(&stage.asked)
        });
        let fetch = async |_| {
            Ok(Some(Fetched {
                answer: Ready::new("application/json", vec![b'x'; 20_000]),
                page: Some((page(), 1)),
            }))
        };
        let read = stage.lists.read(&asked, &stage.site, &stage.clock, fetch);
        read.await.unwrap();
    }
    stage.lists.kept.run_pending_tasks();
    assert!(stage.lists.kept.weighted_size() <= 1 << 20);
    assert!(stage.lists.kept.entry_count() >= 20);
}
