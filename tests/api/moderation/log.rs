//! `GET /admin/log`: who did what, to whom it is shown. Must not know how acts are recorded.

use serde_json::{Value, json};

use crate::backstage::{GAZETTE, hire, hire_for_gazette, two_sites};
use crate::support::app::{Answer, Desk, TestApp};

const LOG: &str = "/api/v1/admin/log";
const PAGES: &str = "/api/v1/admin/pages";

async fn send(app: &TestApp, desk: &Desk, method: &str, path: &str, body: &Value) -> Answer {
    let request = app.request(method, path).bearer_auth(&desk.token);
    app.send(request.json(body)).await
}

fn acts(answer: &Answer) -> Vec<String> {
    let entries = answer.at("/entries");
    let entries = entries.as_array().unwrap().iter();
    entries
        .map(|entry| entry["act"].as_str().unwrap().to_owned())
        .collect()
}

/// Changes the other site and registers, changes, merges and deletes pages of both; who did it.
async fn some_acts(app: &TestApp) -> Desk {
    let desk = app.desk().await;
    let site = format!("/api/v1/admin/sites/{GAZETTE}");
    let change = json!({"name": "Secret name", "policy": {"max_links": 5}});
    send(app, &desk, "PATCH", &site, &change).await.is(200);
    // What changes nothing is no act.
    send(app, &desk, "PATCH", &site, &change).await.is(200);
    let mut pages = Vec::new();
    for url in ["https://example.org/a", "https://example.org/b"] {
        let body = json!({"page_url": url, "title": "Secret title"});
        let made = desk.post(app, PAGES, &body).await.is(201);
        pages.push(made.at("/id").as_str().unwrap().to_owned());
    }
    let (first, second) = (
        format!("{PAGES}/{}", pages[0]),
        format!("{PAGES}/{}", pages[1]),
    );
    let closed = json!({"comments_open": false, "title": null});
    send(app, &desk, "PATCH", &first, &closed).await.is(200);
    let body = json!({"into": pages[1]});
    desk.post(app, &format!("{first}/merge"), &body)
        .await
        .is(200);
    send(app, &desk, "DELETE", &second, &Value::Null)
        .await
        .is(204);
    desk
}

#[tokio::test]
async fn every_act_on_sites_and_pages_is_told_newest_first() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = some_acts(&app).await;
    let log = desk.get(&app, LOG).await.is(200);
    assert_eq!(
        acts(&log)[..6],
        [
            "page.deleted",
            "page.merged",
            "page.changed",
            "page.created",
            "page.created",
            "site.changed"
        ]
    );
    let current = desk.get(&app, "/api/v1/admin/sessions/current").await;
    let log = log
        .has("/entries/5/actor/kind", "moderator")
        .has("/entries/5/actor/id", current.at("/moderator/id"))
        .has("/entries/5/actor/name", current.at("/moderator/name"))
        .has("/entries/5/subject", json!({"kind": "site", "id": GAZETTE}))
        .has("/entries/5/site", GAZETTE)
        .has(
            "/entries/5/details",
            json!({"fields": ["policy.max_links", "name"], "policy.max_links": 5}),
        )
        .has(
            "/entries/2/details",
            json!({"fields": ["title", "comments_open"], "comments_open": false}),
        )
        .has("/entries/1/subject/kind", "page");
    assert_eq!(
        log.at("/entries/1/details/into"),
        log.at("/entries/0/subject/id")
    );
    assert!(!log.text.contains("Secret"), "{log:?}");
    app.stop().await;
}

#[tokio::test]
async fn the_log_goes_on_by_its_cursor() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = some_acts(&app).await;
    let all = desk.get(&app, LOG).await.is(200);
    let (mut found, mut query) = (Vec::new(), "?limit=2".to_owned());
    for _ in 0..20 {
        let part = desk.get(&app, &format!("{LOG}{query}")).await.is(200);
        found.extend(part.at("/entries").as_array().unwrap().clone());
        let Some(cursor) = part.at("/next_cursor").as_str().map(str::to_owned) else {
            break;
        };
        query = format!("?limit=2&cursor={cursor}");
    }
    assert_eq!(json!(found), all.at("/entries"));
    desk.get(&app, &format!("{LOG}?cursor=x"))
        .await
        .is_problem(400, "invalid_cursor");
    desk.get(&app, &format!("{LOG}?act=x"))
        .await
        .is_problem(400, "invalid_query");
    app.stop().await;
}

#[tokio::test]
async fn who_sees_some_sites_sees_what_was_done_on_these() {
    let app = TestApp::on(two_sites().await, &[]).await;
    some_acts(&app).await;
    let limited = hire_for_gazette(&app, "viewer", "Li").await;
    let log = limited.get(&app, LOG).await.is(200);
    assert_eq!(acts(&log), ["site.changed"]);
    let viewer = hire(&app, "viewer", "Vi").await;
    let log = viewer.get(&app, LOG).await.is(200);
    assert!(acts(&log).len() >= 6, "{log:?}");
    app.stop().await;
}
