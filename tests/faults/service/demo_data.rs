//! `rejoinder demo-data` by the real program: the same wish gives the same comments, and they break no rule. Must not know
//! how they are made.

use std::collections::BTreeMap;

use sqlx::Row as _;

use super::refusals::one_complaint;
use super::{ends, program};
use crate::embedded::Scratch;
use crate::support::{TestDatabase, contradictions};

const WISH: [&str; 7] = [
    "demo-data",
    "--comments=1200",
    "--pages=30",
    "--seed=7",
    "--until=2026-11-24T12:00:00Z",
    "--site=default",
    "--log=warn",
];

/// What the program said, made with a fixed secret: ids of authors and avatars hang on it.
fn make(scratch: &Scratch, database: &TestDatabase, arguments: &[&str]) -> super::Ended {
    let url = database.url();
    let settings = [
        ("DATABASE_URL", url.as_str()),
        ("REJOINDER_SECRET", "a secret of thirty-two octets, or so"),
    ];
    let mut command = program(scratch, &settings);
    command.args(arguments);
    ends(command)
}

/// Every row of the tables that were filled, hashed; what differs from one installation to the next is left out.
async fn fingerprint(database: &TestDatabase) -> Vec<String> {
    let statements = [
        "select md5(string_agg((to_jsonb(c) - 'site_id' - 'avatar')::text, '' order by c.id)) from comments c",
        "select md5(string_agg(to_jsonb(h)::text, '' order by h.comment_id, h.version)) from comment_history h",
        "select md5(string_agg((to_jsonb(p) - 'site_id')::text, '' order by p.id)) from pages p",
    ];
    let mut found = Vec::new();
    for statement in statements {
        let row = sqlx::raw_sql(statement).fetch_one(&database.pool).await;
        found.push(row.unwrap().get::<String, _>(0));
    }
    found
}

#[tokio::test]
async fn the_same_wish_makes_the_same_comments_in_every_state_and_depth() {
    let scratch = Scratch::new();
    let (one, other) = (TestDatabase::create().await, TestDatabase::create().await);
    for database in [&one, &other] {
        let made = make(&scratch, database, &WISH);
        assert!(made.code == Some(0), "{}", made.said);
        assert_eq!(contradictions(&database.pool).await, Vec::<String>::new());
    }
    assert_eq!(fingerprint(&one).await, fingerprint(&other).await);

    let rows =
        sqlx::query!(r#"select status, count(*) as "number!" from comments group by status"#)
            .fetch_all(&one.pool)
            .await
            .unwrap();
    let states: BTreeMap<String, i64> = rows.into_iter().map(|r| (r.status, r.number)).collect();
    assert_eq!(states.values().sum::<i64>(), 1_200);
    assert_eq!(states.len(), 5, "{states:?}");
    assert!(
        states["approved"] > 600 && states["pending"] > 50,
        "{states:?}"
    );
    let facts = sqlx::query!(
        r#"
        select max(c.depth) as "deepest!",
            count(*) filter (where c.parent_id is not null and r.submitted_at >= c.submitted_at) as "before!",
            count(*) filter (where r.published_at is null and c.parent_id is not null) as "unseen!",
            count(*) filter (where c.submitted_at > '2026-11-24T12:00:00Z') as "future!",
            count(distinct c.page_id) as "pages!"
        from comments c
        left join comments r on r.id = c.parent_id
        "#
    )
    .fetch_one(&one.pool)
    .await
    .unwrap();
    assert!(facts.deepest >= 3, "{}", facts.deepest);
    // Answers come after what they answer, which could be seen then.
    assert_eq!((facts.before, facts.unseen, facts.future), (0, 0, 0));
    assert_eq!(facts.pages, 30);
}

#[tokio::test]
async fn a_seed_is_taken_once_and_another_one_adds_to_it() {
    let (scratch, database) = (Scratch::new(), TestDatabase::create().await);
    assert!(make(&scratch, &database, &WISH).code == Some(0));
    let before = fingerprint(&database).await;
    let again = make(&scratch, &database, &WISH);
    assert_eq!(again.code, Some(1));
    assert!(
        one_complaint(&again.said).contains("there already"),
        "{}",
        again.said
    );
    assert_eq!(fingerprint(&database).await, before);

    let more = ["demo-data", "--comments=50", "--pages=3", "--seed=8"];
    assert!(make(&scratch, &database, &more).code == Some(0));
    let count = sqlx::query_scalar!(r#"select count(*) as "count!" from comments"#);
    assert_eq!(count.fetch_one(&database.pool).await.unwrap(), 1_250);
    assert_eq!(contradictions(&database.pool).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_wish_that_cannot_be_is_refused() {
    let (scratch, database) = (Scratch::new(), TestDatabase::create().await);
    for (wrong, code, words) in [
        ("--comments=0", 2, "0"),
        ("--pages=1000001", 2, "1000001"),
        ("--until=tomorrow", 2, "must be a time"),
        ("--site=nowhere", 1, "no site has this slug"),
    ] {
        let refused = make(&scratch, &database, &["demo-data", wrong]);
        assert_eq!(refused.code, Some(code), "{wrong}: {}", refused.said);
        assert!(
            one_complaint(&refused.said).contains(words),
            "{wrong}: {}",
            refused.said
        );
    }
}
