//! Every refusal of lists and decisions, with its body.

use serde_json::{Value, json};

use super::{DECISIONS, NOBODYS_ID, QUEUE, held, list};
use crate::support::app::TestApp;

#[tokio::test]
async fn a_list_that_is_asked_for_wrongly_is_refused() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    for query in [
        "?status=",
        "?status=Pending",
        "?status=open",
        "?status=pending,spam",
        "?limit=0",
        "?limit=101",
        "?limit=-1",
        "?limit=1.5",
        "?limit=",
        "?limit=99999999999999999999",
        "?limit=1&limit=1",
        "?sort=risk",
        "?sort=",
        "?sort=newest&sort=newest",
        "?page_url=tides",
        "?page_url=",
        "?page_url=ftp://example.org/",
        "?state=pending",
        "?offset=10",
        "?email=ada",
        "?ip=192.0.2",
        "?ip=192.0.2.0/24",
        "?author=ada",
        "?submitted_after=yesterday",
        "?submitted_before=2026-11-24",
        "?q=%ff",
        "?q=%",
        "?q=%00",
        "?q=a&q=b",
        &format!("?q={}", "x".repeat(201)),
    ] {
        let answer = list(&app, &desk, query).await;
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
        answer.is_problem(400, "invalid_query");
    }
    // 200 characters are not too many, whatever their octets.
    let longest = format!("?q={}", "%C3%BC".repeat(200));
    list(&app, &desk, &longest).await.is(200);
    app.stop().await;
}

#[tokio::test]
async fn a_cursor_that_this_list_did_not_hand_out_is_refused() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    for text in ["Ebb", "Flood"] {
        app.published(&desk, "/tides", text, None).await;
    }
    let one = list(&app, &desk, "?limit=1").await.is(200);
    let one = one.at("/next_cursor").as_str().unwrap().to_owned();
    let public = app.thread("/tides", "&limit=1").await.is(200);
    let public = public.at("/next_cursor").as_str().unwrap().to_owned();
    for query in [
        "?cursor=".to_owned(),
        "?cursor=x".to_owned(),
        "?cursor=%00".to_owned(),
        format!("?cursor={}", "A".repeat(34)),
        format!("?cursor={one}A"),
        format!("?cursor={}", &one[1..]),
        format!("?cursor={one}="),
        // Of another order, and of another list.
        format!("?sort=newest&cursor={one}"),
        format!("?cursor={public}"),
    ] {
        let code = if query.ends_with("%00") {
            "invalid_query"
        } else {
            "invalid_cursor"
        };
        let answer = list(&app, &desk, &query).await;
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
        answer.is_problem(400, code);
    }
    app.stop().await;
}

#[tokio::test]
async fn every_wrong_field_of_a_decision_is_named_and_no_value_comes_back() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let id = held(&app, "/tides", "Ebb").await;
    let long = "hidden ".repeat(300);
    let table: [(Value, &str, &[&str]); 9] = [
        (
            json!({"reason": "mood"}),
            "validation_failed",
            &["reason: unknown_reason"],
        ),
        (
            json!({"reason": ""}),
            "validation_failed",
            &["reason: unknown_reason"],
        ),
        (
            json!({"reason": "spam"}),
            "validation_failed",
            &["reason: unknown_reason"],
        ),
        (
            json!({"version": 0}),
            "validation_failed",
            &["version: invalid_value"],
        ),
        (
            json!({"version": "hidden"}),
            "validation_failed",
            &["version: invalid_type"],
        ),
        (
            json!({"version": 2_147_483_648_u32}),
            "validation_failed",
            &["version: invalid_type"],
        ),
        (
            json!({"note": "hidden\u{0}"}),
            "validation_failed",
            &["note: invalid_characters"],
        ),
        (
            json!({"motive": "hidden"}),
            "unknown_field",
            &["motive: unknown_field"],
        ),
        (
            json!({"reason": "Hidden", "note": long, "version": -1, "motive": 1}),
            "validation_failed",
            &[
                "motive: unknown_field",
                "note: too_long",
                "reason: unknown_reason",
                "version: invalid_value",
            ],
        ),
    ];
    for (decision, _) in DECISIONS {
        for (body, code, wanted) in &table {
            let answer = desk.decide(&app, &id, decision, body).await;
            let answer = answer.is_problem(422, code);
            assert_eq!(answer.field_errors(), *wanted, "{body}");
            assert!(!answer.text.to_lowercase().contains("hidden"), "{answer:?}");
        }
    }
    desk.get(&app, &format!("{QUEUE}/{id}"))
        .await
        .has("/version", 1);
    app.stop().await;
}

#[tokio::test]
async fn a_decision_about_nothing_is_not_found() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    for (decision, _) in DECISIONS {
        for id in [NOBODYS_ID, "nobody"] {
            desk.decide(&app, id, decision, &json!({"version": 1}))
                .await
                .is_problem(404, "comment_not_found");
        }
    }
    let id = held(&app, "/tides", "Ebb").await;
    desk.decide(&app, &id, "delete", &json!({}))
        .await
        .is_problem(404, "not_found");
    app.stop().await;
}

#[tokio::test]
async fn a_decision_that_cannot_be_read_is_refused() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let id = held(&app, "/tides", "Ebb").await;
    for path in [
        format!("{QUEUE}/{id}/approve"),
        "/api/v1/admin/decisions".to_owned(),
    ] {
        let send = async |kind: &str, body: String| {
            let request = app.request("POST", &path).bearer_auth(&desk.token);
            app.send(request.header("Content-Type", kind).body(body))
                .await
        };
        for body in ["{", "[]", "1", r#"{"reason": "abuse", "reason": "other"}"#] {
            send("application/json", body.to_owned())
                .await
                .is_problem(400, "malformed_body");
        }
        send("application/json", "[".repeat(100_000))
            .await
            .is_problem(400, "malformed_body");
        send("text/plain", "{}".to_owned())
            .await
            .is_problem(415, "unsupported_media_type");
        send("application/json", " ".repeat(161 * 1024))
            .await
            .is_problem(413, "body_too_large");
    }
    app.stop().await;
}

#[tokio::test]
async fn every_wrong_entry_of_many_decisions_is_named_by_its_place() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let id = held(&app, "/tides", "Ebb").await;
    let table: [(Value, &[&str]); 8] = [
        (json!({}), &["decisions: required"]),
        (json!({"decisions": null}), &["decisions: required"]),
        (json!({"decisions": {}}), &["decisions: invalid_type"]),
        (
            json!({"decisions": [{"id": id, "decision": "approve"}, {}]}),
            &[
                "decisions[1].decision: required",
                "decisions[1].id: required",
            ],
        ),
        (
            json!({"decisions": [{"id": "hidden", "decision": "approved"}]}),
            &[
                "decisions[0].decision: invalid_value",
                "decisions[0].id: invalid_value",
            ],
        ),
        (
            json!({"decisions": [
                {"id": id, "decision": "approve"},
                {"id": id, "decision": "reject", "reason": "Mood", "version": 0},
            ]}),
            &[
                "decisions[1].id: repeated",
                "decisions[1].reason: unknown_reason",
                "decisions[1].version: invalid_value",
            ],
        ),
        (
            json!({"decisions": [{"id": id.to_uppercase(), "decision": "spam"}, {"id": id, "decision": "spam"}]}),
            &["decisions[1].id: repeated"],
        ),
        (
            json!({"decisions": vec![json!({"id": NOBODYS_ID, "decision": "spam"}); 501]}),
            &["decisions: too_many"],
        ),
    ];
    for (body, wanted) in table {
        let answer = desk.post(&app, "/api/v1/admin/decisions", &body).await;
        let answer = answer.is_problem(422, "validation_failed");
        assert_eq!(answer.field_errors(), wanted, "{body}");
        assert!(!answer.text.contains("hidden") && !answer.text.contains(&id));
    }
    let unknown = json!({"decisions": [{"id": id, "decision": "spam", "note": "x"}]});
    let answer = desk.post(&app, "/api/v1/admin/decisions", &unknown).await;
    let answer = answer.is_problem(422, "unknown_field");
    assert_eq!(answer.field_errors(), ["decisions[0].note: unknown_field"]);
    desk.get(&app, &format!("{QUEUE}/{id}"))
        .await
        .has("/version", 1);
    app.stop().await;
}
