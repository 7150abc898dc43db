//! The OpenAPI document against the service: nothing more, nothing less, and who may call what.

use std::collections::BTreeSet;

use rejoinder::base::codes::Code;
use serde_json::Value;

use crate::support::app::TestApp;

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
    }
    assert!(missing.is_empty(), "{missing:#?}");
    app.stop().await;
}

/// Where the schemas of bodies that are sent stand, and all that they name.
fn sent(document: &Value) -> BTreeSet<String> {
    let mut named = Vec::new();
    for operation in operations(document) {
        let body = operation.value["requestBody"].clone();
        let mut references = Vec::new();
        all(&body, "$ref", &mut references);
        named.extend(
            references
                .iter()
                .map(|name| name.as_str().unwrap().to_owned()),
        );
    }
    let mut found = BTreeSet::new();
    while let Some(name) = named.pop() {
        let schema = document.pointer(&name[1..]).unwrap();
        let mut references = Vec::new();
        all(schema, "$ref", &mut references);
        if found.insert(name) {
            named.extend(
                references
                    .iter()
                    .map(|name| name.as_str().unwrap().to_owned()),
            );
        }
    }
    found
}

/// Whether it is said what may stand in a text.
fn is_bounded(schema: &Value) -> bool {
    let is_text = schema["type"] == "string"
        || schema["type"]
            .as_array()
            .is_some_and(|kinds| kinds.contains(&"string".into()));
    let bounds = ["maxLength", "format", "enum", "pattern"];
    !is_text || bounds.iter().any(|bound| !schema[bound].is_null())
}

#[tokio::test]
async fn every_member_and_parameter_is_described_and_what_is_sent_is_bounded() {
    let app = TestApp::start().await;
    let document = document(&app).await;
    let mut missing = Vec::new();
    let sent = sent(&document);
    assert!(sent.len() > 25, "{sent:?}");
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if schema["description"].is_null() {
            missing.push(format!("{name} isn't described"));
        }
        let is_sent = sent.contains(&format!("#/components/schemas/{name}"));
        let mut members = Vec::new();
        all(schema, "properties", &mut members);
        for (member, schema) in members.iter().flat_map(|all| all.as_object().unwrap()) {
            let mut descriptions = Vec::new();
            all(schema, "description", &mut descriptions);
            if descriptions.is_empty() {
                missing.push(format!("{name}.{member} isn't described"));
            }
            if is_sent && !(is_bounded(schema) && is_bounded(&schema["items"])) {
                missing.push(format!("{name}.{member} has no bound"));
            }
        }
    }
    for operation in operations(&document) {
        for parameter in operation.value["parameters"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let mut pointer = parameter["$ref"].as_str().into_iter();
            let parameter = pointer
                .next()
                .map_or(parameter, |name| document.pointer(&name[1..]).unwrap());
            let said = format!("{}: {}", operation.name(), parameter["name"]);
            if parameter["description"].is_null() {
                missing.push(format!("{said} isn't described"));
            }
            if parameter["in"] != "header" && !is_bounded(&parameter["schema"]) {
                missing.push(format!("{said} has no bound"));
            }
        }
        let strict = operation.value["tags"][0] != "readers";
        let mut bodies = Vec::new();
        all(&operation.value["requestBody"], "$ref", &mut bodies);
        for body in bodies {
            let body = document.pointer(&body.as_str().unwrap()[1..]).unwrap();
            if (body["additionalProperties"] == false) != strict {
                let open = if strict { "takes" } else { "refuses" };
                missing.push(format!("{} {open} unknown members", operation.name()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    app.stop().await;
}

#[tokio::test]
async fn every_code_is_answered_by_an_operation_with_its_own_status() {
    let app = TestApp::start().await;
    let document = document(&app).await;
    let mut listed = BTreeSet::new();
    for operation in operations(&document) {
        for (status, response) in operation.value["responses"].as_object().unwrap() {
            let named = response["$ref"].as_str();
            let response = named.map_or(response, |name| document.pointer(&name[1..]).unwrap());
            let said = format!("{} {status}", operation.name());
            assert!(
                response["description"].is_string(),
                "{said}: no description"
            );
            let schema = &response["content"]["application/problem+json"]["schema"];
            let codes = schema.pointer("/allOf/1/properties/code/enum");
            if status.as_str() >= "400" {
                let codes = codes.unwrap_or_else(|| panic!("{said} lists no code"));
                for code in codes.as_array().unwrap() {
                    listed.insert((code.as_str().unwrap().to_owned(), status.parse().unwrap()));
                }
                assert!(!codes.as_array().unwrap().is_empty(), "{said}");
            }
        }
    }
    let codes: BTreeSet<(String, u16)> = Code::ALL
        .iter()
        // No operation's: what has no path or no such method belongs to none.
        .filter(|code| **code != Code::MethodNotAllowed)
        .map(|code| (code.as_str().to_owned(), code.status()))
        .collect();
    assert_eq!(listed, codes);
    app.stop().await;
}
