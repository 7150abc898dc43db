//! `/api/v1/admin/tokens`: who makes, sees and ends tokens, and how they are kept.

mod bounds;

use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use time::Duration;

use crate::backstage::{change, hire, hire_for_gazette, texts, two_sites};
use crate::support::app::{Answer, Desk, TestApp};

const TOKENS: &str = "/api/v1/admin/tokens";
const COMMENTS: &str = "/api/v1/admin/comments";
const CURRENT: &str = "/api/v1/admin/sessions/current";
const NOBODYS_ID: &str = "0198c000-0000-7000-8000-000000000000";

async fn send(app: &TestApp, desk: &Desk, method: &str, path: &str, body: &Value) -> Answer {
    let request = app.request(method, path).bearer_auth(&desk.token);
    let request = request.header(CONTENT_TYPE, "application/json");
    app.send(request.body(body.to_string())).await
}

/// A token of these scopes: what it shows, and its path.
async fn made(app: &TestApp, desk: &Desk, body: &Value) -> (Desk, String) {
    let answer = desk.post(app, TOKENS, body).await.is(201);
    let text = |pointer| answer.at(pointer).as_str().unwrap().to_owned();
    let token = Desk {
        token: text("/token"),
    };
    (token, format!("{TOKENS}/{}", text("/id")))
}

async fn with_scopes(app: &TestApp, desk: &Desk, scopes: &[&str]) -> Desk {
    made(app, desk, &json!({"name": "Robot", "scopes": scopes}))
        .await
        .0
}

fn names(answer: &Answer) -> Vec<String> {
    let tokens = answer.at("/tokens");
    let names = tokens.as_array().unwrap().iter();
    names
        .map(|token| token["name"].as_str().unwrap().to_owned())
        .collect()
}

fn after(app: &TestApp, by: Duration) -> String {
    rejoinder::base::clock::to_rfc3339(app.clock.now() + by)
}

#[tokio::test]
async fn a_token_is_shown_once_and_kept_as_a_hash_only() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let ends = after(&app, Duration::days(1));
    let body = json!({
        "name": " Robot ", "scopes": ["comments:read", "settings"], "sites": null, "expires_at": ends,
    });
    let receipt = desk.post(&app, TOKENS, &body).await.is(201);
    assert_eq!(receipt.header("cache-control"), "private, no-store");
    let receipt = receipt
        .has("/name", "Robot")
        .has("/scopes", json!(["comments:read", "settings"]))
        .has("/sites", Value::Null)
        .has("/expires_at", ends);
    let token = receipt.at("/token").as_str().unwrap().to_owned();
    assert!(token.starts_with("rjt_") && token.len() == 47, "{token}");
    let path = format!("{TOKENS}/{}", receipt.at("/id").as_str().unwrap());
    let shown = desk.get(&app, &path).await.is(200);
    let listed = desk.get(&app, TOKENS).await.is(200);
    for answer in [&shown, &listed] {
        assert!(!answer.text.contains(&token[4..]), "{answer:?}");
    }
    assert_eq!(listed.at("/tokens/0"), shown.json());
    let shown = shown
        .has("/moderator/name", "Owner")
        .has("/last_used_at", Value::Null);
    assert_eq!(shown.at("/created_at"), receipt.at("/created_at"));
    let stored = texts(
        &app.database.pool,
        "select t::text || encode(t.token_hash, 'escape') || encode(t.token_hash, 'base64') from api_tokens t",
    )
    .await
    .join("\n");
    assert!(
        stored.contains("Robot") && !stored.contains(&token[4..]),
        "{stored}"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_viewer_has_no_tokens() {
    let app = TestApp::start().await;
    let viewer = hire(&app, "viewer", "Vi").await;
    for method in ["GET", "POST"] {
        send(&app, &viewer, method, TOKENS, &json!({"name": 1}))
            .await
            .is_problem(403, "forbidden");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_revoked_token_and_one_of_a_disabled_maker_are_worth_nothing_at_once_on_every_instance() {
    let app = TestApp::start().await;
    let other = TestApp::on(app.database.clone(), &[]).await;
    let desk = app.desk().await;
    let moderator = hire(&app, "moderator", "Mo").await;
    let body = json!({"name": "Robot", "scopes": ["comments:read"]});
    let (revoked, path) = made(&app, &desk, &body).await;
    let (disabled, _) = made(&app, &moderator, &body).await;
    for instance in [&app, &other] {
        revoked.get(instance, COMMENTS).await.is(200);
        disabled.get(instance, COMMENTS).await.is(200);
    }
    let answer = send(&other, &desk, "DELETE", &path, &Value::Null)
        .await
        .is(204);
    assert_eq!(answer.header("cache-control"), "private, no-store");
    change(
        &app,
        "update moderators set disabled_at = now() where name = 'Mo'",
    )
    .await;
    for instance in [&app, &other] {
        for token in [&revoked, &disabled] {
            token
                .get(instance, COMMENTS)
                .await
                .is_problem(401, "unauthenticated");
        }
    }
    desk.get(&app, &path)
        .await
        .is_problem(404, "token_not_found");
    send(&app, &desk, "DELETE", &path, &Value::Null)
        .await
        .is_problem(404, "token_not_found");
    other.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn a_token_of_a_maker_who_has_gone_is_worth_nothing() {
    let app = TestApp::start().await;
    let moderator = hire(&app, "moderator", "Mo").await;
    let token = with_scopes(&app, &moderator, &["comments:read"]).await;
    token.get(&app, COMMENTS).await.is(200);
    change(&app, "delete from moderators where name = 'Mo'").await;
    token
        .get(&app, COMMENTS)
        .await
        .is_problem(401, "unauthenticated");
    app.stop().await;
}

#[tokio::test]
async fn a_token_ends_at_its_time_which_can_be_moved() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let ends = after(&app, Duration::hours(1));
    let body = json!({"name": "Robot", "scopes": ["comments:read"], "expires_at": ends});
    let (token, path) = made(&app, &desk, &body).await;
    app.clock.advance(Duration::minutes(59));
    token.get(&app, COMMENTS).await.is(200);
    app.clock.advance(Duration::minutes(1));
    token
        .get(&app, COMMENTS)
        .await
        .is_problem(401, "unauthenticated");
    let later = after(&app, Duration::hours(1));
    let moved = json!({"expires_at": later, "name": "Night robot"});
    let answer = send(&app, &desk, "PATCH", &path, &moved).await.is(200);
    answer.has("/expires_at", later).has("/name", "Night robot");
    token.get(&app, COMMENTS).await.is(200);
    let answer = send(&app, &desk, "PATCH", &path, &json!({"expires_at": null})).await;
    answer
        .is(200)
        .has("/expires_at", Value::Null)
        .has("/name", "Night robot");
    app.clock.advance(Duration::hours(11));
    token.get(&app, COMMENTS).await.is(200);
    // Nothing to change.
    let answer = send(&app, &desk, "PATCH", &path, &json!({})).await;
    answer.is(200).has("/name", "Night robot");
    for (body, wanted) in [
        (
            json!({"name": null, "expires_at": "soon"}),
            &["expires_at: invalid_value", "name: required"][..],
        ),
        (
            json!({"expires_at": "2020-01-01T00:00:00Z"}),
            &["expires_at: invalid_value"],
        ),
        (
            json!({"name": 1, "scopes": []}),
            &["name: invalid_type", "scopes: unknown_field"],
        ),
    ] {
        let answer = send(&app, &desk, "PATCH", &path, &body).await;
        let answer = answer.is_problem(422, "validation_failed");
        assert_eq!(answer.field_errors(), wanted, "{body}");
    }
    app.stop().await;
}

#[tokio::test]
async fn people_see_and_end_their_own_tokens_and_those_of_people_below_them() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let owner = app.desk().await;
    let admin = hire(&app, "admin", "Ad").await;
    let local = hire_for_gazette(&app, "admin", "Gazetteer").await;
    let moderator = hire(&app, "moderator", "Mo").await;
    let reporter = hire_for_gazette(&app, "moderator", "Reporter").await;
    let mut paths = Vec::new();
    for (desk, name) in [
        (&owner, "of owner"),
        (&admin, "of admin"),
        (&local, "of local admin"),
        (&moderator, "of moderator"),
        (&reporter, "of reporter"),
    ] {
        let body = json!({"name": name, "scopes": ["comments:read"]});
        paths.push(made(&app, desk, &body).await.1);
    }
    // Newest first.
    for (desk, wanted) in [
        (
            &owner,
            &[
                "of reporter",
                "of moderator",
                "of local admin",
                "of admin",
                "of owner",
            ][..],
        ),
        (&admin, &["of reporter", "of moderator", "of admin"]),
        (&local, &["of reporter", "of local admin"]),
        (&moderator, &["of moderator"]),
        (&reporter, &["of reporter"]),
    ] {
        let listed = desk.get(&app, TOKENS).await.is(200);
        assert_eq!(names(&listed), wanted);
    }
    for (desk, path) in [
        (&admin, &paths[0]),
        (&admin, &paths[2]),
        (&local, &paths[3]),
        (&moderator, &paths[4]),
    ] {
        for method in ["GET", "DELETE", "PATCH"] {
            send(&app, desk, method, path, &json!({"name": "Mine"}))
                .await
                .is_problem(404, "token_not_found");
        }
    }
    send(
        &app,
        &moderator,
        "GET",
        &format!("{TOKENS}/none"),
        &Value::Null,
    )
    .await
    .is_problem(404, "token_not_found");
    send(&app, &local, "DELETE", &paths[4], &Value::Null)
        .await
        .is(204);
    send(&app, &owner, "DELETE", &paths[1], &Value::Null)
        .await
        .is(204);
    app.stop().await;
}

#[tokio::test]
async fn the_list_goes_on_where_it_ended() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    for number in 0..5 {
        let body = json!({"name": format!("{number}"), "scopes": ["comments:read"]});
        made(&app, &desk, &body).await;
    }
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = desk.get(&app, &format!("{TOKENS}{query}")).await.is(200);
        seen.extend(names(&page));
        let Some(cursor) = page.at("/next_cursor").as_str().map(str::to_owned) else {
            break;
        };
        query = format!("?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ["4", "3", "2", "1", "0"]);
    for (query, code) in [
        ("?limit=0", "invalid_query"),
        ("?who=me", "invalid_query"),
        ("?cursor=none", "invalid_cursor"),
    ] {
        let answer = desk.get(&app, &format!("{TOKENS}{query}")).await;
        answer.is_problem(400, code);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_use_is_noted_at_most_once_a_minute() {
    const VERSIONS: &str = "select xmin::text from api_tokens";
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let body = json!({"name": "Robot", "scopes": ["comments:read"]});
    let (token, path) = made(&app, &desk, &body).await;
    token.get(&app, COMMENTS).await.is(200);
    let noted = desk.get(&app, &path).await.at("/last_used_at");
    assert!(noted.is_string());
    let pool = &app.database.pool;
    let begun = texts(pool, VERSIONS).await;
    for _ in 0..5 {
        app.clock.advance(Duration::seconds(10));
        token.get(&app, COMMENTS).await.is(200);
    }
    assert_eq!(texts(pool, VERSIONS).await, begun);
    app.clock.advance(Duration::seconds(11));
    token.get(&app, COMMENTS).await.is(200);
    assert_ne!(desk.get(&app, &path).await.at("/last_used_at"), noted);
    app.stop().await;
}

#[tokio::test]
async fn one_person_has_at_most_100_tokens_also_when_they_are_made_at_once() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    change(
        &app,
        "insert into api_tokens (id, moderator_id, name, token_hash, scopes, created_at)
        select gen_random_uuid(), m.id, 'Old', decode(md5(n::text) || md5((-n)::text), 'hex'), '{settings}', now()
        from moderators m, generate_series(1, 97) n",
    )
    .await;
    let body = json!({"name": "Robot", "scopes": ["comments:read"]});
    let attempts = (0..8).map(|_| desk.post(&app, TOKENS, &body));
    let answers = futures_util::future::join_all(attempts).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 3);
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        answer.is_problem(409, "too_many_tokens");
    }
    // Others have their own.
    let moderator = hire(&app, "moderator", "Mo").await;
    with_scopes(&app, &moderator, &["comments:read"]).await;
    app.stop().await;
}

#[tokio::test]
async fn requests_of_one_token_are_limited_and_others_are_not() {
    let app = TestApp::with(&[("REJOINDER_RATE_LIMIT", "on")]).await;
    let desk = app.desk().await;
    let (flood, calm) = (
        with_scopes(&app, &desk, &["settings"]).await,
        with_scopes(&app, &desk, &["settings"]).await,
    );
    let mut refused = None;
    // A burst of 200, and 20 more come back each second.
    for _ in 0..2_000 {
        let answer = flood.get(&app, COMMENTS).await;
        if answer.status != 403 {
            refused = Some(answer.is_problem(429, "rate_limited"));
            break;
        }
    }
    assert_eq!(refused.unwrap().header("retry-after"), "1");
    calm.get(&app, COMMENTS).await.is(403);
    desk.get(&app, CURRENT).await.is(200);
    app.stop().await;
}

#[tokio::test]
async fn what_is_done_with_tokens_is_in_the_log_and_nothing_secret() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let moderator = hire(&app, "moderator", "Mo").await;
    let body = json!({"name": "Robot", "scopes": ["comments:read"]});
    let (token, path) = made(&app, &moderator, &body).await;
    send(
        &app,
        &moderator,
        "PATCH",
        &path,
        &json!({"name": "Night robot"}),
    )
    .await
    .is(200);
    send(&app, &moderator, "PATCH", &path, &json!({}))
        .await
        .is(200);
    send(&app, &desk, "DELETE", &path, &Value::Null)
        .await
        .is(204);
    let acts = texts(
        &app.database.pool,
        "select m.name || ' ' || act || ' ' || subject_kind || ' ' || (subject_id is not null) || ' ' || details::text
        from audit_log a join moderators m on m.id = a.actor_id
        where subject_kind = 'token' order by a.id",
    )
    .await;
    let id = texts(
        &app.database.pool,
        "select id::text from moderators where name = 'Mo'",
    )
    .await;
    assert_eq!(
        acts,
        [
            r#"Mo token.created token true {"sites": null, "scopes": ["comments:read"], "expires_at": null}"#.to_owned(),
            r#"Mo token.changed token true {"name": "changed"}"#.to_owned(),
            format!(r#"Owner token.revoked token true {{"moderator_id": "{}"}}"#, id[0]),
        ]
    );
    assert!(!acts.join("").contains(&token.token[4..]));
    app.stop().await;
}
