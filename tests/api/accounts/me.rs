//! `/api/v1/admin/me`: the own account, its name and its password.

use serde_json::{Value, json};
use time::Duration;

use super::{MODERATORS, NEW_PASSWORD, acts, ask, enter, id_of};
use crate::backstage::{GAZETTE, hire, hire_for_gazette, two_sites};
use crate::support::app::{Answer, Desk, PASSWORD, TestApp};

const ME: &str = "/api/v1/admin/me";
const MY_PASSWORD: &str = "/api/v1/admin/me/password";

async fn change_password(app: &TestApp, desk: &Desk, current: &str, new: &str) -> Answer {
    let body = json!({"current_password": current, "new_password": new});
    ask(app, desk, "PUT", MY_PASSWORD, body).await
}

#[tokio::test]
async fn everybody_sees_their_own_account() {
    let app = TestApp::on(two_sites().await, &[]).await;
    for role in ["admin", "moderator", "viewer"] {
        let desk = hire_for_gazette(&app, role, role).await;
        let seen = desk.get(&app, ME).await.is(200);
        assert_eq!(seen.header("cache-control"), "private, no-store");
        let expected = json!({
            "id": id_of(&app, role).await,
            "name": role,
            "email": format!("{role}@example.org"),
            "role": role,
            "sites": [GAZETTE],
            "totp": false,
        });
        assert_eq!(seen.json(), expected);
    }
    app.desk()
        .await
        .get(&app, ME)
        .await
        .is(200)
        .has("/sites", Value::Null);
    app.get(ME).await.is_problem(401, "unauthenticated");
    app.stop().await;
}

#[tokio::test]
async fn everybody_changes_their_own_name_and_nothing_else() {
    let app = TestApp::start().await;
    let desk = hire(&app, "viewer", "Vi").await;
    ask(&app, &desk, "PATCH", ME, json!({"name": " Violet "}))
        .await
        .is(200)
        .has("/name", "Violet");
    ask(&app, &desk, "PATCH", ME, json!({}))
        .await
        .is(200)
        .has("/name", "Violet");
    ask(&app, &desk, "PATCH", ME, json!({"name": "Violet"}))
        .await
        .is(200);
    assert_eq!(
        acts(&app).await,
        [r#"moderator.changed moderator {"fields": ["name"]}"#]
    );
    for (body, wanted) in [
        (json!({"name": null}), "name: required"),
        (json!({"name": "x".repeat(101)}), "name: too_long"),
        (json!({"role": "owner"}), "role: unknown_field"),
        (json!({"email": "x@example.org"}), "email: unknown_field"),
    ] {
        let refused = ask(&app, &desk, "PATCH", ME, body).await.is(422);
        assert_eq!(refused.field_errors(), [wanted]);
    }
    app.stop().await;
}

#[tokio::test]
async fn another_password_ends_all_other_sessions_and_an_open_link() {
    let app = TestApp::start().await;
    let owner = app.desk().await;
    let desk = hire(&app, "viewer", "Vi").await;
    let elsewhere = enter(&app, "Vi", PASSWORD).await;
    let path = format!("{MODERATORS}/{}/setup-links", id_of(&app, "Vi").await);
    let link = ask(&app, &owner, "POST", &path, Value::Null).await.is(201);
    let done = change_password(&app, &desk, PASSWORD, NEW_PASSWORD)
        .await
        .is(204);
    assert_eq!(done.header("cache-control"), "private, no-store");
    desk.get(&app, ME).await.is(200);
    elsewhere
        .get(&app, ME)
        .await
        .is_problem(401, "unauthenticated");
    owner.get(&app, ME).await.is(200);
    let setup = json!({"token": link.at("/setup_token"), "password": "yet another password"});
    app.post("/api/v1/setup", &setup).await.is(404);
    app.sign_in("vi@example.org", PASSWORD).await.is(401);
    enter(&app, "Vi", NEW_PASSWORD).await;
    let acts = acts(&app).await;
    assert_eq!(
        acts.last().unwrap(),
        "moderator.password_changed moderator {}"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_wrong_current_password_is_named_and_counts_like_a_failed_sign_in() {
    let app = TestApp::start().await;
    let desk = hire(&app, "viewer", "Vi").await;
    for _ in 0..5 {
        let refused = change_password(&app, &desk, "hidden and wrong", NEW_PASSWORD).await;
        let refused = refused.is_problem(422, "validation_failed");
        assert_eq!(refused.field_errors(), ["current_password: wrong_password"]);
        assert!(!refused.text.contains("hidden and wrong"));
    }
    let refused = change_password(&app, &desk, PASSWORD, NEW_PASSWORD).await;
    assert_eq!(
        refused
            .is_problem(429, "rate_limited")
            .header("retry-after"),
        "1"
    );
    app.sign_in("vi@example.org", PASSWORD)
        .await
        .is_problem(429, "rate_limited");
    app.clock.advance(Duration::seconds(1));
    change_password(&app, &desk, PASSWORD, NEW_PASSWORD)
        .await
        .is(204);
    app.stop().await;
}

#[tokio::test]
async fn of_two_who_change_a_password_at_once_one_does() {
    let app = TestApp::start().await;
    let one = hire(&app, "viewer", "Vi").await;
    let two = enter(&app, "Vi", PASSWORD).await;
    let (first, second) = tokio::join!(
        change_password(&app, &one, PASSWORD, "password of the first"),
        change_password(&app, &two, PASSWORD, "password of the second"),
    );
    // The slower one has the wrong password by then, or no session any more.
    let (winner, password, loser) = if first.status == 204 {
        (&one, "password of the first", second.status)
    } else {
        second.is(204);
        (&two, "password of the second", first.status)
    };
    assert!(matches!(loser, 401 | 422), "{loser}");
    winner.get(&app, ME).await.is(200);
    enter(&app, "Vi", password).await;
    app.stop().await;
}

#[tokio::test]
async fn everything_wrong_with_a_password_change_is_named_at_once() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    for (body, wanted) in [
        (
            json!({}),
            &["current_password: required", "new_password: required"][..],
        ),
        (
            json!({"current_password": "", "new_password": "hidden"}),
            &["current_password: required", "new_password: too_short"],
        ),
        (
            json!({"current_password": 1, "new_password": "x".repeat(1_001)}),
            &["current_password: invalid_type", "new_password: too_long"],
        ),
    ] {
        let refused = ask(&app, &desk, "PUT", MY_PASSWORD, body).await.is(422);
        assert_eq!(refused.field_errors(), wanted);
        assert!(!refused.text.contains("hidden"));
    }
    app.stop().await;
}
