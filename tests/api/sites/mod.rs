//! Sites and their pages over HTTP: settings, registration, merging. Must not know how they are stored.

mod merge;
mod pages;
mod settings;

use serde_json::{Value, json};

use crate::support::app::{Answer, Desk, TestApp};

const SITES: &str = "/api/v1/admin/sites";
const PAGES: &str = "/api/v1/admin/pages";

/// A request with a moderator's token.
async fn ask(app: &TestApp, desk: &Desk, method: &str, path: &str, body: &Value) -> Answer {
    let request = app.request(method, path).bearer_auth(&desk.token);
    app.send(match body {
        Value::Null => request,
        body => request.json(body),
    })
    .await
}

async fn patch(app: &TestApp, desk: &Desk, path: &str, body: Value) -> Answer {
    ask(app, desk, "PATCH", path, &body).await
}

async fn delete(app: &TestApp, desk: &Desk, path: &str) -> Answer {
    ask(app, desk, "DELETE", path, &Value::Null).await
}

/// The text at a JSON pointer.
fn text(answer: &Answer, pointer: &str) -> String {
    let value = answer.at(pointer);
    value
        .as_str()
        .unwrap_or_else(|| panic!("{pointer} in {answer:?}"))
        .to_owned()
}

/// Makes a site of this slug on `https://<slug>.example`; its path.
async fn made_site(app: &TestApp, desk: &Desk, slug: &str, policy: Value) -> String {
    let body = json!({"slug": slug, "name": slug, "origins": [format!("https://{slug}.example")], "policy": policy});
    let made = desk.post(app, SITES, &body).await.is(201);
    format!("{SITES}/{}", text(&made, "/id"))
}

/// Registers a page of example.org with what else is said; its path.
async fn registered(app: &TestApp, desk: &Desk, path: &str, more: Value) -> String {
    let mut body = json!({"page_url": format!("https://example.org{path}")});
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let made = desk.post(app, PAGES, &body).await.is(201);
    format!("{PAGES}/{}", text(&made, "/id"))
}

/// The texts of one member of a list's items.
fn column(answer: &Answer, list: &str, member: &str) -> Vec<String> {
    let items = answer.at(list);
    let items = items.as_array().unwrap().iter();
    items
        .map(|item| item[member].as_str().unwrap().to_owned())
        .collect()
}
