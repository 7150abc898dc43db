//! The moderators' list: filters, order, pages, and who may find what.

use rejoinder::accounts::model::{PersonalData, SiteScope};
use rejoinder::base::ids::CommentId;
use rejoinder::base::page_url::PageUrl;
use rejoinder::base::paging::Limit;
use rejoinder::comments::model::Status;
use rejoinder::comments::model::queue::{CommentFilter, Found, ListAsked, Order};
use rejoinder::comments::service::moderate::{
    Search, count_matching, find_matching, find_places, look,
};
use rejoinder::database::{Error, Lane};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::seed::{self, Seed, TestDatabase, add_comment, add_page};

fn everything(seed: &Seed) -> CommentFilter {
    CommentFilter {
        statuses: Status::ALL.to_vec(),
        site: Some(seed.slug.clone()),
        ..CommentFilter::default()
    }
}

fn first(limit: &str) -> ListAsked {
    ListAsked {
        order: Order::Oldest,
        after: None,
        limit: Limit::parse(limit).unwrap(),
    }
}

async fn find(
    test: &TestDatabase,
    scope: &SiteScope,
    personal_data: PersonalData,
    filter: &CommentFilter,
    asked: &ListAsked,
) -> Found {
    let run = async |connection: &mut PgConnection| {
        let places = find_places(connection, scope, filter).await?.unwrap();
        let search = Search {
            places: &places,
            filter,
            personal_data,
        };
        look(connection, &search, asked).await
    };
    test.database
        .run::<_, Error>(Lane::Moderators, run)
        .await
        .unwrap()
}

async fn list(
    test: &TestDatabase,
    scope: &SiteScope,
    personal_data: PersonalData,
    filter: &CommentFilter,
) -> Vec<CommentId> {
    let found = find(test, scope, personal_data, filter, &first("100")).await;
    assert!(found.next.is_none());
    // What a batch would take is the same.
    let run = async |connection: &mut PgConnection| {
        let places = find_places(connection, scope, filter).await?.unwrap();
        let search = Search {
            places: &places,
            filter,
            personal_data,
        };
        let as_of = OffsetDateTime::UNIX_EPOCH + time::Duration::days(365 * 200);
        let matching = find_matching(connection, &search, as_of, 1_000).await?;
        let count = count_matching(connection, &search, as_of, 1_000).await?;
        assert_eq!(count, i64::try_from(matching.len()).unwrap());
        Ok::<_, Error>(matching)
    };
    let matching = test.database.run(Lane::Moderators, run).await.unwrap();
    let matching: Vec<_> = matching.into_iter().map(|found| found.id).collect();
    assert_eq!(matching, found.ids);
    found.ids
}

async fn all(test: &TestDatabase, filter: &CommentFilter) -> Vec<CommentId> {
    list(test, &SiteScope::All, PersonalData::Shown, filter).await
}

#[tokio::test]
async fn pages_of_both_orders_hold_every_comment_once() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let other_page = add_page(&test.pool, seed.site).await;
    let mut expected = Vec::new();
    for turn in 0..15 {
        let page = if turn % 2 == 0 { seed.page } else { other_page };
        expected.push(add_comment(&test.pool, seed.site, page, Status::ALL[turn % 5]).await);
    }
    // All at one time, so that ids alone carry the order from page to page.
    sqlx::query!(
        "update comments set submitted_at = '2026-01-01 12:00Z' where site_id = $1",
        seed.site.as_uuid()
    )
    .execute(&test.pool)
    .await
    .unwrap();
    expected.sort_unstable();
    for order in [Order::Oldest, Order::Newest] {
        for words in [None, Some("noon".to_owned())] {
            let filter = CommentFilter {
                words,
                ..everything(&seed)
            };
            let mut asked = ListAsked {
                order,
                ..first("4")
            };
            let mut found = Vec::new();
            loop {
                let (scope, shown) = (SiteScope::All, PersonalData::Shown);
                let page = find(&test, &scope, shown, &filter, &asked).await;
                found.extend(page.ids);
                asked.after = page.next;
                if page.next.is_none() {
                    break;
                }
            }
            if order == Order::Newest {
                found.reverse();
            }
            assert_eq!(found, expected);
        }
    }
}

#[tokio::test]
async fn states_sites_and_pages_narrow_the_list() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let foreign = Seed::plant(&test.pool).await;
    let other_page = add_page(&test.pool, seed.site).await;
    let pending = seed.comment(&test.pool).await;
    let spam = add_comment(&test.pool, seed.site, other_page, Status::Spam).await;
    foreign.comment(&test.pool).await;
    let own = SiteScope::Only(vec![seed.site]);
    let filter = |statuses: &[Status]| CommentFilter {
        statuses: statuses.to_vec(),
        site: None,
        ..everything(&seed)
    };
    let of_page = |url: String| CommentFilter {
        page: PageUrl::parse(&url).ok(),
        ..everything(&seed)
    };

    let shown = PersonalData::Shown;
    assert_eq!(
        list(&test, &own, shown, &filter(&Status::ALL)).await,
        [pending, spam]
    );
    assert_eq!(
        list(&test, &own, shown, &filter(&[Status::Spam])).await,
        [spam]
    );
    assert_eq!(all(&test, &everything(&seed)).await, [pending, spam]);
    let url = format!("http://TIDES.example/{other_page}?utm_source=x#top");
    assert_eq!(all(&test, &of_page(url.clone())).await, [spam]);
    let searched = CommentFilter {
        words: Some("noon".into()),
        ..of_page(url)
    };
    assert_eq!(all(&test, &searched).await, [spam]);
    assert_eq!(
        all(&test, &of_page("https://tides.example/nowhere".into())).await,
        []
    );
    assert_eq!(
        list(
            &test,
            &SiteScope::Only(Vec::new()),
            shown,
            &filter(&Status::ALL)
        )
        .await,
        []
    );
}

#[tokio::test]
async fn a_site_that_may_not_be_seen_does_not_exist() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let foreign = Seed::plant(&test.pool).await;
    let own = SiteScope::Only(vec![seed.site]);
    for (slug, exists) in [
        (&seed.slug, true),
        (&foreign.slug, false),
        (&"no-such-site".to_owned(), false),
    ] {
        let filter = CommentFilter {
            site: Some(slug.clone()),
            ..everything(&seed)
        };
        let run =
            async |connection: &mut PgConnection| find_places(connection, &own, &filter).await;
        let places = test.database.run(Lane::Moderators, run).await.unwrap();
        assert_eq!(places.is_some(), exists, "{slug}");
    }
}

/// The comment says "High water at noon", by Ada, ada@example.org.
#[tokio::test]
async fn a_search_by_those_who_see_no_addresses_does_not_look_into_them() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    seed.comment(&test.pool).await;
    for (words, shown, hidden) in [
        ("noon", 1, 1),
        ("ada", 1, 1),
        ("ADA noon", 1, 1),
        ("\"high water\"", 1, 1),
        ("\"water high\"", 0, 0),
        ("low or noon", 1, 1),
        ("noon -low", 1, 1),
        ("noon -water", 0, 0),
        ("ada@example.org", 1, 0),
        ("example", 1, 0),
        ("noon org", 1, 0),
        ("noon -example", 0, 1),
        ("noon -ada@example.org", 0, 1),
        ("low or example", 1, 0),
        ("it's 'noon'", 0, 0),
        ("'noon'", 1, 1),
        ("noon:c", 0, 0),
        (r"noon\", 1, 1),
        ("& | ! ( ) :* <->", 0, 0),
        ("\"", 0, 0),
        ("-", 0, 0),
        ("http://x.example/it's?a='b'&c", 0, 0),
    ] {
        let filter = CommentFilter {
            words: Some(words.to_owned()),
            ..everything(&seed)
        };
        let count = async |personal_data| {
            list(&test, &SiteScope::All, personal_data, &filter)
                .await
                .len()
        };
        assert_eq!(count(PersonalData::Shown).await, shown, "{words}");
        assert_eq!(count(PersonalData::Hidden).await, hidden, "{words}");
    }
}
