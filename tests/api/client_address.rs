//! Whose limit a request counts against, by the socket and by what trusted proxies say. Must not know how limits count.

use serde_json::json;

use crate::support::app::TestApp;

/// More than the burst of the submissions' limit, and what may come back meanwhile.
const TRIES_MAX: usize = 20;
const FORWARDED: &str = "X-Forwarded-For";

/// Sends one submission, each from another author, with these headers.
async fn send(app: &TestApp, number: &str, headers: &[(&str, &str)]) -> u16 {
    let body = json!({
        "page_url": "https://example.org/tides",
        "name": "Ada",
        "email": format!("ada-{number}@example.org"),
        "body": format!("The tide of {number}."),
    });
    let request = headers.iter().fold(
        app.request("POST", "/api/v1/comments").json(&body),
        |request, (name, value)| request.header(*name, *value),
    );
    app.send(request).await.status
}

/// Sends until the limit is reached; `headers` are made from the number of the try.
async fn use_up<'a>(app: &TestApp, name: &str, headers: impl Fn(usize) -> Vec<(&'a str, String)>) {
    for number in 0..TRIES_MAX {
        let headers = headers(number);
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        match send(app, &format!("{name}-{number}"), &headers).await {
            201 => {}
            429 => return,
            other => panic!("{other}"),
        }
    }
    panic!("{name}: no limit");
}

async fn behind_proxies() -> TestApp {
    TestApp::with(&[
        ("REJOINDER_RATE_LIMIT", "on"),
        ("REJOINDER_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8"),
    ])
    .await
}

#[tokio::test]
async fn without_trusted_proxies_the_header_makes_nobody_else() {
    let app = TestApp::with(&[("REJOINDER_RATE_LIMIT", "on")]).await;
    use_up(&app, "one", |number| {
        vec![(FORWARDED, format!("203.0.113.{number}"))]
    })
    .await;
    assert_eq!(
        send(&app, "other", &[(FORWARDED, "198.51.100.1")]).await,
        429
    );
    app.stop().await;
}

#[tokio::test]
async fn behind_trusted_proxies_each_client_has_a_limit_of_its_own() {
    let app = behind_proxies().await;
    use_up(&app, "one", |_| vec![(FORWARDED, "203.0.113.9".to_owned())]).await;
    assert_eq!(
        send(&app, "other", &[(FORWARDED, "203.0.113.10")]).await,
        201
    );
    // A second trusted proxy on the way changes nothing.
    let through_two = [(FORWARDED, "203.0.113.9, 10.1.2.3")];
    assert_eq!(send(&app, "far", &through_two).await, 429);
    // Nor do several headers.
    let in_two = [(FORWARDED, "203.0.113.9"), (FORWARDED, "10.1.2.3")];
    assert_eq!(send(&app, "split", &in_two).await, 429);
    app.stop().await;
}

#[tokio::test]
async fn what_a_client_claims_left_of_the_proxies_entry_does_not_count() {
    let app = behind_proxies().await;
    use_up(&app, "one", |number| {
        vec![(FORWARDED, format!("198.51.100.{number}, 203.0.113.9"))]
    })
    .await;
    // Nobody was framed by it.
    assert_eq!(
        send(&app, "framed", &[(FORWARDED, "198.51.100.1")]).await,
        201
    );
    app.stop().await;
}

#[tokio::test]
async fn an_ipv6_client_cannot_leave_its_limit_within_its_64() {
    let app = behind_proxies().await;
    use_up(&app, "one", |number| {
        vec![(FORWARDED, format!("2001:db8:1:2::{number:x}"))]
    })
    .await;
    let neighbour = [(FORWARDED, "2001:db8:1:3::1")];
    assert_eq!(send(&app, "neighbour", &neighbour).await, 201);
    app.stop().await;
}

#[tokio::test]
async fn only_the_header_that_was_named_counts() {
    let app = TestApp::with(&[
        ("REJOINDER_RATE_LIMIT", "on"),
        ("REJOINDER_TRUSTED_PROXIES", "127.0.0.1"),
        ("REJOINDER_CLIENT_ADDRESS_HEADER", "X-Real-IP"),
    ])
    .await;
    use_up(&app, "one", |number| {
        vec![
            ("X-Real-IP", "203.0.113.9".to_owned()),
            (FORWARDED, format!("198.51.100.{number}")),
        ]
    })
    .await;
    assert_eq!(
        send(&app, "other", &[("X-Real-IP", "203.0.113.10")]).await,
        201
    );
    app.stop().await;
}
