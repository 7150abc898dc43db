//! Headers that come and go with answers of a kind, described once. Must not know any operation by its name.

use serde_json::{Map, Value, json};

use super::operations::{Operation, each};

/// With every answer.
const REQUEST_ID: &str = "X-Request-Id";
/// With answers that may be kept, and what asks whether they are still right.
const CACHEABLE: [&str; 2] = ["ETag", "Cache-Control"];
const IF_NONE_MATCH: &str = "If-None-Match";

/// Says which headers go with which answers and requests. Refusals have to be complete by now.
pub(super) fn complete(document: &mut Value) {
    each(document, |operation| {
        let mut responses = operation.take("responses");
        let is_cacheable = responses.contains_key("304");
        for (status, response) in &mut responses {
            add(response, status);
            if is_cacheable && matches!(status.as_str(), "200" | "304") {
                for name in CACHEABLE {
                    refer(response, name);
                }
            }
        }
        operation.put("responses", responses);
        ask(operation, REQUEST_ID);
        if is_cacheable {
            ask(operation, IF_NONE_MATCH);
        }
    });
    let Some(components) = document
        .get_mut("components")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    let shared = components
        .get_mut("responses")
        .and_then(Value::as_object_mut);
    for (name, response) in shared.into_iter().flatten() {
        add(response, name.split('.').next().unwrap_or_default());
    }
    components.insert("headers".to_owned(), answered());
    components.insert("parameters".to_owned(), asked());
}

fn add(response: &mut Value, status: &str) {
    refer(response, REQUEST_ID);
    match status {
        "401" => refer(response, "WWW-Authenticate"),
        "429" | "503" => refer(response, "Retry-After"),
        _ => {}
    }
}

/// Answers that are described elsewhere have their headers there.
fn refer(response: &mut Value, name: &str) {
    let Some(members) = response.as_object_mut() else {
        return;
    };
    if members.contains_key("$ref") {
        return;
    }
    let headers = members.entry("headers").or_insert_with(|| json!({}));
    if let Some(headers) = headers.as_object_mut() {
        let reference = json!({ "$ref": format!("#/components/headers/{name}") });
        headers.insert(name.to_owned(), reference);
    }
}

fn ask(operation: &mut Operation<'_>, name: &str) {
    let reference = json!({ "$ref": format!("#/components/parameters/{name}") });
    let all: Vec<Value> = operation.parameters().cloned().chain([reference]).collect();
    operation.put("parameters", all);
}

fn answered() -> Value {
    let header = |required: bool, example: &str, description: &str| {
        let schema = json!({ "type": "string" });
        json!({ "required": required, "description": description, "schema": schema, "example": example })
    };
    let seconds = json!({ "type": "integer", "minimum": 1 });
    json!({
        REQUEST_ID: header(true, "5e9c1d0af2b34c7788e1a2b3c4d5e6f7",
            "The request's id, as it stands in the log: the one that was sent where that was fit, else a new one."),
        "ETag": header(false, "\"47DEQpj8HBSa-_TImW-5JA\"",
            "A strong validator (RFC 9110, 8.8.3), another one for each content coding. Send it as `If-None-Match`. Absent \
             where the answer is for one person."),
        "Cache-Control": header(true, "public, max-age=0, s-maxage=5, stale-while-revalidate=10",
            "Who may keep the answer. What was asked with `Authorization` is `private, no-store`."),
        "Retry-After": { "required": true, "schema": seconds, "example": 3,
            "description": "After how many seconds it makes sense to ask again." },
        "WWW-Authenticate": header(true, "Bearer", "How to say who calls: `Bearer` (RFC 6750)."),
    })
}

fn asked() -> Value {
    let parameter = |name: &str, example: &str, description: &str| {
        let schema = json!({ "type": "string" });
        let parameter = json!({
            "name": name, "in": "header", "description": description, "schema": schema, "example": example,
        });
        (name.to_owned(), parameter)
    };
    let all = Map::from_iter([
        parameter(
            REQUEST_ID,
            "order-7.retry-2",
            "An id for the log of this request: 1 to 64 letters, digits, `.`, `_` or `-`. Anything else is passed over.",
        ),
        parameter(
            IF_NONE_MATCH,
            "\"47DEQpj8HBSa-_TImW-5JA\"",
            "The `ETag` of what is there already; where it is still right, the answer is 304 without a body.",
        ),
    ]);
    all.into()
}
