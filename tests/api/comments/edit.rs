//! `PATCH /api/v1/comments/{id}`: an author's edit, judged anew.

use serde_json::{Value, json};
use time::Duration;

use crate::backstage::{change, number, texts, two_sites};
use crate::rows::app_with_policy;
use crate::support::app::{Answer, TestApp, comment_on};

async fn edit(app: &TestApp, id: &str, token: &str, text: &str) -> Answer {
    let request = app.request("PATCH", &format!("/api/v1/comments/{id}"));
    app.send(request.bearer_auth(token).json(&json!({"body": text})))
        .await
}

async fn own(app: &TestApp, id: &str, token: &str) -> Answer {
    let request = app.request("GET", &format!("/api/v1/comments/{id}"));
    app.send(request.bearer_auth(token)).await
}

#[tokio::test]
async fn a_held_comment_gets_another_text_and_what_it_was_is_kept_with_its_history() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (id, token) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    let edited = edit(&app, &id, &token, " *Flood* ")
        .await
        .is(200)
        .has("/id", id.clone())
        .has("/status", "pending")
        .has("/body", "*Flood*")
        .has("/body_html", "<p><em>Flood</em></p>\n")
        .has("/reason", Value::Null);
    assert_eq!(edited.header("cache-control"), "private, no-store");
    assert!(edited.at("/edited_at").is_string() && edited.at("/editable_until").is_string());
    assert_eq!(own(&app, &id, &token).await.json(), edited.json());
    desk.get(&app, &format!("/api/v1/admin/comments/{id}"))
        .await
        .is(200)
        .has("/version", 2)
        .has("/body", "*Flood*")
        .has("/history/1/actor/kind", "author")
        .has("/history/1/from", "pending")
        .has("/history/1/to", "pending")
        .has("/history/1/earlier/body", "Ebb")
        .has("/history/2", Value::Null);
    app.stop().await;
}

#[tokio::test]
async fn where_everything_is_held_a_published_comment_waits_again_after_an_edit() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (id, token) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    desk.decide(&app, &id, "approve", &json!({})).await.is(200);
    edit(&app, &id, &token, "Flood")
        .await
        .is(200)
        .has("/status", "pending");
    app.thread("/tides", "").await.has("/page/comment_count", 0);
    app.get(&format!("/api/v1/comments/{id}")).await.is(404);
    desk.get(&app, &format!("/api/v1/admin/comments/{id}"))
        .await
        .has("/status", "pending")
        .has("/version", 3)
        .has("/decided_by", Value::Null)
        .has("/history/2/actor/kind", "author")
        .has("/history/2/from", "approved")
        .has("/history/2/earlier/body", "Ebb");
    desk.decide(&app, &id, "approve", &json!({"version": 3}))
        .await
        .is(200);
    app.thread("/tides", "")
        .await
        .has("/comments/0/body_html", "<p>Flood</p>\n");
    app.stop().await;
}

#[tokio::test]
async fn where_comments_are_published_at_once_an_edit_is_too_but_one_that_was_held_stays_held() {
    let app = app_with_policy("hold = 'flagged'").await;
    let desk = app.desk().await;
    let (id, token) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    let (held, held_token) = app.submitted(&comment_on("/tides", "Moon", None)).await;
    desk.decide(&app, &held, "restore", &json!({}))
        .await
        .is(200);
    let tag = app.thread("/tides", "").await.header("etag").to_owned();
    edit(&app, &id, &token, "Flood")
        .await
        .is(200)
        .has("/status", "approved");
    edit(&app, &held, &held_token, "Full moon")
        .await
        .is(200)
        .has("/status", "pending");
    let thread = app.thread("/tides", "").await;
    assert_ne!(thread.header("etag"), tag);
    let thread = thread
        .has("/page/comment_count", 1)
        .has("/comments/0/body_html", "<p>Flood</p>\n");
    assert!(thread.at("/comments/0/edited_at").is_string());
    app.stop().await;
}

#[tokio::test]
async fn the_same_text_changes_nothing() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (id, token) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    desk.decide(&app, &id, "approve", &json!({})).await.is(200);
    edit(&app, &id, &token, "\n Ebb ")
        .await
        .is(200)
        .has("/status", "approved")
        .has("/edited_at", Value::Null);
    assert_eq!(
        number(&app.database.pool, "select count(*) from comment_history").await,
        2
    );
    app.stop().await;
}

#[tokio::test]
async fn an_edit_is_taken_until_the_window_is_over() {
    let app = app_with_policy("edit_window_minutes = 20").await;
    let (id, token) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    app.clock.advance(Duration::minutes(19));
    // A page that was closed meanwhile forbids no edit.
    change(&app, "update pages set comments_open = false").await;
    edit(&app, &id, &token, "Flood").await.is(200);
    app.clock.advance(Duration::minutes(2));
    edit(&app, &id, &token, "Late")
        .await
        .is_problem(403, "edit_window_over");
    own(&app, &id, &token).await.has("/body", "Flood");
    app.stop().await;
}

#[tokio::test]
async fn what_was_rejected_cannot_be_edited_and_what_is_deleted_is_not_there() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (id, token) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    for decision in ["reject", "spam"] {
        desk.decide(&app, &id, decision, &json!({})).await.is(200);
        edit(&app, &id, &token, "Flood")
            .await
            .is_problem(409, "comment_not_editable");
    }
    crate::backstage::delete(&app, &id).await;
    edit(&app, &id, &token, "Flood")
        .await
        .is_problem(404, "comment_not_found");
    app.stop().await;
}

#[tokio::test]
async fn only_the_manage_token_of_the_comment_opens_it() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (id, token) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    let (_, other) = app.submitted(&comment_on("/tides", "Moon", None)).await;
    desk.decide(&app, &id, "approve", &json!({})).await.is(200);
    let path = format!("/api/v1/comments/{id}");
    let bare = app.request("PATCH", &path).json(&json!({"body": "Mine"}));
    let bare = app
        .send(bare)
        .await
        .is_problem(401, "manage_token_required");
    assert_eq!(bare.header("www-authenticate"), "Bearer");
    for wrong in [other.as_str(), &desk.token, "nonsense"] {
        edit(&app, &id, wrong, "Mine")
            .await
            .is_problem(404, "comment_not_found");
    }
    change(&app, "update comments set token_version = 2").await;
    edit(&app, &id, &token, "Mine")
        .await
        .is_problem(404, "comment_not_found");
    app.stop().await;
}

#[tokio::test]
async fn an_edit_into_what_was_said_already_is_a_duplicate_and_frees_its_own_text() {
    let app = TestApp::start().await;
    app.submitted(&comment_on("/tides", "Ebb", None)).await;
    let (id, token) = app.submitted(&comment_on("/tides", "Flood", None)).await;
    edit(&app, &id, &token, "Ebb")
        .await
        .is_problem(409, "duplicate_comment");
    edit(&app, &id, &token, "Moon").await.is(200);
    app.submit(&comment_on("/tides", "Moon", None))
        .await
        .is_problem(409, "duplicate_comment");
    app.submit(&comment_on("/tides", "Flood", None))
        .await
        .is(201);
    app.stop().await;
}

#[tokio::test]
async fn after_a_day_a_text_stands_in_nobodys_way() {
    let app = app_with_policy("edit_window_minutes = 10080").await;
    app.submitted(&comment_on("/tides", "Ebb", None)).await;
    let (id, token) = app.submitted(&comment_on("/tides", "Flood", None)).await;
    app.clock.advance(Duration::hours(25));
    edit(&app, &id, &token, "Ebb").await.is(200);
    app.submit(&comment_on("/tides", "Ebb", None)).await.is(201);
    app.stop().await;
}

#[tokio::test]
async fn a_submission_is_known_again_by_its_key_after_an_edit() {
    let app = TestApp::start().await;
    let body = comment_on("/tides", "Ebb", None);
    let send = || {
        let request = app.request("POST", "/api/v1/comments");
        app.send(request.header("Idempotency-Key", "key").json(&body))
    };
    let first = send().await.is(201);
    let text = |pointer: &str| first.at(pointer).as_str().unwrap().to_owned();
    let (id, token) = (text("/comment/id"), text("/manage_token"));
    edit(&app, &id, &token, "Flood").await.is(200);
    let again = send().await.is(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    again.has("/comment/id", id).has("/comment/body", "Flood");
    app.stop().await;
}

#[tokio::test]
async fn all_that_is_wrong_with_the_body_is_told_and_nothing_stored() {
    let app = TestApp::start().await;
    let (id, token) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    let path = format!("/api/v1/comments/{id}");
    for (body, wrong) in [
        (json!({}), "body: required"),
        (json!({"body": " "}), "body: required"),
        (json!({"body": "x".repeat(10_001)}), "body: too_long"),
        (json!({"body": "a\u{0}b"}), "body: invalid_characters"),
        (json!({"body": 1}), "body: invalid_type"),
        (json!({"body": null, "more": 1}), "body: required"),
    ] {
        let request = app.request("PATCH", &path).bearer_auth(&token);
        let answer = app.send(request.json(&body)).await;
        let answer = answer.is_problem(422, "validation_failed");
        assert_eq!(answer.field_errors(), [wrong], "{body}");
    }
    let kept = texts(&app.database.pool, "select body from comments").await;
    assert_eq!(kept, ["Ebb"]);
    app.stop().await;
}

#[tokio::test]
async fn pages_of_another_site_may_not_write() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    let (id, token) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    desk.decide(&app, &id, "approve", &json!({})).await.is(200);
    let voter = "5f0c1d52-6a0e-4a6b-9d8e-3f6f4f6e2a11";
    let path = format!("/api/v1/comments/{id}");
    for (origin, status) in [
        ("https://gazette.example", 403),
        ("https://elsewhere.example", 403),
        ("https://example.org", 200),
    ] {
        for (method, path, body) in [
            (
                "PUT",
                format!("{path}/vote"),
                json!({"value": 1, "voter": voter}),
            ),
            ("DELETE", format!("{path}/vote?voter={voter}"), Value::Null),
            ("POST", format!("{path}/reports"), json!({"reason": "spam"})),
            ("PATCH", path.clone(), json!({"body": "Flood"})),
            ("DELETE", path.clone(), Value::Null),
        ] {
            let mut request = app.request(method, &path).header("origin", origin);
            if !body.is_null() {
                request = request.json(&body);
            }
            if !path.contains("/vote") && !path.contains("/reports") {
                request = request.bearer_auth(&token);
            }
            let answer = app.send(request).await;
            if status == 403 {
                answer.is_problem(403, "origin_not_allowed");
                continue;
            }
            assert!(answer.status < 300, "{method} {path}: {answer:?}");
            assert_eq!(answer.header("access-control-allow-origin"), origin);
            assert_eq!(answer.header("cache-control"), "private, no-store");
        }
        if status != 403 {
            break;
        }
        let written = "select (select count(*) from votes) + (select count(*) from reports)
            + (select count(*) from comment_texts)";
        assert_eq!(number(&app.database.pool, written).await, 0);
    }
    app.stop().await;
}
