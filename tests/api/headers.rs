//! Headers that every kind of answer has: those of security, and the request's id.

use serde_json::json;

use crate::rows;
use crate::support::app::{Answer, TestApp, comment_on};

fn is_secured(what: &str, answer: &Answer) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("permissions-policy", "browsing-topics=()"),
        ("cross-origin-resource-policy", "cross-origin"),
    ] {
        assert_eq!(answer.header(name), value, "{name} of {what}");
    }
    let policy = answer.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{part} of {what}: {policy}");
    }
    assert!(!policy.contains("script-src *") && !policy.contains("unsafe-eval"));
    assert!(!answer.header("x-request-id").is_empty(), "{what}");
    for telling in ["server", "x-powered-by", "set-cookie"] {
        assert_eq!(answer.header(telling), "", "{telling} of {what}");
    }
}

#[tokio::test]
async fn every_kind_of_answer_is_secured() {
    let app = rows::app_with_policy("hold = 'flagged'").await;
    let desk = app.desk().await;
    let taken = app.submit(&comment_on("/tides", "One", None)).await.is(201);
    is_secured("a submission", &taken);
    let avatar = taken
        .at("/comment/author/avatar")
        .as_str()
        .unwrap()
        .to_owned();
    let own = taken.header("location").to_owned();
    let list = "/api/v1/comments?page_url=https://example.org/tides";
    for (path, status) in [
        (list, 200),
        (own.as_str(), 200),
        ("/api/v1/comments/x", 404),
        ("/api/v1/comments?page_url=x", 400),
        ("/api/v1/comments/%ff", 400),
        ("/api/v1/openapi.json", 200),
        ("/api/v1/admin/comments", 401),
        ("/api/v1/nothing", 404),
        ("/nothing", 404),
        ("/", 200),
        ("/problems/", 200),
        ("/problems/validation_failed", 200),
        ("/assets/plain.css", 200),
        ("/docs", 308),
        ("/docs/", 200),
        ("/docs/nothing.js", 404),
        ("/healthz", 200),
        ("/readyz", 200),
        (avatar.as_str(), 200),
    ] {
        is_secured(path, &app.get(path).await.is(status));
    }
    let tag = app.get(list).await.header("etag").to_owned();
    let known = app.request("GET", list).header("if-none-match", tag);
    is_secured("304", &app.send(known).await.is(304));
    is_secured("HEAD", &app.send(app.request("HEAD", list)).await.is(200));
    is_secured("405", &app.send(app.request("PUT", list)).await.is(405));
    is_secured("422", &app.submit(&json!({})).await.is(422));
    is_secured(
        "the desk's list",
        &desk.get(&app, "/api/v1/admin/comments").await.is(200),
    );
    let foreign = app
        .request("POST", "/api/v1/comments")
        .header("origin", "null");
    is_secured("403", &app.send(foreign).await.is(403));
    let preflight = app
        .request("OPTIONS", "/api/v1/comments")
        .header("origin", "https://example.org")
        .header("access-control-request-method", "POST");
    is_secured("a preflight", &app.send(preflight).await.is(204));
    let page = app.request("GET", "/nothing").header("accept", "text/html");
    is_secured("a page", &app.send(page).await.is(404));
    app.stop().await;
}

async fn with_id(app: &TestApp, path: &str, id: &[u8]) -> Answer {
    let id = reqwest::header::HeaderValue::from_bytes(id).unwrap();
    app.send(app.request("GET", path).header("x-request-id", id))
        .await
}

#[tokio::test]
async fn a_sane_request_id_is_taken_over_and_others_are_not() {
    let app = TestApp::start().await;
    let longest = "a".repeat(64);
    for id in [
        "a",
        "A-b_c.9",
        "01980000-0000-7000-8000-000000000000",
        &longest,
    ] {
        let answer = with_id(&app, "/healthz", id.as_bytes()).await.is(200);
        assert_eq!(answer.header("x-request-id"), id);
        let problem = with_id(&app, "/nothing", id.as_bytes()).await;
        assert_eq!(problem.is_problem(404, "not_found").at("/request_id"), id);
    }
    let longer = "a".repeat(65);
    let odd: [&[u8]; 7] = [
        b"",
        b"a b",
        b"<script>",
        b"a\"b",
        "é".as_bytes(),
        b"\xff",
        longer.as_bytes(),
    ];
    for id in odd {
        let problem = with_id(&app, "/nothing", id)
            .await
            .is_problem(404, "not_found");
        let made = problem.header("x-request-id");
        assert!(made.as_bytes() != id && made.len() >= 20, "{made}");
    }
    let (one, two) = (app.get("/healthz").await, app.get("/healthz").await);
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
    app.stop().await;
}
