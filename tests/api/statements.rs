//! How often a request asks the database: read from the server's own log, so that nothing escapes. Each test ends at
//! once with a server that was given (`TEST_DATABASE_URL`), whose log isn't ours.

use serde_json::{Value, json};

use crate::backstage::{number, send};
use crate::support::app::{Desk, TestApp, comment_on};
use crate::support::eventually;

/// How the statement of the session check goes; every request of a moderator has it once.
const SESSION_CHECK: &str =
    "from sessions join moderators on moderators.id = sessions.moderator_id";
/// How the statements go that an instance makes whatever is asked, among them those by which it reads its sites anew
/// every two seconds.
const BESIDE: [&str; 6] = [
    "from sites order by created_at, id limit $1",
    "from reasons order by site_id, code limit $1",
    "from jobs",
    "from schedules",
    "pg_notify",
    "true as \"alive!\"",
];

/// Reads the log from where it ended the last time.
struct Log<'a> {
    app: &'a TestApp,
    read: usize,
}

impl<'a> Log<'a> {
    /// None where there is no log of ours. Begins when the regular jobs of the start are done.
    async fn open(app: &'a TestApp) -> Option<Self> {
        app.database.statements().await?;
        eventually("the first regular jobs are done", async || {
            let left = "select (select count(*) from jobs)
                + (select count(*) from schedules where next_run_at < '2000-01-01')";
            number(&app.database.pool, left).await == 0
        })
        .await;
        let read = app.database.statements().await?.len();
        Some(Self { app, read })
    }

    /// What was asked since the last call, without what runs beside requests: the refresh of the sites, the looks at jobs
    /// and schedules, the notices.
    async fn fresh(&mut self) -> Vec<String> {
        let all = self.app.database.statements().await.unwrap();
        let mut fresh = all[self.read..].to_vec();
        self.read = all.len();
        fresh.retain(|statement| !BESIDE.iter().any(|part| statement.contains(part)));
        fresh
    }

    /// As many statements as that, of which the first parts are these; what comes more often than it should is shown.
    async fn has(&mut self, what: &str, number: usize) -> Vec<String> {
        let fresh = self.fresh().await;
        assert_eq!(fresh.len(), number, "{what}: {fresh:#?}");
        fresh
    }

    /// The same, besides one session check.
    async fn has_behind_the_guard(&mut self, what: &str, number: usize) -> Vec<String> {
        let mut fresh = self.fresh().await;
        let all = fresh.len();
        fresh.retain(|statement| !statement.contains(SESSION_CHECK));
        assert_eq!(
            all - fresh.len(),
            1,
            "{what}: not one session check in {all}"
        );
        assert_eq!(fresh.len(), number, "{what}: {fresh:#?}");
        fresh
    }
}

async fn approved(app: &TestApp, desk: &Desk, text: &str, parent: Option<&str>) -> String {
    app.published(desk, "/tides", text, parent).await
}

#[tokio::test]
async fn the_log_tells_every_statement() {
    let app = TestApp::start().await;
    let Some(mut log) = Log::open(&app).await else {
        return;
    };
    sqlx::raw_sql("select\n  'one'")
        .execute(&app.database.pool)
        .await
        .unwrap();
    sqlx::raw_sql("select 'two'")
        .execute(&app.database.pool)
        .await
        .unwrap();
    assert_eq!(log.fresh().await, ["select 'one'", "select 'two'"]);
    assert!(log.fresh().await.is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_submission_asks_twice_and_once_more_for_a_new_page() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let Some(mut log) = Log::open(&app).await else {
        return;
    };
    app.submit(&comment_on("/fresh", "Ebb", None)).await.is(201);
    log.has("on a fresh page", 3).await;
    app.submit(&comment_on("/fresh", "Flood", None))
        .await
        .is(201);
    log.has("on a page that is there", 2).await;
    let parent = approved(&app, &desk, "Moon", None).await;
    log.fresh().await;
    app.submit(&comment_on("/tides", "Sun", Some(&parent)))
        .await
        .is(201);
    log.has("an answer", 2).await;
    app.submit(&comment_on("/fresh", "Ebb", None)).await.is(409);
    log.has("a duplicate", 2).await;
    app.submit(&json!({"page_url": "https://example.org/"}))
        .await
        .is(422);
    app.submit(&json!({"page_url": "https://nobody.example/"}))
        .await
        .is(422);
    log.has("what is wrong in itself", 0).await;
    app.stop().await;
}

#[tokio::test]
async fn a_retry_with_the_same_key_asks_twice_and_writes_nothing() {
    let app = TestApp::start().await;
    let Some(mut log) = Log::open(&app).await else {
        return;
    };
    let submit = async |text: &str| {
        let request = app.request("POST", "/api/v1/comments");
        let request = request.header("Idempotency-Key", "once");
        app.send(request.json(&comment_on("/tides", text, None)))
            .await
    };
    let first = submit("Ebb").await.is(201);
    log.has("the first time, on a fresh page", 3).await;
    let again = submit("Ebb").await.is(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.json(), first.json());
    for statement in log.has("the second time", 2).await {
        assert!(
            !statement.contains("insert into") && !statement.contains("update "),
            "{statement}"
        );
    }
    submit("Flood")
        .await
        .is_problem(422, "idempotency_key_reused");
    log.has("with other content", 1).await;
    app.stop().await;
}

#[tokio::test]
async fn a_decision_locks_decides_and_counts_in_one_transaction() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (id, _) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    let Some(mut log) = Log::open(&app).await else {
        return;
    };
    // The transaction's own two, the lock, the decision; where the page shows something else, its count.
    for (decision, body, status, number) in [
        (
            "approve",
            json!({"version": 1, "note": "Fine", "reason": "other"}),
            200,
            5,
        ),
        ("approve", json!({}), 200, 4),
        ("spam", json!({"version": 1}), 409, 4),
        ("reject", json!({}), 200, 5),
    ] {
        desk.decide(&app, &id, decision, &body).await.is(status);
        let asked = log.has_behind_the_guard(decision, number).await;
        assert!(asked[2].starts_with("with asked as ("), "{asked:?}");
    }
    let (other, _) = app.submitted(&comment_on("/tides", "Flood", None)).await;
    log.fresh().await;
    let body = json!({"decisions": [{"id": id, "decision": "approve"}, {"id": other, "decision": "approve"}]});
    desk.post(&app, "/api/v1/admin/decisions", &body)
        .await
        .is(200);
    log.has_behind_the_guard("two at once", 5).await;
    desk.post(&app, "/api/v1/admin/decisions", &json!({"decisions": []}))
        .await
        .is(200);
    log.has_behind_the_guard("none at once", 0).await;
    // But for the sites, in case another instance has the reason.
    for reason in ["mood", "Mood"] {
        desk.decide(&app, &id, "approve", &json!({"reason": reason}))
            .await
            .is(422);
        log.has_behind_the_guard("what is wrong in itself", 0).await;
    }
    app.stop().await;
}

#[tokio::test]
async fn an_edit_locks_edits_and_counts_in_one_transaction() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let id = approved(&app, &desk, "Ebb", None).await;
    let path = format!("/api/v1/admin/comments/{id}");
    let Some(mut log) = Log::open(&app).await else {
        return;
    };
    for (body, status, number) in [
        (json!({"body": "Flood", "version": 2}), 200, 5),
        (json!({"body": "Flood", "website": null}), 200, 4),
        (json!({"body": "Moon", "version": 1}), 409, 4),
        (json!({"name": "Bea"}), 200, 6),
        (json!({"name": ""}), 422, 0),
    ] {
        send(&app, &desk, "PATCH", &path, &body).await.is(status);
        log.has_behind_the_guard(&body.to_string(), number).await;
    }
    app.stop().await;
}

#[tokio::test]
async fn a_pages_list_is_one_statement_however_many_comments_it_has_and_none_once_it_is_known() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let first = approved(&app, &desk, "Ebb", None).await;
    for number in 0..4 {
        let root = approved(&app, &desk, &format!("Wave {number}"), None).await;
        approved(&app, &desk, &format!("Foam {number}"), Some(&root)).await;
    }
    let Some(mut log) = Log::open(&app).await else {
        return;
    };
    app.thread("/nobody-wrote-here", "").await.is(200);
    log.has("an unknown page", 1).await;
    let mut cursor = Value::Null;
    for sort in ["oldest", "newest", "top"] {
        let answer = app
            .thread("/tides", &format!("&limit=2&sort={sort}"))
            .await
            .is(200);
        log.has(sort, 1).await;
        cursor = answer.at("/next_cursor");
        let other_name = format!(
            "/api/v1/comments?page_url=https://example.org/tides?utm_source=x&limit=2&sort={sort}"
        );
        let again = app.request("GET", &other_name);
        let again = again.header("If-None-Match", answer.header("etag"));
        app.send(again).await.is(304);
        log.has("what is known", 0).await;
    }
    let next = format!("&sort=top&limit=2&cursor={}", cursor.as_str().unwrap());
    app.thread("/tides", &next).await.is(200);
    log.has("the next part", 1).await;
    app.thread("/tides", &format!("&around={first}"))
        .await
        .is(200);
    log.has("around a comment", 2).await;
    approved(&app, &desk, "Moon", None).await;
    log.fresh().await;
    app.thread("/tides", &next).await.is(200);
    log.has("what was known before a comment was published", 1)
        .await;
    app.thread("/tides", "&cursor=none").await.is(400);
    app.get("/api/v1/comments?page_url=https://nobody.example/")
        .await
        .is(404);
    log.has("what is wrong in itself", 0).await;
    app.get(&format!("/api/v1/comments/{first}/replies"))
        .await
        .is(200);
    log.has("a thread's answers", 1).await;
    app.stop().await;
}

#[tokio::test]
async fn a_single_comment_is_one_statement() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let id = approved(&app, &desk, "Ebb", None).await;
    let (held, token) = app.submitted(&comment_on("/tides", "Flood", None)).await;
    let Some(mut log) = Log::open(&app).await else {
        return;
    };
    app.get(&format!("/api/v1/comments/{id}")).await.is(200);
    log.has("a published one", 1).await;
    app.get(&format!("/api/v1/comments/{held}")).await.is(404);
    log.has("a held one", 1).await;
    let own = app.request("GET", &format!("/api/v1/comments/{held}"));
    app.send(own.bearer_auth(token)).await.is(200);
    log.has("one's own", 1).await;
    app.stop().await;
}

#[tokio::test]
async fn what_moderators_look_at_takes_few_statements() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let id = approved(&app, &desk, "Ebb", None).await;
    let Some(mut log) = Log::open(&app).await else {
        return;
    };
    for (path, number) in [
        // Where to look, which ones, and what belongs to them.
        ("/api/v1/admin/comments".to_owned(), 3),
        (
            "/api/v1/admin/comments?q=ebb&status=approved&limit=1".to_owned(),
            3,
        ),
        (
            "/api/v1/admin/comments?site=default&status=spam".to_owned(),
            2,
        ),
        // The comment, its history, its reports.
        (format!("/api/v1/admin/comments/{id}"), 3),
        ("/api/v1/admin/sessions/current".to_owned(), 0),
    ] {
        desk.get(&app, &path).await.is(200);
        log.has_behind_the_guard(&path, number).await;
    }
    app.get("/api/v1/admin/comments").await.is(401);
    log.has("without a token", 0).await;
    app.desk().await;
    log.has("a sign-in", 2).await;
    app.stop().await;
}
