//! Lists that are kept in memory: what makes them old, here and in another instance. Must not know how they are kept.

use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _};
use time::Duration;

use crate::backstage::{number, send};
use crate::rows::change;
use crate::support::app::{Answer, TestApp, comment_on};
use crate::support::eventually;

/// Any number; whoever holds the lock keeps lists from coming to an end.
const GATE: &str = "select pg_advisory_lock(4711)";

fn texts(answer: &Answer) -> Vec<String> {
    let comments = answer.at("/comments");
    let texts = comments.as_array().unwrap().iter();
    texts.map(|one| one["body_html"].to_string()).collect()
}

/// The list's snapshot is from before the approval, and its answer comes behind it.
#[tokio::test]
async fn a_list_that_is_read_around_a_change_is_not_kept() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    app.published(&desk, "/tides", "Ebb", None).await;
    let removed = app.published(&desk, "/tides", "Gone", None).await;
    desk.decide(&app, &removed, "reject", &json!({}))
        .await
        .is(200);
    let (held, _) = app.submitted(&comment_on("/tides", "Flood", None)).await;
    change(
        &app.database,
        "create or replace function has_public_answer(comment uuid) returns boolean language plpgsql stable as $$
        begin
            perform pg_advisory_xact_lock_shared(4711);
            return false;
        end
        $$",
    )
    .await;
    let mut gate = app.database.options.connect().await.unwrap();
    sqlx::raw_sql(GATE).execute(&mut gate).await.unwrap();
    let around = async {
        let waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted";
        eventually("the list is being read", async || {
            number(&app.database.pool, waiting).await == 1
        })
        .await;
        desk.decide(&app, &held, "approve", &json!({}))
            .await
            .is(200);
        gate.close().await.unwrap();
    };
    let (before, ()) = tokio::join!(app.thread("/tides", ""), around);
    assert_eq!(texts(&before.is(200)).len(), 1, "it saw the approval");
    assert_eq!(texts(&app.thread("/tides", "").await.is(200)).len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn what_nobody_told_is_seen_after_five_seconds_and_scores_after_a_minute() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    app.published(&desk, "/tides", "Ebb", None).await;
    app.thread("/tides", "")
        .await
        .has("/page/title", json!(null));
    change(
        &app.database,
        "update pages set title = 'Tides', version = version + 1",
    )
    .await;
    change(&app.database, "update comments set score = 7").await;
    app.thread("/tides", "")
        .await
        .has("/page/title", json!(null));
    app.clock.advance(Duration::seconds(5));
    app.thread("/tides", "")
        .await
        .has("/page/title", "Tides")
        .has("/comments/0/score", 7);
    change(&app.database, "update comments set score = 8").await;
    app.clock.advance(Duration::seconds(5));
    app.thread("/tides", "").await.has("/comments/0/score", 7);
    app.clock.advance(Duration::seconds(55));
    app.thread("/tides", "").await.has("/comments/0/score", 8);
    app.stop().await;
}

#[tokio::test]
async fn the_first_comment_of_a_page_is_seen_at_once() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    for _ in 0..2 {
        app.thread("/tides", "").await.has("/page/id", json!(null));
    }
    app.published(&desk, "/tides", "Ebb", None).await;
    app.thread("/tides", "").await.has("/page/comment_count", 1);
    app.stop().await;
}

#[tokio::test]
async fn what_one_instance_changes_the_other_shows() {
    let one = TestApp::start().await;
    let two = TestApp::on(one.database.clone(), &[]).await;
    let desk = one.desk().await;
    let id = one.published(&desk, "/tides", "Ebb", None).await;
    let shows = async |what: &str, pointer: &str, wanted: Value| {
        eventually(what, async || {
            two.thread("/tides", "").await.at(pointer) == wanted
        })
        .await;
    };
    shows("the comment", "/page/comment_count", json!(1)).await;
    let vote = json!({"value": 1, "voter": "00000000-0000-4000-8000-000000000001"});
    let request = one.request("PUT", &format!("/api/v1/comments/{id}/vote"));
    one.send(request.json(&vote)).await.is(200);
    // Only a notice can tell it within a minute.
    shows("the vote", "/comments/0/score", json!(1)).await;
    let page = one.thread("/tides", "").await.at("/page/id");
    let path = format!("/api/v1/admin/pages/{}", page.as_str().unwrap());
    send(&one, &desk, "PATCH", &path, &json!({"title": "Tides"}))
        .await
        .is(200);
    shows("the title", "/page/title", json!("Tides")).await;
    let edited = json!({"body": "Flood"});
    let path = format!("/api/v1/admin/comments/{id}");
    send(&one, &desk, "PATCH", &path, &edited).await.is(200);
    shows("the edit", "/comments/0/body_html", json!("<p>Flood</p>\n")).await;
    desk.decide(&one, &id, "reject", &json!({})).await.is(200);
    shows("that it is taken back", "/page/comment_count", json!(0)).await;
    two.stop().await;
    one.stop().await;
}
