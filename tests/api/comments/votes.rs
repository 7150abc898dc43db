//! `PUT` and `DELETE /api/v1/comments/{id}/vote`.

use serde_json::{Value, json};

use crate::backstage::{number, texts};
use crate::support::app::{Answer, TestApp, comment_on};

const ANN: &str = "5f0c1d52-6a0e-4a6b-9d8e-3f6f4f6e2a11";
const BEN: &str = "00000000-0000-4000-8000-000000000001";

async fn vote(app: &TestApp, id: &str, voter: &str, value: i32) -> Answer {
    let request = app.request("PUT", &format!("/api/v1/comments/{id}/vote"));
    app.send(request.json(&json!({"value": value, "voter": voter})))
        .await
}

async fn take_back(app: &TestApp, id: &str, voter: &str) -> Answer {
    let path = format!("/api/v1/comments/{id}/vote?voter={voter}");
    app.send(app.request("DELETE", &path)).await
}

#[tokio::test]
async fn a_voter_has_one_vote_and_the_score_is_their_sum() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let id = app.published(&desk, "/tides", "Ebb", None).await;
    for (voter, value, score) in [
        (ANN, 1, 1),
        (ANN, 1, 1),
        (BEN, 1, 2),
        (ANN, -1, 0),
        (BEN, -1, -2),
    ] {
        let answer = vote(&app, &id, voter, value).await.is(200);
        assert_eq!(answer.header("cache-control"), "private, no-store");
        assert_eq!(answer.json(), json!({"score": score, "your_vote": value}));
    }
    // A whole number, however it is written.
    let request = app.request("PUT", &format!("/api/v1/comments/{id}/vote"));
    let body = format!(r#"{{"value": -1.0, "voter": "{BEN}"}}"#);
    let request = request.header("content-type", "application/json");
    app.send(request.body(body)).await.is(200).has("/score", -2);
    for score in [-1, -1] {
        let answer = take_back(&app, &id, ANN).await.is(200);
        assert_eq!(answer.json(), json!({"score": score, "your_vote": null}));
    }
    app.thread("/tides", "").await.has("/comments/0/score", -1);
    // No change of state or text.
    desk.get(&app, &format!("/api/v1/admin/comments/{id}"))
        .await
        .has("/version", 2);
    app.stop().await;
}

#[tokio::test]
async fn a_vote_is_seen_in_the_list_and_its_order() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let first = app.published(&desk, "/tides", "Ebb", None).await;
    let second = app.published(&desk, "/tides", "Flood", None).await;
    let list = app.thread("/tides", "&sort=top").await;
    let tag = list.header("etag").to_owned();
    list.has("/comments/0/id", second.clone());
    vote(&app, &first, ANN, 1).await.is(200);
    let request = app.request(
        "GET",
        "/api/v1/comments?page_url=https://example.org/tides&sort=top",
    );
    app.send(request.header("if-none-match", tag))
        .await
        .is(200)
        .has("/comments/0/id", first)
        .has("/comments/0/score", 1);
    app.stop().await;
}

#[tokio::test]
async fn only_published_comments_take_votes() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (id, _) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    for decision in ["restore", "reject", "spam"] {
        desk.decide(&app, &id, decision, &json!({})).await.is(200);
        vote(&app, &id, ANN, 1)
            .await
            .is_problem(404, "comment_not_found");
        take_back(&app, &id, ANN)
            .await
            .is_problem(404, "comment_not_found");
    }
    vote(&app, BEN, ANN, 1)
        .await
        .is_problem(404, "comment_not_found");
    vote(&app, "none", ANN, 1)
        .await
        .is_problem(404, "comment_not_found");
    assert_eq!(
        number(&app.database.pool, "select count(*) from votes").await,
        0
    );
    app.stop().await;
}

#[tokio::test]
async fn nothing_stored_links_the_votes_of_a_voter() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    for text in ["Ebb", "Flood"] {
        let id = app.published(&desk, "/tides", text, None).await;
        vote(&app, &id, ANN, 1).await.is(200);
    }
    let keys = "select count(distinct voter_key) from votes";
    assert_eq!(number(&app.database.pool, keys).await, 2);
    let plain = ANN.replace('-', "");
    for row in texts(&app.database.pool, "select v::text from votes v").await {
        assert!(!row.contains(ANN) && !row.contains(&plain), "{row}");
    }
    app.stop().await;
}

#[tokio::test]
async fn all_that_is_wrong_with_a_vote_is_told() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let id = app.published(&desk, "/tides", "Ebb", None).await;
    let path = format!("/api/v1/comments/{id}/vote");
    for (body, wrong) in [
        (json!({}), &["value: required", "voter: required"][..]),
        (
            json!({"value": 2, "voter": "me"}),
            &["value: invalid_value", "voter: invalid_value"],
        ),
        (json!({"value": 0, "voter": ANN}), &["value: invalid_value"]),
        (
            json!({"value": "1", "voter": 1}),
            &["value: invalid_type", "voter: invalid_type"],
        ),
        (
            json!({"value": 1, "voter": Value::Null}),
            &["voter: required"],
        ),
    ] {
        let answer = app.send(app.request("PUT", &path).json(&body)).await;
        let answer = answer.is_problem(422, "validation_failed");
        assert_eq!(answer.field_errors(), wrong, "{body}");
    }
    for query in ["", "?voter=", "?voter=me", "?voter=1&voter=1"] {
        let request = app.request("DELETE", &format!("{path}{query}"));
        app.send(request).await.is_problem(400, "invalid_query");
    }
    app.thread("/tides", "").await.has("/comments/0/score", 0);
    app.stop().await;
}
