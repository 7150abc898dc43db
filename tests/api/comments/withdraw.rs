//! `DELETE /api/v1/comments/{id}`: an author withdraws a comment.

use serde_json::{Value, json};
use time::Duration;

use crate::backstage::number;
use crate::support::app::{Answer, TestApp, comment_on};

pub(crate) async fn withdraw(app: &TestApp, id: &str, token: &str) -> Answer {
    let request = app.request("DELETE", &format!("/api/v1/comments/{id}"));
    app.send(request.bearer_auth(token)).await
}

#[tokio::test]
async fn a_withdrawn_comment_is_gone_with_all_that_was_written_about_it() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (id, token) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    let shown = format!("/api/v1/admin/comments/{id}");
    desk.decide(&app, &id, "approve", &json!({"note": "Seen"}))
        .await
        .is(200);
    desk.post(&app, &format!("{shown}/notes"), &json!({"note": "Look"}))
        .await
        .is(201);
    let path = format!("/api/v1/comments/{id}");
    let report = json!({"reason": "other", "note": "I know Ada"});
    app.post(&format!("{path}/reports"), &report).await.is(202);
    let vote = json!({"value": 1, "voter": "5f0c1d52-6a0e-4a6b-9d8e-3f6f4f6e2a11"});
    let vote = app.request("PUT", &format!("{path}/vote")).json(&vote);
    app.send(vote).await.is(200);

    let gone = withdraw(&app, &id, &token).await.is(204);
    assert_eq!(gone.header("cache-control"), "private, no-store");
    app.thread("/tides", "").await.has("/page/comment_count", 0);
    app.get(&path).await.is(404);
    let own = app.request("GET", &path).bearer_auth(&token);
    app.send(own).await.is_problem(404, "comment_not_found");
    desk.get(&app, &shown)
        .await
        .has("/status", "deleted")
        .has("/decided_by/kind", "author")
        .has("/version", 3)
        .has("/history/2/actor/kind", "author")
        .has("/history/2/to", "deleted")
        .has("/reports", json!([]))
        .has("/signals", json!([]))
        .has("/history/1/note", Value::Null);
    let left = "select (select count(*) from notes) + (select count(*) from reports)
        + (select count(*) from votes) + (select count(*) from comment_notes)";
    assert_eq!(number(&app.database.pool, left).await, 0);

    withdraw(&app, &id, &token).await.is(204);
    let lines = "select count(*) from comment_history";
    assert_eq!(number(&app.database.pool, lines).await, 3);
    app.stop().await;
}

#[tokio::test]
async fn any_state_and_any_age_may_be_withdrawn_and_the_text_said_again() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    for decision in ["restore", "approve", "reject", "spam"] {
        let body = comment_on("/tides", decision, None);
        let (id, token) = app.submitted(&body).await;
        desk.decide(&app, &id, decision, &json!({})).await.is(200);
        app.clock.advance(Duration::hours(2));
        app.submit(&body).await.is_problem(409, "duplicate_comment");
        withdraw(&app, &id, &token).await.is(204);
        app.submit(&body).await.is(201);
    }
    app.stop().await;
}

#[tokio::test]
async fn only_its_own_token_withdraws_a_comment() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (id, _) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    let (_, other) = app.submitted(&comment_on("/tides", "Moon", None)).await;
    let path = format!("/api/v1/comments/{id}");
    let bare = app.send(app.request("DELETE", &path)).await;
    bare.is_problem(401, "manage_token_required");
    for wrong in [other.as_str(), &desk.token] {
        withdraw(&app, &id, wrong)
            .await
            .is_problem(404, "comment_not_found");
    }
    let gone = "select count(*) from comments where status = 'deleted'";
    assert_eq!(number(&app.database.pool, gone).await, 0);
    app.stop().await;
}
