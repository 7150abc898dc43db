//! `POST /api/v1/setup` and the links that it redeems.

use futures_util::future::join_all;
use serde_json::{Value, json};
use time::Duration;

use super::{MODERATORS, NEW_PASSWORD, acts, ask, enter, id_of};
use crate::backstage::{hire, number, texts};
use crate::support::app::{Answer, Desk, PASSWORD, TestApp};

const SETUP: &str = "/api/v1/setup";

async fn invite(app: &TestApp, desk: &Desk, name: &str) -> String {
    let email = format!("{name}@example.org").to_lowercase();
    let body = json!({"email": email, "name": name, "role": "moderator"});
    let made = desk.post(app, MODERATORS, &body).await.is(201);
    let made = made.has("/has_password", false);
    made.at("/setup_token").as_str().unwrap().to_owned()
}

async fn redeem(app: &TestApp, token: &str, password: &str) -> Answer {
    app.post(SETUP, &json!({"token": token, "password": password}))
        .await
}

#[tokio::test]
async fn a_link_sets_the_password_once() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let token = invite(&app, &desk, "Mo").await;
    app.sign_in("mo@example.org", NEW_PASSWORD).await.is(401);
    // A password that can't be taken costs no link.
    redeem(&app, &token, "too short")
        .await
        .is_problem(422, "validation_failed");
    let done = redeem(&app, &token, NEW_PASSWORD).await.is(200);
    assert_eq!(done.header("cache-control"), "private, no-store");
    assert_eq!(done.json(), json!({"email": "mo@example.org"}));
    redeem(&app, &token, "yet another password")
        .await
        .is_problem(404, "setup_link_not_found");
    enter(&app, "Mo", NEW_PASSWORD).await;
    assert_eq!(
        acts(&app).await,
        [
            r#"moderator.created moderator {"role": "moderator", "sites": null}"#,
            "moderator.password_set moderator {}"
        ]
    );
    app.stop().await;
}

#[tokio::test]
async fn a_link_has_an_address_where_the_service_knows_its_own() {
    let app = TestApp::with(&[("REJOINDER_PUBLIC_URL", "https://talk.example.org")]).await;
    let desk = app.desk().await;
    let body = json!({"email": "mo@example.org", "name": "Mo", "role": "viewer"});
    let made = desk.post(&app, MODERATORS, &body).await.is(201);
    let token = made.at("/setup_token");
    let url = format!(
        "https://talk.example.org/desk/setup#{}",
        token.as_str().unwrap()
    );
    let made = made.has("/setup_url", url);
    let path = format!(
        "{MODERATORS}/{}/setup-links",
        made.at("/id").as_str().unwrap()
    );
    let next = ask(&app, &desk, "POST", &path, Value::Null).await.is(201);
    let url = next.at("/setup_url");
    assert!(
        url.as_str()
            .unwrap()
            .starts_with("https://talk.example.org/desk/setup#")
    );
    app.stop().await;
    let app = TestApp::start().await;
    let desk = app.desk().await;
    desk.post(&app, MODERATORS, &body)
        .await
        .is(201)
        .has("/setup_url", Value::Null);
    app.stop().await;
}

#[tokio::test]
async fn a_link_is_good_for_seven_days() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (late, early) = (
        invite(&app, &desk, "Late").await,
        invite(&app, &desk, "Early").await,
    );
    app.clock.advance(Duration::days(7) - Duration::minutes(1));
    redeem(&app, &early, NEW_PASSWORD).await.is(200);
    app.clock.advance(Duration::minutes(1));
    redeem(&app, &late, NEW_PASSWORD)
        .await
        .is_problem(404, "setup_link_not_found");
    app.stop().await;
}

#[tokio::test]
async fn a_new_link_voids_the_old_one_and_keeps_the_password_until_it_is_used() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let mo = hire(&app, "moderator", "Mo").await;
    let path = format!("{MODERATORS}/{}/setup-links", id_of(&app, "Mo").await);
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let link = ask(&app, &desk, "POST", &path, Value::Null).await.is(201);
        assert!(link.at("/setup_expires_at").is_string());
        tokens.push(link.at("/setup_token").as_str().unwrap().to_owned());
    }
    redeem(&app, &tokens[0], NEW_PASSWORD)
        .await
        .is_problem(404, "setup_link_not_found");
    mo.get(&app, "/api/v1/admin/me").await.is(200);
    app.sign_in("mo@example.org", PASSWORD).await.is(201);
    redeem(&app, &tokens[1], NEW_PASSWORD).await.is(200);
    mo.get(&app, "/api/v1/admin/me")
        .await
        .is_problem(401, "unauthenticated");
    app.sign_in("mo@example.org", PASSWORD).await.is(401);
    enter(&app, "Mo", NEW_PASSWORD).await;
    app.stop().await;
}

#[tokio::test]
async fn of_those_who_use_a_link_at_once_one_sets_the_password() {
    let app = TestApp::start().await;
    let other = TestApp::on(app.database.clone(), &[]).await;
    let desk = app.desk().await;
    let token = invite(&app, &desk, "Mo").await;
    let attempts = (0..4).map(async |number| {
        let instance = if number % 2 == 0 { &app } else { &other };
        let password = format!("password number {number}");
        let answer = redeem(instance, &token, &password).await;
        (answer.status, password)
    });
    let outcomes = join_all(attempts).await;
    let won: Vec<_> = outcomes
        .iter()
        .filter(|(status, _)| *status == 200)
        .collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    assert!(
        outcomes
            .iter()
            .all(|(status, _)| matches!(status, 200 | 404)),
        "{outcomes:?}"
    );
    enter(&app, "Mo", &won[0].1).await;
    other.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn a_link_that_is_not_good_is_refused_alike_whatever_is_wrong() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let used = invite(&app, &desk, "Used").await;
    redeem(&app, &used, NEW_PASSWORD).await.is(200);
    let removed = invite(&app, &desk, "Removed").await;
    let path = format!("{MODERATORS}/{}", id_of(&app, "Removed").await);
    ask(&app, &desk, "DELETE", &path, Value::Null).await.is(204);
    let mut bodies = Vec::new();
    for token in [used.as_str(), &removed, &desk.token, "x"] {
        let mut body = redeem(&app, token, NEW_PASSWORD)
            .await
            .is_problem(404, "setup_link_not_found")
            .json();
        body.as_object_mut().unwrap().remove("request_id");
        bodies.push(body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    app.stop().await;
}

#[tokio::test]
async fn whoever_guesses_links_has_to_wait() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let token = invite(&app, &desk, "Mo").await;
    for _ in 0..5 {
        redeem(&app, &"A".repeat(43), NEW_PASSWORD).await.is(404);
    }
    let refused = redeem(&app, &token, NEW_PASSWORD)
        .await
        .is_problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "1");
    app.clock.advance(Duration::seconds(1));
    redeem(&app, &token, NEW_PASSWORD).await.is(200);
    app.stop().await;
}

#[tokio::test]
async fn everything_wrong_with_a_set_up_is_named_at_once_and_links_are_stored_as_hashes() {
    let app = TestApp::start().await;
    for (body, wanted) in [
        (json!({}), &["password: required", "token: required"][..]),
        (
            json!({"token": "", "password": "hidden"}),
            &["password: too_short", "token: required"],
        ),
        (
            json!({"token": 1, "password": []}),
            &["password: invalid_type", "token: invalid_type"],
        ),
        (
            json!({"token": "x", "password": NEW_PASSWORD, "pasword": "hidden"}),
            &["pasword: unknown_field"],
        ),
    ] {
        let refused = app.post(SETUP, &body).await.is(422);
        assert_eq!(refused.field_errors(), wanted, "{body}");
        assert!(!refused.text.contains("hidden"));
    }
    let desk = app.desk().await;
    let token = invite(&app, &desk, "Mo").await;
    let stored = texts(
        &app.database.pool,
        "select l::text || encode(l.token_hash, 'escape') || encode(l.token_hash, 'base64') from setup_links l",
    )
    .await;
    assert!(!stored.concat().contains(&token));
    assert_eq!(
        number(&app.database.pool, "select count(*) from setup_links").await,
        1
    );
    app.stop().await;
}
