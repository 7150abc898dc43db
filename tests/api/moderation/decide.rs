//! `POST /api/v1/admin/comments/{id}/approve | reject | spam | restore`: every change of state, and what comes with it.

use serde_json::{Value, json};

use super::{DECISIONS, QUEUE, held};
use crate::backstage::{delete, hire, texts};
use crate::support::app::TestApp;

/// The state that the public sees, and the history's length.
async fn lines(app: &TestApp, desk: &crate::support::app::Desk, id: &str) -> usize {
    let answer = desk.get(app, &format!("{QUEUE}/{id}")).await.is(200);
    answer.at("/history").as_array().unwrap().len()
}

#[tokio::test]
async fn every_state_goes_to_every_other_one_and_stays_where_it_is_already_so() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    for (first, from) in DECISIONS {
        for (decision, to) in DECISIONS {
            let path = format!("/{first}-{decision}");
            let id = held(&app, &path, "Ebb").await;
            let begun = desk.decide(&app, &id, first, &json!({})).await.is(200);
            let before = begun.at("/version").as_i64().unwrap();
            assert_eq!(before, if from == "pending" { 1 } else { 2 });
            let answer = desk
                .decide(&app, &id, decision, &json!({"version": before}))
                .await
                .is(200)
                .has("/status", to)
                .has("/id", id.as_str());
            assert_eq!(answer.header("cache-control"), "private, no-store");
            let after = if from == to { before } else { before + 1 };
            let answer = answer.has("/version", after);
            assert_eq!(
                i64::try_from(lines(&app, &desk, &id).await).unwrap(),
                after,
                "{from} {to}"
            );
            if from == to {
                assert_eq!(answer.json(), begun.json());
            }
            let public = i64::from(to == "approved");
            app.thread(&path, "")
                .await
                .has("/page/comment_count", public);
            let status = if to == "approved" { 200 } else { 404 };
            app.get(&format!("/api/v1/comments/{id}")).await.is(status);
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn a_decision_says_who_took_it_when_and_why() {
    let app = TestApp::start().await;
    let desk = hire(&app, "moderator", "Mo").await;
    let id = held(&app, "/tides", "Ebb").await;
    let answer = desk
        .decide(
            &app,
            &id,
            "reject",
            &json!({"reason": "off_topic", "note": "See rule 3", "version": 1}),
        )
        .await
        .is(200)
        .has("/reason", "off_topic")
        .has("/decided_by/kind", "moderator")
        .has("/decided_by/name", "Mo")
        .has("/email", "ada@example.org");
    assert!(
        answer.at("/decided_at").as_str().unwrap() > answer.at("/submitted_at").as_str().unwrap()
    );
    // The whole comment, as `GET` shows it but for its history, its reports and what is known around it.
    let shown = desk.get(&app, &format!("{QUEUE}/{id}")).await;
    let mut shown = shown.json();
    for member in [
        "history",
        "reports",
        "author_id",
        "author_record",
        "claimed_by",
        "claimed_until",
    ] {
        assert!(shown.as_object_mut().unwrap().remove(member).is_some());
    }
    assert_eq!(shown, answer.json());
    // A later decision has a reason of its own, or none.
    desk.decide(&app, &id, "restore", &json!({}))
        .await
        .is(200)
        .has("/reason", Value::Null);
    app.stop().await;
}

#[tokio::test]
async fn everything_that_goes_with_a_decision_may_be_missing() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    for (path, body) in [
        ("/none", None),
        ("/empty", Some("{}")),
        (
            "/null",
            Some(r#"{"reason": null, "note": null, "version": null}"#),
        ),
        ("/blank", Some(r#"{"note": " \n "}"#)),
    ] {
        let id = held(&app, path, "Ebb").await;
        let mut request = app
            .request("POST", &format!("{QUEUE}/{id}/approve"))
            .bearer_auth(&desk.token);
        if let Some(body) = body {
            request = request
                .header("Content-Type", "application/json")
                .body(body);
        }
        app.send(request).await.is(200).has("/status", "approved");
    }
    let notes = texts(&app.database.pool, "select note from comment_notes").await;
    assert!(notes.is_empty(), "{notes:?}");
    app.stop().await;
}

#[tokio::test]
async fn deciding_what_is_already_so_changes_nothing_even_with_a_stale_version() {
    let app = TestApp::start().await;
    let (desk, mo) = (app.desk().await, hire(&app, "moderator", "Mo").await);
    let id = held(&app, "/tides", "Ebb").await;
    let body = json!({"reason": "abuse", "note": "first", "version": 1});
    let first = desk.decide(&app, &id, "reject", &body).await.is(200);
    for body in [
        body,
        json!({"version": 1}),
        json!({"version": 2, "reason": "other", "note": "second"}),
        json!({"version": 77}),
        json!({}),
    ] {
        let again = mo.decide(&app, &id, "reject", &body).await.is(200);
        assert_eq!(again.json(), first.json(), "{body}");
    }
    assert_eq!(lines(&app, &desk, &id).await, 2);
    let notes = texts(&app.database.pool, "select note from comment_notes").await;
    assert_eq!(notes, ["first"]);
    app.stop().await;
}

#[tokio::test]
async fn a_stale_version_is_a_conflict_that_shows_the_comment_as_it_is_now() {
    let app = TestApp::start().await;
    let (desk, mo) = (app.desk().await, hire(&app, "moderator", "Mo").await);
    let id = held(&app, "/tides", "Ebb").await;
    let now = mo
        .decide(&app, &id, "spam", &json!({"version": 1}))
        .await
        .is(200);
    for version in [1, 3, 2_147_483_647] {
        let conflict = desk
            .decide(&app, &id, "approve", &json!({"version": version}))
            .await
            .is_problem(409, "version_conflict");
        assert_eq!(conflict.at("/comment"), now.json());
        assert_eq!(conflict.header("cache-control"), "private, no-store");
    }
    assert_eq!(lines(&app, &desk, &id).await, 2);
    desk.decide(&app, &id, "approve", &json!({"version": 2}))
        .await
        .is(200)
        .has("/version", 3);
    app.stop().await;
}

#[tokio::test]
async fn nothing_is_decided_about_a_deleted_comment() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let id = held(&app, "/tides", "Ebb").await;
    delete(&app, &id).await;
    for (decision, _) in DECISIONS {
        for body in [json!({}), json!({"version": 1}), json!({"version": 2})] {
            let answer = desk.decide(&app, &id, decision, &body).await;
            let answer = answer.is_problem(409, "comment_deleted");
            assert_eq!(answer.at("/comment"), Value::Null);
        }
    }
    assert_eq!(lines(&app, &desk, &id).await, 2);
    app.stop().await;
}

#[tokio::test]
async fn the_author_reads_the_reason_but_neither_the_note_nor_that_it_was_spam() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (id, token) = app
        .submitted(&crate::support::app::comment_on("/tides", "Ebb", None))
        .await;
    let own = async || {
        let request = app.request("GET", &format!("/api/v1/comments/{id}"));
        app.send(request.bearer_auth(&token)).await.is(200)
    };
    let body = json!({"reason": "abuse", "note": "a known troll"});
    desk.decide(&app, &id, "reject", &body).await.is(200);
    let seen = own().await;
    assert!(!seen.text.contains("troll"));
    seen.has("/status", "rejected")
        .has("/reason/code", "abuse")
        .has("/reason/text", "It attacks or insults people.");
    desk.decide(&app, &id, "spam", &json!({})).await.is(200);
    own()
        .await
        .has("/status", "rejected")
        .has("/reason/code", "spam");
    app.stop().await;
}
