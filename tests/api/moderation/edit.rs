//! `PATCH /api/v1/admin/comments/{id}`: a moderator's edit, what it keeps and what it refuses.

use serde_json::{Value, json};

use super::{NOBODYS_ID, QUEUE, held};
use crate::backstage::{books_are_right, delete, hire, hire_for_gazette, number, send, two_sites};
use crate::support::app::{Answer, Desk, TestApp};

async fn edit(app: &TestApp, desk: &Desk, id: &str, body: &Value) -> Answer {
    send(app, desk, "PATCH", &format!("{QUEUE}/{id}"), body).await
}

#[tokio::test]
async fn an_edit_changes_what_it_names_and_keeps_what_was() {
    let app = TestApp::start().await;
    let mo = hire(&app, "moderator", "Mo").await;
    let id = app.published(&mo, "/tides", "Ebb", None).await;
    let before = app.thread("/tides", "").await;
    let body = json!({"body": " *Flood*\r\n", "website": "https://ada.example", "version": 2});
    let answer = edit(&app, &mo, &id, &body)
        .await
        .is(200)
        .has("/status", "approved")
        .has("/version", 3)
        .has("/name", "Ada")
        .has("/body", "*Flood*")
        .has("/body_html", "<p><em>Flood</em></p>\n")
        .has("/website", "https://ada.example/")
        .has("/decided_by/name", "Mo");
    assert_eq!(answer.header("cache-control"), "private, no-store");
    assert!(answer.at("/edited_at").is_string());
    let shown = mo.get(&app, &format!("{QUEUE}/{id}")).await.is(200);
    let line = shown.at("/history/2");
    assert_eq!(
        json!([
            line["from"],
            line["to"],
            line["actor"]["name"],
            line["reason"],
            line["note"]
        ]),
        json!(["approved", "approved", "Mo", null, null])
    );
    assert_eq!(
        line["earlier"],
        json!({"name": "Ada", "website": null, "body": "Ebb"})
    );
    assert_eq!(line["at"], shown.at("/edited_at"));
    assert_eq!(shown.at("/history/1/earlier"), Value::Null);

    // The public sees it, by another tag.
    let after = app.thread("/tides", "").await;
    assert_ne!(after.header("etag"), before.header("etag"));
    let after = after
        .has("/comments/0/body_html", "<p><em>Flood</em></p>\n")
        .has("/comments/0/author/website", "https://ada.example/")
        .has("/page/comment_count", 1);
    assert_eq!(after.at("/comments/0/edited_at"), answer.at("/edited_at"));
    assert_eq!(
        after.at("/comments/0/author/avatar"),
        before.at("/comments/0/author/avatar")
    );

    edit(&app, &mo, &id, &json!({"website": null}))
        .await
        .is(200)
        .has("/website", Value::Null)
        .has("/version", 4);
    books_are_right(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn another_name_has_the_avatar_that_its_author_would_have_under_it() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let id = app.published(&desk, "/tides", "Ebb", None).await;
    let mut other = crate::support::app::comment_on("/tides", "Flood", None);
    other["name"] = json!("Countess");
    let (wanted, _) = app.submitted(&other).await;
    desk.decide(&app, &wanted, "approve", &json!({}))
        .await
        .is(200);
    edit(&app, &desk, &id, &json!({"name": "Countess"}))
        .await
        .is(200)
        .has("/name", "Countess")
        .has("/body_html", "<p>Ebb</p>\n");
    let avatar = async |id: &str| {
        let answer = app.get(&format!("/api/v1/comments/{id}")).await;
        answer.has("/author/name", "Countess").at("/author/avatar")
    };
    assert_eq!(avatar(&id).await, avatar(&wanted).await);
    app.stop().await;
}

#[tokio::test]
async fn an_edit_that_changes_nothing_writes_nothing_even_with_a_stale_version() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let id = held(&app, "/tides", "Ebb").await;
    let body = json!({"body": "Flood", "version": 1});
    let first = edit(&app, &desk, &id, &body).await.is(200);
    for body in [
        body,
        json!({"body": " Flood ", "name": "Ada"}),
        json!({"website": null}),
        json!({"website": " "}),
        json!({"name": "Ada", "version": 77}),
    ] {
        let again = edit(&app, &desk, &id, &body).await.is(200);
        assert_eq!(again.json(), first.json(), "{body}");
    }
    let pool = &app.database.pool;
    assert_eq!(
        number(pool, "select count(*) from comment_history").await,
        2
    );
    assert_eq!(number(pool, "select count(*) from comment_texts").await, 1);
    app.stop().await;
}

#[tokio::test]
async fn an_edit_of_a_stale_version_is_refused_with_the_comment_as_it_is() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let id = held(&app, "/tides", "Ebb").await;
    let now = desk.decide(&app, &id, "reject", &json!({})).await.is(200);
    for version in [1, 3] {
        let body = json!({"body": "Flood", "version": version});
        let conflict = edit(&app, &desk, &id, &body)
            .await
            .is_problem(409, "version_conflict");
        assert_eq!(conflict.at("/comment"), now.json());
    }
    app.stop().await;
}

#[tokio::test]
async fn a_deleted_comment_is_not_edited() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let id = held(&app, "/tides", "Ebb").await;
    delete(&app, &id).await;
    for body in [
        json!({"body": "Flood"}),
        json!({"name": "Bea", "version": 1}),
        json!({"website": null, "version": 2}),
    ] {
        edit(&app, &desk, &id, &body)
            .await
            .is_problem(409, "comment_deleted");
    }
    books_are_right(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn every_wrong_field_of_an_edit_is_named_and_no_value_comes_back() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let id = held(&app, "/tides", "Ebb").await;
    let long = "hidden ".repeat(2_000);
    let table: [(Value, &str, &[&str]); 7] = [
        (json!({}), "validation_failed", &["body: required"]),
        (
            json!({"version": 1}),
            "validation_failed",
            &["body: required"],
        ),
        (
            json!({"body": null}),
            "validation_failed",
            &["body: required"],
        ),
        (
            json!({"body": long, "name": "", "website": "hidden", "version": 0}),
            "validation_failed",
            &[
                "body: too_long",
                "name: required",
                "version: invalid_value",
                "website: invalid_url",
            ],
        ),
        (
            json!({"body": 1, "name": "hidden\u{202e}", "website": []}),
            "validation_failed",
            &[
                "body: invalid_type",
                "name: invalid_characters",
                "website: invalid_type",
            ],
        ),
        (
            json!({"body": "x\u{0}"}),
            "validation_failed",
            &["body: invalid_characters"],
        ),
        (
            json!({"body": "Flood", "status": "approved"}),
            "unknown_field",
            &["status: unknown_field"],
        ),
    ];
    for (body, code, wanted) in &table {
        let answer = edit(&app, &desk, &id, body).await.is_problem(422, code);
        assert_eq!(answer.field_errors(), *wanted, "{body}");
        assert!(!answer.text.contains("hidden"), "{answer:?}");
    }
    desk.get(&app, &format!("{QUEUE}/{id}"))
        .await
        .has("/version", 1);
    app.stop().await;
}

#[tokio::test]
async fn who_may_not_decide_does_not_edit() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    let id = held(&app, "/tides", "Ebb").await;
    let body = json!({"body": "Flood"});
    let viewer = hire(&app, "viewer", "Vi").await;
    edit(&app, &viewer, &id, &body)
        .await
        .is_problem(403, "forbidden");
    let elsewhere = hire_for_gazette(&app, "moderator", "Gaz").await;
    for body in [&body, &json!({"name": "Bea"})] {
        edit(&app, &elsewhere, &id, body)
            .await
            .is_problem(404, "comment_not_found");
    }
    for nobody in [NOBODYS_ID, "nobody"] {
        edit(&app, &desk, nobody, &body)
            .await
            .is_problem(404, "comment_not_found");
    }
    // A viewer sees what was, but no address.
    edit(&app, &desk, &id, &body).await.is(200);
    viewer
        .get(&app, &format!("{QUEUE}/{id}"))
        .await
        .has("/history/1/earlier/body", "Ebb")
        .has("/email", Value::Null);
    app.stop().await;
}
