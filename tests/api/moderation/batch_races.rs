//! Batches while others work: what was decided meanwhile stays, results tell the truth, and nothing is done twice.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::batches::{make, path, results, settled};
use super::held;
use crate::backstage::{books_are_right, change, hire, number, texts};
use crate::support::app::{Desk, TestApp};

/// So many comments wait, one of them under each of five pages, in the order of their ids.
async fn many_held(app: &TestApp, number: usize) -> Vec<String> {
    for page in 0..5 {
        held(app, &format!("/page-{page}"), "Ebb").await;
    }
    let statement = format!(
        "with made as (
            insert into comments (id, site_id, page_id, root_id, depth, status, name, email, email_key, body, body_html,
                avatar, submitted_at, content_hash)
            select n.id, c.site_id, c.page_id, n.id, 0, 'pending', c.name, c.email, c.email_key, c.body, c.body_html,
                c.avatar, c.submitted_at + n.place * interval '1 microsecond', c.content_hash
            from (select c.*, row_number() over (order by id) - 1 as page from comments c) c
            join (select gen_random_uuid() as id, place from generate_series(1, {}) as place) n on n.place % 5 = c.page
            returning id, submitted_at
        )
        insert into comment_history (comment_id, version, at, actor_kind, to_status)
        select id, 1, submitted_at, 'author', 'pending' from made",
        number - 5
    );
    change(app, statement).await;
    texts(
        &app.database.pool,
        "select id::text from comments order by submitted_at, id",
    )
    .await
}

/// Each item tells what the history tells: decided by the batch, brought back by the undo, or changed by others.
async fn check_results(app: &TestApp, results: &[Value]) {
    let lines = texts(
        &app.database.pool,
        "select h.comment_id || ' ' || h.version || ' ' || h.to_status || ' ' || m.name
        from comment_history h join moderators m on m.id = h.actor_id order by h.comment_id, h.version",
    )
    .await;
    let mut by_comment: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in &lines {
        let (id, rest) = line.split_once(' ').unwrap();
        by_comment.entry(id).or_default().push(rest);
    }
    for result in results {
        let id = result["id"].as_str().unwrap();
        let lines = by_comment.get(id).cloned().unwrap_or_default();
        let by_batch = lines.iter().any(|line| line.ends_with(" spam Owner"));
        let is_decided = result["outcome"] == "decided";
        assert_eq!(is_decided, by_batch, "{result} {lines:?}");
        let by_undo = lines.iter().any(|line| line.ends_with(" pending Undoer"));
        assert_eq!(result["undo"] == "undone", by_undo, "{result} {lines:?}");
    }
}

/// The owner under a name that no other has, and somebody who undoes.
async fn owner_and_undoer(app: &TestApp) -> (Desk, Desk) {
    let desk = app.desk().await;
    change(app, "update moderators set name = 'Owner'").await;
    (desk, hire(app, "moderator", "Undoer").await)
}

/// Sixteen at once decide every fourth comment or so, each one after the other, until all of theirs are done.
async fn decide_singly(app: &TestApp, desk: &Desk, ids: &[String], decision: &str) -> usize {
    let workers = (0..16).map(|worker| async move {
        let mut decided = 0;
        for id in ids.iter().skip(worker).step_by(61) {
            let answer = desk.decide(app, id, decision, &json!({})).await.is(200);
            decided += usize::from(answer.at("/decided_by/name") == "Single");
        }
        decided
    });
    join_all(workers).await.into_iter().sum()
}

#[tokio::test]
async fn single_decisions_and_a_batch_share_the_comments_and_each_is_told_truly() {
    let app = TestApp::start().await;
    let (desk, undoer) = owner_and_undoer(&app).await;
    let single = hire(&app, "moderator", "Single").await;
    let ids = many_held(&app, 2_000).await;
    let made = make(&app, &desk, json!({"status": ["pending"]}), "spam").await;
    let path = path(&made.has("/total", 2_000));
    decide_singly(&app, &single, &ids, "approve").await;
    let batch = settled(&app, &desk, &path).await.has("/processed", 2_000);
    let found = results(&app, &desk, &path).await;
    let in_order: Vec<&str> = found
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(in_order, ids);
    books_are_right(&app).await;
    check_results(&app, &found).await;
    let decided = found
        .iter()
        .filter(|one| one["outcome"] == "decided")
        .count();
    assert_eq!(batch.at("/decided"), decided);
    assert!(
        found
            .iter()
            .all(|one| one["outcome"] == "decided" || one["outcome"] == "version_conflict")
    );

    // And back again, while the same sixteen go on.
    let undo = format!("{path}/undo");
    undoer.post(&app, &undo, &json!({})).await.is(202);
    decide_singly(&app, &single, &ids, "reject").await;
    let batch = settled(&app, &desk, &path).await.has("/state", "undone");
    let found = results(&app, &desk, &path).await;
    books_are_right(&app).await;
    check_results(&app, &found).await;
    let undone = found.iter().filter(|one| one["undo"] == "undone").count();
    assert_eq!(batch.at("/undone"), undone);
    let told = found.iter().filter(|one| !one["undo"].is_null()).count();
    assert_eq!(told, decided);
    app.stop().await;
}

#[tokio::test]
async fn of_several_undos_at_once_one_brings_back_and_the_others_change_nothing() {
    let app = TestApp::start().await;
    let (desk, undoer) = owner_and_undoer(&app).await;
    many_held(&app, 1_000).await;
    let made = make(&app, &desk, json!({}), "spam").await;
    let path = path(&made);
    settled(&app, &desk, &path).await.has("/decided", 1_000);
    let undo = format!("{path}/undo");
    let nothing = json!({});
    let all = (0..8).map(|_| undoer.post(&app, &undo, &nothing));
    for answer in join_all(all).await {
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    settled(&app, &desk, &path).await.has("/undone", 1_000);
    books_are_right(&app).await;
    check_results(&app, &results(&app, &desk, &path).await).await;
    let begun = "select count(*) from audit_log where act = 'batch.undone'";
    assert_eq!(number(&app.database.pool, begun).await, 1);
    let lines = "select count(*) from comment_history";
    assert_eq!(number(&app.database.pool, lines).await, 3_000);
    app.stop().await;
}

#[tokio::test]
async fn two_batches_at_once_neither_deadlock_nor_decide_twice() {
    let app = TestApp::start().await;
    let (desk, _) = owner_and_undoer(&app).await;
    let other = hire(&app, "moderator", "Other").await;
    many_held(&app, 1_500).await;
    let filter = json!({"status": ["pending"]});
    let one = path(&make(&app, &desk, filter.clone(), "spam").await);
    let two = path(&make(&app, &other, filter, "approve").await);
    let one = settled(&app, &desk, &one).await;
    let two = settled(&app, &desk, &two).await;
    let decided = one.at("/decided").as_i64().unwrap() + two.at("/decided").as_i64().unwrap();
    books_are_right(&app).await;
    let lines = "select count(*) from comment_history where actor_kind = 'moderator'";
    assert_eq!(number(&app.database.pool, lines).await, decided);
    app.stop().await;
}

#[tokio::test]
async fn what_an_instance_left_in_the_middle_another_one_finishes() {
    let app = TestApp::start().await;
    let (desk, _) = owner_and_undoer(&app).await;
    many_held(&app, 5_000).await;
    let made = make(&app, &desk, json!({}), "spam").await;
    let path = path(&made);
    let database = app.database.clone();
    let begun = "select count(*) from batches where processed > 0";
    while number(&database.pool, begun).await == 0 {
        tokio::task::yield_now().await;
    }
    app.stop().await;
    let left = "select processed::bigint from batches";
    let processed = number(&database.pool, left).await;
    assert!(processed > 0 && processed < 5_000, "{processed}");

    let app = TestApp::on(database, &[]).await;
    let desk = app.desk().await;
    settled(&app, &desk, &path).await.has("/decided", 5_000);
    books_are_right(&app).await;
    let lines = "select count(*) from comment_history";
    assert_eq!(number(&app.database.pool, lines).await, 10_000);
    app.stop().await;
}
