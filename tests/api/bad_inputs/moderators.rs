//! Bad inputs of moderators' operations. Must not test who may do what.

use serde_json::{Value, json};

use super::{FORM, JSON, Row};

const NOBODY: &str = "01980000-0000-7000-8000-000000000000";

fn lists() -> Vec<Row> {
    let refused = [
        "state=pending",
        "Status=pending",
        "status=",
        "status=Pending",
        "status=pending,spam",
        "sort=best",
        "sort=",
        "limit=0",
        "limit=-5",
        "limit=101",
        "limit=5&limit=5",
        "page_url=tides",
        "page_url=",
        "q=a&q=b",
        "q=%ff",
        "q=%00",
        "%zz",
    ];
    let mut rows: Vec<Row> = refused
        .iter()
        .map(|query| {
            Row::get(
                format!("/api/v1/admin/comments?{query}"),
                400,
                "invalid_query",
            )
        })
        .collect();
    let words = "x".repeat(201);
    rows.push(Row::get(
        format!("/api/v1/admin/comments?q={words}"),
        400,
        "invalid_query",
    ));
    for cursor in ["", "x", "bwAGTZ9EAAAAAZgAAAAAAHAAgAAAAAAAAAA"] {
        let path = format!("/api/v1/admin/comments?cursor={cursor}");
        rows.push(Row::get(path, 400, "invalid_cursor"));
    }
    rows.push(Row::get(
        "/api/v1/admin/comments?site=nobody",
        404,
        "unknown_site",
    ));
    rows.push(Row::get(
        "/api/v1/admin/comments/x",
        404,
        "comment_not_found",
    ));
    rows.push(Row::get(
        format!("/api/v1/admin/comments/{NOBODY}"),
        404,
        "comment_not_found",
    ));
    rows.push(Row::get("/api/v1/admin/comments/%ff", 400, "invalid_query"));
    rows.push(Row::get("/api/v1/admin/nothing", 404, "not_found"));
    rows.push(Row::get(
        "/api/v1/admin/decisions",
        405,
        "method_not_allowed",
    ));
    rows.push(Row::get("/api/v1/admin/comments", 405, "method_not_allowed").method("PUT"));
    rows
}

/// Bodies of a decision with the complaints.
#[expect(clippy::too_many_lines, reason = "a table")]
fn decisions() -> Vec<Row> {
    let path = format!("/api/v1/admin/comments/{NOBODY}/reject");
    let note = "x".repeat(2_001);
    let fields: Vec<(Value, &str, &[&str])> = vec![
        (
            json!({"note": "a", "colour": 1}),
            "unknown_field",
            &["colour: unknown_field"],
        ),
        (
            json!({"a.?b": 1, "Reason": null}),
            "unknown_field",
            &["Reason: unknown_field", "a.?b: unknown_field"],
        ),
        (
            json!({"colour": {"deep": [1]}, "version": 0}),
            "validation_failed",
            &["colour: unknown_field", "version: invalid_value"],
        ),
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
            json!({"reason": 5}),
            "validation_failed",
            &["reason: invalid_type"],
        ),
        (
            json!({"reason": "a\0"}),
            "validation_failed",
            &["reason: invalid_characters"],
        ),
        (
            json!({"note": note}),
            "validation_failed",
            &["note: too_long"],
        ),
        (
            json!({"note": "a\0"}),
            "validation_failed",
            &["note: invalid_characters"],
        ),
        (
            json!({"note": "a\u{1}"}),
            "validation_failed",
            &["note: invalid_characters"],
        ),
        (
            json!({"note": ["a"]}),
            "validation_failed",
            &["note: invalid_type"],
        ),
        (
            json!({"version": 0}),
            "validation_failed",
            &["version: invalid_value"],
        ),
        (
            json!({"version": -1}),
            "validation_failed",
            &["version: invalid_value"],
        ),
        (
            json!({"version": "1"}),
            "validation_failed",
            &["version: invalid_type"],
        ),
        (
            json!({"version": 1.5}),
            "validation_failed",
            &["version: invalid_type"],
        ),
        (
            json!({"version": true}),
            "validation_failed",
            &["version: invalid_type"],
        ),
        (
            json!({"version": 2_147_483_648_u64}),
            "validation_failed",
            &["version: invalid_type"],
        ),
        (
            json!({"version": u64::MAX}),
            "validation_failed",
            &["version: invalid_type"],
        ),
    ];
    let mut rows: Vec<Row> = fields
        .into_iter()
        .map(|(body, code, fields)| {
            Row::send(&path, JSON, body.to_string(), 422, code).fields(fields)
        })
        .collect();
    for body in [
        "[]",
        "{",
        "null",
        r#"{"note":"\ud800"}"#,
        r#"{"note":1,"note":1}"#,
    ] {
        rows.push(Row::send(&path, JSON, body, 400, "malformed_body"));
    }
    rows.push(Row::send(
        &path,
        FORM,
        "note=a",
        415,
        "unsupported_media_type",
    ));
    rows.push(Row::send(
        &path,
        "text/plain",
        "{}",
        415,
        "unsupported_media_type",
    ));
    rows.push(Row::send(&path, JSON, "{}", 404, "comment_not_found"));
    let nobody = "/api/v1/admin/comments/x/approve";
    rows.push(Row::send(nobody, JSON, "{}", 404, "comment_not_found"));
    rows
}

/// Bodies of many decisions with the complaints.
#[expect(clippy::too_many_lines, reason = "a table")]
fn many() -> Vec<Row> {
    let one = |entry: Value| json!({"decisions": [entry]});
    let good = json!({"id": NOBODY, "decision": "approve"});
    let mut extra = good.clone();
    extra["colour"] = json!("red");
    let table: Vec<(Value, &str, &[&str])> = vec![
        (json!({}), "validation_failed", &["decisions: required"]),
        (
            json!({"decisions": null}),
            "validation_failed",
            &["decisions: required"],
        ),
        (
            json!({"decisions": "all"}),
            "validation_failed",
            &["decisions: invalid_type"],
        ),
        (
            json!({"decisions": [], "dry": true}),
            "unknown_field",
            &["dry: unknown_field"],
        ),
        (
            json!({"decisions": vec![good.clone(); 501]}),
            "validation_failed",
            &["decisions: too_many"],
        ),
        (
            json!({"decisions": [good.clone(), good.clone()]}),
            "validation_failed",
            &["decisions[1].id: repeated"],
        ),
        (
            one(json!({})),
            "validation_failed",
            &[
                "decisions[0].decision: required",
                "decisions[0].id: required",
            ],
        ),
        (
            one(json!({"id": "x", "decision": "burn", "reason": "Mood", "version": 0})),
            "validation_failed",
            &[
                "decisions[0].decision: invalid_value",
                "decisions[0].id: invalid_value",
                "decisions[0].reason: unknown_reason",
                "decisions[0].version: invalid_value",
            ],
        ),
        (
            one(json!({"id": NOBODY, "decision": "approve", "version": "x"})),
            "validation_failed",
            &["decisions[0].version: invalid_type"],
        ),
        (
            one(json!({"id": "a\0", "decision": "approve"})),
            "validation_failed",
            &["decisions[0].id: invalid_characters"],
        ),
        (
            json!({"decisions": [extra]}),
            "unknown_field",
            &["decisions[0].colour: unknown_field"],
        ),
        (
            one(json!(5)),
            "validation_failed",
            &["decisions[0]: invalid_type"],
        ),
        (
            one(json!([NOBODY, "approve"])),
            "validation_failed",
            &["decisions[0]: invalid_type"],
        ),
    ];
    let rows = table.into_iter().map(|(body, code, fields)| {
        Row::send("/api/v1/admin/decisions", JSON, body.to_string(), 422, code).fields(fields)
    });
    rows.collect()
}

fn sign_ins() -> Vec<Row> {
    let path = "/api/v1/admin/sessions";
    let long = "p".repeat(1_001);
    let table: Vec<(Value, &str, &[&str])> = vec![
        (
            json!({}),
            "validation_failed",
            &["email: required", "password: required"],
        ),
        (
            json!({"email": "ada", "password": ""}),
            "validation_failed",
            &["email: invalid_email", "password: required"],
        ),
        (
            json!({"email": 1, "password": [1]}),
            "validation_failed",
            &["email: invalid_type", "password: invalid_type"],
        ),
        (
            json!({"email": "a@example.org", "password": long}),
            "validation_failed",
            &["password: too_long"],
        ),
        (
            json!({"email": "a@example.org", "password": "a\0b"}),
            "validation_failed",
            &["password: invalid_characters"],
        ),
        (
            json!({"email": "a@example.org", "password": "x", "pasword": "x"}),
            "unknown_field",
            &["pasword: unknown_field"],
        ),
    ];
    let mut rows: Vec<Row> = table
        .into_iter()
        .map(|(body, code, fields)| {
            Row::send(path, JSON, body.to_string(), 422, code).fields(fields)
        })
        .collect();
    rows.push(Row::send(path, JSON, "{", 400, "malformed_body"));
    rows.push(Row::send(
        path,
        FORM,
        "email=a",
        415,
        "unsupported_media_type",
    ));
    let wrong = json!({"email": "nobody@example.org", "password": "wrong"}).to_string();
    rows.push(Row::send(path, JSON, wrong, 401, "invalid_credentials"));
    rows
}

/// Where an object stands within a body, a list of its members is none.
fn lists_for_objects() -> Vec<Row> {
    let table: [(&str, Value, &str); 3] = [
        (
            "/api/v1/admin/batches",
            json!({"filter": [["pending"]], "decision": "reject", "expected_count": 1}),
            "filter: invalid_type",
        ),
        (
            "/api/v1/admin/queue/claims",
            json!({"filter": [["pending"]]}),
            "filter: invalid_type",
        ),
        (
            "/api/v1/admin/sites",
            json!({"slug": "gazette", "name": "Gazette", "policy": []}),
            "policy: invalid_type",
        ),
    ];
    let rows = table.into_iter().map(|(path, body, field)| {
        Row::send(path, JSON, body.to_string(), 422, "validation_failed").fields(&[field])
    });
    rows.collect()
}

pub(super) fn rows() -> Vec<Row> {
    let signed_in = lists()
        .into_iter()
        .chain(decisions())
        .chain(many())
        .chain(lists_for_objects());
    let mut rows: Vec<Row> = signed_in.map(Row::signed_in).collect();
    rows.extend(sign_ins());
    rows
}
