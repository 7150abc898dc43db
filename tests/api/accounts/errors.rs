//! Who is kept out of the admin API, in which order things are judged, and how a refused sign-in looks.

use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::backstage::hire;
use crate::support::app::{OWNER, PASSWORD, TestApp, comment_on};

const SESSIONS: &str = "/api/v1/admin/sessions";
const CURRENT: &str = "/api/v1/admin/sessions/current";
const NOBODYS_ID: &str = "0198c000-0000-7000-8000-000000000000";

fn with_body(request: RequestBuilder, body: impl Into<reqwest::Body>) -> RequestBuilder {
    request.header(CONTENT_TYPE, "application/json").body(body)
}

#[tokio::test]
async fn a_stranger_is_told_to_sign_in_whatever_they_ask_of_admin() {
    let app = TestApp::start().await;
    let one = format!("/api/v1/admin/comments/{NOBODYS_ID}");
    let approve = format!("{one}/approve");
    let requests = [
        app.request("GET", "/api/v1/admin"),
        app.request("GET", "/api/v1/admin/"),
        app.request("GET", "/api/v1/admin/nothing"),
        app.request("GET", "/api/v1/admin/comments"),
        app.request("GET", "/api/v1/admin/comments?limit=none&limit=0"),
        app.request("GET", "/api/v1/admin/comments/not-an-id"),
        app.request("GET", &one),
        app.request("GET", CURRENT),
        app.request("DELETE", CURRENT),
        // Wrong methods.
        app.request("GET", SESSIONS),
        app.request("PUT", SESSIONS),
        app.request("OPTIONS", SESSIONS),
        app.request("BREW", &one),
        app.request("DELETE", "/api/v1/admin/decisions"),
        // Nearly the path of a sign-in.
        app.request("POST", "/api/v1/admin/sessions/"),
        app.request("POST", "/api/v1/admin//sessions"),
        app.request("POST", "/api/v1/admin/nothing/sessions"),
        // Bodies that would be refused too.
        with_body(app.request("POST", &approve), "{"),
        with_body(app.request("POST", &approve), r#"{"reason": "mood"}"#),
        with_body(
            app.request("POST", "/api/v1/admin/decisions"),
            "x".repeat(300_000),
        ),
        app.request("POST", "/api/v1/admin/decisions")
            .header(CONTENT_TYPE, "text/plain")
            .body("x"),
    ];
    for request in requests {
        let asked = format!("{request:?}");
        let answer = app.send(request).await;
        assert_eq!(answer.status, 401, "{asked}: {answer:?}");
        let answer = answer.is_problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{asked}");
        assert_eq!(
            answer.header("cache-control"),
            "private, no-store",
            "{asked}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn only_one_whole_bearer_token_counts() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let token = &desk.token;
    let (manage_token, made_up) = (
        app.submitted(&comment_on("/tides", "Ebb", None)).await.1,
        "A".repeat(token.len()),
    );
    let header = |value: String| app.request("GET", CURRENT).header(AUTHORIZATION, value);
    for request in [
        header(token.clone()),
        header(format!("Basic {token}")),
        header(format!("Bearer{token}")),
        header("Bearer".to_owned()),
        header("Bearer ".to_owned()),
        header(format!("Bearer {}", &token[1..])),
        header(format!("Bearer {token}x")),
        header(format!("Bearer {}", token.to_uppercase())),
        header(format!("Bearer {made_up}")),
        header(format!("Bearer {manage_token}")),
        header(format!("Bearer {token}")).header(AUTHORIZATION, format!("Bearer {token}")),
        header(format!("Bearer {token}, Bearer {token}")),
        app.request("GET", &format!("{CURRENT}?token={token}")),
        app.request("GET", &format!("{CURRENT}?access_token={token}")),
        app.request("GET", CURRENT)
            .header("Cookie", format!("token={token}; session={token}")),
    ] {
        app.send(request).await.is_problem(401, "unauthenticated");
    }
    for scheme in ["Bearer", "bearer", "BEARER"] {
        app.send(header(format!("{scheme} {token}"))).await.is(200);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_viewer_is_forbidden_before_the_body_is_looked_at_and_may_read() {
    let app = TestApp::start().await;
    let (id, _) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    let viewer = hire(&app, "viewer", "Vi").await;
    for path in [
        format!("/api/v1/admin/comments/{id}/approve"),
        format!("/api/v1/admin/comments/{id}/reject"),
        format!("/api/v1/admin/comments/{id}/spam"),
        format!("/api/v1/admin/comments/{id}/restore"),
        "/api/v1/admin/comments/not-an-id/approve".to_owned(),
        "/api/v1/admin/decisions".to_owned(),
    ] {
        for body in ["", "{", r#"{"unknown": 1}"#, "{}"] {
            let request = app.request("POST", &path).bearer_auth(&viewer.token);
            app.send(with_body(request, body))
                .await
                .is_problem(403, "forbidden");
        }
    }
    for path in [
        "/api/v1/admin/comments".to_owned(),
        format!("/api/v1/admin/comments/{id}"),
        CURRENT.to_owned(),
    ] {
        viewer.get(&app, &path).await.is(200);
    }
    viewer
        .get(&app, &format!("/api/v1/admin/comments/{id}"))
        .await
        .is(200)
        .has("/status", "pending");
    app.stop().await;
}

#[tokio::test]
async fn every_wrong_field_of_a_sign_in_is_named_and_no_value_comes_back() {
    let app = TestApp::start().await;
    let table: [(Value, &[&str]); 7] = [
        (json!({}), &["email: required", "password: required"]),
        (
            json!({"email": "hidden words", "password": ""}),
            &["email: invalid_email", "password: required"],
        ),
        (
            json!({"email": 17, "password": ["hidden words"]}),
            &["email: invalid_type", "password: invalid_type"],
        ),
        (
            json!({"email": null, "password": null}),
            &["email: required", "password: required"],
        ),
        (
            json!({"email": "a\u{0}@example.org", "password": "hidden words\u{0}"}),
            &["email: invalid_characters", "password: invalid_characters"],
        ),
        (
            json!({"email": OWNER, "password": "hidden words".repeat(100)}),
            &["password: too_long"],
        ),
        (
            json!({"password": "hidden words", "totp_code": "hidden words"}),
            &["email: required", "totp_code: unknown_field"],
        ),
    ];
    for (body, wanted) in table {
        let answer = app.post(SESSIONS, &body).await;
        let answer = answer.is_problem(422, "validation_failed");
        assert_eq!(answer.field_errors(), wanted, "{body}");
        assert!(!answer.text.contains("hidden words"), "{answer:?}");
        assert_eq!(answer.header("cache-control"), "private, no-store");
    }
    let mut body = json!({"email": OWNER, "password": PASSWORD, "remember": "hidden words"});
    let answer = app.post(SESSIONS, &body).await;
    let answer = answer.is_problem(422, "unknown_field");
    assert_eq!(answer.field_errors(), ["remember: unknown_field"]);
    assert!(!answer.text.contains("hidden words") && !answer.text.contains(PASSWORD));
    body.as_object_mut().unwrap().remove("remember");
    app.post(SESSIONS, &body).await.is(201);
    app.stop().await;
}

#[tokio::test]
async fn a_sign_in_that_cannot_be_read_is_refused_in_the_documented_form() {
    let app = TestApp::start().await;
    let send = async |kind: &str, body: Vec<u8>| {
        let request = app.request("POST", SESSIONS).header(CONTENT_TYPE, kind);
        app.send(request.body(body)).await
    };
    for body in [
        &b"{"[..],
        b"[]",
        b"\"x\"",
        br#"{"email": "a", "email": "b"}"#,
        b"{\"email\": \"\xff\"}",
        br#"{"email": "\ud800"}"#,
    ] {
        send("application/json", body.to_vec())
            .await
            .is_problem(400, "malformed_body");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        send(kind, b"email=a&password=b".to_vec())
            .await
            .is_problem(415, "unsupported_media_type");
    }
    send("application/json", vec![b' '; 161 * 1024])
        .await
        .is_problem(413, "body_too_large");
    app.stop().await;
}

#[tokio::test]
async fn the_signed_in_are_told_apart_a_missing_path_and_a_wrong_method() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    for path in [
        "/api/v1/admin",
        "/api/v1/admin/nothing",
        "/api/v1/admin/sessions/current/x",
    ] {
        desk.get(&app, path).await.is_problem(404, "not_found");
    }
    for (method, path, allow) in [
        ("PUT", CURRENT, "GET, HEAD, DELETE"),
        ("PUT", SESSIONS, "GET, HEAD, POST"),
        ("POST", "/api/v1/admin/comments", "GET, HEAD"),
    ] {
        let request = app.request(method, path).bearer_auth(&desk.token);
        let answer = app.send(request).await;
        let answer = answer.is_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
    let head = app.request("HEAD", CURRENT).bearer_auth(&desk.token);
    let head = app.send(head).await.is(200);
    assert_eq!(head.text, "");
    app.stop().await;
}

#[tokio::test]
async fn no_web_page_of_another_origin_may_use_admin() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let preflight = app
        .request("OPTIONS", "/api/v1/admin/comments")
        .header("Access-Control-Request-Method", "GET")
        .header("Access-Control-Request-Headers", "authorization");
    let read = app.request("GET", "/api/v1/admin/comments");
    let sign_in = app
        .request("POST", SESSIONS)
        .json(&json!({"email": OWNER, "password": PASSWORD}));
    for request in [preflight, read.bearer_auth(&desk.token), sign_in] {
        let answer = app
            .send(request.header("Origin", "https://example.org"))
            .await;
        let cors: Vec<_> = answer
            .headers
            .keys()
            .filter(|name| name.as_str().starts_with("access-control"))
            .collect();
        assert!(cors.is_empty(), "{answer:?}");
    }
    app.stop().await;
}
