//! Sessions: how long they last, what ends them, and that they are kept as hashes only.

use serde_json::{Value, json};
use time::Duration;

use crate::backstage::{change, hire, number, texts};
use crate::support::app::{Desk, OWNER, PASSWORD, TestApp};

const CURRENT: &str = "/api/v1/admin/sessions/current";
const COUNT: &str = "select count(*) from sessions";

async fn sign_out(app: &TestApp, desk: &Desk) -> u16 {
    let request = app.request("DELETE", CURRENT).bearer_auth(&desk.token);
    let answer = app.send(request).await;
    assert_eq!(answer.header("cache-control"), "private, no-store");
    answer.status
}

#[tokio::test]
async fn the_current_session_says_whose_it_is_and_when_it_ends() {
    let app = TestApp::start().await;
    let signed_in = app.sign_in(OWNER, PASSWORD).await.is(201);
    let desk = Desk {
        token: signed_in.at("/token").as_str().unwrap().to_owned(),
    };
    let answer = desk.get(&app, CURRENT).await.is(200);
    assert_eq!(answer.header("cache-control"), "private, no-store");
    let answer = answer
        .has("/moderator", signed_in.at("/moderator"))
        .has("/expires_at", signed_in.at("/expires_at"));
    assert!(answer.at("/id").is_string() && answer.at("/created_at").is_string());
    assert!(!answer.text.contains(&desk.token) && !answer.text.contains("token"));
    app.stop().await;
}

#[tokio::test]
async fn a_session_ends_12_hours_after_its_last_use() {
    let app = TestApp::start().await;
    let (used, idle) = (app.desk().await, app.desk().await);
    app.clock.advance(Duration::hours(11));
    used.get(&app, CURRENT).await.is(200);
    app.clock.advance(Duration::hours(1) + Duration::seconds(1));
    idle.get(&app, CURRENT)
        .await
        .is_problem(401, "unauthenticated");
    used.get(&app, CURRENT).await.is(200);
    app.clock
        .advance(Duration::hours(12) + Duration::seconds(1));
    used.get(&app, CURRENT)
        .await
        .is_problem(401, "unauthenticated");
    app.stop().await;
}

#[tokio::test]
async fn a_session_ends_after_30_days_however_much_it_is_used() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    for _ in 0..65 {
        app.clock.advance(Duration::hours(11));
        desk.get(&app, CURRENT).await.is(200);
    }
    app.clock.advance(Duration::hours(4));
    // 719 of 720 hours.
    let last = desk.get(&app, CURRENT).await.is(200);
    let created = last.at("/created_at");
    let (day, end) = (&created.as_str().unwrap()[11..], last.at("/expires_at"));
    assert!(
        end.as_str().unwrap().ends_with(day),
        "not 30 days to the microsecond: {last:?}"
    );
    app.clock.advance(Duration::hours(1));
    desk.get(&app, CURRENT)
        .await
        .is_problem(401, "unauthenticated");
    app.stop().await;
}

#[tokio::test]
async fn a_signed_out_session_is_worth_nothing_at_once_on_every_instance() {
    let app = TestApp::start().await;
    let other = TestApp::on(app.database.clone(), &[]).await;
    let (desk, kept) = (app.desk().await, app.desk().await);
    for instance in [&app, &other] {
        desk.get(instance, CURRENT).await.is(200);
    }
    assert_eq!(sign_out(&other, &desk).await, 204);
    for instance in [&app, &other] {
        desk.get(instance, CURRENT)
            .await
            .is_problem(401, "unauthenticated");
        kept.get(instance, CURRENT).await.is(200);
    }
    assert_eq!(sign_out(&app, &desk).await, 401);
    other.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn another_role_counts_from_the_next_request_on() {
    let app = TestApp::start().await;
    let (id, _) = app
        .submitted(&crate::support::app::comment_on("/tides", "Ebb", None))
        .await;
    let desk = hire(&app, "viewer", "Mo").await;
    desk.decide(&app, &id, "approve", &json!({}))
        .await
        .is_problem(403, "forbidden");
    change(
        &app,
        "update moderators set role = 'moderator' where name = 'Mo'",
    )
    .await;
    desk.decide(&app, &id, "approve", &json!({})).await.is(200);
    desk.get(&app, CURRENT)
        .await
        .has("/moderator/role", "moderator");
    change(
        &app,
        "update moderators set role = 'viewer' where name = 'Mo'",
    )
    .await;
    desk.decide(&app, &id, "reject", &json!({}))
        .await
        .is_problem(403, "forbidden");
    app.stop().await;
}

#[tokio::test]
async fn a_disabled_account_is_nobody_from_the_next_request_on() {
    let app = TestApp::start().await;
    let other = TestApp::on(app.database.clone(), &[]).await;
    let desk = hire(&app, "moderator", "Mo").await;
    desk.get(&app, CURRENT).await.is(200);
    change(
        &app,
        "update moderators set disabled_at = now() where name = 'Mo'",
    )
    .await;
    for instance in [&app, &other] {
        desk.get(instance, CURRENT)
            .await
            .is_problem(401, "unauthenticated");
    }
    app.sign_in("mo@example.org", PASSWORD)
        .await
        .is_problem(401, "invalid_credentials");
    other.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn tokens_and_passwords_are_stored_as_hashes_only() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let stored = texts(
        &app.database.pool,
        "select s::text || m::text || encode(s.token_hash, 'escape') || encode(s.token_hash, 'base64')
        from sessions s join moderators m on m.id = s.moderator_id",
    )
    .await
    .join("\n");
    assert!(
        stored.contains(OWNER) && stored.contains("$argon2id$"),
        "{stored}"
    );
    for secret in [desk.token.as_str(), PASSWORD] {
        assert!(!stored.contains(secret), "{secret} in {stored}");
    }
    app.stop().await;
}

#[tokio::test]
async fn looking_often_does_not_write_often() {
    const VERSIONS: &str = "select xmin::text from sessions";
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let pool = &app.database.pool;
    let begun = texts(pool, VERSIONS).await;
    for _ in 0..5 {
        app.clock.advance(Duration::seconds(10));
        desk.get(&app, CURRENT).await.is(200);
    }
    assert_eq!(texts(pool, VERSIONS).await, begun);
    app.clock.advance(Duration::seconds(11));
    desk.get(&app, CURRENT).await.is(200);
    assert_ne!(texts(pool, VERSIONS).await, begun);
    app.stop().await;
}

#[tokio::test]
async fn a_moderator_has_at_most_50_sessions_and_the_longest_unused_end_first() {
    let app = TestApp::start().await;
    let first = app.desk().await;
    app.clock.advance(Duration::minutes(2));
    let mut second = None;
    for _ in 0..49 {
        second.get_or_insert(app.desk().await);
        app.clock.advance(Duration::seconds(1));
    }
    app.clock.advance(Duration::minutes(2));
    first.get(&app, CURRENT).await.is(200);
    app.desk().await;
    assert_eq!(number(&app.database.pool, COUNT).await, 50);
    first.get(&app, CURRENT).await.is(200);
    second.unwrap().get(&app, CURRENT).await.is(401);
    app.stop().await;
}

#[tokio::test]
async fn ended_sessions_go_with_the_next_sign_in() {
    let app = TestApp::start().await;
    for _ in 0..3 {
        app.desk().await;
    }
    app.clock.advance(Duration::hours(13));
    app.desk().await;
    assert_eq!(number(&app.database.pool, COUNT).await, 1);
    app.stop().await;
}

#[tokio::test]
async fn requests_of_one_session_are_limited_and_others_are_not() {
    let app = TestApp::with(&[("REJOINDER_RATE_LIMIT", "on")]).await;
    let (flood, calm) = (app.desk().await, app.desk().await);
    let mut refused = None;
    // A burst of 200, and 20 more come back each second.
    for _ in 0..2_000 {
        let answer = flood.get(&app, CURRENT).await;
        if answer.status != 200 {
            refused = Some(answer.is_problem(429, "rate_limited"));
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.at("/errors"), Value::Null);
    calm.get(&app, CURRENT).await.is(200);
    app.stop().await;
}
