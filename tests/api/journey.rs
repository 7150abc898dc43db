//! The main job from end to end: submit, queue, decide, read. Must not go into details of any of these.

use serde_json::json;

use crate::support::app::{TestApp, comment_on};

#[tokio::test]
async fn an_approved_comment_appears_in_its_thread_and_a_rejected_one_does_not() {
    let app = TestApp::start().await;
    let (good, token) = app
        .submitted(&comment_on(
            "/tides",
            "The *spring tide* comes later.",
            None,
        ))
        .await;
    let (bad, _) = app
        .submitted(&comment_on("/tides", "Buy my shells!", None))
        .await;
    app.thread("/tides", "")
        .await
        .is(200)
        .has("/comments", json!([]))
        .has("/page/comment_count", 0);

    let desk = app.desk().await;
    let queue = desk
        .get(&app, "/api/v1/admin/comments?status=pending")
        .await
        .is(200);
    assert_eq!(queue.at("/comments/0/id"), json!(good));
    assert_eq!(queue.at("/comments/1/id"), json!(bad));
    desk.decide(&app, &good, "approve", &json!({"version": 1}))
        .await
        .is(200)
        .has("/status", "approved");
    desk.decide(&app, &bad, "reject", &json!({"reason": "advertising"}))
        .await
        .is(200)
        .has("/status", "rejected");

    let thread = app
        .thread("/tides", "")
        .await
        .is(200)
        .has("/page/comment_count", 1);
    assert_eq!(thread.json()["comments"].as_array().unwrap().len(), 1);
    assert_eq!(thread.at("/comments/0/id"), json!(good));
    assert_eq!(
        thread.at("/comments/0/body_html"),
        json!("<p>The <em>spring tide</em> comes later.</p>\n")
    );
    assert!(!thread.text.contains("ada@example.org"));

    let own = app
        .request("GET", &format!("/api/v1/comments/{good}"))
        .bearer_auth(&token);
    app.send(own).await.is(200).has("/status", "approved");
    app.stop().await;
}
