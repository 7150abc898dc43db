//! `/api/v1/admin/batches`: one decision on all that a filter takes, followed and undone.

use std::time::Duration as StdDuration;

use serde_json::{Value, json};
use time::Duration;

use super::{NOBODYS_ID, held, one_of_each};
use crate::backstage::{GAZETTE, change, delete, hire, hire_for_gazette, number, texts, two_sites};
use crate::support::app::{Answer, Desk, TestApp};

pub(super) const BATCHES: &str = "/api/v1/admin/batches";
pub(super) const COUNTS: &str = "/api/v1/admin/batches/counts";
/// Waiting for a job ends after so many looks, 20 ms apart.
const LOOKS_MAX: usize = 1_500;

pub(super) fn path(batch: &Answer) -> String {
    format!("{BATCHES}/{}", batch.at("/id").as_str().unwrap())
}

/// The batch of these comments; the count is asked for, as a person does.
pub(super) async fn make(app: &TestApp, desk: &Desk, filter: Value, decision: &str) -> Answer {
    let count = desk
        .post(app, COUNTS, &json!({ "filter": filter }))
        .await
        .is(200);
    let body = json!({
        "filter": filter,
        "decision": decision,
        "expected_count": count.at("/count"),
        "as_of": count.at("/as_of"),
    });
    desk.post(app, BATCHES, &body).await.is(202)
}

/// The batch when its job has done all that it can.
pub(super) async fn settled(app: &TestApp, desk: &Desk, path: &str) -> Answer {
    for _ in 0..LOOKS_MAX {
        let batch = desk.get(app, path).await.is(200);
        if matches!(batch.at("/state").as_str(), Some("done" | "undone")) {
            return batch;
        }
        tokio::time::sleep(StdDuration::from_millis(20)).await;
    }
    panic!("{path} isn't settled: {:?}", desk.get(app, path).await);
}

pub(super) async fn undone(app: &TestApp, desk: &Desk, path: &str) -> Answer {
    desk.post(app, &format!("{path}/undo"), &json!({}))
        .await
        .is(202);
    settled(app, desk, path).await
}

/// All results of a batch, page by page.
pub(super) async fn results(app: &TestApp, desk: &Desk, path: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = desk
            .get(app, &format!("{path}/results?limit=100{cursor}"))
            .await
            .is(200);
        found.extend(page.at("/results").as_array().unwrap().iter().cloned());
        match page.at("/next_cursor").as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

fn result(id: &str, was: &str, status: &str, outcome: &str, undo: Option<&str>) -> Value {
    json!({"id": id, "was": was, "status": status, "outcome": outcome, "undo": undo})
}

#[tokio::test]
async fn a_batch_decides_all_that_the_filter_takes_in_the_order_of_submission() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let [pending, approved, rejected, spam, deleted] = one_of_each(&app, &desk).await;
    let other = held(&app, "/moon", "Elsewhere").await;
    let filter = json!({
        "status": ["spam", "pending", "approved", "rejected", "deleted"],
        "page_url": "https://example.org/tides",
    });
    let body = json!({ "filter": filter });
    desk.post(&app, COUNTS, &body)
        .await
        .is(200)
        .has("/count", 5);
    let body = json!({
        "filter": filter, "decision": "reject", "reason": "off_topic", "expected_count": 5,
    });
    let made = desk.post(&app, BATCHES, &body).await.is(202);
    assert_eq!(made.header("cache-control"), "private, no-store");
    assert_eq!(made.header("location"), path(&made));
    let batch = made
        .has("/state", "running")
        .has("/total", 5)
        .has("/decided", 0)
        .has("/finished_at", Value::Null);
    let path = path(&batch);
    settled(&app, &desk, &path)
        .await
        .has("/state", "done")
        .has("/decision", "reject")
        .has("/reason", "off_topic")
        .has("/total", 5)
        .has("/processed", 5)
        .has("/decided", 3)
        .has("/undone", 0)
        .has("/undone_by", Value::Null)
        .has("/moderator/kind", "moderator");
    assert_eq!(
        results(&app, &desk, &path).await,
        [
            result(&pending, "pending", "rejected", "decided", None),
            result(&approved, "approved", "rejected", "decided", None),
            result(&rejected, "rejected", "rejected", "unchanged", None),
            result(&spam, "spam", "rejected", "decided", None),
            result(&deleted, "deleted", "deleted", "deleted", None),
        ]
    );
    app.thread("/tides", "").await.has("/page/comment_count", 0);
    desk.get(&app, &format!("/api/v1/admin/comments/{spam}"))
        .await
        .has("/reason", "off_topic")
        .has("/version", 3);
    desk.get(&app, &format!("/api/v1/admin/comments/{other}"))
        .await
        .has("/status", "pending");
    app.stop().await;
}

#[tokio::test]
async fn another_number_than_expected_makes_no_batch() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    held(&app, "/tides", "Ebb").await;
    let count = desk
        .post(&app, COUNTS, &json!({"filter": {}}))
        .await
        .is(200);
    let body = |as_of: Value| json!({"filter": {}, "decision": "approve", "expected_count": 1, "as_of": as_of});
    held(&app, "/tides", "Flood").await;
    desk.post(&app, BATCHES, &body(Value::Null))
        .await
        .is_problem(409, "count_changed");
    assert_eq!(
        number(&app.database.pool, "select count(*) from batches").await,
        0
    );
    // What came after the count isn't in the batch.
    let made = desk
        .post(&app, BATCHES, &body(count.at("/as_of")))
        .await
        .is(202);
    settled(&app, &desk, &path(&made)).await.has("/decided", 1);
    app.thread("/tides", "").await.has("/page/comment_count", 1);
    app.stop().await;
}

#[tokio::test]
async fn a_batch_of_nothing_is_done_at_once() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let body = json!({"filter": {"status": ["spam"]}, "decision": "approve", "expected_count": 0});
    let made = desk.post(&app, BATCHES, &body).await.is(202);
    let batch = made.has("/state", "done").has("/total", 0);
    assert!(batch.at("/finished_at").is_string());
    assert!(results(&app, &desk, &path(&batch)).await.is_empty());
    undone(&app, &desk, &path(&batch)).await.has("/undone", 0);
    app.stop().await;
}

#[tokio::test]
async fn what_was_decided_or_edited_since_the_batch_was_made_stays() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let [pending, ..] = one_of_each(&app, &desk).await;
    // Made behind the service's back with versions that are history by now.
    let statement = format!(
        "with made as (
            insert into batches (id, moderator_id, decision, as_of, state, total, created_at)
            select '{NOBODYS_ID}', id, 'spam', now(), 'running', 2, now() from moderators limit 1
            returning id
        )
        insert into batch_items (batch_id, place, comment_id, was_status, was_version)
        select m.id, row_number() over (order by c.id), c.id, 'pending', case c.status when 'approved' then 1 else c.version end
        from made m, comments c where c.status in ('pending', 'approved')"
    );
    change(&app, statement).await;
    let statement = format!(
        "insert into jobs (id, kind, payload, run_at, created_at)
        values (gen_random_uuid(), 'batches.run', '{{\"batch\": \"{NOBODYS_ID}\"}}', now(), now())"
    );
    change(&app, statement).await;
    let path = format!("{BATCHES}/{NOBODYS_ID}");
    settled(&app, &desk, &path).await.has("/decided", 1);
    let found = results(&app, &desk, &path).await;
    assert_eq!(
        found[0],
        result(&pending, "pending", "spam", "decided", None)
    );
    assert_eq!(found[1]["outcome"], "version_conflict");
    assert_eq!(found[1]["status"], "approved");
    app.stop().await;
}

#[tokio::test]
async fn an_undo_brings_back_what_has_not_changed_since_with_its_reason() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let mo = hire(&app, "moderator", "Mo").await;
    let mut ids = Vec::new();
    for text in ["first", "second", "third", "fourth", "fifth"] {
        ids.push(held(&app, "/tides", text).await);
    }
    let reason = json!({"reason": "abuse"});
    desk.decide(&app, &ids[0], "reject", &reason).await.is(200);
    desk.decide(&app, &ids[1], "approve", &json!({}))
        .await
        .is(200);
    let made = make(&app, &desk, json!({}), "spam").await;
    let path = path(&made);
    settled(&app, &desk, &path).await.has("/decided", 5);
    desk.decide(&app, &ids[2], "approve", &json!({}))
        .await
        .is(200);
    delete(&app, &ids[3]).await;
    // Decided since, though it is now as it was before the batch.
    desk.decide(&app, &ids[4], "restore", &json!({}))
        .await
        .is(200);
    undone(&app, &mo, &path)
        .await
        .has("/state", "undone")
        .has("/undone", 2)
        .has("/decided", 5)
        .has("/processed", 5)
        .has("/undone_by/name", "Mo");
    let wanted = [
        result(&ids[0], "rejected", "rejected", "decided", Some("undone")),
        result(&ids[1], "approved", "approved", "decided", Some("undone")),
        result(
            &ids[2],
            "pending",
            "approved",
            "decided",
            Some("changed_since"),
        ),
        result(&ids[3], "pending", "deleted", "decided", Some("deleted")),
        result(
            &ids[4],
            "pending",
            "pending",
            "decided",
            Some("changed_since"),
        ),
    ];
    assert_eq!(results(&app, &desk, &path).await, wanted);
    let shown = desk
        .get(&app, &format!("/api/v1/admin/comments/{}", ids[0]))
        .await
        .has("/reason", "abuse")
        .has("/version", 4)
        .has("/history/3/actor/name", "Mo");
    assert_eq!(shown.at("/history").as_array().unwrap().len(), 4);
    app.thread("/tides", "").await.has("/page/comment_count", 2);
    // Once more: the same answer, and nothing happens.
    desk.post(&app, &format!("{path}/undo"), &json!({}))
        .await
        .is(202)
        .has("/state", "undone");
    assert_eq!(results(&app, &desk, &path).await, wanted);
    let lines = "select count(*) from comment_history";
    assert_eq!(number(&app.database.pool, lines).await, 5 + 2 + 5 + 3 + 2);
    app.stop().await;
}

#[tokio::test]
async fn a_batch_at_work_cannot_be_undone() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let statement = format!(
        "insert into batches (id, moderator_id, decision, as_of, state, total, created_at)
        select '{NOBODYS_ID}', id, 'spam', now(), 'running', 1, now() from moderators limit 1"
    );
    change(&app, statement).await;
    desk.post(&app, &format!("{BATCHES}/{NOBODYS_ID}/undo"), &json!({}))
        .await
        .is_problem(409, "batch_running");
    app.stop().await;
}

#[tokio::test]
async fn batches_are_listed_latest_first_for_those_who_see_their_sites() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    let gazette = hire_for_gazette(&app, "moderator", "Gus").await;
    let viewer = hire(&app, "viewer", "Vi").await;
    let mut made = Vec::new();
    for desk in [&desk, &gazette, &desk] {
        let batch = make(&app, desk, json!({}), "approve").await;
        made.push(batch.at("/id"));
    }
    let ids = |answer: &Answer| {
        let list = answer.at("/batches");
        let id = |batch: &Value| batch["id"].clone();
        list.as_array().unwrap().iter().map(id).collect::<Vec<_>>()
    };
    let all = viewer
        .get(&app, BATCHES)
        .await
        .is(200)
        .has("/next_cursor", Value::Null);
    made.reverse();
    assert_eq!(ids(&all), made);
    let first = desk.get(&app, &format!("{BATCHES}?limit=2")).await.is(200);
    assert_eq!(ids(&first), made[..2]);
    let cursor = first.at("/next_cursor");
    let next = format!("{BATCHES}?limit=2&cursor={}", cursor.as_str().unwrap());
    assert_eq!(ids(&desk.get(&app, &next).await.is(200)), made[2..]);
    let own = gazette.get(&app, BATCHES).await.is(200);
    assert_eq!(ids(&own), made[1..2]);
    for what in ["", "/results"] {
        let path = format!("{BATCHES}/{}{what}", made[0].as_str().unwrap());
        gazette
            .get(&app, &path)
            .await
            .is_problem(404, "batch_not_found");
        viewer.get(&app, &path).await.is(200);
    }
    let path = format!("{BATCHES}/{}/undo", made[0].as_str().unwrap());
    gazette
        .post(&app, &path, &json!({}))
        .await
        .is_problem(404, "batch_not_found");
    viewer
        .post(&app, &path, &json!({}))
        .await
        .is_problem(403, "forbidden");
    let wrong = format!("{BATCHES}/{}/results?cursor=x", made[0].as_str().unwrap());
    desk.get(&app, &wrong)
        .await
        .is_problem(400, "invalid_cursor");
    desk.get(&app, &format!("{BATCHES}?cursor=x"))
        .await
        .is_problem(400, "invalid_cursor");
    app.stop().await;
}

#[tokio::test]
async fn a_batch_stays_within_its_makers_sites() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    let gazette = hire_for_gazette(&app, "moderator", "Gus").await;
    held(&app, "/tides", "Ebb").await;
    let body = json!({"filter": {}});
    desk.post(&app, COUNTS, &body).await.has("/count", 1);
    gazette.post(&app, COUNTS, &body).await.has("/count", 0);
    let body = json!({"filter": {"site": "default"}});
    gazette
        .post(&app, COUNTS, &body)
        .await
        .is_problem(404, "unknown_site");
    let sites = "select coalesce(sites::text, 'all') from batches order by id";
    make(&app, &gazette, json!({}), "approve").await;
    make(&app, &desk, json!({}), "approve").await;
    assert_eq!(
        texts(&app.database.pool, sites).await,
        [format!("{{{GAZETTE}}}"), "all".to_owned()]
    );
    app.stop().await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_named_at_once() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let body = json!({
        "filter": {"status": ["open"], "ip": "here"},
        "decision": "keep",
        "reason": "No Such",
        "expected_count": -1,
        "as_of": "yesterday",
    });
    let answer = desk.post(&app, BATCHES, &body).await;
    assert_eq!(
        answer.is_problem(422, "validation_failed").field_errors(),
        [
            "as_of: invalid_value",
            "decision: invalid_value",
            "expected_count: invalid_value",
            "filter.ip: invalid_value",
            "filter.status: invalid_value",
            "reason: unknown_reason",
        ]
    );
    for path in [BATCHES, COUNTS] {
        let answer = desk.post(&app, path, &json!({})).await.is(422);
        assert!(
            answer
                .field_errors()
                .contains(&"filter: required".to_owned())
        );
        let body = json!({"filter": {"mood": "bad"}, "decision": "spam", "expected_count": 0});
        let answer = desk.post(&app, path, &body).await.is(422);
        assert!(
            answer
                .field_errors()
                .contains(&"filter.mood: unknown_field".to_owned())
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn making_and_undoing_are_logged_with_numbers_only() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    held(&app, "/tides", "Ebb").await;
    let filter = json!({"q": "ebb"});
    let made = make(&app, &desk, filter, "approve").await;
    settled(&app, &desk, &path(&made)).await;
    undone(&app, &desk, &path(&made)).await;
    undone(&app, &desk, &path(&made)).await;
    let log = "select act || ' ' || details::text from audit_log where subject_kind = 'batch' order by id";
    assert_eq!(
        texts(&app.database.pool, log).await,
        [
            r#"batch.made {"total": 1}"#,
            r#"batch.undone {"decided": 1}"#
        ]
    );
    app.stop().await;
}

#[tokio::test]
async fn a_batch_is_there_for_thirty_days_after_its_end() {
    let app = TestApp::start().await;
    held(&app, "/tides", "Ebb").await;
    let desk = app.desk().await;
    let made = make(&app, &desk, json!({}), "approve").await;
    let path = path(&made);
    settled(&app, &desk, &path).await;
    app.clock.advance(Duration::days(29));
    let desk = app.desk().await;
    desk.get(&app, &path).await.is(200);
    app.clock.advance(Duration::days(1));
    let desk = app.desk().await;
    desk.get(&app, &path)
        .await
        .is_problem(404, "batch_not_found");
    desk.get(&app, BATCHES).await.has("/batches", json!([]));
    change(
        &app,
        "insert into jobs (id, kind, run_at, created_at)
        values (gen_random_uuid(), 'batches.forget', '2026-01-01', '2026-01-01')",
    )
    .await;
    let left = "select (select count(*) from batches) + (select count(*) from batch_items)";
    for _ in 0..LOOKS_MAX {
        if number(&app.database.pool, left).await == 0 {
            break;
        }
        tokio::time::sleep(StdDuration::from_millis(20)).await;
    }
    assert_eq!(number(&app.database.pool, left).await, 0);
    app.stop().await;
}
