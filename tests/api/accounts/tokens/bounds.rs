//! What bounds a token: its scopes, its sites, and its maker's role and sites as they are now.

use serde_json::{Value, json};

use super::{COMMENTS, CURRENT, NOBODYS_ID, TOKENS, made, send, with_scopes};
use crate::backstage::{GAZETTE, change, hire, hire_for_gazette, number, two_sites};
use crate::support::app::{Desk, TestApp, comment_on};

const DEFAULT: &str = "0198c000-0000-7000-8000-00000000000a";

#[tokio::test]
async fn each_scope_opens_its_operations_and_no_other() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (id, _) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    for (scope, reads, decides) in [
        ("comments:read", 200, 403),
        ("comments:personal", 403, 403),
        ("comments:decide", 403, 200),
        ("settings", 403, 403),
    ] {
        let token = with_scopes(&app, &desk, &[scope]).await;
        assert_eq!(token.get(&app, COMMENTS).await.status, reads, "{scope}");
        let decided = token.decide(&app, &id, "approve", &json!({})).await;
        assert_eq!(decided.status, decides, "{scope}");
    }
    app.stop().await;
}

#[tokio::test]
async fn personal_data_is_null_without_its_scope() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    app.submitted(&comment_on("/tides", "Ebb", None)).await;
    let plain = with_scopes(&app, &desk, &["comments:read"]).await;
    let personal = with_scopes(&app, &desk, &["comments:read", "comments:personal"]).await;
    let without = plain.get(&app, COMMENTS).await.is(200);
    let with = personal.get(&app, COMMENTS).await.is(200);
    for member in ["email", "ip"] {
        let pointer = format!("/comments/0/{member}");
        assert_eq!(without.at(&pointer), Value::Null, "{member}");
        assert!(with.at(&pointer).is_string(), "{member}");
    }
    assert!(!without.text.contains("ada@example.org"));
    app.stop().await;
}

#[tokio::test]
async fn a_token_makes_no_others_and_has_no_session() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let all = [
        "comments:read",
        "comments:personal",
        "comments:decide",
        "settings",
    ];
    let token = with_scopes(&app, &desk, &all).await;
    let body = json!({"name": "More", "scopes": ["comments:read"]});
    for (method, path) in [
        ("POST", TOKENS.to_owned()),
        ("GET", TOKENS.to_owned()),
        ("DELETE", format!("{TOKENS}/{NOBODYS_ID}")),
        ("GET", CURRENT.to_owned()),
        ("DELETE", CURRENT.to_owned()),
        ("POST", "/api/v1/admin/me/totp".to_owned()),
        ("DELETE", "/api/v1/admin/me/totp".to_owned()),
    ] {
        let answer = send(&app, &token, method, &path, &body).await;
        assert_eq!(answer.status, 403, "{method} {path}: {answer:?}");
        answer.is_problem(403, "forbidden");
    }
    let request = app
        .request("GET", COMMENTS)
        .header("Cookie", format!("rejoinder_session={}", token.token));
    app.send(request).await.is_problem(401, "unauthenticated");
    app.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_token_is_named_all_at_once() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    let moderator = hire_for_gazette(&app, "moderator", "Mo").await;
    for (body, wanted) in [
        (json!({}), &["name: required", "scopes: required"][..]),
        (
            json!({"name": "", "scopes": [], "sites": [], "expires_at": "tomorrow"}),
            &[
                "expires_at: invalid_value",
                "name: required",
                "scopes: required",
                "sites: required",
            ],
        ),
        (
            json!({"name": 7, "scopes": "hidden words", "expires_at": 7}),
            &[
                "expires_at: invalid_type",
                "name: invalid_type",
                "scopes: invalid_type",
            ],
        ),
        (
            json!({"name": "x".repeat(101), "scopes": ["settings", "hidden words", "settings"]}),
            &[
                "name: too_long",
                "scopes[1]: invalid_value",
                "scopes[2]: repeated",
            ],
        ),
        (
            json!({"name": "R", "scopes": ["settings"], "sites": ["hidden words", DEFAULT, DEFAULT], "owner": true}),
            &[
                "owner: unknown_field",
                "sites[0]: invalid_value",
                "sites[2]: repeated",
            ],
        ),
        (
            json!({"name": "R", "scopes": ["settings"], "sites": vec![DEFAULT; 101]}),
            &["sites: too_many"],
        ),
        (
            json!({"name": "R", "scopes": ["settings"], "sites": [NOBODYS_ID], "expires_at": "2020-01-01T00:00:00Z"}),
            &["expires_at: invalid_value", "sites[0]: unknown_site"],
        ),
    ] {
        let answer = desk.post(&app, TOKENS, &body).await;
        let answer = answer.is_problem(422, "validation_failed");
        assert_eq!(answer.field_errors(), wanted, "{body}");
        assert!(!answer.text.contains("hidden words"), "{answer:?}");
    }
    // A token never exceeds its maker.
    let body =
        json!({"name": "R", "scopes": ["comments:read", "settings"], "sites": [GAZETTE, DEFAULT]});
    let answer = moderator.post(&app, TOKENS, &body).await;
    let answer = answer.is_problem(422, "validation_failed");
    assert_eq!(
        answer.field_errors(),
        ["scopes[1]: invalid_value", "sites[1]: unknown_site"]
    );
    assert_eq!(
        number(&app.database.pool, "select count(*) from api_tokens").await,
        0
    );
    app.stop().await;
}

#[tokio::test]
async fn a_token_sees_its_sites_only_and_only_as_long_as_its_maker_does() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let owner = app.desk().await;
    let moderator = hire(&app, "moderator", "Mo").await;
    let (here, _) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    let mut elsewhere = comment_on("/news", "Flood", None);
    elsewhere["page_url"] = json!("https://gazette.example/news");
    let (there, _) = app.submitted(&elsewhere).await;
    let scopes = json!(["comments:read", "comments:decide"]);
    let bounded = json!({"name": "Gazette", "scopes": scopes, "sites": [GAZETTE]});
    let (bounded, _) = made(&app, &moderator, &bounded).await;
    let (both, _) = made(&app, &moderator, &json!({"name": "All", "scopes": scopes})).await;
    let sees =
        async |token: &Desk, id: &str| token.get(&app, &format!("{COMMENTS}/{id}")).await.status;
    assert_eq!(
        (sees(&bounded, &here).await, sees(&bounded, &there).await),
        (404, 200)
    );
    assert_eq!(
        (sees(&both, &here).await, sees(&both, &there).await),
        (200, 200)
    );
    bounded
        .decide(&app, &here, "approve", &json!({}))
        .await
        .is_problem(404, "comment_not_found");
    let narrow = format!("update moderators set sites = '{{{DEFAULT}}}' where name = 'Mo'");
    change(&app, narrow).await;
    // Nothing is in both.
    assert_eq!(
        (sees(&bounded, &here).await, sees(&bounded, &there).await),
        (404, 404)
    );
    let none = bounded.get(&app, COMMENTS).await.is(200);
    assert_eq!(none.at("/comments"), json!([]));
    assert_eq!(
        (sees(&both, &here).await, sees(&both, &there).await),
        (200, 404)
    );
    assert_eq!(sees(&owner, &there).await, 200);
    app.stop().await;
}

#[tokio::test]
async fn a_token_never_exceeds_the_role_that_its_maker_has_now() {
    let app = TestApp::start().await;
    let admin = hire(&app, "admin", "Ad").await;
    let (id, _) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    let scopes = [
        "comments:read",
        "comments:personal",
        "comments:decide",
        "settings",
    ];
    let token = with_scopes(&app, &admin, &scopes).await;
    token.decide(&app, &id, "approve", &json!({})).await.is(200);
    change(
        &app,
        "update moderators set role = 'viewer' where name = 'Ad'",
    )
    .await;
    token
        .decide(&app, &id, "reject", &json!({}))
        .await
        .is_problem(403, "forbidden");
    let seen = token.get(&app, COMMENTS).await.is(200);
    assert_eq!(seen.at("/comments/0/email"), Value::Null);
    change(
        &app,
        "update moderators set role = 'moderator' where name = 'Ad'",
    )
    .await;
    token.decide(&app, &id, "reject", &json!({})).await.is(200);
    app.stop().await;
}
