//! `POST /api/v1/admin/sessions`: who gets in, how a refusal looks, and how long to wait after failures.

use rejoinder::app::startup::{self, Audience, Setting};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::backstage::{change, hire, texts};
use crate::support::app::{Answer, OWNER, PASSWORD, TestApp, settings};

/// Signs in as a client behind a proxy.
async fn sign_in_from(app: &TestApp, address: &str, email: &str, password: &str) -> Answer {
    let request = app
        .request("POST", "/api/v1/admin/sessions")
        .header("X-Forwarded-For", address)
        .json(&json!({"email": email, "password": password}));
    app.send(request).await
}

async fn behind_a_proxy() -> TestApp {
    TestApp::with(&[("REJOINDER_TRUSTED_PROXIES", "127.0.0.0/8")]).await
}

fn retry_after(answer: &Answer) -> i64 {
    answer.header("retry-after").parse().unwrap()
}

#[tokio::test]
async fn a_moderator_signs_in_whatever_the_case_of_the_address() {
    let app = TestApp::start().await;
    for email in [OWNER, "Owner@Example.ORG", "OWNER@EXAMPLE.ORG"] {
        let answer = app.sign_in(email, PASSWORD).await.is(201);
        assert_eq!(answer.header("cache-control"), "private, no-store");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("set-cookie"), "");
        let answer = answer
            .has("/moderator/name", "Owner")
            .has("/moderator/role", "owner")
            .has("/moderator/sites", Value::Null);
        assert!(
            !answer.text.to_lowercase().contains("example.org"),
            "{answer:?}"
        );
        let ends = OffsetDateTime::parse(answer.at("/expires_at").as_str().unwrap(), &Rfc3339);
        let lasts = ends.unwrap() - app.clock.now();
        assert!(lasts <= Duration::hours(12) && lasts > Duration::hours(11));
    }
    app.stop().await;
}

#[tokio::test]
async fn two_sign_ins_have_two_tokens_which_both_hold() {
    let app = TestApp::start().await;
    let (one, other) = (app.desk().await, app.desk().await);
    assert_ne!(one.token, other.token);
    assert!(one.token.len() >= 43, "256 bits in base64");
    for desk in [one, other] {
        desk.get(&app, "/api/v1/admin/sessions/current")
            .await
            .is(200);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_sign_in_is_refused_alike_whatever_is_wrong() {
    let app = behind_a_proxy().await;
    hire(&app, "moderator", "Gone").await;
    hire(&app, "moderator", "Fresh").await;
    change(
        &app,
        "update moderators set disabled_at = now() where name = 'Gone'",
    )
    .await;
    change(
        &app,
        "update moderators set password_hash = null where name = 'Fresh'",
    )
    .await;
    let mut bodies = Vec::new();
    for (email, password) in [
        (OWNER, "not the password"),
        ("nobody@example.org", PASSWORD),
        ("gone@example.org", PASSWORD),
        ("fresh@example.org", PASSWORD),
    ] {
        let answer = sign_in_from(&app, "192.0.2.1", email, password)
            .await
            .is_problem(401, "invalid_credentials");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert_eq!(answer.header("cache-control"), "private, no-store");
        let mut body = answer.json();
        body.as_object_mut().unwrap().remove("request_id");
        bodies.push(body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "they tell accounts apart: {bodies:?}");
    app.stop().await;
}

#[tokio::test]
async fn passwords_are_compared_after_unicode_normalisation_and_never_trimmed() {
    let app = TestApp::with(&[("REJOINDER_ADMIN_PASSWORD", "Caf\u{e9} cr\u{e8}me, please")]).await;
    for (password, status) in [
        ("Caf\u{e9} cr\u{e8}me, please", 201),
        ("Cafe\u{301} cre\u{300}me, please", 201),
        ("Caf\u{e9} cr\u{e8}me, please ", 401),
        ("caf\u{e9} cr\u{e8}me, please", 401),
    ] {
        app.sign_in(OWNER, password).await.is(status);
    }
    app.stop().await;
}

#[tokio::test]
async fn after_five_failures_of_an_account_the_right_password_has_to_wait_too() {
    // The rate limit is off here, as in every test that doesn't say otherwise: the wait holds all the same.
    let app = behind_a_proxy().await;
    hire(&app, "moderator", "Mo").await;
    for place in 1..=5 {
        let from = format!("192.0.2.{place}");
        sign_in_from(&app, &from, OWNER, "wrong").await.is(401);
    }
    let answer = sign_in_from(&app, "192.0.2.6", OWNER, PASSWORD)
        .await
        .is_problem(429, "rate_limited");
    assert_eq!(retry_after(&answer), 1);
    // Being refused is no further failure.
    sign_in_from(&app, "192.0.2.6", "Owner@example.org", PASSWORD)
        .await
        .is(429);
    sign_in_from(&app, "192.0.2.6", "mo@example.org", PASSWORD)
        .await
        .is(201);
    app.clock.advance(Duration::seconds(1));
    sign_in_from(&app, "192.0.2.6", OWNER, PASSWORD)
        .await
        .is(201);
    app.stop().await;
}

#[tokio::test]
async fn after_five_failures_a_network_has_to_wait_whatever_account_it_tries() {
    let app = behind_a_proxy().await;
    for place in 1..=5 {
        // One /64 is one network.
        let from = format!("2001:db8:1:2::{place}");
        let email = format!("somebody{place}@example.org");
        sign_in_from(&app, &from, &email, PASSWORD).await.is(401);
    }
    sign_in_from(&app, "2001:db8:1:2:ffff::1", OWNER, PASSWORD)
        .await
        .is_problem(429, "rate_limited");
    sign_in_from(&app, "2001:db8:1:3::1", OWNER, PASSWORD)
        .await
        .is(201);
    app.clock.advance(Duration::seconds(1));
    sign_in_from(&app, "2001:db8:1:2::1", OWNER, PASSWORD)
        .await
        .is(201);
    app.stop().await;
}

#[tokio::test]
async fn each_further_failure_doubles_the_wait_up_to_15_minutes() {
    let app = behind_a_proxy().await;
    let mut waits = Vec::new();
    for place in 1..=17 {
        let from = format!("198.51.100.{place}");
        sign_in_from(&app, &from, OWNER, "wrong").await.is(401);
        if place < 5 {
            continue;
        }
        let refused = sign_in_from(&app, "203.0.113.1", OWNER, PASSWORD)
            .await
            .is(429);
        let wait = retry_after(&refused);
        waits.push(wait);
        app.clock.advance(Duration::seconds(wait));
    }
    assert_eq!(
        waits,
        [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    );
    app.stop().await;
}

#[tokio::test]
async fn a_sign_in_makes_an_accounts_failures_forgotten() {
    let app = behind_a_proxy().await;
    for round in 1..=2 {
        for place in 1..=4 {
            let from = format!("192.0.{round}.{place}");
            sign_in_from(&app, &from, OWNER, "wrong").await.is(401);
        }
        sign_in_from(&app, "198.51.100.1", OWNER, PASSWORD)
            .await
            .is(201);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_stored_hash_that_costs_less_than_todays_is_made_anew() {
    const HASHES: &str = "select password_hash from moderators";
    let app = TestApp::start().await;
    let cheap = texts(&app.database.pool, HASHES).await;
    let dear = Setting {
        http_workers: Some(1),
        ..Setting::default()
    };
    let running = startup::start_with(settings(&app.database, &[]), Audience::Machine, dear)
        .await
        .unwrap();
    let mut seen = vec![cheap];
    for _ in 0..2 {
        let answer = reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .post(format!(
                "http://127.0.0.1:{}/api/v1/admin/sessions",
                running.port
            ))
            .json(&json!({"email": OWNER, "password": PASSWORD}))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 201);
        seen.push(texts(&app.database.pool, HASHES).await);
    }
    running.stop().await.unwrap();
    assert_ne!(seen[0], seen[1]);
    assert_eq!(seen[1], seen[2]);
    // OWASP's floor for argon2id.
    assert!(
        seen[1][0].starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{seen:?}"
    );
    app.sign_in(OWNER, PASSWORD).await.is(201);
    app.stop().await;
}
