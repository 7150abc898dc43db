//! The form of refusals: problem documents, pages for browsers, `Allow`, and the pages that explain codes.

use rejoinder::base::codes::Code;
use serde_json::{Value, json};

use crate::support::app::{TestApp, comment_on};

#[tokio::test]
async fn a_refusal_is_a_problem_document_with_all_its_members() {
    let app = TestApp::start().await;
    let mut body = comment_on("/tides", "", None);
    body["email"] = json!("ada");
    let answer = app.submit(&body).await.is_problem(422, "validation_failed");
    assert_eq!(
        answer.field_errors(),
        ["body: required", "email: invalid_email"]
    );
    let document = answer.json();
    for error in document["errors"].as_array().unwrap() {
        assert_eq!(error.as_object().unwrap().len(), 3);
        assert!(!error["message"].as_str().unwrap().is_empty());
    }
    let kind = document["type"].as_str().unwrap();
    let page = app.get(kind).await.is(200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text.contains("validation_failed"));
    // Only input errors name fields.
    let other = app.get("/nothing").await.is_problem(404, "not_found");
    assert_eq!(other.at("/errors"), Value::Null);
    app.stop().await;
}

#[tokio::test]
async fn a_browser_that_asks_for_a_page_gets_the_refusal_as_one() {
    let app = TestApp::start().await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (method, path, status, code) in [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/api/v1/comments/x", 404, "comment_not_found"),
        ("GET", "/api/v1/comments?page_url=%ff", 400, "invalid_query"),
        ("GET", "/problems/%ff", 400, "invalid_query"),
        ("GET", "/healthz?%ff", 400, "invalid_query"),
        ("PUT", "/", 405, "method_not_allowed"),
        ("POST", "/api/v1/comments", 415, "unsupported_media_type"),
        ("GET", "/api/v1/admin/comments", 401, "unauthenticated"),
    ] {
        let answer = app
            .send(app.request(method, path).header("accept", browser))
            .await
            .is(status);
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "private, no-store");
        assert!(answer.text.contains(code), "{path}: {}", answer.text);
        assert!(answer.text.contains(answer.header("x-request-id")));
        assert!(!answer.text.contains("<script"));
    }
    for accept in [
        "*/*",
        "application/json",
        "application/json, text/html",
        "image/png",
    ] {
        let request = app.request("GET", "/nothing").header("accept", accept);
        app.send(request).await.is_problem(404, "not_found");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_page_of_a_refusal_shows_its_fields() {
    let app = TestApp::start().await;
    let request = app
        .request("POST", "/api/v1/comments")
        .header("accept", "text/html")
        .form(&[("name", "<b>\u{202E}")]);
    let answer = app.send(request).await.is(422);
    for field in ["page_url", "name", "email", "body"] {
        assert!(answer.text.contains(field), "{field} in {}", answer.text);
    }
    assert!(!answer.text.contains("<b>"));
    app.stop().await;
}

#[tokio::test]
async fn a_method_that_is_not_there_is_answered_with_those_that_are() {
    let app = TestApp::start().await;
    let nobody = "/api/v1/comments/01980000-0000-7000-8000-000000000000";
    for (method, path, allow) in [
        ("DELETE", "/api/v1/comments", "GET, HEAD, POST"),
        ("OPTIONS", "/api/v1/comments", "GET, HEAD, POST"),
        ("POST", &format!("{nobody}/replies"), "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("PUT", "/problems/not_found", "GET, HEAD"),
        ("BREW", "/", "GET, HEAD"),
    ] {
        let answer = app.send(app.request(method, path)).await;
        let answer = answer.is_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
    let head = app.send(app.request("HEAD", "/nothing")).await.is(404);
    assert_eq!(head.text, "");
    app.stop().await;
}

#[tokio::test]
async fn every_code_that_is_answered_has_its_page() {
    let app = TestApp::start().await;
    let index = app.get("/problems/").await.is(200);
    for code in Code::ALL {
        let path = format!("/problems/{}", code.as_str());
        assert!(index.text.contains(&format!("href=\"{path}\"")), "{path}");
        let page = app.get(&path).await.is(200);
        assert!(page.header("content-type").starts_with("text/html"));
        for said in [code.as_str(), &code.status().to_string()] {
            assert!(page.text.contains(said), "{path} doesn't say {said}");
        }
        // What it means, and what to do.
        assert!(code.cure().split(' ').count() > 8, "{path} says too little");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_database_that_fails_is_told_in_the_documented_form() {
    let app = TestApp::start().await;
    app.submit(&comment_on("/tides", "One", None)).await.is(201);
    crate::rows::change(&app.database, "alter table comments rename to elsewhere").await;
    let answer = app.submit(&comment_on("/tides", "Two", None)).await;
    assert!(answer.status >= 500, "{answer:?}");
    let code = answer.at("/code").as_str().unwrap().to_owned();
    let status = answer.status;
    let answer = answer.is_problem(status, &code);
    for telling in ["elsewhere", "relation", "select", "sqlx", "postgres"] {
        assert!(!answer.text.to_lowercase().contains(telling), "{answer:?}");
    }
    crate::rows::change(&app.database, "alter table elsewhere rename to comments").await;
    app.submit(&comment_on("/tides", "Two", None)).await.is(201);
    app.stop().await;
}
