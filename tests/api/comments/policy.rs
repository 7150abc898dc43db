//! What a site's policy makes of a submission: held or published. Must not know how signals are weighed.

use serde_json::{Value, json};

use crate::rows;
use crate::support::TestDatabase;
use crate::support::app::{Answer, TestApp, comment_on};

async fn vouched(app: &TestApp, token: &str, body: &Value) -> Answer {
    let request = app
        .request("POST", "/api/v1/comments")
        .header("authorization", token)
        .json(body);
    app.send(request).await
}

#[tokio::test]
async fn where_nothing_is_flagged_a_comment_is_published_at_once() {
    let app = rows::app_with_policy("hold = 'flagged'").await;
    let answer = app
        .submit(&comment_on("/tides", "High water", None))
        .await
        .is(201)
        .has("/comment/status", "approved");
    app.thread("/tides", "")
        .await
        .has("/page/comment_count", 1)
        .has("/comments/0/id", answer.at("/comment/id"));
    assert_eq!(rows::counts(&app.database).await, [1, 1, 1]);
    app.stop().await;
}

#[tokio::test]
async fn an_author_is_known_by_the_token_of_an_approved_comment() {
    let app = rows::app_with_policy("hold = 'first_time'").await;
    let desk = app.desk().await;
    let (first, token) = app.submitted(&comment_on("/tides", "First", None)).await;
    let bearer = format!("Bearer {token}");
    let text = |n: u32| comment_on("/tides", &format!("Text {n}"), None);
    let held = |answer: Answer| answer.is(201).has("/comment/status", "pending");
    let held_first = vouched(&app, &bearer, &text(1)).await;
    held(held_first);

    desk.decide(&app, &first, "approve", &json!({}))
        .await
        .is(200);
    // Typing the address proves nothing.
    held(app.submit(&text(2)).await);
    vouched(&app, &bearer, &text(3))
        .await
        .is(201)
        .has("/comment/status", "approved");
    vouched(&app, &bearer, &comment_on("/moon", "Elsewhere", None))
        .await
        .is(201)
        .has("/comment/status", "approved");
    let mut stranger = text(4);
    stranger["email"] = json!("bob@example.org");
    held(vouched(&app, &bearer, &stranger).await);

    desk.decide(&app, &first, "reject", &json!({}))
        .await
        .is(200);
    held(vouched(&app, &bearer, &text(5)).await);
    app.stop().await;
}

#[tokio::test]
async fn a_voucher_that_is_good_for_nothing_does_not_cost_the_comment() {
    let app = rows::app_with_policy("hold = 'first_time'").await;
    let desk = app.desk().await;
    let (first, token) = app.submitted(&comment_on("/tides", "First", None)).await;
    desk.decide(&app, &first, "approve", &json!({}))
        .await
        .is(200);
    let forged = format!("{}AAAA", token.split_at(60).0);
    for (number, voucher) in [
        format!("Bearer {forged}"),
        "Bearer rubbish".to_owned(),
        "Bearer".to_owned(),
        "Basic YTpi".to_owned(),
        String::new(),
    ]
    .iter()
    .enumerate()
    {
        vouched(
            &app,
            voucher,
            &comment_on("/tides", &format!("Text {number}"), None),
        )
        .await
        .is(201)
        .has("/comment/status", "pending");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_token_of_another_site_is_no_voucher() {
    let database = TestDatabase::create().await;
    rows::add_site(&database, "default", "https://example.org").await;
    rows::add_site(&database, "other", "https://other.example").await;
    rows::change(&database, "update sites set hold = 'first_time'").await;
    let app = TestApp::on(database, &[]).await;
    let desk = app.desk().await;
    let (first, token) = app.submitted(&comment_on("/tides", "First", None)).await;
    desk.decide(&app, &first, "approve", &json!({}))
        .await
        .is(200);
    let mut elsewhere = comment_on("/tides", "Second", None);
    elsewhere["page_url"] = json!("https://other.example/tides");
    vouched(&app, &format!("Bearer {token}"), &elsewhere)
        .await
        .is(201)
        .has("/comment/status", "pending");
    app.stop().await;
}
