//! `POST /admin/pages/{id}/merge`: where addresses lead and what becomes of comments. Must not know how they are moved.

use futures_util::future::join_all;
use rejoinder::moderation::MERGE_JOB;
use serde_json::json;
use uuid::Uuid;

use super::{PAGES, delete, patch, registered, text};
use crate::backstage::{GAZETTE, change, hire_for_gazette, number, texts, two_sites};
use crate::rows::{self, app_with_policy};
use crate::support::app::{Answer, Desk, TestApp, comment_on};
use crate::support::eventually;

/// The path of the page at this path of example.org.
async fn page_at(app: &TestApp, desk: &Desk, path: &str) -> String {
    let query = format!("{PAGES}?page_url=https://example.org{path}");
    let list = desk.get(app, &query).await.is(200);
    format!("{PAGES}/{}", text(&list, "/pages/0/id"))
}

async fn merge(app: &TestApp, desk: &Desk, from: &str, into: &str) -> Answer {
    let into = into.strip_prefix(&format!("{PAGES}/")).unwrap();
    desk.post(app, &format!("{from}/merge"), &json!({"into": into}))
        .await
}

/// Where counts, versions of the history, or places are not as they must be.
async fn wrongs(app: &TestApp) -> Vec<String> {
    texts(
        &app.database.pool,
        "select 'the count of ' || p.url from pages p
        where p.comment_count <> (select count(*) from comments c where c.page_id = p.id and c.status = 'approved')
        union all
        select 'the history of ' || c.id from comments c
        where c.version <> (select count(*) from comment_history h where h.comment_id = c.id)
        union all
        select 'the place of ' || c.id from comments c join pages p on p.id = c.page_id
        where p.merged_into is not null",
    )
    .await
}

/// Waits until the job of a merge has nothing left.
async fn finish(app: &TestApp, merged: &str) {
    let page: Uuid = merged[PAGES.len() + 1..].parse().unwrap();
    eventually("the merge has ended", async || {
        let left = sqlx::query_scalar!(
            r#"select count(*) as "left!" from jobs where kind = $1 and unique_key = $2::uuid::text"#,
            MERGE_JOB,
            page
        );
        left.fetch_one(&app.database.pool).await.unwrap() == 0
    })
    .await;
}

/// Published threads under a page of example.org, with the first lines of their history.
async fn with_history(app: &TestApp, path: &str, comments: u32) {
    rows::add_threads(&app.database, path, comments).await;
    change(
        app,
        "insert into comment_history (comment_id, version, at, actor_kind, to_status)
        select id, 1, submitted_at, 'author', status from comments c
        where not exists (select 1 from comment_history h where h.comment_id = c.id)",
    )
    .await;
}

fn bodies(answer: &Answer) -> Vec<String> {
    let found = super::column(answer, "/comments", "body_html");
    found.iter().map(|html| html.trim().to_owned()).collect()
}

#[tokio::test]
async fn comments_and_addresses_go_to_the_other_page() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let root = app.published(&desk, "/old", "Ebb", None).await;
    app.published(&desk, "/old", "Flood", Some(&root)).await;
    app.submit(&comment_on("/old", "Moon", None)).await.is(201);
    app.published(&desk, "/new", "Sun", None).await;
    let (old, new) = (
        page_at(&app, &desk, "/old").await,
        page_at(&app, &desk, "/new").await,
    );
    let merged = merge(&app, &desk, &old, &new).await.is(200);
    let merged = merged
        .has("/moved", 3)
        .has("/remaining", false)
        .has("/page/url", "https://example.org/new")
        .has("/page/site", "default")
        .has("/page/comment_count", 3)
        .has("/page/aliases", json!(["https://example.org/old"]));
    assert_eq!(wrongs(&app).await, Vec::<String>::new());
    let (at_old, at_new) = (app.thread("/old", "").await, app.thread("/new", "").await);
    assert_eq!(at_old.is(200).json(), at_new.json());
    assert_eq!(bodies(&at_new), ["<p>Ebb</p>", "<p>Sun</p>"]);
    at_new
        .has("/page/id", merged.at("/page/id"))
        .has("/page/comment_count", 3)
        .has("/comments/0/reply_count", 1);
    for sort in ["newest", "top"] {
        let list = app.thread("/old", &format!("&sort={sort}")).await;
        list.is(200).has("/page/url", "https://example.org/new");
    }
    let around = app.thread("/old", &format!("&around={root}")).await;
    around.is(200);

    // What comes in at the old address, an answer too, stands under the new page.
    app.submit(&comment_on("/old", "Stars", Some(&root)))
        .await
        .is(201);
    let query = "/api/v1/admin/comments?page_url=https://example.org/old&status=pending";
    let queue = desk.get(&app, query).await.is(200);
    assert_eq!(
        super::column(&queue, "/comments", "body"),
        ["Moon", "Stars"]
    );
    queue.has("/comments/0/page/url", "https://example.org/new");
    desk.get(&app, &old)
        .await
        .is(200)
        .has("/merged_into", merged.at("/page/id"))
        .has("/open", false)
        .has("/comment_count", 0);
    let found = page_at(&app, &desk, "/old").await;
    assert_eq!(found, new);
    assert_eq!(wrongs(&app).await, Vec::<String>::new());
    let jobs = texts(
        &app.database.pool,
        "select kind || ' ' || unique_key from jobs where kind like 'pages.%'",
    )
    .await;
    let job = format!("{MERGE_JOB} {}", &old[PAGES.len() + 1..]);
    assert!(jobs.is_empty() || jobs == [job], "{jobs:?}");
    app.stop().await;
}

#[tokio::test]
async fn key_and_wordpress_id_lead_to_the_other_page_too() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let names = json!({"key": "old", "wordpress_id": 1});
    let old = registered(&app, &desk, "/old", names).await;
    let new = registered(&app, &desk, "/new", json!({"wordpress_id": 2})).await;
    merge(&app, &desk, &old, &new).await.is(200);
    // It had no key, and keeps its own WordPress id.
    let page = desk.get(&app, &new).await.is(200);
    let page = page.has("/key", "old").has("/wordpress_id", 2);
    for name in ["page_key=old", "wordpress_id=1", "wordpress_id=2"] {
        let list = desk.get(&app, &format!("{PAGES}?{name}")).await.is(200);
        list.has("/pages", json!([page.json()]));
    }
    let list = app.get("/api/v1/comments?page_key=old&site=default").await;
    list.is(200).has("/page/id", page.at("/id"));
    let mut comment = comment_on("/old", "Ebb", None);
    comment["page_key"] = json!("old");
    app.submit(&comment).await.is(201);
    comment["page_key"] = json!("another");
    let refused = app.submit(&comment).await.is(422);
    assert_eq!(refused.field_errors(), ["page_key: unknown_page_key"]);
    let newest = registered(&app, &desk, "/newest", json!({"key": "newest"})).await;
    merge(&app, &desk, &new, &newest).await.is(200);
    let page = desk.get(&app, &newest).await.has("/key", "newest");
    let page = page
        .has("/wordpress_id", 2)
        .has(
            "/aliases",
            json!(["https://example.org/old", "https://example.org/new"]),
        )
        .json();
    for name in [
        "page_key=old",
        "wordpress_id=1",
        "page_url=https://example.org/old",
    ] {
        let list = desk.get(&app, &format!("{PAGES}?{name}")).await.is(200);
        list.has("/pages", json!([page]));
    }
    comment["page_key"] = json!("old");
    comment["body"] = json!("Flood");
    app.submit(&comment).await.is(201);
    assert_eq!(wrongs(&app).await, Vec::<String>::new());
    app.stop().await;
}

#[tokio::test]
async fn a_merged_page_can_go_and_its_address_leads_on() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let old = registered(&app, &desk, "/old", json!({})).await;
    let new = registered(&app, &desk, "/new", json!({})).await;
    merge(&app, &desk, &old, &new).await.is(200);
    delete(&app, &desk, &old).await.is(204);
    app.submit(&comment_on("/old", "Ebb", None)).await.is(201);
    let list = app.thread("/old", "").await.is(200);
    list.has("/page/url", "https://example.org/new");
    assert_eq!(page_at(&app, &desk, "/old").await, new);
    let query = "/api/v1/admin/comments?page_url=https://example.org/old";
    let queue = desk.get(&app, query).await.is(200);
    assert_eq!(super::column(&queue, "/comments", "body"), ["Ebb"]);
    let body = json!({"page_url": "https://example.org/old"});
    let refused = desk.post(&app, PAGES, &body).await;
    refused.is_problem(409, "page_exists");
    delete(&app, &desk, &new)
        .await
        .is_problem(409, "page_not_empty");

    // A page without comments goes with all that led to it.
    let (first, second) = (
        registered(&app, &desk, "/first", json!({})).await,
        registered(&app, &desk, "/second", json!({})).await,
    );
    merge(&app, &desk, &first, &second).await.is(200);
    delete(&app, &desk, &second).await.is(204);
    desk.get(&app, &first)
        .await
        .is_problem(404, "page_not_found");
    registered(&app, &desk, "/first", json!({})).await;
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_be_merged_is_refused() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    let (one, two, three) = (
        registered(&app, &desk, "/one", json!({})).await,
        registered(&app, &desk, "/two", json!({})).await,
        registered(&app, &desk, "/three", json!({})).await,
    );
    let body = json!({"page_url": "https://gazette.example/a"});
    let made = desk.post(&app, PAGES, &body).await.is(201);
    let foreign = format!("{PAGES}/{}", text(&made, "/id"));
    for (body, field) in [
        (json!({}), "into: required"),
        (json!({"into": "x"}), "into: invalid_value"),
        (json!({"into": 5}), "into: invalid_type"),
        (json!({"into": GAZETTE}), "into: invalid_value"),
        (
            json!({"into": one[PAGES.len() + 1..]}),
            "into: invalid_value",
        ),
        (json!({"into": made.at("/id")}), "into: invalid_value"),
    ] {
        let refused = desk.post(&app, &format!("{one}/merge"), &body).await;
        let refused = refused.is_problem(422, "validation_failed");
        assert_eq!(refused.field_errors(), [field]);
    }
    let nobody = format!("{PAGES}/{GAZETTE}");
    merge(&app, &desk, &nobody, &one)
        .await
        .is_problem(404, "page_not_found");
    let limited = hire_for_gazette(&app, "admin", "Li").await;
    merge(&app, &limited, &one, &two)
        .await
        .is_problem(404, "page_not_found");
    let refused = merge(&app, &limited, &foreign, &two).await.is(422);
    assert_eq!(refused.field_errors(), ["into: invalid_value"]);
    merge(&app, &desk, &one, &two).await.is(200);
    for (from, into) in [(&one, &two), (&one, &three), (&three, &one), (&two, &one)] {
        let refused = merge(&app, &desk, from, into).await;
        refused.is_problem(409, "page_merged");
    }
    let refused = patch(&app, &desk, &one, json!({"title": "One"})).await;
    refused.is_problem(409, "page_merged");
    app.stop().await;
}

#[tokio::test]
async fn a_large_page_is_moved_in_parts_and_answered_meanwhile() {
    let app = app_with_policy("hold = 'flagged'").await;
    let desk = app.desk().await;
    with_history(&app, "/old", 1_500).await;
    let (old, new) = (
        page_at(&app, &desk, "/old").await,
        registered(&app, &desk, "/new", json!({})).await,
    );
    let merged = merge(&app, &desk, &old, &new).await.is(202);
    merged
        .has("/moved", 1_000)
        .has("/remaining", true)
        .has("/page/comment_count", 1_000);
    delete(&app, &desk, &old)
        .await
        .is_problem(409, "page_not_empty");
    // The threads that still stand under the old page are the last ones.
    let answer = app
        .submit(&comment_on("/old", "Early", Some(&rows::id(1_500))))
        .await;
    answer.is(201).has("/comment/parent_id", rows::id(1_500));
    let answer = app
        .submit(&comment_on("/new", "Late", Some(&rows::id(1_499))))
        .await;
    answer.is(201);
    finish(&app, &old).await;
    assert_eq!(wrongs(&app).await, Vec::<String>::new());
    let list = app.thread("/new", "&sort=newest&limit=1").await.is(200);
    let list = list.has("/page/comment_count", 1_502);
    list.has("/comments/0/reply_count", 1);
    app.stop().await;
}

/// Submits under both addresses in turn until the number is reached; the ids that were taken.
async fn write(app: &TestApp, writer: usize, comments: usize) -> Vec<String> {
    let mut taken = Vec::new();
    for number in 0..comments {
        let path = if (writer + number).is_multiple_of(2) {
            "/old"
        } else {
            "/new"
        };
        let text = format!("Writer {writer}, comment {number}");
        let parent = rows::id(u32::try_from(number * 30 + writer + 1).unwrap());
        // Until the merge an answer has to stand where its parent does.
        let parent = (number % 3 == 0 && path == "/old").then_some(parent.as_str());
        let answer = app.submit(&comment_on(path, &text, parent)).await.is(201);
        taken.push(text_of(&answer));
    }
    taken
}

fn text_of(answer: &Answer) -> String {
    text(answer, "/comment/id")
}

/// Takes back and publishes comments of the old page again, none of which [`write`] answers.
async fn decide(app: &TestApp, desk: &Desk) {
    for number in (20..=3_000).step_by(90) {
        for decision in ["reject", "approve"] {
            let id = rows::id(number);
            let answer = desk.decide(app, &id, decision, &json!({})).await;
            answer.is(200);
        }
    }
}

#[tokio::test]
async fn nothing_is_lost_when_a_page_is_merged_while_comments_come_in() {
    let app = app_with_policy("hold = 'flagged'").await;
    let desk = app.desk().await;
    with_history(&app, "/old", 3_000).await;
    let (old, new) = (
        page_at(&app, &desk, "/old").await,
        registered(&app, &desk, "/new", json!({})).await,
    );
    let before = number(&app.database.pool, "select count(*) from comments").await;
    let merging = async {
        merge(&app, &desk, &old, &new).await.is(202);
        finish(&app, &old).await;
        number(
            &app.database.pool,
            "select count(*) from comments c join pages p on p.id = c.page_id where p.merged_into is not null",
        )
        .await
    };
    let writers = join_all((0..8).map(|writer| write(&app, writer, 40)));
    let (left, taken, ()) = tokio::join!(merging, writers, decide(&app, &desk));
    // The job has ended long before the writers, and is not run once more.
    assert_eq!(left, 0);
    assert_eq!(wrongs(&app).await, Vec::<String>::new());
    let taken: Vec<Uuid> = taken
        .iter()
        .flatten()
        .map(|id| id.parse().unwrap())
        .collect();
    assert_eq!(taken.len(), 320);
    let page: Uuid = new[PAGES.len() + 1..].parse().unwrap();
    let found = sqlx::query_scalar!(
        r#"select count(*) as "found!" from comments where id = any($1) and page_id = $2"#,
        &taken,
        page
    )
    .fetch_one(&app.database.pool)
    .await
    .unwrap();
    assert_eq!(found, 320);
    let after = number(&app.database.pool, "select count(*) from comments").await;
    assert_eq!(after, before + 320);
    app.stop().await;
}

#[tokio::test]
async fn merges_that_meet_end_with_all_comments_on_the_last_page() {
    let app = app_with_policy("hold = 'flagged'").await;
    let desk = app.desk().await;
    with_history(&app, "/a", 1_200).await;
    let a = page_at(&app, &desk, "/a").await;
    let b = registered(&app, &desk, "/b", json!({})).await;
    let c = registered(&app, &desk, "/c", json!({})).await;
    merge(&app, &desk, &a, &b).await.is(202);
    // The first one's comments are still on their way when its target goes on.
    let second = merge(&app, &desk, &b, &c).await;
    assert!([200, 202].contains(&second.status), "{second:?}");
    finish(&app, &a).await;
    finish(&app, &b).await;
    assert_eq!(wrongs(&app).await, Vec::<String>::new());
    let list = app.thread("/a", "&limit=1").await.is(200);
    list.has("/page/url", "https://example.org/c")
        .has("/page/comment_count", 1_200);
    app.stop().await;
}

/// Waits until a statement of this database waits for a row's lock; at most ten seconds.
async fn somebody_waits(app: &TestApp) {
    for _ in 0..1_000 {
        let waiting = number(
            &app.database.pool,
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        );
        if waiting.await > 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("nobody waits for a lock");
}

#[tokio::test]
async fn a_submission_that_the_merge_overtakes_goes_to_the_other_page() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    registered(&app, &desk, "/old", json!({})).await;
    registered(&app, &desk, "/new", json!({})).await;
    let mut merge = app.database.pool.begin().await.unwrap();
    // It has looked the page up when it waits for this lock.
    sqlx::raw_sql("select id from pages where url_key = 'example.org/old' for update")
        .execute(&mut *merge)
        .await
        .unwrap();
    let comment = comment_on("/old", "Ebb", None);
    let overtake = async {
        somebody_waits(&app).await;
        sqlx::raw_sql(
            "update pages set merged_into = (select id from pages where url_key = 'example.org/new')
            where url_key = 'example.org/old'",
        )
        .execute(&mut *merge)
        .await
        .unwrap();
        merge.commit().await.unwrap();
    };
    let (submitted, ()) = tokio::join!(app.submit(&comment), overtake);
    submitted.is(201);
    assert_eq!(wrongs(&app).await, Vec::<String>::new());
    app.stop().await;
}

#[tokio::test]
async fn a_merge_waits_for_a_submission_that_was_first() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let old = registered(&app, &desk, "/old", json!({})).await;
    let new = registered(&app, &desk, "/new", json!({})).await;
    app.submit(&comment_on("/old", "Ebb", None)).await.is(201);
    let mut submission = app.database.pool.begin().await.unwrap();
    sqlx::raw_sql(
        "with copy as (
            select gen_random_uuid() as new, c.* from comments c
            join pages p on p.id = c.page_id
            where p.merged_into is null
            for key share of p
        ), stored as (
            insert into comments (id, site_id, page_id, root_id, depth, status, name, email, email_key, body, body_html,
                avatar, submitted_at, content_hash)
            select new, site_id, page_id, new, 0, status, name, email, email_key, body, body_html, avatar, submitted_at,
                content_hash
            from copy
            returning id, submitted_at, status
        )
        insert into comment_history (comment_id, version, at, actor_kind, to_status)
        select id, 1, submitted_at, 'author', status from stored",
    )
    .execute(&mut *submission)
    .await
    .unwrap();
    let finish = async {
        somebody_waits(&app).await;
        submission.commit().await.unwrap();
    };
    let (merged, ()) = tokio::join!(merge(&app, &desk, &old, &new), finish);
    merged.is(200).has("/moved", 2).has("/remaining", false);
    assert_eq!(wrongs(&app).await, Vec::<String>::new());
    app.stop().await;
}
