//! What web pages of other origins may do: read everything public, write where the site says so.

use crate::rows;
use crate::support::TestDatabase;
use crate::support::app::{Answer, TestApp, comment_on};

const ALLOW: &str = "access-control-allow-origin";
const LIST: &str = "/api/v1/comments?page_url=https://example.org/tides";

async fn from(app: &TestApp, method: &str, path: &str, origin: &str) -> Answer {
    app.send(app.request(method, path).header("origin", origin))
        .await
}

async fn submit_from(app: &TestApp, origin: &str, text: &str) -> Answer {
    let request = app
        .request("POST", "/api/v1/comments")
        .header("origin", origin)
        .json(&comment_on("/tides", text, None));
    app.send(request).await
}

async fn preflight(app: &TestApp, origin: &str, method: &str) -> Answer {
    let request = app
        .request("OPTIONS", "/api/v1/comments")
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header(
            "access-control-request-headers",
            "content-type,idempotency-key",
        );
    app.send(request).await.is(204)
}

fn exposes(answer: &Answer) {
    assert_eq!(
        answer.header("access-control-expose-headers"),
        "ETag, Location, Retry-After, X-Request-Id, Idempotency-Replayed"
    );
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn everybody_may_read() {
    let app = TestApp::start().await;
    for origin in ["https://evil.example", "https://example.org", "null"] {
        for method in ["GET", "HEAD"] {
            let answer = from(&app, method, LIST, origin).await.is(200);
            assert_eq!(answer.header(ALLOW), "*", "{origin}");
            exposes(&answer);
        }
        let refused = from(&app, "GET", "/api/v1/comments?page_url=x", origin).await;
        assert_eq!(refused.is(400).header(ALLOW), "*");
        let missing = from(&app, "GET", "/api/v1/comments/x", origin).await;
        assert_eq!(missing.is(404).header(ALLOW), "*");
        let allowed = preflight(&app, origin, "GET").await;
        assert_ne!(allowed.header(ALLOW), "");
    }
    assert_eq!(app.get(LIST).await.header(ALLOW), "*");
    app.stop().await;
}

#[tokio::test]
async fn pages_of_the_site_may_write_and_others_may_not() {
    let app = TestApp::start().await;
    let taken = submit_from(&app, "https://example.org", "One")
        .await
        .is(201);
    assert_eq!(taken.header(ALLOW), "https://example.org");
    assert!(taken.header("vary").contains("Origin"));
    exposes(&taken);
    // A refusal too can be read by the page that caused it.
    let again = submit_from(&app, "https://example.org", "One")
        .await
        .is(409);
    assert_eq!(again.header(ALLOW), "https://example.org");
    for origin in ["https://evil.example", "null", "http://example.org"] {
        let refused = submit_from(&app, origin, "Two").await;
        let refused = refused.is_problem(403, "origin_not_allowed");
        assert_eq!(refused.header(ALLOW), "", "{origin}");
    }
    // What is no browser names no origin.
    app.submit(&comment_on("/tides", "Three", None))
        .await
        .is(201);
    assert_eq!(rows::counts(&app.database).await, [2, 1, 2]);
    app.stop().await;
}

#[tokio::test]
async fn a_form_from_elsewhere_is_refused_too() {
    let app = TestApp::start().await;
    let form = [
        ("page_url", "https://example.org/tides"),
        ("name", "Ada"),
        ("email", "ada@example.org"),
        ("body", "Text"),
    ];
    let request = |origin| {
        app.request("POST", "/api/v1/comments")
            .header("origin", origin)
            .form(&form)
    };
    app.send(request("https://evil.example"))
        .await
        .is_problem(403, "origin_not_allowed");
    app.send(request("https://example.org")).await.is(201);
    app.stop().await;
}

#[tokio::test]
async fn a_site_may_not_write_to_another_one() {
    let database = TestDatabase::create().await;
    rows::add_site(&database, "default", "https://example.org").await;
    rows::add_site(&database, "other", "https://other.example").await;
    let app = TestApp::on(
        database,
        &[("REJOINDER_PUBLIC_URL", "https://comments.example")],
    )
    .await;
    submit_from(&app, "https://other.example", "One")
        .await
        .is_problem(403, "origin_not_allowed");
    for (number, origin) in ["https://example.org", "https://comments.example"]
        .iter()
        .enumerate()
    {
        submit_from(&app, origin, &format!("Text {number}"))
            .await
            .is(201);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_preflight_tells_what_may_be_sent() {
    let app = TestApp::start().await;
    for method in ["POST", "PATCH", "PUT", "DELETE"] {
        let allowed = preflight(&app, "https://example.org", method).await;
        assert_eq!(allowed.header(ALLOW), "https://example.org");
        assert_eq!(
            allowed.header("access-control-allow-methods"),
            "GET, POST, PUT, PATCH, DELETE"
        );
        assert_eq!(
            allowed.header("access-control-allow-headers"),
            "Authorization, Content-Type, Idempotency-Key"
        );
        assert_eq!(allowed.header("access-control-allow-credentials"), "");
        for origin in ["https://evil.example", "null"] {
            assert_eq!(
                preflight(&app, origin, method).await.header(ALLOW),
                "",
                "{origin}"
            );
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn nothing_of_it_is_on_the_moderators_side() {
    let app = TestApp::start().await;
    for (method, path) in [
        ("GET", "/api/v1/admin/comments"),
        ("POST", "/api/v1/admin/sessions"),
        ("OPTIONS", "/api/v1/admin/comments"),
        ("GET", "/api/v1/admin/nothing"),
    ] {
        let answer = from(&app, method, path, "https://example.org").await;
        for name in answer.headers.keys() {
            assert!(
                !name.as_str().starts_with("access-control-"),
                "{path}: {name}"
            );
        }
    }
    app.stop().await;
}
