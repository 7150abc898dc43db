//! `POST /api/v1/admin/decisions`: each decision on its own, the results in order.

use serde_json::json;

use super::{NOBODYS_ID, QUEUE, held, one_of_each};
use crate::backstage::{change, number};
use crate::support::app::TestApp;

const MANY: &str = "/api/v1/admin/decisions";

#[tokio::test]
async fn results_stand_in_the_order_of_the_decisions_each_with_its_own_outcome() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let [pending, approved, rejected, spam, deleted] = one_of_each(&app, &desk).await;
    let body = json!({"decisions": [
        {"id": spam, "decision": "spam", "version": 1},
        {"id": deleted, "decision": "restore"},
        {"id": pending, "decision": "approve", "version": 1},
        {"id": NOBODYS_ID, "decision": "approve"},
        {"id": rejected, "decision": "approve", "version": 1},
        {"id": approved, "decision": "reject", "reason": "illegal", "version": null},
    ]});
    let answer = desk.post(&app, MANY, &body).await.is(200);
    assert_eq!(answer.header("cache-control"), "private, no-store");
    assert_eq!(
        answer.json(),
        json!({"results": [
            {"id": spam, "outcome": "unchanged", "status": "spam"},
            {"id": deleted, "outcome": "deleted", "status": "deleted"},
            {"id": pending, "outcome": "decided", "status": "approved"},
            {"id": NOBODYS_ID, "outcome": "not_found", "status": null},
            {"id": rejected, "outcome": "version_conflict", "status": "rejected"},
            {"id": approved, "outcome": "decided", "status": "rejected"},
        ]})
    );
    app.thread("/tides", "").await.has("/page/comment_count", 1);
    desk.get(&app, &format!("{QUEUE}/{approved}"))
        .await
        .has("/reason", "illegal")
        .has("/version", 3);
    app.stop().await;
}

#[tokio::test]
async fn the_same_list_sent_again_changes_nothing() {
    const LINES: &str = "select count(*) from comment_history";
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let ids = [
        held(&app, "/tides", "Ebb").await,
        held(&app, "/tides", "Flood").await,
    ];
    let entry = |id: &String| json!({"id": id, "decision": "approve", "version": 1});
    let body = json!({"decisions": ids.iter().map(entry).collect::<Vec<_>>()});
    for (outcome, lines) in [("decided", 4), ("unchanged", 4), ("unchanged", 4)] {
        desk.post(&app, MANY, &body)
            .await
            .is(200)
            .has("/results/0/outcome", outcome)
            .has("/results/1/outcome", outcome);
        assert_eq!(number(&app.database.pool, LINES).await, lines);
    }
    app.thread("/tides", "").await.has("/page/comment_count", 2);
    app.stop().await;
}

#[tokio::test]
async fn no_decision_at_all_is_fine() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let answer = desk.post(&app, MANY, &json!({"decisions": []})).await;
    answer.is(200).has("/results", json!([]));
    app.stop().await;
}

#[tokio::test]
async fn five_hundred_comments_are_decided_at_once() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    held(&app, "/tides", "Ebb").await;
    change(
        &app,
        "with made as (
            insert into comments (id, site_id, page_id, root_id, depth, status, name, email, email_key, body, body_html,
                avatar, submitted_at, content_hash)
            select n.id, c.site_id, c.page_id, n.id, 0, 'pending', c.name, c.email, c.email_key, c.body, c.body_html,
                c.avatar, c.submitted_at, c.content_hash
            from comments c, (select gen_random_uuid() as id from generate_series(1, 499)) n
            returning id, submitted_at
        )
        insert into comment_history (comment_id, version, at, actor_kind, to_status)
        select id, 1, submitted_at, 'author', 'pending' from made",
    )
    .await;
    let ids = crate::backstage::texts(
        &app.database.pool,
        "select id::text from comments order by random()",
    )
    .await;
    let entry =
        |id: &String| json!({"id": id, "decision": "approve", "reason": null, "version": 1});
    let body = json!({"decisions": ids.iter().map(entry).collect::<Vec<_>>()});
    let answer = desk.post(&app, MANY, &body).await.is(200);
    let results = answer.at("/results");
    let results = results.as_array().unwrap();
    let in_order: Vec<&str> = results
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(in_order, ids);
    assert!(
        results
            .iter()
            .all(|one| one["outcome"] == "decided" && one["status"] == "approved")
    );
    app.thread("/tides", "")
        .await
        .has("/page/comment_count", 500);
    let lines = "select count(*) from comment_history";
    assert_eq!(number(&app.database.pool, lines).await, 1_000);
    app.stop().await;
}
