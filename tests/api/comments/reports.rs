//! `POST /api/v1/comments/{id}/reports`, and what moderators see of them.

use serde_json::{Value, json};
use time::Duration;

use crate::backstage::{change, hire_for_gazette, number, send, two_sites};
use crate::retention::{done, pass};
use crate::rows::app_with_policy;
use crate::support::app::{Answer, Desk, TestApp, comment_on};

const QUEUE: &str = "/api/v1/admin/comments";
const PROXIED: [(&str, &str); 1] = [("REJOINDER_TRUSTED_PROXIES", "127.0.0.0/8")];

async fn report(app: &TestApp, id: &str, from: &str, body: &Value) -> Answer {
    let request = app.request("POST", &format!("/api/v1/comments/{id}/reports"));
    app.send(request.header("x-forwarded-for", from).json(body))
        .await
}

async fn shown(app: &TestApp, desk: &Desk, id: &str) -> Answer {
    desk.get(app, &format!("{QUEUE}/{id}")).await.is(200)
}

/// The ids of a list.
fn ids(answer: &Answer) -> Vec<Value> {
    let list = answer.at("/comments");
    let list = list.as_array().unwrap();
    list.iter().map(|comment| comment["id"].clone()).collect()
}

async fn reported(app: &TestApp, desk: &Desk, query: &str) -> Vec<Value> {
    let path = format!("{QUEUE}?signal=reported{query}");
    ids(&desk.get(app, &path).await.is(200))
}

#[tokio::test]
async fn reports_are_a_signal_wherever_a_comment_is_shown_to_moderators() {
    let app = TestApp::with(&PROXIED).await;
    let desk = app.desk().await;
    let id = app.published(&desk, "/tides", "Ebb", None).await;
    let other = app.published(&desk, "/tides", "Flood", None).await;
    let abuse = json!({"reason": "abuse", "note": " He means me.\r\n"});
    let taken = report(&app, &id, "192.0.2.1", &abuse).await.is(202);
    assert_eq!(taken.json(), json!({}));
    assert_eq!(taken.header("cache-control"), "private, no-store");
    // The same network has said it.
    report(&app, &id, "192.0.2.1", &json!({"reason": "spam"}))
        .await
        .is(202);
    app.clock.advance(Duration::minutes(1));
    report(
        &app,
        &id,
        "192.0.2.2",
        &json!({"reason": "spam", "note": " "}),
    )
    .await
    .is(202);
    let signal = json!({
        "code": "reported", "weight": 2.0, "match": null,
        "text": "2 readers reported it: abuse (1), spam (1)",
    });
    let list = desk.get(&app, QUEUE).await.is(200);
    list.has("/comments/0/signals", json!([signal]))
        .has("/comments/1/signals", json!([]));
    let one = shown(&app, &desk, &id)
        .await
        .has("/signals", json!([signal]))
        .has("/reports/0/reason", "spam")
        .has("/reports/0/note", Value::Null)
        .has("/reports/0/settled_at", Value::Null)
        .has("/reports/1/reason", "abuse")
        .has("/reports/1/note", "He means me.")
        .has("/reports/2", Value::Null);
    assert!(one.at("/reports/0/at").is_string() && one.at("/reports/0/id").is_string());
    shown(&app, &desk, &other).await.has("/reports", json!([]));
    // Also with a refusal, which settles nothing.
    desk.decide(&app, &id, "reject", &json!({"version": 1}))
        .await
        .is_problem(409, "version_conflict")
        .has("/comment/signals/0/code", "reported");
    send(
        &app,
        &desk,
        "PATCH",
        &format!("{QUEUE}/{id}"),
        &json!({"body": "Ebb!"}),
    )
    .await
    .is(200)
    .has("/signals/0/weight", 2.0);
    app.stop().await;
}

#[tokio::test]
async fn the_queue_finds_what_is_reported_in_any_state() {
    let app = TestApp::with(&PROXIED).await;
    let desk = app.desk().await;
    let mut made = Vec::new();
    for (path, text) in [
        ("/tides", "Ebb"),
        ("/tides", "Flood"),
        ("/moon", "New moon"),
    ] {
        made.push(app.published(&desk, path, text, None).await);
        app.clock.advance(Duration::minutes(1));
    }
    for id in [&made[0], &made[2]] {
        for network in ["192.0.2.1", "192.0.2.2"] {
            report(&app, id, network, &json!({"reason": "spam"}))
                .await
                .is(202);
        }
    }
    let both = [json!(made[0]), json!(made[2])];
    assert_eq!(reported(&app, &desk, "").await, both);
    let back = [both[1].clone(), both[0].clone()];
    assert_eq!(reported(&app, &desk, "&sort=newest").await, back);
    assert_eq!(
        reported(&app, &desk, "&page_url=https://example.org/moon").await,
        both[1..]
    );
    assert_eq!(reported(&app, &desk, "&q=moon").await, both[1..]);
    assert_eq!(reported(&app, &desk, "&q=-moon").await, both[..1]);
    assert_eq!(
        reported(&app, &desk, "&email=ada@example.org&status=approved").await,
        both
    );
    assert!(reported(&app, &desk, "&status=pending").await.is_empty());
    let first = desk
        .get(&app, &format!("{QUEUE}?signal=reported&limit=1"))
        .await;
    assert_eq!(ids(&first), both[..1]);
    let next = format!(
        "&limit=1&cursor={}",
        first.at("/next_cursor").as_str().unwrap()
    );
    assert_eq!(reported(&app, &desk, &next).await, both[1..]);
    desk.get(&app, &format!("{QUEUE}?signal=risky"))
        .await
        .is_problem(400, "invalid_query");
    app.stop().await;
}

#[tokio::test]
async fn claims_and_batches_take_what_is_reported_in_any_state() {
    let app = TestApp::with(&PROXIED).await;
    let desk = app.desk().await;
    let mut both = Vec::new();
    for (path, text) in [("/tides", "Ebb"), ("/moon", "New moon")] {
        let id = app.published(&desk, path, text, None).await;
        report(&app, &id, "192.0.2.1", &json!({"reason": "spam"}))
            .await
            .is(202);
        both.push(json!(id));
        app.clock.advance(Duration::minutes(1));
    }

    // Reported, then taken back by somebody who didn't see it: still open.
    change(
        &app,
        "update comments set status = 'rejected' where body = 'Ebb'",
    )
    .await;
    change(
        &app,
        "update pages set comment_count = comment_count - 1 where url like '%tides'",
    )
    .await;
    assert_eq!(reported(&app, &desk, "").await, both);
    change(
        &app,
        "update comments set status = 'approved' where body = 'Ebb'",
    )
    .await;
    change(
        &app,
        "update pages set comment_count = comment_count + 1 where url like '%tides'",
    )
    .await;

    let claims = "/api/v1/admin/queue/claims";
    let claimed = desk
        .post(&app, claims, &json!({"filter": {"signal": "reported"}}))
        .await
        .is(200);
    assert_eq!(ids(&claimed), both);
    let counts = "/api/v1/admin/batches/counts";
    for (filter, count) in [
        (json!({"signal": "reported"}), 2),
        (json!({"signal": "reported", "q": "moon"}), 1),
        (json!({"signal": "reported", "status": ["pending"]}), 0),
        (json!({"signal": "reported", "email": "ada@example.org"}), 2),
    ] {
        desk.post(&app, counts, &json!({ "filter": filter }))
            .await
            .is(200)
            .has("/count", count);
    }
    let unknown = json!({"filter": {"signal": "risky"}});
    let unknown = desk.post(&app, counts, &unknown).await.is(422);
    assert_eq!(unknown.field_errors(), ["filter.signal: invalid_value"]);
    app.stop().await;
}

#[tokio::test]
async fn a_decision_settles_reports_also_where_the_comment_stays() {
    let app = TestApp::with(&PROXIED).await;
    let desk = app.desk().await;
    let spam = json!({"reason": "spam"});
    let id = app.published(&desk, "/tides", "Ebb", None).await;
    report(&app, &id, "192.0.2.1", &spam).await.is(202);
    desk.decide(&app, &id, "approve", &json!({}))
        .await
        .is(200)
        .has("/signals", json!([]))
        .has("/version", 2);
    assert!(reported(&app, &desk, "").await.is_empty());
    let settled = shown(&app, &desk, &id).await.has("/signals", json!([]));
    assert!(settled.at("/reports/0/settled_at").is_string());

    // What is settled is no obstacle to another report.
    report(&app, &id, "192.0.2.1", &spam).await.is(202);
    assert_eq!(reported(&app, &desk, "").await, [json!(id)]);
    let many = json!({"decisions": [{"id": id, "decision": "reject"}]});
    desk.post(&app, "/api/v1/admin/decisions", &many)
        .await
        .is(200);
    assert!(reported(&app, &desk, "").await.is_empty());
    let open = "select count(*) from reports where settled_at is null";
    assert_eq!(number(&app.database.pool, open).await, 0);

    desk.decide(&app, &id, "approve", &json!({})).await.is(200);
    report(&app, &id, "192.0.2.1", &spam).await.is(202);
    let filter = json!({"signal": "reported"});
    let batch = json!({"filter": filter, "decision": "approve", "expected_count": 1});
    desk.post(&app, "/api/v1/admin/batches", &batch)
        .await
        .is(202);
    crate::support::eventually("the batch settles it", async || {
        number(&app.database.pool, open).await == 0
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn only_published_comments_are_reported_and_all_that_is_wrong_is_told() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (held, _) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    let from = "192.0.2.1";
    for id in [held.as_str(), "none"] {
        report(&app, id, from, &json!({"reason": "spam"}))
            .await
            .is_problem(404, "comment_not_found");
    }
    let id = app.published(&desk, "/tides", "Flood", None).await;
    for (body, wrong) in [
        (json!({}), &["reason: required"][..]),
        (
            json!({"reason": "Spam", "note": "x".repeat(1_001)}),
            &["note: too_long", "reason: invalid_value"],
        ),
        (
            json!({"reason": 1, "note": "a\u{0}"}),
            &["note: invalid_characters", "reason: invalid_type"],
        ),
    ] {
        let answer = report(&app, &id, from, &body).await;
        let answer = answer.is_problem(422, "validation_failed");
        assert_eq!(answer.field_errors(), wrong, "{body}");
    }
    assert_eq!(
        number(&app.database.pool, "select count(*) from reports").await,
        0
    );
    let longest = json!({"reason": "off_topic", "note": "ü".repeat(1_000), "more": 1});
    report(&app, &id, from, &longest).await.is(202);
    app.stop().await;
}

#[tokio::test]
async fn reports_of_another_site_are_not_seen() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    let gil = hire_for_gazette(&app, "admin", "Gil").await;
    let id = app.published(&desk, "/tides", "Ebb", None).await;
    report(&app, &id, "192.0.2.1", &json!({"reason": "spam"}))
        .await
        .is(202);
    assert!(reported(&app, &gil, "").await.is_empty());
    gil.decide(&app, &id, "approve", &json!({})).await.is(404);
    assert_eq!(reported(&app, &desk, "").await, [json!(id)]);
    app.stop().await;
}

#[tokio::test]
async fn what_tells_the_network_of_a_report_goes_with_the_sites_addresses() {
    const KEYS: &str = "select count(*) from reports where reporter_key is not null";
    let app = app_with_policy("ip_retention_days = 7").await;
    let desk = app.desk().await;
    let id = app.published(&desk, "/tides", "Ebb", None).await;
    // The comment is seen to before it is reported.
    pass(&app, Duration::days(8)).await;
    done(&app).await;
    report(&app, &id, "192.0.2.1", &json!({"reason": "spam"}))
        .await
        .is(202);
    pass(&app, Duration::days(6)).await;
    done(&app).await;
    assert_eq!(number(&app.database.pool, KEYS).await, 1);
    // More than one piece of them.
    change(
        &app,
        "insert into reports (id, site_id, comment_id, reason, reporter_key, at)
        select gen_random_uuid(), r.site_id, r.comment_id, 'spam', sha256(n::text::bytea), r.at
        from reports r, generate_series(1, 1200) n",
    )
    .await;
    pass(&app, Duration::days(1) + Duration::hours(1)).await;
    done(&app).await;
    assert_eq!(number(&app.database.pool, KEYS).await, 0);
    let desk = app.desk().await;
    shown(&app, &desk, &id)
        .await
        .has("/signals/0/weight", 1000.0)
        .has("/reports/99/reason", "spam")
        .has("/reports/100", Value::Null);
    app.stop().await;
}
