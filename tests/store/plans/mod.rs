//! How Postgres goes about every list and search over 200,000 comments: statements as they were sent, read from the server's
//! own log and explained again. Ends at once with a server that was given (`TEST_DATABASE_URL`), whose log isn't ours.

mod explain;
mod fill;
mod persons;

use std::cell::RefCell;
use std::sync::Arc;

use rejoinder::accounts::model::{Caller, PersonalData, Proof, Role, SiteScope};
use rejoinder::base::clock::Clock;
use rejoinder::base::ids::{
    AuditEntryId, AuthorId, BatchId, CommentId, ModeratorId, PageId, SessionId, SiteId,
};
use rejoinder::base::page_url::PageUrl;
use rejoinder::base::paging::{Limit, TimeCursor};
use rejoinder::comments::Comments;
use rejoinder::comments::model::Status;
use rejoinder::comments::model::queue::{CommentFilter, Completeness, ListAsked, Order};
use rejoinder::comments::model::reactions::SignalCode;
use rejoinder::comments::service::moderate::{
    LOOKED_MAX, Search, count_matching, find_matching, find_places,
};
use rejoinder::comments::service::{self, PageName, Start};
use rejoinder::database::{Error, Lane};
use rejoinder::moderation::Moderation;
use rejoinder::sites::Sites;
use rejoinder::sites::service::PagesAsked;
use rejoinder::transfer::Transfer;
use rejoinder::web::conditional::Ready;
use serde_json::Value;
use sqlx::{ConnectOptions, Connection, PgConnection};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use self::explain::{explain, walk};
use self::fill::{FILL, FILL_OTHERS};
use crate::seed;
use crate::support::{self, Logged, execute};

/// What a page's list may sort: two rows more than the largest page for each stretch (three sites, or pages, and five
/// states), and nothing that grows with the table.
const SORTED_MAX: f64 = 103.0 * 15.0;
/// What a search may sort: the hits of a word that isn't common.
const HITS_MAX: f64 = 20_001.0;
const NEWEST: OffsetDateTime = datetime!(2026-03-01 00:00 UTC);
const MIDDLE: OffsetDateTime = datetime!(2026-02-01 00:00 UTC);

/// Tables whose statements are explained.
const LOOKED_AT: [&str; 7] = [
    " comments",
    " comment_history",
    " audit_log",
    " batch",
    " reports",
    " pages",
    " notes",
];
/// Tables that grow without end, so that none of them may be read as a whole.
const LARGE: [&str; 6] = [
    "comments",
    "comment_history",
    "audit_log",
    "batch_items",
    "reports",
    "notes",
];

struct Plans {
    test: support::TestDatabase,
    database: rejoinder::database::Database,
    moderation: Moderation,
    comments: Comments,
    sites: Sites,
    caller: Caller,
    read: usize,
}

impl Plans {
    /// None where there is no log of ours.
    async fn open() -> Option<Self> {
        let test = support::TestDatabase::create().await;
        test.logged().await?;
        execute(&test.options, FILL.to_owned()).await;
        execute(&test.options, "vacuum analyze".to_owned()).await;
        test.log_statements().await;
        let database = test.database();
        let (sites, comments) = seed::services(&database, &Clock::new());
        sites.refresh().await.unwrap();
        let moderation = Moderation::new(
            database.clone(),
            Clock::new(),
            sites.clone(),
            comments.clone(),
        );
        let moderator = id(0xff);
        Some(Self {
            read: test.logged().await?.len(),
            test,
            database,
            moderation,
            comments,
            sites,
            caller: Caller {
                moderator_id: ModeratorId::from_uuid(moderator),
                name: "Mo".to_owned(),
                role: Role::Moderator,
                sites: SiteScope::All,
                proof: Proof::Session(SessionId::from_uuid(moderator)),
            },
        })
    }

    /// Explains what was asked since the last call, each statement with its values.
    async fn fresh(&mut self) -> Vec<(Logged, Value)> {
        let all = self.test.logged().await.unwrap();
        let fresh = all[self.read..].to_vec();
        self.read = all.len();
        let mut connection = self.test.options.connect().await.unwrap();
        let mut plans = Vec::new();
        for logged in fresh {
            // What is inserted once can't be inserted again.
            let is_insert = logged.statement.trim_start().starts_with("insert ");
            let mut tables = LOOKED_AT.iter();
            if !is_insert && tables.any(|table| logged.statement.contains(table)) {
                let plan = explain(&mut connection, &logged).await;
                plans.push((logged, plan));
            }
        }
        connection.close().await.unwrap();
        // What explaining logged is no statement of the service.
        self.read = self.test.logged().await.unwrap().len();
        plans
    }

    async fn check(&mut self, what: &str, sorted_max: f64) {
        #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "50,000")]
        let looked_max = if sorted_max.is_finite() {
            LOOKED_MAX as f64 + 5_000.0
        } else {
            f64::INFINITY
        };
        self.check_within(what, sorted_max, looked_max).await;
    }

    /// The same, where no statement may look at more rows of large tables than this.
    async fn check_within(&mut self, what: &str, sorted_max: f64, looked_max: f64) {
        let plans = self.fresh().await;
        assert!(!plans.is_empty(), "{what}");
        for (logged, plan) in plans {
            let mut looked = 0.0;
            walk(&plan, &mut |node| {
                let text = |name: &str| node[name].as_str().unwrap_or_default().to_owned();
                let number = |name: &str| node[name].as_f64().unwrap_or_default();
                let loops = number("Actual Loops");
                if loops == 0.0 {
                    return;
                }
                let (kind, table) = (text("Node Type"), text("Relation Name"));
                let is_large = LARGE.contains(&table.as_str());
                let case = || format!("{what}: {kind} on {table}\n{}\n{plan:#}", logged.statement);
                assert!(!(kind == "Seq Scan" && is_large), "{}", case());
                if is_large {
                    looked += (number("Actual Rows") + number("Rows Removed by Filter")) * loops;
                }
                if kind.contains("Sort") {
                    let from = &node["Plans"][0];
                    let rows = from["Actual Rows"].as_f64().unwrap_or_default();
                    let rows = rows * from["Actual Loops"].as_f64().unwrap_or_default();
                    assert!(rows <= sorted_max, "{rows} rows: {}", case());
                }
            });
            assert!(
                looked <= looked_max,
                "{what}: {looked} rows\n{}\n{plan:#}",
                logged.statement
            );
        }
    }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0000 | number)
}

/// The author of this number; its digits read as hexadecimal ones.
fn author(digits: u128) -> AuthorId {
    AuthorId::from_uuid(Uuid::from_u128(
        0x0000_0000_0000_8000_8000_0000_0000_0000 | digits,
    ))
}

fn asked(order: Order, at: Option<OffsetDateTime>) -> ListAsked {
    ListAsked {
        order,
        after: at.map(|at| TimeCursor {
            at,
            id: Uuid::max(),
        }),
        limit: Limit::parse("100").unwrap(),
    }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn filters() -> Vec<(&'static str, CommentFilter)> {
    let pending = || CommentFilter {
        statuses: vec![Status::Pending],
        ..CommentFilter::default()
    };
    let open = || CommentFilter {
        statuses: vec![
            Status::Pending,
            Status::Approved,
            Status::Rejected,
            Status::Spam,
        ],
        ..CommentFilter::default()
    };
    let page = |path: &str| PageUrl::parse(&format!("https://tides.example/{path}")).ok();
    let ip = "10.0.7.7".parse().ok();
    vec![
        ("everything", open()),
        ("what waits", pending()),
        (
            "deleted ones, of which there are none",
            CommentFilter {
                statuses: vec![Status::Deleted],
                ..open()
            },
        ),
        (
            "a site",
            CommentFilter {
                site: Some("site1".to_owned()),
                ..pending()
            },
        ),
        (
            "a page",
            CommentFilter {
                page: page("7"),
                ..open()
            },
        ),
        (
            "the big page",
            CommentFilter {
                page: page("0"),
                ..open()
            },
        ),
        (
            "an author",
            CommentFilter {
                author: Some(author(0x17)),
                ..open()
            },
        ),
        (
            "the author who writes much",
            CommentFilter {
                author: Some(author(0)),
                ..open()
            },
        ),
        (
            "that author on a page",
            CommentFilter {
                author: Some(author(0)),
                page: page("12"),
                ..open()
            },
        ),
        (
            "that author's address from a network address",
            CommentFilter {
                address_author: Some(author(0)),
                ip,
                ..open()
            },
        ),
        ("a network address", CommentFilter { ip, ..open() }),
        (
            "a network address on a page",
            CommentFilter {
                ip,
                page: page("0"),
                ..open()
            },
        ),
        (
            "a time",
            CommentFilter {
                submitted_after: Some(MIDDLE),
                submitted_before: Some(NEWEST),
                ..open()
            },
        ),
    ]
}

const WORDS: [&str; 6] = ["rare", "seldom", "late", "common", "nowhere", "-common"];

#[tokio::test]
async fn no_list_or_search_reads_or_sorts_more_than_its_bound() {
    let Some(mut plans) = Plans::open().await else {
        return;
    };
    check_reads(&mut plans).await;
    check_lists(&mut plans).await;
    check_reported(&mut plans).await;
    check_works(&mut plans).await;
    check_others(&mut plans).await;
    check_ends(&plans).await;
    persons::check(&mut plans).await;
}

async fn check_lists(plans: &mut Plans) {
    for (what, filter) in filters() {
        for order in [Order::Oldest, Order::Newest] {
            for at in [None, Some(MIDDLE)] {
                let asked = asked(order, at);
                let list = plans.moderation.list(&plans.caller, &filter, &asked);
                let page = list.await.unwrap();
                assert_eq!(page.completeness, Completeness::Complete, "{what}");
                let what = format!("{what}, {order:?}, {at:?}");
                plans.check(&what, SORTED_MAX).await;
            }
        }
        for words in WORDS {
            let filter = CommentFilter {
                words: Some(words.to_owned()),
                ..filter.clone()
            };
            let list = asked(Order::Oldest, None);
            plans
                .moderation
                .list(&plans.caller, &filter, &list)
                .await
                .unwrap();
            plans.check(&format!("{what}, {words}"), HITS_MAX).await;
        }
    }
}

/// What was reported is found from the 600 comments with open reports, not from the 200,000.
async fn check_reported(plans: &mut Plans) {
    let caller = plans.caller.clone();
    for (what, filter) in filters() {
        for words in [None, Some("seldom"), Some("common")] {
            let filter = CommentFilter {
                signal: Some(SignalCode::Reported),
                words: words.map(str::to_owned),
                ..filter.clone()
            };
            let list = asked(Order::Oldest, None);
            plans
                .moderation
                .list(&caller, &filter, &list)
                .await
                .unwrap();
            plans.check(&format!("reported: {what}"), SORTED_MAX).await;
            // What an author or an address wrote is walked through, as without the signal.
            let is_led_by_reports = filter.author.or(filter.address_author).is_none();
            if is_led_by_reports && filter.ip.is_none() {
                match_all(plans, &filter).await;
                let what = format!("a batch of reported: {what}");
                plans.check(&what, SORTED_MAX).await;
            }
        }
    }
}

/// Takes and counts as a batch does.
async fn match_all(plans: &Plans, filter: &CommentFilter) {
    let run = async |connection: &mut PgConnection| {
        let places = find_places(connection, &SiteScope::All, filter).await?;
        let search = Search {
            places: &places.unwrap(),
            filter,
            personal_data: PersonalData::Shown,
        };
        find_matching(connection, &search, NEWEST, 100_001).await?;
        count_matching(connection, &search, NEWEST, 10_001).await
    };
    let matched = plans.database.run::<_, Error>(Lane::Moderators, run);
    matched.await.unwrap();
}

/// Claims, authors, one comment, and what batches take.
async fn check_works(plans: &mut Plans) {
    let caller = plans.caller.clone();
    let other = Caller {
        moderator_id: ModeratorId::from_uuid(id(0xfe)),
        ..caller.clone()
    };
    execute(
        &plans.test.options,
        "insert into moderators (id, email, email_key, name, role, created_at)
        values ('00000000-0000-7000-8000-0000000000fe', 'b@example.org', 'b@example.org', 'Bo', 'moderator', now())"
            .to_owned(),
    )
    .await;
    plans.fresh().await;
    for (what, filter) in filters() {
        let limit = Limit::parse("100").unwrap();
        plans
            .moderation
            .claim(&other, &filter, limit)
            .await
            .unwrap();
        plans.check(&format!("claims: {what}"), 501.0 * 12.0).await;
    }
    for digits in [0, 0x17] {
        let author = author(digits);
        plans.moderation.show_author(&caller, author).await.unwrap();
        plans.check("an author", SORTED_MAX).await;
    }
    let one = CommentId::from_uuid(Uuid::from_u128(
        0x0190_0000_0000_7000_8000_0000_0000_0000 | 0x1234,
    ));
    plans.moderation.show(&caller, one).await.unwrap();
    plans.check("one comment", SORTED_MAX).await;
    for (what, filter) in filters() {
        for words in [None, Some("seldom"), Some("common")] {
            let filter = CommentFilter {
                words: words.map(str::to_owned),
                ..filter.clone()
            };
            match_all(plans, &filter).await;
            plans
                .check(&format!("a batch: {what}"), f64::INFINITY)
                .await;
        }
    }
}

/// Feeds, counts, and the parts of an export.
async fn check_reads(plans: &mut Plans) {
    let comments = plans.comments.clone();
    let page = |path: usize| PageUrl::parse(&format!("https://tides.example/{path}")).unwrap();
    for path in [0, 9] {
        let name = PageName::Url(page(path));
        let (_, feed) = comments.page_feed(&name).await.unwrap();
        assert!(feed.entries.len() >= 10, "{}", feed.entries.len());
        plans.check("a page's feed", 51.0).await;
    }
    let (_, feed) = comments.site_feed("site0").await.unwrap();
    assert_eq!(feed.entries.len(), 50);
    plans.check("a site's feed", 51.0).await;
    for path in [0, 9] {
        check_page(plans, &page(path)).await;
    }
    let pages: Vec<PageUrl> = (0..100).map(page).collect();
    let counts = comments.count(&pages).await.unwrap();
    assert_eq!(counts.len(), 100);
    plans.check("counts", 101.0).await;
    let transfer = Transfer::new(plans.database.clone(), Clock::new());
    let mut export = transfer.export_for_operator("site1").await.unwrap();
    while export.written().1 < 1_000 {
        export.next().await.unwrap().unwrap();
        plans.check("an export", 1_001.0).await;
    }
}

/// A page's list looks at what it shows, wherever it begins: rows and answers of each, none of which are here.
async fn check_page(plans: &mut Plans, page: &PageUrl) {
    use service::Order::{Newest, Oldest, Top};

    for order in [Oldest, Newest, Top] {
        let mut start = Start::Beginning;
        for part in 0..4 {
            let asked = Arc::new(service::ListAsked {
                page: PageName::Url(page.clone()),
                order,
                start,
                limit: Limit::default(),
            });
            let next = RefCell::new(None);
            let render = |found: service::ThreadList| {
                next.replace(found.next_cursor);
                Ready::json(&found.threads.len())
            };
            let list = plans.comments.list(&asked, render);
            drop(list.await.unwrap());
            plans
                .check_within(&format!("{order:?}, part {part}"), 120.0, 120.0)
                .await;
            let Some(cursor) = next.take() else { break };
            start = Start::Cursor(cursor);
        }
    }
}

/// The log, batches, pages and figures.
async fn check_others(plans: &mut Plans) {
    execute(&plans.test.options, FILL_OTHERS.to_owned()).await;
    plans.fresh().await;
    let all = plans.caller.clone();
    let few = Caller {
        sites: SiteScope::Only(vec![SiteId::from_uuid(id(0xa1))]),
        ..all.clone()
    };
    let limit = Limit::parse("100").unwrap();
    let middle = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0001_0000);
    for caller in [&all, &few] {
        for before in [None, Some(AuditEntryId::from_uuid(middle))] {
            plans.moderation.log(caller, before, limit).await.unwrap();
            plans.check("the log", SORTED_MAX).await;
        }
        let asked = PagesAsked {
            site: None,
            name: None,
            before: Some(PageId::from_uuid(id(0x1000))),
            limit,
        };
        plans.sites.list_pages(caller, &asked).await.unwrap();
        plans.check("pages", SORTED_MAX).await;
        plans.moderation.summary(caller, None).await.unwrap();
        plans.check("figures", HITS_MAX).await;
    }
    let mut shown = std::collections::BTreeSet::new();
    plans.moderation.observe(&mut shown).await.unwrap();
    plans.check("gauges of the queue", SORTED_MAX).await;
    let batch = BatchId::from_uuid(id(0xba7c));
    plans
        .moderation
        .list_batches(&all, None, limit)
        .await
        .unwrap();
    plans.check("batches", SORTED_MAX).await;
    let results = plans
        .moderation
        .list_batch_results(&all, batch, 25_000, limit);
    assert_eq!(results.await.unwrap().items.len(), 100);
    plans.check("a batch's results", SORTED_MAX).await;
}

/// A search that takes too long ends early, and goes on where it ended.
async fn check_ends(plans: &Plans) {
    let (moderation, caller) = (&plans.moderation, &plans.caller);
    // Excluding words is answered by no index: the walk passes everything that is there.
    for (words, wanted) in [("-of", 0), ("-of or late", 200), ("-word1", 199_795)] {
        let filter = CommentFilter {
            statuses: Status::ALL.to_vec(),
            words: Some(words.to_owned()),
            ..CommentFilter::default()
        };
        let mut list = asked(Order::Oldest, None);
        let (mut found, mut calls, mut cut) = (0, 0, 0);
        let mut latest = None;
        loop {
            let page = moderation.list(caller, &filter, &list).await.unwrap();
            for queued in &page.comments {
                let place = (queued.comment.submitted_at, queued.comment.id);
                assert!(latest.is_none_or(|latest| latest < place));
                latest = Some(place);
            }
            found += page.comments.len();
            calls += 1;
            cut += usize::from(page.completeness == Completeness::CutOff);
            list.after = page.next;
            // The last one is as long as the others, and says no more.
            if page.next.is_none() || calls == 30 {
                break;
            }
        }
        if wanted < 3_000 {
            assert_eq!(found, wanted, "{words}");
            assert!((4..30).contains(&calls) && cut >= 3, "{words}: {calls}");
        } else {
            assert_eq!((found, cut), (3_000, 0), "{words}");
        }
    }
}
