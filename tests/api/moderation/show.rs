//! `GET /api/v1/admin/comments/{id}`: one comment with its history.

use serde_json::{Value, json};

use super::{NOBODYS_ID, QUEUE, held};
use crate::backstage::{delete, hire};
use crate::support::app::TestApp;

#[tokio::test]
async fn a_comment_is_shown_with_its_history_oldest_first() {
    let app = TestApp::start().await;
    let (owner, mo) = (app.desk().await, hire(&app, "moderator", "Mo").await);
    let owners_id = owner
        .get(&app, "/api/v1/admin/sessions/current")
        .await
        .at("/moderator/id");
    let id = held(&app, "/tides", "Ebb").await;
    let path = format!("{QUEUE}/{id}");
    mo.decide(
        &app,
        &id,
        "reject",
        &json!({"reason": "abuse", "note": "  Third time.\r\nAgain. "}),
    )
    .await
    .is(200);
    owner.decide(&app, &id, "approve", &json!({})).await.is(200);
    let answer = owner.get(&app, &path).await.is(200);
    assert_eq!(answer.header("cache-control"), "private, no-store");
    let answer = answer
        .has("/id", id.as_str())
        .has("/status", "approved")
        .has("/version", 3)
        .has("/reason", Value::Null);
    let history = answer.at("/history");
    let history = history.as_array().unwrap();
    let facts: Vec<Value> = history
        .iter()
        .map(|line| {
            json!([
                line["actor"]["kind"],
                line["actor"]["name"],
                line["from"],
                line["to"],
                line["reason"],
                line["note"]
            ])
        })
        .collect();
    assert_eq!(
        facts,
        [
            json!(["author", null, null, "pending", null, null]),
            json!([
                "moderator",
                "Mo",
                "pending",
                "rejected",
                "abuse",
                "Third time.\nAgain."
            ]),
            json!(["moderator", "Owner", "rejected", "approved", null, null]),
        ]
    );
    assert_eq!(history[0]["actor"]["id"], Value::Null);
    assert_eq!(history[2]["actor"]["id"], owners_id);
    assert_eq!(answer.at("/decided_by"), history[2]["actor"]);
    assert_eq!(answer.at("/decided_at"), history[2]["at"]);
    assert_eq!(answer.at("/submitted_at"), history[0]["at"]);
    assert!(!answer.at("/decided_by").to_string().contains('@'));
    for line in history {
        let members: Vec<&String> = line.as_object().unwrap().keys().collect();
        assert_eq!(
            members,
            ["actor", "at", "earlier", "from", "note", "reason", "to"]
        );
        assert_eq!(line["earlier"], Value::Null);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_deleted_comment_is_shown_without_its_content() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let id = held(&app, "/tides", "Ebb and flood").await;
    delete(&app, &id).await;
    let answer = desk
        .get(&app, &format!("{QUEUE}/{id}"))
        .await
        .is(200)
        .has("/status", "deleted")
        .has("/email", Value::Null)
        .has("/ip", Value::Null)
        .has("/history/1/actor/kind", "moderator")
        .has("/history/1/to", "deleted");
    assert!(!answer.text.contains("flood"));
    app.stop().await;
}

#[tokio::test]
async fn an_id_of_nothing_and_a_text_that_is_no_id_are_not_found() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let id = held(&app, "/tides", "Ebb").await;
    let simple = id.replace('-', "");
    for other in [NOBODYS_ID, "1", "nobody", "%EF%BF%BD", &simple] {
        desk.get(&app, &format!("{QUEUE}/{other}"))
            .await
            .is_problem(404, "comment_not_found");
    }
    for other in ["%00", "%ff", "%zz"] {
        desk.get(&app, &format!("{QUEUE}/{other}"))
            .await
            .is_problem(400, "invalid_query");
    }
    desk.get(&app, &format!("{QUEUE}/{id}?history=no"))
        .await
        .is_problem(400, "invalid_query");
    app.stop().await;
}
