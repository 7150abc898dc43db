//! Comments that are no longer public but have public answers: their place stays.

use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};

fn is_place(comment: &Value, id: &str) {
    assert_eq!(comment["id"], id);
    assert_eq!(comment["removed"], true);
    assert_eq!(comment["author"], Value::Null);
    assert_eq!(comment["body_html"], Value::Null);
}

fn never_says(answer: &Answer, secret: &str) {
    assert!(!answer.text.contains(secret), "{secret} in {answer:?}");
}

#[tokio::test]
async fn a_rejected_parent_of_a_public_answer_leaves_its_place() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let parent = app.published(&desk, "/tides", "Unfit words", None).await;
    let reply = app
        .published(&desk, "/tides", "An answer", Some(&parent))
        .await;
    let thread = app.thread("/tides", "").await.has("/page/comment_count", 2);
    assert_eq!(thread.at("/comments/0/removed"), Value::Null);
    for decision in ["reject", "spam", "restore"] {
        desk.decide(&app, &parent, decision, &json!({}))
            .await
            .is(200);
        for order in ["oldest", "newest", "top"] {
            let thread = app
                .thread("/tides", &format!("&sort={order}"))
                .await
                .has("/page/comment_count", 1)
                .has("/comments/0/reply_count", 1)
                .has("/comments/0/replies/0/id", reply.clone());
            is_place(&thread.at("/comments/0"), &parent);
            never_says(&thread, "Unfit words");
        }
    }
    app.get(&format!("/api/v1/comments/{parent}"))
        .await
        .is_problem(404, "comment_not_found");
    app.get(&format!("/api/v1/comments/{parent}/replies"))
        .await
        .is(200)
        .has("/replies/0/id", reply.clone());

    // With its last answer the place goes too; both come back.
    desk.decide(&app, &reply, "reject", &json!({}))
        .await
        .is(200);
    app.thread("/tides", "")
        .await
        .has("/comments", json!([]))
        .has("/page/comment_count", 0);
    desk.decide(&app, &parent, "approve", &json!({}))
        .await
        .is(200);
    desk.decide(&app, &reply, "approve", &json!({}))
        .await
        .is(200);
    app.thread("/tides", "")
        .await
        .has("/page/comment_count", 2)
        .has("/comments/0/body_html", "<p>Unfit words</p>\n");
    app.stop().await;
}

#[tokio::test]
async fn a_chain_of_removed_ones_stays_above_a_public_grandchild() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let mut chain = vec![app.published(&desk, "/tides", "Level 0", None).await];
    for depth in 1..=4 {
        let parent = chain.last().unwrap().clone();
        let text = format!("Level {depth}");
        chain.push(app.published(&desk, "/tides", &text, Some(&parent)).await);
    }
    let childless = app
        .published(&desk, "/tides", "Childless", Some(&chain[0]))
        .await;
    for id in chain[..4].iter().chain([&childless]) {
        desk.decide(&app, id, "reject", &json!({})).await.is(200);
    }
    let thread = app
        .thread("/tides", "")
        .await
        .has("/page/comment_count", 1)
        .has("/comments/0/reply_count", 1);
    is_place(&thread.at("/comments/0"), &chain[0]);
    for place in 0..3 {
        let reply = thread.at(&format!("/comments/0/replies/{place}"));
        is_place(&reply, &chain[place + 1]);
        assert_eq!(reply["parent_id"], chain[place]);
        assert_eq!(reply["depth"], place + 1);
    }
    assert_eq!(thread.at("/comments/0/replies/3/id"), chain[4]);
    assert_eq!(thread.at("/comments/0/replies/4"), Value::Null);
    for secret in ["Childless", "Level 0", "Level 3"] {
        never_says(&thread, secret);
    }
    desk.decide(&app, &chain[4], "spam", &json!({}))
        .await
        .is(200);
    app.thread("/tides", "").await.has("/comments", json!([]));
    app.stop().await;
}
