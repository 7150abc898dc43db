//! `POST /api/v1/comments/preview`: what a submission would show, and nothing else.

use serde_json::json;

use crate::rows;
use crate::support::app::{Answer, TestApp, comment_on};

const PREVIEW: &str = "/api/v1/comments/preview";

async fn preview(app: &TestApp, text: &str) -> Answer {
    app.post(PREVIEW, &json!({"body": text, "colour": 1})).await
}

#[tokio::test]
async fn a_preview_shows_what_the_submission_will_and_stores_nothing() {
    let app = rows::app_with_policy("hold = 'flagged'").await;
    let long = format!("> {}", "**tide** `ebb` ".repeat(600));
    for text in [
        "The *spring tide*\r\n\r\n<script>alert(1)</script>",
        " Ebb ",
        &long,
    ] {
        let shown = preview(&app, text).await.is(200);
        assert_eq!(shown.header("cache-control"), "private, no-store");
        assert_eq!(shown.json().as_object().unwrap().len(), 1);
        assert_eq!(rows::counts(&app.database).await[0], 0);
        let submitted = app.submit(&comment_on("/tides", text, None)).await.is(201);
        assert_eq!(shown.at("/body_html"), submitted.at("/comment/body_html"));
        rows::change(
            &app.database,
            "set session_replication_role = replica; delete from comments",
        )
        .await;
    }
    let form = app.request("POST", PREVIEW).form(&[("body", "*Ebb*")]);
    let shown = app.send(form).await.is(200);
    shown.has("/body_html", "<p><em>Ebb</em></p>\n");
    rows::change(&app.database, "update pages set comment_count = 0").await;
    app.stop().await;
}

#[tokio::test]
async fn what_no_comment_can_be_is_refused() {
    let app = TestApp::start().await;
    for (body, error) in [
        (json!({}), "body: required"),
        (json!({"body": null}), "body: required"),
        (json!({"body": 5}), "body: invalid_type"),
        (json!({"body": " \u{200b}"}), "body: invisible"),
        (json!({"body": "x".repeat(10_001)}), "body: too_long"),
        (json!({"body": "a\0b"}), "body: invalid_characters"),
    ] {
        let refused = app.post(PREVIEW, &body).await;
        let refused = refused.is_problem(422, "validation_failed");
        assert_eq!(refused.field_errors(), [error], "{body}");
    }
    app.get(PREVIEW).await.is_problem(405, "method_not_allowed");
    let foreign = app
        .request("POST", PREVIEW)
        .header("origin", "https://evil.example");
    let refused = app.send(foreign.json(&json!({"body": "Ebb"}))).await;
    refused.is_problem(403, "origin_not_allowed");
    app.stop().await;
}
