//! The OpenAPI document against the service: nothing more, nothing less, and who may call what.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::backstage::send;
use crate::support::app::{Answer, OWNER, PASSWORD, TestApp, comment_on};

const DOCUMENT: &str = "/api/v1/openapi.json";
const ROUTES: &str = include_str!("../../src/app/routes.rs");
pub(crate) const NOBODYS_ID: &str = "0198c000-0000-7000-8000-000000000000";
const METHODS: [&str; 6] = ["get", "head", "post", "put", "patch", "delete"];
/// Pages for people, styles, and the document itself: no operations of the API.
const PAGES: [&str; 9] = [
    "/",
    "/problems",
    "/problems/",
    "/problems/{code}",
    "/assets/plain.css",
    "/desk/setup",
    "/assets/desk/setup.js",
    "/docs",
    DOCUMENT,
];
/// Own sessions, the own account and its second factor are everybody's, whatever the role.
const OWN: [&str; 5] = [
    "/api/v1/admin/sessions/current",
    "/api/v1/admin/sessions/{id}",
    "/api/v1/admin/me",
    "/api/v1/admin/me/password",
    "/api/v1/admin/me/totp",
];

/// An operation of the document.
pub(crate) struct Operation {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) value: Value,
}

impl Operation {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(crate) fn statuses(&self) -> BTreeSet<u16> {
        let responses = self.value["responses"].as_object().unwrap();
        responses.keys().map(|key| key.parse().unwrap()).collect()
    }

    /// With something in the place of each parameter.
    pub(crate) fn address(&self) -> String {
        self.path
            .replace("{id}", NOBODYS_ID)
            .replace("{file}", "0123456789abcdef0123456789abcdef.svg")
    }

    pub(crate) fn is_for_moderators(&self) -> bool {
        self.path.starts_with("/api/v1/admin/") && !self.value["security"].is_null()
    }

    pub(crate) fn is_read(&self) -> bool {
        self.method == "GET"
    }

    /// The operation's name in the document.
    pub(crate) fn id(&self) -> &str {
        self.value["operationId"].as_str().unwrap()
    }

    pub(crate) fn has_body(&self) -> bool {
        !self.value["requestBody"].is_null()
    }

    /// Whether the session that asks is worth nothing afterwards.
    pub(crate) fn ends_sessions(&self) -> bool {
        self.method == "DELETE" && self.path == "/api/v1/admin/sessions/current"
    }
}

pub(crate) async fn document(app: &TestApp) -> Value {
    let answer = app.get(DOCUMENT).await.is(200);
    assert_eq!(answer.header("content-type"), "application/json");
    answer.json()
}

pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, value) in item.as_object().unwrap() {
            if METHODS.contains(&method.as_str()) {
                found.push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    value: value.clone(),
                });
            }
        }
    }
    assert!(found.len() > 15, "{}", found.len());
    found
}

/// What `src/app/routes.rs` registers, as `METHOD /path`; read from its text, so that nothing is left out. Functions that
/// begin with `admin_` are configured within the scope of the admin API.
fn registered() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for function in ROUTES.split("\nfn ").skip(1) {
        let inherited = if function.starts_with("admin_") {
            "/api/v1/admin"
        } else {
            ""
        };
        registered_by(function, inherited, &mut found);
    }
    found
}

fn registered_by(function: &str, inherited: &'static str, found: &mut BTreeSet<String>) {
    let text: String = function.split_whitespace().collect();
    let mut scope: &str = inherited;
    let mut rest = text.as_str();
    loop {
        let (scope_at, own_at, path_at) = (
            rest.find("web::scope(\""),
            rest.find("config.service("),
            rest.find("at(\""),
        );
        let next = [scope_at, own_at, path_at].into_iter().flatten().min();
        let Some(next) = next else { return };
        if Some(next) == own_at {
            scope = inherited;
            rest = &rest[next + "config.service(".len()..];
            continue;
        }
        let (_, after) = rest[next..].split_once('"').unwrap();
        let (path, after) = after.split_once('"').unwrap();
        rest = after;
        if Some(next) == scope_at {
            scope = path;
            continue;
        }
        let (methods, _) = after.split_once(".done()").unwrap();
        for method in METHODS {
            if methods.contains(&format!(".{method}(")) {
                found.insert(format!("{} {scope}{path}", method.to_uppercase()));
            }
        }
    }
}

/// Every value under this key, however deep.
fn all<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get(key));
            members.values().for_each(|member| all(member, key, found));
        }
        Value::Array(items) => items.iter().for_each(|item| all(item, key, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_document_is_openapi_3_1_and_names_only_what_it_has() {
    let app = TestApp::start().await;
    let document = document(&app).await;
    let version = document["openapi"].as_str().unwrap();
    assert!(version.starts_with("3.1."), "{version}");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut references = Vec::new();
    all(&document, "$ref", &mut references);
    assert!(references.len() > 20);
    for reference in references {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    let tags: Vec<&Value> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| &tag["name"])
        .collect();
    let schemes = &document["components"]["securitySchemes"];
    let mut ids = BTreeSet::new();
    for operation in operations(&document) {
        let name = operation.name();
        let id = operation.value["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{name}: {id} stands twice");
        for tag in operation.value["tags"].as_array().unwrap() {
            assert!(tags.contains(&tag), "{name}: the tag {tag} isn't explained");
        }
        for wanted in operation.value["security"].as_array().into_iter().flatten() {
            for scheme in wanted.as_object().unwrap().keys() {
                assert!(schemes[scheme].is_object(), "{name}: no scheme {scheme}");
            }
        }
        assert!(operation.value["summary"].is_string(), "{name}: no summary");
    }
    app.stop().await;
}

#[tokio::test]
async fn every_route_is_in_the_document_and_the_other_way_round() {
    let app = TestApp::start().await;
    let routes = registered();
    let (pages, routes): (BTreeSet<String>, BTreeSet<String>) =
        routes.into_iter().partition(|route| {
            let (_, path) = route.split_once(' ').unwrap();
            PAGES.contains(&path)
        });
    let paths: BTreeSet<&str> = pages
        .iter()
        .filter_map(|route| route.split_once(' '))
        .map(|(_, path)| path)
        .collect();
    assert_eq!(paths, BTreeSet::from(PAGES));
    let document = document(&app).await;
    let documented: BTreeSet<String> = operations(&document).iter().map(Operation::name).collect();
    assert_eq!(routes, documented);
    app.stop().await;
}

#[tokio::test]
async fn every_documented_operation_is_answered() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let mut operations = operations(&document(&app).await);
    // The sign-out last: it ends the session that asks.
    operations.sort_by_key(|operation| operation.method == "DELETE");
    for operation in operations {
        let mut request = app.request(&operation.method, &operation.address());
        if operation.path.starts_with("/api/v1/admin/") {
            request = request.bearer_auth(&desk.token);
        }
        let answer = app.send(request).await;
        let name = operation.name();
        assert!(
            operation.statuses().contains(&answer.status),
            "{name}: {answer:?}"
        );
        assert_ne!(answer.status, 405, "{name}");
        if answer.status == 404 {
            assert_ne!(answer.at("/code"), "not_found", "{name}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn every_operation_lists_its_refusals() {
    let app = TestApp::start().await;
    let document = document(&app).await;
    let mut missing = Vec::new();
    for operation in operations(&document) {
        let name = operation.name();
        let listed = operation.statuses();
        let mut wanted = BTreeSet::new();
        let parameters = operation.value["parameters"].as_array();
        let takes = |place: &str| {
            let mut all = parameters.into_iter().flatten();
            all.any(|parameter| parameter["in"] == place)
        };
        if operation.path.starts_with("/api/v1/") {
            wanted.extend([429, 503]);
        }
        if operation.is_for_moderators() {
            wanted.insert(401);
            if !operation.is_read() && !OWN.contains(&operation.path.as_str()) {
                wanted.insert(403);
            }
        }
        if !operation.value["requestBody"].is_null() {
            wanted.extend([400, 408, 413, 415, 422]);
        }
        if takes("path") {
            wanted.insert(404);
        }
        if takes("query") {
            wanted.insert(400);
        }
        missing.extend(
            wanted
                .difference(&listed)
                .map(|status| format!("{name}: {status}")),
        );
        for status in listed.range(400..) {
            let content = &operation.value["responses"][status.to_string()]["content"];
            let schema = &content["application/problem+json"]["schema"]["$ref"];
            if schema != "#/components/schemas/Problem" {
                missing.push(format!("{name}: {status} is no problem document"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    app.stop().await;
}

/// What is in the value but not as the schema has it. A schema may only be open where it says so.
fn misfits(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let named = document.pointer(&reference[1..]).unwrap();
        return misfits(document, named, value, at);
    }
    let choices = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    if let Some(choices) = choices {
        let found = choices.iter().map(|one| misfits(document, one, value, at));
        return found.min_by_key(Vec::len).unwrap();
    }
    let mut found = Vec::new();
    if let Some(parts) = schema["allOf"].as_array() {
        let mut whole = json!({"type": "object", "properties": {}, "required": []});
        for part in parts {
            let part = part["$ref"]
                .as_str()
                .map_or(part, |name| document.pointer(&name[1..]).unwrap());
            let members = part["properties"].as_object().cloned().unwrap_or_default();
            whole["properties"].as_object_mut().unwrap().extend(members);
            let required = part["required"].as_array().cloned().unwrap_or_default();
            whole["required"].as_array_mut().unwrap().extend(required);
        }
        return misfits(document, &whole, value, at);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds = &schema["type"];
    let listed = kinds
        .as_array()
        .is_some_and(|kinds| kinds.contains(&json!(kind)));
    if !kinds.is_null() && kinds != kind && !listed {
        found.push(format!("{at} is {kind}, not {kinds}"));
    }
    let words = schema["enum"].as_array();
    if words.is_some_and(|words| !words.contains(value)) {
        found.push(format!("{at}: {value} isn't listed"));
    }
    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(misfits(
            document,
            &schema["items"],
            item,
            &format!("{at}[{place}]"),
        ));
    }
    let Some(members) = value.as_object() else {
        return found;
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !members.contains_key(name.as_str().unwrap()) {
            found.push(format!("{at} has no {name}"));
        }
    }
    for (name, member) in members {
        match schema["properties"].get(name) {
            Some(schema) => {
                found.extend(misfits(document, schema, member, &format!("{at}.{name}")));
            }
            None if kinds.is_null() || !schema["additionalProperties"].is_null() => {}
            None => found.push(format!("{at} has {name}, which isn't described")),
        }
    }
    found
}

/// One answer of each kind that there is, by operation.
async fn answers(app: &TestApp) -> Vec<(&'static str, Answer)> {
    let (desk, pool) = (app.desk().await, "/tides");
    let root = app.published(&desk, pool, "Ebb", None).await;
    let reply = app.published(&desk, pool, "Flood", Some(&root)).await;
    let submitted = app.submit(&comment_on(pool, "Moon", Some(&root))).await;
    let held = submitted.at("/comment/id").as_str().unwrap().to_owned();
    let own = app.request("GET", &format!("/api/v1/comments/{held}"));
    let own = own.bearer_auth(submitted.at("/manage_token").as_str().unwrap());
    let note = json!({"note": "Why?", "reason": "other"});
    let rejected = desk.decide(app, &held, "reject", &note).await;
    let stale = desk
        .decide(app, &held, "approve", &json!({"version": 1}))
        .await;
    let many = json!({"decisions": [{"id": NOBODYS_ID, "decision": "spam"}, {"id": root, "decision": "spam"}]});
    let many = desk.post(app, "/api/v1/admin/decisions", &many).await;
    let shown = format!("/api/v1/admin/comments/{held}");
    let tokens = "/api/v1/admin/tokens";
    let wanted = json!({"name": "Robot", "scopes": ["comments:read", "settings"]});
    let made = desk.post(app, tokens, &wanted).await;
    let token = format!("{tokens}/{}", made.at("/id").as_str().unwrap());
    let totp = json!({"password": PASSWORD});
    let totp = desk.post(app, "/api/v1/admin/me/totp", &totp).await;
    vec![
        ("POST /api/v1/admin/tokens", made),
        ("GET /api/v1/admin/tokens", desk.get(app, tokens).await),
        ("GET /api/v1/admin/tokens/{id}", desk.get(app, &token).await),
        ("POST /api/v1/admin/me/totp", totp),
        ("POST /api/v1/comments", submitted),
        ("GET /api/v1/comments/{id}", app.send(own).await),
        (
            "GET /api/v1/comments/{id}",
            app.get(&format!("/api/v1/comments/{reply}")).await,
        ),
        ("POST /api/v1/admin/comments/{id}/reject", rejected),
        ("POST /api/v1/admin/comments/{id}/approve", stale),
        ("POST /api/v1/admin/decisions", many),
        // The root is gone by now but has an answer.
        ("GET /api/v1/comments", app.thread(pool, "").await),
        (
            "GET /api/v1/comments/{id}/replies",
            app.get(&format!("/api/v1/comments/{root}/replies")).await,
        ),
        ("GET /api/v1/comments", app.thread("/nobody", "").await),
        ("POST /api/v1/comments", app.submit(&json!({})).await),
        (
            "GET /api/v1/admin/comments",
            desk.get(app, "/api/v1/admin/comments?limit=2").await,
        ),
        (
            "GET /api/v1/admin/comments/{id}",
            desk.get(app, &shown).await,
        ),
        (
            "GET /api/v1/admin/sessions/current",
            desk.get(app, "/api/v1/admin/sessions/current").await,
        ),
        (
            "POST /api/v1/admin/sessions",
            app.sign_in(OWNER, PASSWORD).await,
        ),
        (
            "POST /api/v1/admin/sessions",
            app.sign_in(OWNER, "wrong").await,
        ),
        ("GET /healthz", app.get("/healthz").await),
        ("GET /readyz", app.get("/readyz").await),
    ]
}

/// The same of what is done with a comment besides deciding, of reasons, and of what readers ask besides comments.
async fn further_answers(app: &TestApp) -> Vec<(&'static str, Answer)> {
    let desk = app.desk().await;
    let reply = app.published(&desk, "/moons", "New", None).await;
    let shown = format!("/api/v1/admin/comments/{reply}");
    let (own, token) = app.submitted(&comment_on("/moons", "Old", None)).await;
    let own = app.request("PATCH", &format!("/api/v1/comments/{own}"));
    let own = own.bearer_auth(token).json(&json!({"body": "Older"}));
    let public = format!("/api/v1/comments/{reply}");
    let vote = app.request("PUT", &format!("{public}/vote"));
    let vote = vote.json(&json!({"value": -1, "voter": NOBODYS_ID}));
    let back = app.request("DELETE", &format!("{public}/vote?voter={NOBODYS_ID}"));
    let reports = format!("{public}/reports");
    let report = app.post(&reports, &json!({"reason": "spam"})).await;
    vec![
        ("PATCH /api/v1/comments/{id}", app.send(own).await),
        ("PUT /api/v1/comments/{id}/vote", app.send(vote).await),
        ("DELETE /api/v1/comments/{id}/vote", app.send(back).await),
        ("POST /api/v1/comments/{id}/reports", report),
        (
            "POST /api/v1/comments/preview",
            app.post("/api/v1/comments/preview", &json!({"body": "Ebb"}))
                .await,
        ),
        (
            "POST /api/v1/pages/counts",
            app.post(
                "/api/v1/pages/counts",
                &json!({"urls": ["https://example.org/tides"]}),
            )
            .await,
        ),
        (
            "PATCH /api/v1/admin/comments/{id}",
            send(app, &desk, "PATCH", &shown, &json!({"body": "Sun"})).await,
        ),
        (
            "GET /api/v1/admin/comments/{id}",
            desk.get(app, &shown).await,
        ),
        (
            "POST /api/v1/admin/comments/{id}/replies",
            desk.post(
                app,
                &format!("/api/v1/admin/comments/{reply}/replies"),
                &json!({"body": "So it is"}),
            )
            .await,
        ),
        (
            "GET /api/v1/admin/reasons",
            desk.get(app, "/api/v1/admin/reasons?limit=1").await,
        ),
        (
            "POST /api/v1/admin/reasons",
            desk.post(
                app,
                "/api/v1/admin/reasons",
                &json!({"site": "default", "code": "mood", "text": "It is moody."}),
            )
            .await,
        ),
    ]
}

/// The same of batches and figures.
async fn answers_about_works(app: &TestApp) -> Vec<(&'static str, Answer)> {
    let desk = app.desk().await;
    app.published(&desk, "/waves", "Surf", None).await;
    let batches = "/api/v1/admin/batches";
    let filter = json!({"filter": {"status": ["approved"]}});
    let counted = desk.post(app, &format!("{batches}/counts"), &filter).await;
    let batch = json!({
        "filter": {"status": ["approved"]},
        "decision": "approve",
        "expected_count": counted.at("/count"),
    });
    let batch = desk.post(app, batches, &batch).await;
    let made = format!("{batches}/{}", batch.at("/id").as_str().unwrap());
    let results = desk.get(app, &format!("{made}/results")).await;
    vec![
        ("POST /api/v1/admin/batches/counts", counted),
        ("POST /api/v1/admin/batches", batch),
        ("GET /api/v1/admin/batches", desk.get(app, batches).await),
        ("GET /api/v1/admin/batches/{id}", desk.get(app, &made).await),
        ("GET /api/v1/admin/batches/{id}/results", results),
        (
            "GET /api/v1/admin/summary",
            desk.get(app, "/api/v1/admin/summary").await,
        ),
    ]
}

/// The same of sites, pages and the log.
async fn settings_answers(app: &TestApp) -> Vec<(&'static str, Answer)> {
    let desk = app.desk().await;
    let (sites, pages) = ("/api/v1/admin/sites", "/api/v1/admin/pages");
    let body = json!({"slug": "gazette", "name": "The Gazette", "policy": {"close_after_days": 7}});
    let site = desk.post(app, sites, &body).await;
    let taken = desk.post(app, sites, &body).await;
    let site_path = format!("{sites}/{}", site.at("/id").as_str().unwrap());
    let ask = async |method: &str, path: &str, body: &Value| {
        let request = app.request(method, path).bearer_auth(&desk.token);
        app.send(request.json(body)).await
    };
    let mut ids = Vec::new();
    let mut found = Vec::new();
    for path in ["first", "second"] {
        let body = json!({
            "page_url": format!("https://example.org/{path}"), "published_at": "2026-11-24T12:00:00Z",
            "title": "Title", "key": path, "wordpress_id": path.len(),
        });
        let made = desk.post(app, pages, &body).await;
        ids.push(made.at("/id").as_str().unwrap().to_owned());
        found.push(("POST /api/v1/admin/pages", made));
    }
    let page = format!("{pages}/{}", ids[0]);
    let change = ask("PATCH", &page, &json!({"title": null})).await;
    let into = json!({"into": ids[1]});
    let merged = desk.post(app, &format!("{page}/merge"), &into).await;
    found.extend([
        ("POST /api/v1/admin/sites", site),
        ("POST /api/v1/admin/sites", taken),
        ("GET /api/v1/admin/sites", desk.get(app, sites).await),
        (
            "GET /api/v1/admin/sites/{id}",
            desk.get(app, &site_path).await,
        ),
        (
            "PATCH /api/v1/admin/sites/{id}",
            ask(
                "PATCH",
                &site_path,
                &json!({"origins": ["https://a.example"]}),
            )
            .await,
        ),
        ("PATCH /api/v1/admin/pages/{id}", change),
        ("POST /api/v1/admin/pages/{id}/merge", merged),
        ("GET /api/v1/admin/pages/{id}", desk.get(app, &page).await),
        ("GET /api/v1/admin/pages", desk.get(app, pages).await),
        (
            "GET /api/v1/admin/log",
            desk.get(app, "/api/v1/admin/log").await,
        ),
    ]);
    found
}

#[tokio::test]
async fn answers_are_as_the_document_describes_them() {
    let app = TestApp::start().await;
    let document = document(&app).await;
    let operations = operations(&document);
    let mut found = Vec::new();
    let mut all = answers(&app).await;
    all.extend(further_answers(&app).await);
    all.extend(settings_answers(&app).await);
    all.extend(answers_about_works(&app).await);
    for (name, answer) in all {
        let operation = operations.iter().find(|operation| operation.name() == name);
        let responses = &operation.unwrap().value["responses"];
        let kind = answer.header("content-type");
        let schema = &responses[answer.status.to_string()]["content"][kind]["schema"];
        assert!(schema.is_object(), "{name} {} {kind}", answer.status);
        let at = format!("{name} {}", answer.status);
        found.extend(misfits(&document, schema, &answer.json(), &at));
    }
    assert!(found.is_empty(), "{found:#?}");
    app.stop().await;
}
