//! `POST /api/v1/admin/comments/{id}/replies`: answers of the staff.

use serde_json::{Value, json};
use time::Duration;

use super::{NOBODYS_ID, QUEUE, held};
use crate::backstage::{
    books_are_right, change, delete, hire, hire_for_gazette, number, two_sites,
};
use crate::support::app::{Answer, Desk, TestApp};

async fn reply(app: &TestApp, desk: &Desk, to: &str, body: &Value) -> Answer {
    desk.post(app, &format!("{QUEUE}/{to}/replies"), body).await
}

async fn reply_once(app: &TestApp, desk: &Desk, to: &str, key: &str, text: &str) -> Answer {
    let request = app.request("POST", &format!("{QUEUE}/{to}/replies"));
    let request = request.bearer_auth(&desk.token);
    let request = request.header("Idempotency-Key", key);
    app.send(request.json(&json!({"body": text}))).await
}

#[tokio::test]
async fn a_staff_answer_is_published_at_once_in_the_moderators_name() {
    let app = TestApp::start().await;
    let mo = hire(&app, "moderator", "Mo").await;
    let root = app.published(&mo, "/tides", "Ebb?", None).await;
    let before = app.thread("/tides", "").await;
    let answer = reply(&app, &mo, &root, &json!({"body": "**Flood**."}))
        .await
        .is(201)
        .has("/status", "approved")
        .has("/version", 1)
        .has("/name", "Mo")
        .has("/email", "mo@example.org")
        .has("/ip", Value::Null)
        .has("/body", "**Flood**.")
        .has("/body_html", "<p><strong>Flood</strong>.</p>\n")
        .has("/parent/id", root.as_str())
        .has("/decided_by/name", "Mo");
    assert_eq!(answer.header("cache-control"), "private, no-store");
    let id = answer.at("/id").as_str().unwrap().to_owned();
    let location = answer.header("location").to_owned();
    assert_eq!(location, format!("{QUEUE}/{id}"));
    let shown = mo.get(&app, &location).await.is(200);
    let history = shown.at("/history");
    assert_eq!(history.as_array().unwrap().len(), 1);
    assert_eq!(
        json!([
            history[0]["actor"]["name"],
            history[0]["from"],
            history[0]["to"]
        ]),
        json!(["Mo", null, "approved"])
    );
    let after = app
        .thread("/tides", "")
        .await
        .has("/page/comment_count", 2)
        .has("/comments/0/reply_count", 1)
        .has("/comments/0/replies/0/id", id.as_str())
        .has("/comments/0/replies/0/depth", 1)
        .has("/comments/0/replies/0/author/name", "Mo")
        .has("/comments/0/replies/0/author/is_staff", true)
        .has("/comments/0/author/is_staff", false);
    assert_ne!(after.header("etag"), before.header("etag"));
    assert!(!after.text.contains("mo@"));
    books_are_right(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn an_answer_to_the_deepest_level_stands_beside_it() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let mut chain = vec![app.published(&desk, "/tides", "Level 0", None).await];
    for depth in 1..=9 {
        let body = json!({"body": format!("Level {depth}")});
        let answer = reply(&app, &desk, &chain[depth - 1], &body).await.is(201);
        chain.push(answer.at("/id").as_str().unwrap().to_owned());
    }
    reply(&app, &desk, &chain[9], &json!({"body": "Deeper"}))
        .await
        .is(201)
        .has("/parent/id", chain[8].as_str());
    books_are_right(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn staff_may_answer_where_comments_are_closed() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let root = app.published(&desk, "/tides", "Ebb", None).await;
    change(&app, "update pages set comments_open = false").await;
    reply(&app, &desk, &root, &json!({"body": "Flood"}))
        .await
        .is(201);
    app.stop().await;
}

#[tokio::test]
async fn a_held_parent_is_approved_with_the_answer_or_neither_is() {
    let app = TestApp::start().await;
    let (desk, mo) = (app.desk().await, hire(&app, "moderator", "Mo").await);
    let root = held(&app, "/tides", "Ebb").await;
    for body in [
        json!({"body": "Flood"}),
        json!({"body": "Flood", "approve_parent": false, "version": 1}),
        json!({"body": "Flood", "approve_parent": null}),
    ] {
        reply(&app, &mo, &root, &body)
            .await
            .is_problem(409, "parent_not_approved");
    }
    let now = desk.get(&app, &format!("{QUEUE}/{root}")).await;
    let stale = json!({"body": "Flood", "approve_parent": true, "version": 2});
    let conflict = reply(&app, &mo, &root, &stale)
        .await
        .is_problem(409, "version_conflict")
        .has("/comment/id", root.as_str())
        .has("/comment/version", 1);
    assert_eq!(conflict.at("/comment/status"), now.at("/status"));
    app.thread("/tides", "").await.has("/page/comment_count", 0);

    let right = json!({"body": "Flood", "approve_parent": true, "version": 1});
    reply(&app, &mo, &root, &right)
        .await
        .is(201)
        .has("/parent/status", "approved");
    desk.get(&app, &format!("{QUEUE}/{root}"))
        .await
        .has("/status", "approved")
        .has("/version", 2)
        .has("/decided_by/name", "Mo")
        .has("/history/1/to", "approved");
    app.thread("/tides", "").await.has("/page/comment_count", 2);
    // It is approved already, so the version that it had then matters no more.
    let next = json!({"body": "And moon", "approve_parent": true, "version": 1});
    reply(&app, &desk, &root, &next).await.is(201);
    books_are_right(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn what_is_not_wanted_is_not_answered() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let body = json!({"body": "Flood", "approve_parent": true});
    for decision in ["reject", "spam"] {
        let id = held(&app, &format!("/{decision}"), "Ebb").await;
        desk.decide(&app, &id, decision, &json!({})).await.is(200);
        reply(&app, &desk, &id, &body)
            .await
            .is_problem(409, "parent_not_approved");
    }
    let id = held(&app, "/tides", "Ebb").await;
    delete(&app, &id).await;
    reply(&app, &desk, &id, &body)
        .await
        .is_problem(409, "comment_deleted");
    assert_eq!(
        number(
            &app.database.pool,
            "select count(*) from comments where is_staff"
        )
        .await,
        0
    );
    app.stop().await;
}

#[tokio::test]
async fn the_same_words_answer_a_comment_once_a_day_and_others_too() {
    let app = TestApp::start().await;
    let (desk, mo) = (app.desk().await, hire(&app, "moderator", "Mo").await);
    let one = app.published(&desk, "/tides", "Ebb", None).await;
    let other = app.published(&desk, "/tides", "Flood", None).await;
    let body = json!({"body": "Thank you"});
    reply(&app, &mo, &one, &body).await.is(201);
    reply(&app, &mo, &one, &body)
        .await
        .is_problem(409, "duplicate_comment");
    reply(&app, &mo, &other, &body).await.is(201);
    reply(&app, &desk, &one, &body).await.is(201);
    app.clock.advance(Duration::hours(25));
    let mo = app
        .sign_in("mo@example.org", crate::support::app::PASSWORD)
        .await;
    let mo = Desk {
        token: mo.at("/token").as_str().unwrap().to_owned(),
    };
    reply(&app, &mo, &one, &body).await.is(201);
    books_are_right(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn a_retry_with_the_same_key_answers_the_same_and_stores_nothing() {
    let app = TestApp::start().await;
    let (desk, mo) = (app.desk().await, hire(&app, "moderator", "Mo").await);
    let root = app.published(&desk, "/tides", "Ebb", None).await;
    let first = reply_once(&app, &mo, &root, "once", "Flood").await.is(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    let again = reply_once(&app, &mo, &root, "once", " Flood ")
        .await
        .is(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.json(), first.json());
    assert_eq!(again.header("location"), first.header("location"));
    reply_once(&app, &mo, &root, "once", "Moon")
        .await
        .is_problem(422, "idempotency_key_reused");
    reply_once(&app, &mo, &root, "spaced key", "Moon")
        .await
        .is_problem(400, "invalid_idempotency_key");
    // Another moderator's key is another one, and so is a reader's.
    reply_once(&app, &desk, &root, "once", "Flood")
        .await
        .is(201);
    // The lost answer comes also when the question has gone meanwhile.
    desk.decide(&app, &root, "reject", &json!({})).await.is(200);
    reply_once(&app, &mo, &root, "once", "Flood")
        .await
        .is(201)
        .has("/parent/status", "rejected");
    assert_eq!(
        number(&app.database.pool, "select count(*) from comments").await,
        3
    );
    books_are_right(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn every_wrong_field_of_an_answer_is_named_and_no_value_comes_back() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let root = app.published(&desk, "/tides", "Ebb", None).await;
    let table: [(Value, &str, &[&str]); 5] = [
        (json!({}), "validation_failed", &["body: required"]),
        (
            json!({"body": " ", "version": 0}),
            "validation_failed",
            &["body: required", "version: invalid_value"],
        ),
        (
            json!({"body": "hidden ".repeat(2_000), "approve_parent": "hidden"}),
            "validation_failed",
            &["approve_parent: invalid_type", "body: too_long"],
        ),
        (
            json!({"body": "hidden\u{0}"}),
            "validation_failed",
            &["body: invalid_characters"],
        ),
        (
            json!({"body": "hidden", "name": "hidden"}),
            "unknown_field",
            &["name: unknown_field"],
        ),
    ];
    for (body, code, wanted) in &table {
        let answer = reply(&app, &desk, &root, body).await;
        let answer = answer.is_problem(422, code);
        assert_eq!(answer.field_errors(), *wanted, "{body}");
        assert!(!answer.text.contains("hidden"), "{answer:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn who_may_not_decide_does_not_answer() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    let root = app.published(&desk, "/tides", "Ebb", None).await;
    let body = json!({"body": "Flood"});
    let viewer = hire(&app, "viewer", "Vi").await;
    reply(&app, &viewer, &root, &body)
        .await
        .is_problem(403, "forbidden");
    let elsewhere = hire_for_gazette(&app, "moderator", "Gaz").await;
    reply(&app, &elsewhere, &root, &body)
        .await
        .is_problem(404, "comment_not_found");
    for nobody in [NOBODYS_ID, "nobody"] {
        reply(&app, &desk, nobody, &body)
            .await
            .is_problem(404, "comment_not_found");
    }
    app.stop().await;
}
