//! `GET /api/v1/admin/sites/{id}/export`: everything is there, in an order that can be read from above.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{COMMENTS, add_many, exported, of_kind, path};
use crate::backstage::{delete, number, send, texts};
use crate::support::app::{Desk, TestApp, comment_on};

/// Every comment as the database has it, by the names of the export.
const STORED: &str = "
    select json_build_object(
        'kind', 'comment', 'id', c.id, 'page', c.page_id, 'parent_id', c.parent_id, 'status', c.status, 'version', c.version,
        'name', c.name, 'email', c.email, 'website', c.website, 'body', c.body, 'is_staff', c.is_staff, 'ip', host(c.ip),
        'user_agent', c.user_agent, 'score', c.score,
        'submitted_at', to_char(c.submitted_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
        'edited_at', to_char(c.edited_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
        'published_at', to_char(c.published_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
        'decided_at', null, 'decided_by', null, 'reason', c.reason, 'token_version', c.token_version,
        'history', json_build_array(json_build_object(
            'at', to_char(c.submitted_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
            'actor', json_build_object('kind', 'author', 'id', null, 'name', null), 'from', null, 'to', c.status,
            'reason', null, 'note', null, 'earlier', null)),
        'notes', json_build_array(), 'reports', json_build_array()
    )::text
    from comments c
    order by c.id";

#[tokio::test]
async fn what_is_exported_is_what_is_in_the_database() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    add_many(&app.database, 40).await;
    let (_, lines) = exported(&app, &desk).await;
    assert_eq!(lines.len(), 1 + 50 + COMMENTS + 1);
    assert_eq!(lines[0]["kind"], "site");
    let end = json!({"kind": "end", "pages": 50, "comments": COMMENTS});
    assert_eq!(lines.last(), Some(&end));
    let mut known = HashSet::new();
    for line in &lines[1..=50 + COMMENTS] {
        let is_page = line["kind"] == "page";
        let (above, page) = (&line["parent_id"], &line["page"]);
        assert!(above.is_null() || known.contains(above), "{line}");
        assert!(is_page || known.contains(page), "{line}");
        known.insert(line["id"].clone());
    }
    let mut comments = of_kind(&lines, "comment");
    comments.sort_by_key(|comment| comment["id"].as_str());
    let stored = texts(&app.database.pool, STORED).await;
    assert_eq!(stored.len(), comments.len());
    for (stored, comment) in stored.iter().zip(comments) {
        let stored: Value = serde_json::from_str(stored).unwrap();
        assert_eq!(*comment, stored);
    }
    app.stop().await;
}

/// A comment that was rejected, edited and noted, as was its author; and one that was deleted.
async fn worked_on(app: &TestApp, desk: &Desk) -> [String; 2] {
    let (id, _) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    let (gone, _) = app.submitted(&comment_on("/tides", "Flood", None)).await;
    let path = format!("/api/v1/admin/comments/{id}");
    let body = json!({"reason": "abuse", "note": "Rude"});
    desk.decide(app, &id, "reject", &body).await.is(200);
    send(app, desk, "PATCH", &path, &json!({"body": "Neap"}))
        .await
        .is(200);
    let note = json!({"note": "Look again"});
    desk.post(app, &format!("{path}/notes"), &note)
        .await
        .is(201);
    let author = desk.get(app, &path).await.at("/author_id");
    let author = format!("/api/v1/admin/authors/{}/notes", author.as_str().unwrap());
    desk.post(app, &author, &json!({"note": "Often here"}))
        .await
        .is(201);
    delete(app, &gone).await;
    [id, gone]
}

#[tokio::test]
async fn history_notes_and_earlier_texts_come_along() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let [id, gone] = worked_on(&app, &desk).await;
    let (_, lines) = exported(&app, &desk).await;
    let comments = of_kind(&lines, "comment");
    let find = |id: &str| *comments.iter().find(|comment| comment["id"] == id).unwrap();
    let kept = find(&id);
    assert_eq!(
        (&kept["body"], &kept["email"]),
        (&json!("Neap"), &json!("ada@example.org"))
    );
    assert_eq!(kept["decided_by"]["kind"], "moderator");
    let [submitted, rejected, edited] = &kept["history"].as_array().unwrap()[..] else {
        panic!("{kept}")
    };
    assert_eq!(
        (&submitted["from"], &submitted["to"]),
        (&Value::Null, &json!("pending"))
    );
    assert_eq!(
        (&rejected["from"], &rejected["to"]),
        (&json!("pending"), &json!("rejected"))
    );
    assert_eq!(
        (&rejected["reason"], &rejected["note"]),
        (&json!("abuse"), &json!("Rude"))
    );
    assert_eq!(
        edited["earlier"],
        json!({"name": "Ada", "website": null, "body": "Ebb"})
    );
    assert_eq!(kept["notes"][0]["note"], "Look again");
    let deleted = find(&gone);
    assert_eq!(
        (&deleted["status"], &deleted["version"]),
        (&json!("deleted"), &json!(2))
    );
    for member in ["name", "email", "body", "ip", "user_agent"] {
        assert_eq!(deleted[member], Value::Null, "{member}");
    }
    let about = of_kind(&lines, "author_note")[0];
    assert_eq!(
        (&about["email"], &about["note"]),
        (&json!("ada@example.org"), &json!("Often here"))
    );
    app.stop().await;
}

#[tokio::test]
async fn the_first_line_is_the_site_with_its_settings_and_the_answer_a_file() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    app.submitted(&comment_on("/tides", "Ebb", None)).await;
    let (answer, lines) = exported(&app, &desk).await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    assert_eq!(answer.header("cache-control"), "private, no-store");
    let attached = answer.header("content-disposition");
    assert!(
        attached.starts_with("attachment; filename=\"rejoinder-default-20"),
        "{attached}"
    );
    let site = &lines[0];
    assert_eq!(
        (&site["kind"], &site["format"]),
        (&json!("site"), &json!(1))
    );
    assert_eq!(
        (&site["slug"], &site["policy"]["hold"]),
        (&json!("default"), &json!("all"))
    );
    assert_eq!(site["origins"], json!(["https://example.org"]));
    assert_eq!(site["reasons"].as_array().unwrap().len(), 7);
    assert_eq!(
        of_kind(&lines, "page")[0]["url"],
        "https://example.org/tides"
    );
    assert_eq!(
        lines.last(),
        Some(&json!({"kind": "end", "pages": 1, "comments": 1}))
    );
    app.stop().await;
}

#[tokio::test]
async fn a_merged_page_comes_along_with_where_it_leads() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let mut ids = Vec::new();
    for path in ["/old", "/new"] {
        app.published(&desk, path, path, None).await;
        let page = app.thread(path, "").await;
        ids.push(page.at("/page/id").as_str().unwrap().to_owned());
    }
    let path = format!("/api/v1/admin/pages/{}/merge", ids[0]);
    desk.post(&app, &path, &json!({"into": ids[1]})).await;
    crate::support::eventually("the comment has moved", async || {
        app.thread("/new", "").await.at("/page/comment_count") == 2
    })
    .await;
    let (_, lines) = exported(&app, &desk).await;
    let pages = of_kind(&lines, "page");
    let find = |id: &str| *pages.iter().find(|page| page["id"] == id).unwrap();
    assert_eq!(find(&ids[0])["merged_into"], json!(ids[1]));
    assert_eq!(find(&ids[1])["merged_into"], Value::Null);
    let comments = of_kind(&lines, "comment");
    assert!(
        comments
            .iter()
            .all(|comment| comment["page"] == json!(ids[1])),
        "{comments:?}"
    );
    app.stop().await;
}

#[tokio::test]
async fn an_export_is_recorded_and_a_look_whether_there_is_one_is_not() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let recorded =
        "select count(*) from audit_log where act = 'site.exported' and site_id is not null";
    let path = path(&app, &desk).await;
    let look = app.request("HEAD", &path).bearer_auth(&desk.token);
    let look = app.send(look).await.is(200);
    assert_eq!(
        (look.header("content-type"), look.text.as_str()),
        ("application/x-ndjson", "")
    );
    let strange = format!("{path}?limit=1");
    desk.get(&app, &strange)
        .await
        .is_problem(400, "invalid_query");
    assert_eq!(number(&app.database.pool, recorded).await, 0);
    desk.get(&app, &path).await.is(200);
    assert_eq!(number(&app.database.pool, recorded).await, 1);
    let missing = "/api/v1/admin/sites/0198c000-0000-7000-8000-000000000000/export";
    desk.get(&app, missing)
        .await
        .is_problem(404, "site_not_found");
    let look = app.request("HEAD", missing).bearer_auth(&desk.token);
    app.send(look).await.is(404);
    app.stop().await;
}

#[tokio::test]
async fn reports_come_along_without_where_they_came_from() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (id, _) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    desk.decide(&app, &id, "approve", &json!({})).await.is(200);
    let path = format!("/api/v1/comments/{id}/reports");
    let spam = json!({"reason": "spam"});
    app.post(&path, &spam).await.is(202);
    desk.decide(&app, &id, "approve", &json!({})).await.is(200);
    let body = json!({"reason": "abuse", "note": "Look at the last line"});
    app.post(&path, &body).await.is(202);
    let (_, lines) = exported(&app, &desk).await;
    let comment = of_kind(&lines, "comment")[0];
    let [settled, open] = &comment["reports"].as_array().unwrap()[..] else {
        panic!("{comment}")
    };
    assert_eq!(settled["reason"], "spam");
    assert!(settled["settled_at"].is_string(), "{settled}");
    assert!(open["at"].is_string(), "{open}");
    let wanted = json!({"at": open["at"], "reason": "abuse", "note": "Look at the last line", "settled_at": null});
    assert_eq!(*open, wanted);
    app.stop().await;
}
