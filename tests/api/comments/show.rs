//! `GET /api/v1/comments/{id}`: for everybody, and for its author by the manage token.

use serde_json::{Value, json};
use time::Duration;

use crate::support::app::{Answer, TestApp, comment_on};

async fn own(app: &TestApp, id: &str, token: &str) -> Answer {
    let request = app
        .request("GET", &format!("/api/v1/comments/{id}"))
        .header("authorization", token);
    app.send(request).await
}

#[tokio::test]
async fn a_published_comment_is_for_everybody_and_others_are_not_there() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (id, _) = app
        .submitted(&comment_on("/tides", "*High* water", None))
        .await;
    let path = format!("/api/v1/comments/{id}");
    app.get(&path).await.is_problem(404, "comment_not_found");
    desk.decide(&app, &id, "approve", &json!({})).await.is(200);
    let shown = app
        .get(&path)
        .await
        .is(200)
        .has("/id", id.clone())
        .has("/author/name", "Ada")
        .has("/body_html", "<p><em>High</em> water</p>\n");
    for private in ["status", "body", "reason", "editable_until"] {
        assert!(shown.json().get(private).is_none(), "{private}");
    }
    assert!(shown.header("cache-control").starts_with("public"));
    let tag = shown.header("etag").to_owned();
    let again = app.request("GET", &path).header("if-none-match", tag);
    app.send(again).await.is(304);
    for decision in ["reject", "spam", "restore"] {
        desk.decide(&app, &id, decision, &json!({})).await.is(200);
        app.get(&path).await.is_problem(404, "comment_not_found");
    }
    app.stop().await;
}

#[tokio::test]
async fn its_author_sees_a_comment_in_every_state() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (id, token) = app
        .submitted(&comment_on("/tides", "High *water*", None))
        .await;
    let bearer = format!("Bearer {token}");
    let held = own(&app, &id, &bearer)
        .await
        .is(200)
        .has("/status", "pending")
        .has("/body", "High *water*")
        .has("/reason", Value::Null);
    assert_eq!(held.header("cache-control"), "private, no-store");
    assert_eq!(held.header("etag"), "");
    assert!(held.at("/editable_until").is_string());
    own(&app, &id, &format!("bEARER  {token}")).await.is(200);

    desk.decide(&app, &id, "approve", &json!({})).await.is(200);
    own(&app, &id, &bearer)
        .await
        .is(200)
        .has("/status", "approved")
        .has("/reason", Value::Null);

    let reason = json!({"reason": "off_topic", "note": "for colleagues"});
    desk.decide(&app, &id, "reject", &reason).await.is(200);
    let rejected = own(&app, &id, &bearer)
        .await
        .is(200)
        .has("/status", "rejected")
        .has("/reason/code", "off_topic")
        .has("/editable_until", Value::Null);
    assert!(rejected.at("/reason/text").as_str().unwrap().len() > 10);
    assert!(!rejected.text.contains("colleagues"));

    desk.decide(&app, &id, "spam", &json!({})).await.is(200);
    let spam = own(&app, &id, &bearer)
        .await
        .is(200)
        .has("/status", "rejected")
        .has("/reason/code", "spam");
    assert!(spam.at("/reason/text").is_string());
    app.stop().await;
}

#[tokio::test]
async fn a_wrong_token_opens_nothing_not_even_what_is_public() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (held, token) = app.submitted(&comment_on("/tides", "Held", None)).await;
    let public = app.published(&desk, "/tides", "Public", None).await;
    let cut = token.split_at(40).0;
    let last = if token.ends_with('A') { 'B' } else { 'A' };
    let changed = format!("{}{last}", token.split_at(token.len() - 1).0);
    for id in [&held, &public] {
        for wrong in [
            format!("Bearer {cut}"),
            format!("Bearer {changed}"),
            format!("Bearer {token}{token}"),
            format!("Bearer {}", desk.token),
            "Bearer".to_owned(),
            format!("Basic {token}"),
            token.clone(),
        ] {
            let answer = own(&app, id, &wrong)
                .await
                .is_problem(404, "comment_not_found");
            assert_eq!(answer.header("cache-control"), "private, no-store");
        }
    }
    own(&app, &public, &format!("Bearer {token}"))
        .await
        .is_problem(404, "comment_not_found");
    app.stop().await;
}

#[tokio::test]
async fn a_raised_token_version_revokes_the_token() {
    let app = TestApp::start().await;
    let (id, token) = app.submitted(&comment_on("/tides", "Held", None)).await;
    own(&app, &id, &format!("Bearer {token}")).await.is(200);
    crate::rows::change(&app.database, "update comments set token_version = 2").await;
    own(&app, &id, &format!("Bearer {token}"))
        .await
        .is_problem(404, "comment_not_found");
    app.stop().await;
}

#[tokio::test]
async fn the_time_to_edit_is_the_sites_window() {
    let app = crate::rows::app_with_policy("edit_window_minutes = 90").await;
    let before = app.clock.now();
    let receipt = app
        .submit(&comment_on("/tides", "Held", None))
        .await
        .is(201);
    let until = receipt.at("/comment/editable_until");
    let until = time::OffsetDateTime::parse(
        until.as_str().unwrap(),
        &time::format_description::well_known::Rfc3339,
    )
    .unwrap();
    let window = until - before;
    assert!(
        window >= Duration::minutes(90) && window < Duration::minutes(91),
        "{window}"
    );
    app.stop().await;
}
