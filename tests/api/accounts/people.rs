//! `/api/v1/admin/moderators`: making accounts, changing them. Who may is in `rights.rs`.

use futures_util::future::join_all;
use serde_json::{Value, json};
use time::Duration;

use super::{MODERATORS, NEW_PASSWORD, acts, ask, enter, id_of, somebody};
use crate::backstage::{GAZETTE, change, hire, number, two_sites};
use crate::support::app::{OWNER, PASSWORD, TestApp};

const CURRENT: &str = "/api/v1/admin/sessions/current";

#[tokio::test]
async fn an_account_with_a_password_can_sign_in_at_once() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let mut body = somebody("Mo", "moderator");
    body["email"] = json!(" Mo@Example.ORG ");
    let made = desk.post(&app, MODERATORS, &body).await.is(201);
    assert_eq!(made.header("cache-control"), "private, no-store");
    let id = made.at("/id").as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), format!("{MODERATORS}/{id}"));
    let made = made
        .has("/email", "Mo@Example.ORG")
        .has("/name", "Mo")
        .has("/role", "moderator")
        .has("/sites", Value::Null)
        .has("/disabled", false)
        .has("/disabled_at", Value::Null)
        .has("/has_password", true)
        .has("/totp", false)
        .has("/setup_token", Value::Null)
        .has("/setup_url", Value::Null)
        .has("/setup_expires_at", Value::Null);
    assert!(!made.text.contains(NEW_PASSWORD), "{made:?}");
    let mo = enter(&app, "mo", NEW_PASSWORD).await;
    mo.get(&app, CURRENT)
        .await
        .is(200)
        .has("/moderator/id", id.as_str());
    let shown = desk.get(&app, &format!("{MODERATORS}/{id}")).await.is(200);
    assert!(shown.at("/last_seen_at").is_string(), "{shown:?}");
    assert_eq!(
        acts(&app).await,
        [r#"moderator.created moderator {"role": "moderator", "sites": null}"#]
    );
    app.stop().await;
}

#[tokio::test]
async fn an_address_belongs_to_one_account() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let mut body = somebody("Mo", "moderator");
    body["email"] = json!(OWNER.to_uppercase());
    let refused = desk.post(&app, MODERATORS, &body).await;
    refused.is_problem(409, "moderator_exists");
    let racing = (0..8).map(|_| desk_post(&app, &desk.token));
    let statuses: Vec<u16> = join_all(racing).await;
    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        1,
        "{statuses:?}"
    );
    assert!(statuses.iter().all(|status| matches!(status, 201 | 409)));
    app.stop().await;
}

async fn desk_post(app: &TestApp, token: &str) -> u16 {
    let request = app.request("POST", MODERATORS).bearer_auth(token);
    let body = json!({"email": "ed@example.org", "name": "Ed", "role": "viewer"});
    app.send(request.json(&body)).await.status
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn everything_wrong_with_an_account_is_named_at_once_and_no_value_comes_back() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let nobodys = "0198c000-0000-7000-8000-000000000000";
    let good = somebody("Mo", "moderator");
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    let table: Vec<(Value, &str, &[&str])> = vec![
        (
            json!({}),
            "validation_failed",
            &["email: required", "name: required", "role: required"],
        ),
        (
            json!({"email": "hidden", "name": "\u{202e}hidden", "role": "hidden", "sites": ["hidden"], "password": "hidden"}),
            "validation_failed",
            &[
                "email: invalid_email",
                "name: invalid_characters",
                "password: too_short",
                "role: invalid_value",
                "sites: invalid_value",
            ],
        ),
        (
            json!({"email": 1, "name": null, "role": [], "sites": "hidden", "password": 1}),
            "validation_failed",
            &[
                "email: invalid_type",
                "name: required",
                "password: invalid_type",
                "role: invalid_type",
                "sites: invalid_type",
            ],
        ),
        (
            with("sites", json!([])),
            "validation_failed",
            &["sites: required"],
        ),
        (
            with("sites", json!([nobodys, nobodys])),
            "validation_failed",
            &["sites: repeated"],
        ),
        (
            with("sites", json!([nobodys])),
            "unknown_site",
            &["sites: unknown_site"],
        ),
        (
            with("sites", json!([null])),
            "validation_failed",
            &["sites: invalid_value"],
        ),
        (
            with("password", json!("x".repeat(1_001))),
            "validation_failed",
            &["password: too_long"],
        ),
        (
            with("password", json!("")),
            "validation_failed",
            &["password: required"],
        ),
        (
            with("hidden", json!(1)),
            "unknown_field",
            &["hidden: unknown_field"],
        ),
    ];
    for (body, code, fields) in table {
        let answer = desk
            .post(&app, MODERATORS, &body)
            .await
            .is_problem(422, code);
        assert_eq!(answer.field_errors(), fields, "{body}");
        let told = answer.text.replace("\"hidden\",\"code\"", "");
        assert!(!told.contains("hidden"), "{answer:?}");
    }
    assert_eq!(
        number(&app.database.pool, "select count(*) from moderators").await,
        1
    );
    app.stop().await;
}

#[tokio::test]
async fn a_change_takes_what_it_names_and_leaves_the_rest() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    hire(&app, "viewer", "Mo").await;
    let path = format!("{MODERATORS}/{}", id_of(&app, "Mo").await);
    let send = async |body: Value| ask(&app, &desk, "PATCH", &path, body).await;
    let before = desk.get(&app, &path).await.is(200).json();
    assert_eq!(send(json!({})).await.is(200).json(), before);
    send(json!({"name": "Mo", "role": "viewer", "sites": null, "disabled": false}))
        .await
        .is(200);
    assert!(acts(&app).await.is_empty(), "nothing has changed");
    send(json!({"role": "moderator"}))
        .await
        .is(200)
        .has("/role", "moderator")
        .has("/name", "Mo");
    send(json!({"name": "Moe", "sites": [GAZETTE]}))
        .await
        .is(200)
        .has("/name", "Moe")
        .has("/role", "moderator")
        .has("/sites", json!([GAZETTE]));
    send(json!({"sites": null}))
        .await
        .is(200)
        .has("/sites", Value::Null);
    let acts = acts(&app).await;
    assert_eq!(acts.len(), 3, "{acts:?}");
    assert!(
        acts[0].contains(r#""role": {"to": "moderator", "from": "viewer"}"#),
        "{acts:?}"
    );
    assert!(acts[1].contains(r#""fields": ["name", "sites"]"#) && acts[1].contains(GAZETTE));
    assert!(
        !acts.concat().contains("Mo"),
        "names are personal: {acts:?}"
    );
    for (body, wanted) in [
        (
            json!({"name": null, "role": null, "disabled": null}),
            &["disabled: required", "name: required", "role: required"][..],
        ),
        (
            json!({"name": "", "role": "boss", "disabled": 1}),
            &[
                "disabled: invalid_type",
                "name: required",
                "role: invalid_value",
            ],
        ),
        (json!({"sites": []}), &["sites: required"]),
        (json!({"email": "a@example.org"}), &["email: unknown_field"]),
        (
            json!({"password": NEW_PASSWORD}),
            &["password: unknown_field"],
        ),
    ] {
        assert_eq!(send(body).await.is(422).field_errors(), wanted);
    }
    app.stop().await;
}

#[tokio::test]
async fn an_owner_sees_all_sites() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    let mut body = somebody("Mo", "owner");
    body["sites"] = json!([GAZETTE]);
    let refused = desk
        .post(&app, MODERATORS, &body)
        .await
        .is_problem(422, "validation_failed");
    assert_eq!(refused.field_errors(), ["sites: invalid_value"]);
    body["role"] = json!("viewer");
    let id = desk.post(&app, MODERATORS, &body).await.is(201).at("/id");
    let path = format!("{MODERATORS}/{}", id.as_str().unwrap());
    let refused = ask(&app, &desk, "PATCH", &path, json!({"role": "owner"})).await;
    assert_eq!(refused.is(422).field_errors(), ["sites: invalid_value"]);
    let both = json!({"role": "owner", "sites": null});
    ask(&app, &desk, "PATCH", &path, both)
        .await
        .is(200)
        .has("/role", "owner");
    app.stop().await;
}

#[tokio::test]
async fn a_lost_second_factor_is_turned_off_by_somebody_else() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    hire(&app, "moderator", "Mo").await;
    change(
        &app,
        "update moderators set totp_nonce = decode(repeat('ab', 16), 'hex'), totp_confirmed_at = now(), totp_last_step = 5
        where name = 'Mo'",
    )
    .await;
    change(
        &app,
        "insert into recovery_codes (moderator_id, code_hash)
        select id, sha256('code') from moderators where name = 'Mo'",
    )
    .await;
    let path = format!("{MODERATORS}/{}", id_of(&app, "Mo").await);
    desk.get(&app, &path).await.is(200).has("/totp", true);
    for _ in 0..2 {
        ask(&app, &desk, "DELETE", &format!("{path}/totp"), Value::Null)
            .await
            .is(204);
    }
    desk.get(&app, &path).await.is(200).has("/totp", false);
    let left =
        "select (select count(*) from recovery_codes) + (select count(totp_nonce) from moderators)";
    assert_eq!(number(&app.database.pool, left).await, 0);
    assert_eq!(acts(&app).await, ["moderator.totp_removed moderator {}"]);
    app.sign_in("mo@example.org", PASSWORD).await.is(201);
    let own = format!("{MODERATORS}/{}", id_of(&app, "Owner").await);
    ask(&app, &desk, "DELETE", &format!("{own}/totp"), Value::Null)
        .await
        .is_problem(403, "forbidden");
    app.stop().await;
}

#[tokio::test]
async fn people_are_listed_page_by_page_in_one_order() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    for number in 0..6 {
        let body = somebody(&format!("P{number}"), "viewer");
        desk.post(&app, MODERATORS, &body).await.is(201);
        app.clock.advance(Duration::seconds(1));
    }
    let (mut names, mut query) = (Vec::new(), "?limit=3".to_owned());
    for _ in 0..4 {
        let page = desk
            .get(&app, &format!("{MODERATORS}{query}"))
            .await
            .is(200);
        let items = page.at("/moderators");
        let items = items.as_array().unwrap();
        names.extend(
            items
                .iter()
                .map(|item| item["name"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page.at("/next_cursor").as_str().map(str::to_owned) else {
            break;
        };
        query = format!("?limit=3&cursor={cursor}");
    }
    assert_eq!(names, ["Owner", "P0", "P1", "P2", "P3", "P4", "P5"]);
    for (query, code) in [
        ("?cursor=x", "invalid_cursor"),
        ("?limit=0", "invalid_query"),
        ("?role=owner", "invalid_query"),
    ] {
        desk.get(&app, &format!("{MODERATORS}{query}"))
            .await
            .is_problem(400, code);
    }
    app.stop().await;
}
