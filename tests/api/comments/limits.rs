//! The readers' limits over HTTP. Must not depend on how fast the machine is.

use serde_json::{Value, json};

use crate::rows;
use crate::support::app::{Answer, TestApp, comment_on};

/// More than a burst and what comes back while it is used up.
const MANY: usize = 60;

async fn send(app: &TestApp, from: &str, key: Option<&str>, body: &Value) -> Answer {
    let mut request = app
        .request("POST", "/api/v1/comments")
        .header("x-forwarded-for", from)
        .json(body);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    app.send(request).await
}

fn by(author: &str, number: usize) -> Value {
    let mut body = comment_on("/tides", &format!("Text {number}"), None);
    body["email"] = json!(format!("{author}@example.org"));
    body
}

fn asks_to_wait(answer: Answer) {
    let answer = answer.is_problem(429, "rate_limited");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_network_may_submit_ten_at_once_and_others_are_not_touched() {
    let proxied = [
        ("REJOINDER_RATE_LIMIT", "on"),
        ("REJOINDER_TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    let app = TestApp::with(&proxied).await;
    let mut taken = 0;
    let refused = loop {
        let answer = send(
            &app,
            "192.0.2.1",
            None,
            &by(&format!("reader{taken}"), taken),
        )
        .await;
        if answer.status != 201 {
            break answer;
        }
        taken += 1;
        assert!(taken < MANY, "there is no limit");
    };
    assert!(taken >= 10, "only {taken}");
    asks_to_wait(refused);
    send(&app, "192.0.2.2", None, &by("bob", 100)).await.is(201);
    // Reading has another allowance.
    app.thread("/tides", "").await.is(200);
    app.stop().await;
}

#[tokio::test]
async fn a_replay_costs_nothing() {
    let app = TestApp::with(&[("REJOINDER_RATE_LIMIT", "on")]).await;
    let body = comment_on("/tides", "High water", None);
    for _ in 0..MANY {
        send(&app, "192.0.2.1", Some("key"), &body).await.is(201);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_hurried_address_is_held_when_it_comes_from_several_networks() {
    let proxied = [
        ("REJOINDER_RATE_LIMIT", "on"),
        ("REJOINDER_TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    let app = rows::app_with("hold = 'flagged'", &proxied).await;
    let mut held = 0;
    for number in 0..MANY {
        let from = format!("192.0.2.{number}");
        let answer = send(&app, &from, None, &by("ada", number)).await.is(201);
        held += usize::from(answer.at("/comment/status") == "pending");
        if held == 3 {
            break;
        }
    }
    assert_eq!(held, 3, "the address has no limit");
    send(&app, "198.51.100.1", None, &by("bob", 0))
        .await
        .is(201)
        .has("/comment/status", "approved");
    app.stop().await;
}

#[tokio::test]
async fn addresses_of_one_64_share_a_limit_and_an_untrusted_header_is_not_believed() {
    let proxied = [
        ("REJOINDER_RATE_LIMIT", "on"),
        ("REJOINDER_TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    for (settings, network) in [(&proxied[..], "2001:db8::"), (&proxied[..1], "192.0.2.")] {
        let app = TestApp::with(settings).await;
        let mut refused = false;
        for number in 1..MANY {
            let from = format!("{network}{number}");
            let body = by(&format!("reader{number}"), number);
            refused |= send(&app, &from, None, &body).await.status == 429;
        }
        assert!(refused, "{network}");
        app.stop().await;
    }
}

/// Sends until it is refused, and says how often it was taken.
async fn until_refused(app: &TestApp, from: &str, method: &str, path: &str, body: &Value) -> usize {
    for taken in 0..MANY {
        let request = app.request(method, path).header("x-forwarded-for", from);
        let answer = app.send(request.json(body)).await;
        if answer.status == 429 {
            asks_to_wait(answer);
            return taken;
        }
        assert_eq!(answer.status, 404, "{answer:?}");
    }
    panic!("there is no limit");
}

#[tokio::test]
async fn votes_and_reports_share_an_allowance_of_the_network() {
    let proxied = [
        ("REJOINDER_RATE_LIMIT", "on"),
        ("REJOINDER_TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    let app = TestApp::with(&proxied).await;
    let path = "/api/v1/comments/0198c000-0000-7000-8000-000000000000";
    let browser = "5f0c1d52-6a0e-4a6b-9d8e-3f6f4f6e2a11";
    let ballot = json!({"value": 1, "voter": browser});
    let spam = json!({"reason": "spam"});
    let (votes, reports) = (format!("{path}/vote"), format!("{path}/reports"));
    let taken = until_refused(&app, "192.0.2.1", "PUT", &votes, &ballot).await;
    assert!(taken >= 10, "only {taken}");
    // What comes back meanwhile is one every two seconds.
    let taken = until_refused(&app, "192.0.2.1", "POST", &reports, &spam).await;
    assert!(taken < 10, "{taken}");
    let back = format!("{votes}?voter={browser}");
    let taken = until_refused(&app, "192.0.2.1", "DELETE", &back, &Value::Null).await;
    assert!(taken < 10, "{taken}");
    let taken = until_refused(&app, "192.0.2.2", "POST", &reports, &spam).await;
    assert!(taken >= 10, "only {taken}");
    app.submit(&comment_on("/tides", "One", None)).await.is(201);
    app.stop().await;
}

#[tokio::test]
async fn edits_and_submissions_share_an_allowance_of_the_network() {
    let proxied = [
        ("REJOINDER_RATE_LIMIT", "on"),
        ("REJOINDER_TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    let app = TestApp::with(&proxied).await;
    let answer = send(&app, "192.0.2.1", None, &by("ada", 0)).await.is(201);
    let text = |pointer: &str| answer.at(pointer).as_str().unwrap().to_owned();
    let path = format!("/api/v1/comments/{}", text("/comment/id"));
    let manage = text("/manage_token");
    let edit = |from: &str, text: String| {
        let request = app.request("PATCH", &path).bearer_auth(&manage);
        let request = request.header("x-forwarded-for", from);
        app.send(request.json(&json!({"body": text})))
    };
    let mut taken = 0;
    let refused = loop {
        let answer = edit("192.0.2.1", format!("Text {taken}")).await;
        if answer.status != 200 {
            break answer;
        }
        taken += 1;
        assert!(taken < MANY, "there is no limit");
    };
    assert!(taken >= 9, "only {taken}");
    asks_to_wait(refused);
    edit("192.0.2.2", "From elsewhere".to_owned()).await.is(200);
    // Withdrawing needs none of it.
    let request = app.request("DELETE", &path).bearer_auth(&manage);
    app.send(request.header("x-forwarded-for", "192.0.2.1"))
        .await
        .is(204);
    app.stop().await;
}

#[tokio::test]
async fn reads_are_limited_by_network() {
    let app = TestApp::with(&[("REJOINDER_RATE_LIMIT", "on")]).await;
    let mut taken = 0;
    let refused = loop {
        let answer = app.thread("/tides", "").await;
        if answer.status != 200 {
            break answer;
        }
        taken += 1;
        assert!(taken < 3_000, "there is no limit");
    };
    assert!(taken >= 200, "only {taken}");
    asks_to_wait(refused);
    app.submit(&comment_on("/tides", "One", None)).await.is(201);
    app.stop().await;
}
