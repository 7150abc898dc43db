//! What is kept for a time only goes when the time is over, and nothing else does. The clock is moved.

use serde_json::json;
use time::Duration;

use crate::backstage::{change, number, texts};
use crate::rows::{add_threads, app_with_policy};
use crate::support::app::{TestApp, comment_on};
use crate::support::eventually;

/// Moves the clock on and has the regular jobs looked at.
pub(crate) async fn pass(app: &TestApp, by: Duration) {
    app.clock.advance(by);
    app.wake_workers().await;
}

/// Waits until all regular jobs that are due have been done.
pub(crate) async fn done(app: &TestApp) {
    // As the schedules' times are moved on in the transaction that enqueues, none being due is enough.
    let now = app.clock.now();
    let pool = &app.database.pool;
    eventually("the regular jobs are done", async || {
        let left = sqlx::query_scalar!(
            r#"select (select count(*) from jobs where dead_at is null)
                + (select count(*) from schedules where next_run_at <= $1) as "left!""#,
            now
        )
        .fetch_one(pool)
        .await
        .unwrap();
        left == 0
    })
    .await;
    let dead = "select count(*) from jobs where dead_at is not null";
    assert_eq!(number(pool, dead).await, 0);
}

#[tokio::test]
async fn addresses_go_after_the_sites_time_in_every_state_and_not_before() {
    const ADDRESSES: &str =
        "select count(*) from comments where ip is not null or user_agent is not null";
    let app = app_with_policy("ip_retention_days = 7").await;
    let desk = app.desk().await;
    for (text, decision) in [
        ("held", None),
        ("good", Some("approve")),
        ("bad", Some("reject")),
        ("advertising", Some("spam")),
    ] {
        let (id, _) = app.submitted(&comment_on("/tides", text, None)).await;
        if let Some(decision) = decision {
            desk.decide(&app, &id, decision, &json!({})).await.is(200);
        }
    }
    let before = texts(
        &app.database.pool,
        "select string_agg(id || status || version, ',' order by id) from comments",
    )
    .await;
    pass(&app, Duration::days(6)).await;
    done(&app).await;
    assert_eq!(number(&app.database.pool, ADDRESSES).await, 4);

    app.submitted(&comment_on("/tides", "later", None)).await;
    pass(&app, Duration::days(1) + Duration::hours(1)).await;
    done(&app).await;
    assert_eq!(number(&app.database.pool, ADDRESSES).await, 1);
    let after = texts(
        &app.database.pool,
        "select string_agg(id || status || version, ',' order by id) from comments where body <> 'later'",
    )
    .await;
    assert_eq!(before, after, "nothing else has changed");
    app.stop().await;
}

#[tokio::test]
async fn addresses_of_many_comments_go_piece_by_piece_and_are_not_looked_at_again() {
    let app = app_with_policy("name = 'Tides'").await;
    // 1,700 in January, ten of each minute, all with addresses.
    add_threads(&app.database, "/tides", 1_700).await;
    change(
        &app,
        "update comments set ip = '192.0.2.7', user_agent = 'Browser'",
    )
    .await;
    change(&app, "update sites set addresses_dropped_until = null").await;
    pass(&app, Duration::hours(1) + Duration::minutes(1)).await;
    done(&app).await;
    let left = "select count(*) from comments where ip is not null or user_agent is not null";
    assert_eq!(number(&app.database.pool, left).await, 0);
    let noted = "select count(*) from sites where addresses_dropped_until > '2026-02-01'";
    assert_eq!(number(&app.database.pool, noted).await, 1);

    // What lies behind is done: the walk doesn't come by again.
    change(
        &app,
        "update comments set ip = '192.0.2.7' where body = 'Thread 1'",
    )
    .await;
    pass(&app, Duration::hours(2)).await;
    done(&app).await;
    assert_eq!(number(&app.database.pool, left).await, 1);
    app.stop().await;
}

#[tokio::test]
async fn spam_goes_after_the_sites_time_since_it_was_sent_and_decided_and_nothing_but_spam() {
    let app = app_with_policy("spam_retention_days = 10").await;
    let desk = app.desk().await;
    let mut ids = Vec::new();
    for (text, decision) in [
        ("Buy old water", "spam"),
        ("Bad", "reject"),
        ("Good", "approve"),
    ] {
        let (id, _) = app.submitted(&comment_on("/tides", text, None)).await;
        let why = json!({"reason": "advertising", "note": "seen before"});
        desk.decide(&app, &id, decision, &why).await.is(200);
        ids.push(id);
    }
    let (late, _) = app.submitted(&comment_on("/tides", "Buy more", None)).await;
    pass(&app, Duration::days(9)).await;
    let desk = app.desk().await;
    desk.decide(&app, &late, "spam", &json!({})).await.is(200);
    done(&app).await;
    let deleted = "select id::text from comments where status = 'deleted'";
    assert_eq!(texts(&app.database.pool, deleted).await, [""; 0]);

    pass(&app, Duration::days(1) + Duration::hours(1)).await;
    done(&app).await;
    assert_eq!(texts(&app.database.pool, deleted).await, [ids[0].clone()]);
    let desk = app.desk().await;
    let shown = desk
        .get(&app, &format!("/api/v1/admin/comments/{}", ids[0]))
        .await
        .is(200);
    for (pointer, wanted) in [
        ("/status", json!("deleted")),
        ("/version", json!(3)),
        ("/name", json!("")),
        ("/body", json!("")),
        ("/body_html", json!("")),
        ("/ip", json!(null)),
        ("/user_agent", json!(null)),
        ("/decided_by/kind", json!("system")),
        ("/history/2/from", json!("spam")),
        ("/history/2/to", json!("deleted")),
        ("/history/2/actor/kind", json!("system")),
        ("/history/1/note", json!(null)),
    ] {
        assert_eq!(shown.at(pointer), wanted, "{pointer} in {shown:?}");
    }
    let kept = "select count(*) from comments where status in ('rejected', 'approved', 'spam') and body <> ''";
    assert_eq!(number(&app.database.pool, kept).await, 3);

    // The one that was decided late goes later.
    pass(&app, Duration::days(10)).await;
    done(&app).await;
    let expired = "select count(*) from comments where status = 'deleted'";
    assert_eq!(number(&app.database.pool, expired).await, 2);
    app.stop().await;
}

#[tokio::test]
async fn keys_go_after_a_day() {
    const KEYS: &str = "select count(*) from comments where idempotency_key is not null or duplicate_key is not null";
    let app = TestApp::start().await;
    for (number, text) in ["one", "two"].into_iter().enumerate() {
        let request = app.request("POST", "/api/v1/comments");
        let request = request
            .header("Idempotency-Key", format!("key-{number}"))
            .json(&comment_on("/tides", text, None));
        app.send(request).await.is(201);
    }
    pass(&app, Duration::hours(23)).await;
    done(&app).await;
    assert_eq!(number(&app.database.pool, KEYS).await, 2);
    app.submitted(&comment_on("/tides", "three", None)).await;
    pass(&app, Duration::minutes(71)).await;
    done(&app).await;
    assert_eq!(number(&app.database.pool, KEYS).await, 1);
    pass(&app, Duration::days(3)).await;
    done(&app).await;
    assert_eq!(number(&app.database.pool, KEYS).await, 0);
    app.stop().await;
}

#[tokio::test]
async fn sessions_links_tokens_and_claims_go_when_they_have_ended() {
    let app = TestApp::start().await;
    app.desk().await;
    let (id, _) = app.submitted(&comment_on("/tides", "held", None)).await;
    let now = app.clock.now();
    let hour = now + Duration::hours(1);
    change(
        &app,
        format!(
            "insert into setup_links (moderator_id, token_hash, created_at, expires_at)
                select id, decode(repeat('ab', 32), 'hex'), '{now}', '{hour}' from moderators;
            insert into api_tokens (id, moderator_id, name, token_hash, scopes, created_at, expires_at)
                select gen_random_uuid(), id, 'Mirror', decode(repeat('cd', 32), 'hex'), '{{settings}}', '{now}', '{hour}'
                from moderators;
            insert into claims (comment_id, moderator_id, until)
                select '{id}', id, '{hour}' from moderators"
        ),
    )
    .await;
    let left = async || {
        let counts = "select (select count(*) from sessions) || ' ' || (select count(*) from setup_links) || ' '
            || (select count(*) from api_tokens) || ' ' || (select count(*) from claims)";
        texts(&app.database.pool, counts).await.remove(0)
    };
    done(&app).await;
    assert_eq!(left().await, "1 1 1 1");
    pass(&app, Duration::hours(2)).await;
    done(&app).await;
    assert_eq!(left().await, "1 0 1 0");
    pass(&app, Duration::hours(11)).await;
    done(&app).await;
    assert_eq!(left().await, "0 0 1 0");
    pass(&app, Duration::days(31)).await;
    done(&app).await;
    assert_eq!(left().await, "0 0 0 0");
    app.stop().await;
}
