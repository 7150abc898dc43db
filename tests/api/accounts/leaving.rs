//! Accounts that are disabled, deleted, or step down; and that an owner always stays.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{MODERATORS, NEW_PASSWORD, acts, ask, id_of, somebody};
use crate::backstage::{change, hire, number, texts};
use crate::support::app::{PASSWORD, TestApp, comment_on};

const CURRENT: &str = "/api/v1/admin/sessions/current";
const ABLE_OWNERS: &str =
    "select count(*) from moderators where role = 'owner' and disabled_at is null";

/// An API token of somebody, made behind the service's back.
async fn give_token(app: &TestApp, name: &str) {
    change(
        app,
        format!(
            "insert into api_tokens (id, moderator_id, name, token_hash, scopes, created_at)
            select gen_random_uuid(), id, 'Script', sha256(id::text::bytea), '{{comments:read}}', now()
            from moderators where name = '{name}'"
        ),
    )
    .await;
}

const WAYS_IN: &str = "select (select count(*) from sessions s join moderators m on m.id = s.moderator_id where m.name = 'Mo')
    + (select count(*) from api_tokens) + (select count(*) from setup_links)";

#[tokio::test]
async fn disabling_ends_sessions_tokens_and_links_at_once_on_every_instance_and_enabling_brings_none_back()
 {
    let app = TestApp::start().await;
    let other = TestApp::on(app.database.clone(), &[]).await;
    let desk = app.desk().await;
    let mo = hire(&app, "moderator", "Mo").await;
    give_token(&app, "Mo").await;
    let path = format!("{MODERATORS}/{}", id_of(&app, "Mo").await);
    let links = format!("{path}/setup-links");
    let link = ask(&app, &desk, "POST", &links, Value::Null).await.is(201);
    for instance in [&app, &other] {
        mo.get(instance, CURRENT).await.is(200);
    }
    assert_eq!(number(&app.database.pool, WAYS_IN).await, 3);
    let disabled = ask(&app, &desk, "PATCH", &path, json!({"disabled": true}))
        .await
        .is(200);
    assert!(
        disabled
            .has("/disabled", true)
            .at("/disabled_at")
            .is_string()
    );
    for instance in [&app, &other] {
        mo.get(instance, CURRENT)
            .await
            .is_problem(401, "unauthenticated");
    }
    assert_eq!(number(&app.database.pool, WAYS_IN).await, 0);
    app.sign_in("mo@example.org", PASSWORD)
        .await
        .is_problem(401, "invalid_credentials");
    let setup = json!({"token": link.at("/setup_token"), "password": NEW_PASSWORD});
    other
        .post("/api/v1/setup", &setup)
        .await
        .is_problem(404, "setup_link_not_found");
    let refused = ask(&app, &desk, "POST", &links, Value::Null).await;
    refused.is_problem(409, "moderator_disabled");
    // What slipped in while it was disabled doesn't come to life either.
    give_token(&app, "Mo").await;
    ask(&app, &desk, "PATCH", &path, json!({"disabled": false}))
        .await
        .is(200)
        .has("/disabled", false);
    assert_eq!(number(&app.database.pool, WAYS_IN).await, 0);
    mo.get(&app, CURRENT).await.is(401);
    other.post("/api/v1/setup", &setup).await.is(404);
    app.sign_in("mo@example.org", PASSWORD).await.is(201);
    let acts = acts(&app).await;
    assert_eq!(
        acts,
        [
            "moderator.setup_link_made moderator {}",
            "moderator.disabled moderator {}",
            "moderator.enabled moderator {}"
        ]
    );
    other.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn a_deleted_account_leaves_its_name_on_what_it_did_and_its_address_free() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let mo = hire(&app, "moderator", "Mo").await;
    give_token(&app, "Mo").await;
    let (comment, _) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    mo.decide(&app, &comment, "approve", &json!({}))
        .await
        .is(200);
    let path = format!("{MODERATORS}/{}", id_of(&app, "Mo").await);
    let gone = ask(&app, &desk, "DELETE", &path, Value::Null).await.is(204);
    assert_eq!(gone.header("cache-control"), "private, no-store");
    mo.get(&app, CURRENT).await.is(401);
    app.sign_in("mo@example.org", PASSWORD).await.is(401);
    assert_eq!(number(&app.database.pool, WAYS_IN).await, 0);
    for method in ["GET", "DELETE"] {
        ask(&app, &desk, method, &path, Value::Null)
            .await
            .is_problem(404, "moderator_not_found");
    }
    ask(&app, &desk, "PATCH", &path, json!({"disabled": false}))
        .await
        .is_problem(404, "moderator_not_found");
    let list = desk.get(&app, MODERATORS).await.is(200);
    assert_eq!(list.at("/moderators").as_array().unwrap().len(), 1);
    desk.get(&app, &format!("/api/v1/admin/comments/{comment}"))
        .await
        .is(200)
        .has("/decided_by/name", "Mo");
    let kept = texts(
        &app.database.pool,
        "select m::text from moderators m where name = 'Mo'",
    )
    .await;
    assert!(
        !kept.concat().contains("example.org") && !kept.concat().contains("argon2"),
        "{kept:?}"
    );
    desk.post(&app, MODERATORS, &somebody("Mo", "viewer"))
        .await
        .is(201);
    app.stop().await;
}

#[tokio::test]
async fn the_last_owner_who_can_sign_in_cannot_go() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let path = format!("{MODERATORS}/{}", id_of(&app, "Owner").await);
    let attempts = [
        ("PATCH", json!({"role": "admin"})),
        ("PATCH", json!({"disabled": true})),
        ("DELETE", Value::Null),
    ];
    for (method, body) in &attempts {
        let refused = ask(&app, &desk, method, &path, body.clone()).await;
        refused.is_problem(409, "last_owner");
    }
    // One who has never set a password doesn't help, nor one who is disabled.
    let invited = json!({"email": "new@example.org", "name": "New", "role": "owner"});
    desk.post(&app, MODERATORS, &invited).await.is(201);
    hire(&app, "owner", "Off").await;
    change(
        &app,
        "update moderators set disabled_at = now() where name = 'Off'",
    )
    .await;
    for (method, body) in attempts {
        let refused = ask(&app, &desk, method, &path, body).await;
        refused.is_problem(409, "last_owner");
    }
    hire(&app, "owner", "Second").await;
    ask(&app, &desk, "PATCH", &path, json!({"role": "viewer"}))
        .await
        .is(200);
    desk.get(&app, CURRENT)
        .await
        .is(200)
        .has("/moderator/role", "viewer");
    app.stop().await;
}

#[tokio::test]
async fn two_owners_who_remove_each_other_at_once_leave_one() {
    let app = TestApp::start().await;
    let other = TestApp::on(app.database.clone(), &[]).await;
    let ways = [
        ("PATCH", json!({"role": "viewer"})),
        ("PATCH", json!({"disabled": true})),
        ("DELETE", Value::Null),
    ];
    for (round, (method, body)) in ways.iter().cycle().take(12).enumerate() {
        let (one_name, other_name) = (format!("A{round}"), format!("B{round}"));
        let (one, two) = (
            hire(&app, "owner", &one_name).await,
            hire(&app, "owner", &other_name).await,
        );
        change(
            &app,
            format!("update moderators set role = 'viewer' where name not in ('{one_name}', '{other_name}', 'Owner')"),
        )
        .await;
        change(
            &app,
            "update moderators set disabled_at = now() where name = 'Owner'",
        )
        .await;
        let (one_path, two_path) = (
            format!("{MODERATORS}/{}", id_of(&app, &one_name).await),
            format!("{MODERATORS}/{}", id_of(&app, &other_name).await),
        );
        let (first, second) = tokio::join!(
            ask(&app, &one, method, &two_path, body.clone()),
            ask(&other, &two, method, &one_path, body.clone()),
        );
        let done = |status: u16| matches!(status, 200 | 204);
        assert!(
            done(first.status) != done(second.status),
            "{first:?} {second:?}"
        );
        assert_eq!(
            number(&app.database.pool, ABLE_OWNERS).await,
            1,
            "{method} {body}"
        );
        change(
            &app,
            "update moderators set disabled_at = null where name = 'Owner'",
        )
        .await;
    }
    other.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn owners_who_step_down_at_once_leave_one() {
    let app = TestApp::start().await;
    let mut owners = vec![(app.desk().await, id_of(&app, "Owner").await)];
    for number in 0..5 {
        let name = format!("O{number}");
        let desk = hire(&app, "owner", &name).await;
        owners.push((desk, id_of(&app, &name).await));
    }
    let leaving = owners.iter().map(async |(desk, id)| {
        let path = format!("{MODERATORS}/{id}");
        ask(&app, desk, "PATCH", &path, json!({"role": "moderator"}))
            .await
            .status
    });
    let mut statuses = join_all(leaving).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 409]);
    assert_eq!(number(&app.database.pool, ABLE_OWNERS).await, 1);
    app.stop().await;
}
