//! `DELETE /api/v1/admin/comments/{id}`: the content is gone, the place and the history stay.

use serde_json::{Value, json};

use super::{NOBODYS_ID, QUEUE, held};
use crate::backstage::{
    books_are_right, change, hire, hire_for_gazette, number, rows, send, texts, two_sites,
};
use crate::support::app::{Answer, Desk, TestApp, comment_on};

async fn delete(app: &TestApp, desk: &Desk, id: &str, query: &str) -> Answer {
    let request = app.request("DELETE", &format!("{QUEUE}/{id}{query}"));
    app.send(request.bearer_auth(&desk.token)).await
}

fn secret() -> Value {
    let mut body = comment_on("/tides", "A secret tide", None);
    body["website"] = json!("https://secret.example");
    body["email"] = json!("secret@example.org");
    body
}

/// With a key; id and manage token.
async fn submit(app: &TestApp, body: &Value) -> (String, String) {
    let request = app.request("POST", "/api/v1/comments");
    let request = request.header("Idempotency-Key", "once");
    let answer = app.send(request.json(body)).await.is(201);
    let text = |pointer| answer.at(pointer).as_str().unwrap().to_owned();
    (text("/comment/id"), text("/manage_token"))
}

/// Of the only comment, which was deleted.
async fn nothing_is_stored(app: &TestApp) {
    for table in ["comment_notes", "comment_texts", "notes"] {
        let statement = match table {
            "comment_notes" => "select count(*) from comment_notes",
            "comment_texts" => "select count(*) from comment_texts",
            _ => "select count(*) from notes",
        };
        assert_eq!(number(&app.database.pool, statement).await, 0, "{table}");
    }
    let all = texts(
        &app.database.pool,
        "select c::text || coalesce(c.search::text, '') from comments c",
    )
    .await;
    assert!(!all[0].contains("secret"), "{all:?}");
    assert_eq!(
        texts(&app.database.pool, "select avatar from comments").await,
        ["0".repeat(32)]
    );
    let keys = rows(
        &app.database.pool,
        "select 1 from comments where author_id is null and duplicate_key is null and idempotency_key is null",
    )
    .await;
    assert_eq!(keys.len(), 1);
}

#[tokio::test]
async fn nothing_of_a_deleted_comment_is_left_but_its_place_and_history() {
    let app = TestApp::start().await;
    let mo = hire(&app, "moderator", "Mo").await;
    let body = secret();
    let (id, token) = submit(&app, &body).await;
    let path = format!("{QUEUE}/{id}");
    let note = json!({"note": "a secret note", "reason": "other"});
    mo.decide(&app, &id, "reject", &note).await.is(200);
    send(
        &app,
        &mo,
        "PATCH",
        &path,
        &json!({"body": "Another secret"}),
    )
    .await
    .is(200);
    mo.decide(&app, &id, "approve", &json!({})).await.is(200);
    change(
        &app,
        format!(
            "insert into notes (id, site_id, comment_id, moderator_id, note, at)
            select gen_random_uuid(), c.site_id, c.id, c.decided_by, 'a secret word', now() from comments c where id = '{id}'"
        ),
    )
    .await;

    let answer = delete(&app, &mo, &id, "?version=4").await.is(204);
    assert_eq!(answer.text, "");
    assert_eq!(answer.header("cache-control"), "private, no-store");

    let shown = mo
        .get(&app, &path)
        .await
        .is(200)
        .has("/status", "deleted")
        .has("/version", 5)
        .has("/name", "")
        .has("/body", "")
        .has("/body_html", "")
        .has("/email", Value::Null)
        .has("/website", Value::Null)
        .has("/ip", Value::Null)
        .has("/user_agent", Value::Null)
        .has("/reason", Value::Null)
        .has("/decided_by/name", "Mo")
        .has("/history/4/from", "approved")
        .has("/history/4/to", "deleted")
        .has("/history/4/actor/name", "Mo")
        .has("/history/2/earlier", Value::Null)
        .has("/history/1/note", Value::Null);
    assert!(!shown.text.contains("secret"), "{shown:?}");
    nothing_is_stored(&app).await;

    // Neither the public nor its author sees it, and the same may be said again.
    app.get(&format!("/api/v1/comments/{id}")).await.is(404);
    let own = app.request("GET", &format!("/api/v1/comments/{id}"));
    app.send(own.bearer_auth(token)).await.is(404);
    app.thread("/tides", "")
        .await
        .has("/comments", json!([]))
        .has("/page/comment_count", 0);
    app.submit(&body).await.is(201);
    books_are_right(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn answers_to_a_deleted_comment_stay_under_its_place() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let root = app.published(&desk, "/tides", "Ebb", None).await;
    let reply = app.published(&desk, "/tides", "Flood", Some(&root)).await;
    let before = app.thread("/tides", "").await;
    delete(&app, &desk, &root, "").await.is(204);
    let after = app
        .thread("/tides", "")
        .await
        .has("/page/comment_count", 1)
        .has("/comments/0/id", root.as_str())
        .has("/comments/0/removed", true)
        .has("/comments/0/author", Value::Null)
        .has("/comments/0/replies/0/id", reply.as_str());
    assert_ne!(after.header("etag"), before.header("etag"));
    books_are_right(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn what_is_deleted_stays_so_and_nothing_is_logged_again() {
    let app = TestApp::start().await;
    let (desk, mo) = (app.desk().await, hire(&app, "moderator", "Mo").await);
    for state in ["restore", "approve", "reject", "spam"] {
        let id = held(&app, &format!("/{state}"), "Ebb").await;
        desk.decide(&app, &id, state, &json!({})).await.is(200);
        for query in ["", "?version=1", "?version=77"] {
            delete(&app, &mo, &id, query).await.is(204);
        }
        let shown = desk.get(&app, &format!("{QUEUE}/{id}")).await;
        let lines = shown.at("/history").as_array().unwrap().len();
        assert_eq!(lines, if state == "restore" { 2 } else { 3 });
    }
    books_are_right(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn a_deletion_of_a_stale_version_is_refused_with_the_comment_as_it_is() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let id = held(&app, "/tides", "Ebb").await;
    let now = desk.decide(&app, &id, "approve", &json!({})).await.is(200);
    let conflict = delete(&app, &desk, &id, "?version=1")
        .await
        .is_problem(409, "version_conflict");
    assert_eq!(conflict.at("/comment"), now.json());
    for query in [
        "?version=0",
        "?version=",
        "?version=x",
        "?version=1&version=1",
        "?force=1",
    ] {
        delete(&app, &desk, &id, query)
            .await
            .is_problem(400, "invalid_query");
    }
    app.thread("/tides", "").await.has("/page/comment_count", 1);
    delete(&app, &desk, &id, "?version=2").await.is(204);
    app.stop().await;
}

#[tokio::test]
async fn who_may_not_decide_does_not_delete() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    let id = held(&app, "/tides", "Ebb").await;
    let viewer = hire(&app, "viewer", "Vi").await;
    delete(&app, &viewer, &id, "")
        .await
        .is_problem(403, "forbidden");
    let elsewhere = hire_for_gazette(&app, "moderator", "Gaz").await;
    for query in ["", "?version=9"] {
        delete(&app, &elsewhere, &id, query)
            .await
            .is_problem(404, "comment_not_found");
    }
    for nobody in [NOBODYS_ID, "nobody"] {
        delete(&app, &desk, nobody, "")
            .await
            .is_problem(404, "comment_not_found");
    }
    desk.get(&app, &format!("{QUEUE}/{id}"))
        .await
        .has("/version", 1);
    app.stop().await;
}
