//! Submitting again: the same text, and the same `Idempotency-Key`, one after the other and at once.

use futures_util::future::join_all;
use serde_json::{Value, json};
use time::Duration;

use crate::rows;
use crate::support::TestDatabase;
use crate::support::app::{Answer, TestApp, comment_on};

async fn with_key(app: &TestApp, key: &str, body: &Value) -> Answer {
    let request = app
        .request("POST", "/api/v1/comments")
        .header("idempotency-key", key)
        .json(body);
    app.send(request).await
}

#[tokio::test]
async fn the_same_text_is_taken_once_in_24_hours() {
    let app = TestApp::start().await;
    let first = comment_on("/tides", "High water\nat noon", None);
    app.submit(&first).await.is(201);
    let mut shouted = comment_on("/tides", "  High water\r\nat noon ", None);
    shouted["email"] = json!("ADA@Example.ORG");
    shouted["name"] = json!("Somebody else");
    shouted["page_url"] = json!("https://EXAMPLE.org:443/tides?utm_source=mail#c");
    for again in [&first, &shouted] {
        app.submit(again).await.is_problem(409, "duplicate_comment");
    }
    // Another text, page or address is another comment.
    let mut other = first.clone();
    other["email"] = json!("bob@example.org");
    app.submit(&other).await.is(201);
    app.submit(&comment_on("/moon", "High water\nat noon", None))
        .await
        .is(201);
    app.submit(&comment_on("/tides", "high water\nat noon", None))
        .await
        .is(201);

    app.clock
        .advance(Duration::hours(23) + Duration::minutes(59));
    app.submit(&first)
        .await
        .is_problem(409, "duplicate_comment");
    app.clock.advance(Duration::minutes(2));
    app.submit(&first).await.is(201);
    app.submit(&first)
        .await
        .is_problem(409, "duplicate_comment");
    assert_eq!(rows::counts(&app.database).await, [5, 2, 5]);
    app.stop().await;
}

#[tokio::test]
async fn a_key_with_the_same_content_is_answered_again_and_stores_nothing() {
    let app = TestApp::start().await;
    let body = comment_on("/tides", "High water\nat noon", None);
    let first = with_key(&app, "k 1".replace(' ', "!").as_str(), &body)
        .await
        .is(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    // The same once it is normalised.
    let mut again = comment_on("/tides", " High water\r\nat noon", None);
    again["website"] = json!("");
    for body in [&body, &again] {
        let replay = with_key(&app, "k!1", body).await.is(201);
        assert_eq!(replay.header("idempotency-replayed"), "true");
        assert_eq!(replay.header("location"), first.header("location"));
        assert_eq!(replay.json(), first.json());
    }
    let mut form: Vec<(String, String)> = Vec::new();
    for (field, value) in body.as_object().unwrap() {
        form.push((field.clone(), value.as_str().unwrap_or_default().to_owned()));
    }
    let request = app
        .request("POST", "/api/v1/comments")
        .header("idempotency-key", "k!1")
        .form(&form);
    let replay = app.send(request).await.is(201);
    assert_eq!(replay.header("idempotency-replayed"), "true");

    let desk = app.desk().await;
    let id = first.at("/comment/id").as_str().unwrap().to_owned();
    desk.decide(&app, &id, "approve", &json!({})).await.is(200);
    with_key(&app, "k!1", &body)
        .await
        .is(201)
        .has("/comment/status", "approved")
        .has("/manage_token", first.at("/manage_token"));
    assert_eq!(rows::counts(&app.database).await, [1, 1, 2]);
    app.stop().await;
}

#[tokio::test]
async fn a_key_with_other_content_is_refused() {
    let app = TestApp::start().await;
    let body = comment_on("/tides", "High water", None);
    with_key(&app, "key", &body).await.is(201);
    for (field, value) in [
        ("body", "Low water"),
        ("name", "Bob"),
        ("email", "bob@example.org"),
        ("page_url", "https://example.org/moon"),
        ("website", "https://ada.example"),
        ("page_title", "Tides"),
        ("parent_id", "01980000-0000-7000-8000-000000000000"),
        ("page_key", "k1"),
    ] {
        let mut other = body.clone();
        other[field] = json!(value);
        with_key(&app, "key", &other)
            .await
            .is_problem(422, "idempotency_key_reused");
    }
    // Keys differ by case; and a new key doesn't help against the rule of duplicates.
    with_key(&app, "Key", &body)
        .await
        .is_problem(409, "duplicate_comment");
    assert_eq!(rows::counts(&app.database).await, [1, 1, 1]);
    app.stop().await;
}

#[tokio::test]
async fn only_what_was_taken_is_kept_under_a_key() {
    let app = TestApp::start().await;
    with_key(&app, "key", &comment_on("/tides", "", None))
        .await
        .is(422);
    let nobody = "01980000-0000-7000-8000-000000000000";
    with_key(&app, "key", &comment_on("/tides", "One", Some(nobody)))
        .await
        .is(404);
    let taken = with_key(&app, "key", &comment_on("/tides", "Two", None)).await;
    assert_eq!(taken.is(201).header("idempotency-replayed"), "");
    app.stop().await;
}

#[tokio::test]
async fn a_key_is_free_after_24_hours() {
    let app = TestApp::start().await;
    let body = comment_on("/tides", "High water", None);
    let first = with_key(&app, "key", &body).await.is(201);
    app.clock
        .advance(Duration::hours(23) + Duration::minutes(59));
    let replay = with_key(&app, "key", &body).await.is(201);
    assert_eq!(replay.at("/comment/id"), first.at("/comment/id"));
    app.clock.advance(Duration::minutes(2));
    let other = with_key(&app, "key", &comment_on("/tides", "Low water", None))
        .await
        .is(201);
    assert_eq!(other.header("idempotency-replayed"), "");
    let later = app.submit(&body).await.is(201);
    assert_ne!(later.at("/comment/id"), first.at("/comment/id"));
    app.stop().await;
}

#[tokio::test]
async fn a_key_stands_for_itself_in_each_site() {
    let database = TestDatabase::create().await;
    rows::add_site(&database, "default", "https://example.org").await;
    rows::add_site(&database, "other", "https://other.example").await;
    let app = TestApp::on(database, &[]).await;
    let body = comment_on("/tides", "High water", None);
    let mut elsewhere = body.clone();
    elsewhere["page_url"] = json!("https://other.example/tides");
    let here = with_key(&app, "key", &body).await.is(201);
    let there = with_key(&app, "key", &elsewhere).await.is(201);
    assert_ne!(here.at("/comment/id"), there.at("/comment/id"));
    assert_eq!(rows::counts(&app.database).await, [2, 2, 2]);
    app.stop().await;
}

#[tokio::test]
async fn retries_that_race_end_as_one_comment() {
    let app = TestApp::start().await;
    let body = comment_on("/tides", "High water", None);
    let answers = join_all((0..16).map(|_| with_key(&app, "key", &body))).await;
    let first = answers[0].at("/comment/id");
    let mut replayed = 0;
    for answer in answers {
        replayed += usize::from(answer.header("idempotency-replayed") == "true");
        let _same = answer.is(201).has("/comment/id", first.clone());
    }
    assert_eq!(replayed, 15);
    assert_eq!(rows::counts(&app.database).await, [1, 1, 1]);
    app.stop().await;
}

#[tokio::test]
async fn equal_texts_that_race_are_taken_once() {
    let app = TestApp::start().await;
    let body = comment_on("/tides", "High water", None);
    let answers = join_all((0..16).map(|_| app.submit(&body))).await;
    let mut taken = 0;
    for answer in answers {
        if answer.status == 201 {
            taken += 1;
        } else {
            let _refused = answer.is_problem(409, "duplicate_comment");
        }
    }
    assert_eq!(taken, 1);
    assert_eq!(rows::counts(&app.database).await, [1, 1, 1]);
    app.stop().await;
}

#[tokio::test]
async fn first_comments_that_race_share_their_page() {
    let app = TestApp::start().await;
    let bodies: Vec<Value> = (0..12)
        .map(|n| comment_on("/tides", &format!("Text {n}"), None))
        .collect();
    for answer in join_all(bodies.iter().map(|body| app.submit(body))).await {
        let _taken = answer.is(201);
    }
    assert_eq!(rows::counts(&app.database).await, [12, 1, 12]);
    app.stop().await;
}

#[tokio::test]
async fn other_texts_that_race_for_a_key_lose() {
    let app = TestApp::start().await;
    let bodies: Vec<Value> = (0..12)
        .map(|n| comment_on("/tides", &format!("Text {n}"), None))
        .collect();
    let answers = join_all(bodies.iter().map(|body| with_key(&app, "key", body))).await;
    let mut taken = 0;
    for answer in answers {
        if answer.status == 201 {
            taken += 1;
        } else {
            let _refused = answer.is_problem(422, "idempotency_key_reused");
        }
    }
    assert_eq!(taken, 1);
    assert_eq!(rows::counts(&app.database).await, [1, 1, 1]);
    app.stop().await;
}
