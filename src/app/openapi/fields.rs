//! What members and parameters of one name have in common wherever they stand, and how bodies treat members that they don't
//! know. A struct's own words come first. Must not know any operation or schema of the trade by its name.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::operations::each;
use crate::base::codes::Code;
use crate::base::complaint::ComplaintCode;

/// Slugs of sites, as the database has them.
const SLUG: &str = "^[a-z0-9](-?[a-z0-9]){0,39}$";
/// Codes of reasons.
const REASON: &str = "^[a-z][a-z0-9_]{0,39}$";

/// Completes members and parameters, and closes the bodies that refuse what they don't know.
pub(super) fn complete(document: &mut Value) {
    let mut closed = BTreeSet::new();
    each(document, |operation| {
        let mut all: Vec<Value> = operation.parameters().cloned().collect();
        all.iter_mut().for_each(complete_parameter);
        operation.put("parameters", all);
        if operation.has_body() && operation.is_strict() {
            let body = operation.take("requestBody");
            body.values().for_each(|part| collect(part, &mut closed));
            operation.put("requestBody", body);
        }
    });
    let schemas = document.pointer_mut("/components/schemas");
    let Some(schemas) = schemas.and_then(Value::as_object_mut) else {
        return;
    };
    let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    set_codes(schemas, "Problem", json!(codes));
    let complaints = ComplaintCode::ALL.map(ComplaintCode::as_str);
    set_codes(schemas, "FieldProblem", json!(complaints));
    schemas.values_mut().for_each(complete_members);
    close(schemas, closed);
}

fn set_codes(schemas: &mut Map<String, Value>, schema: &str, codes: Value) {
    let code = schemas
        .get_mut(schema)
        .and_then(|schema| schema.pointer_mut("/properties/code"));
    if let Some(Value::Object(code)) = code {
        code.insert("enum".to_owned(), codes);
    }
}

/// The schemas that a value names, however deep.
fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            let named = members.get("$ref").and_then(Value::as_str);
            found.extend(named.and_then(|name| name.rsplit('/').next().map(str::to_owned)));
            members.values().for_each(|member| collect(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// Closes these schemas and all that they name.
fn close(schemas: &mut Map<String, Value>, mut named: BTreeSet<String>) {
    let mut done = BTreeSet::new();
    while let Some(name) = named.pop_first() {
        let Some(schema) = schemas.get_mut(&name).filter(|_| done.insert(name)) else {
            continue;
        };
        collect(schema, &mut named);
        if let Some(members) = schema.as_object_mut()
            && members.contains_key("properties")
        {
            members.insert("additionalProperties".to_owned(), false.into());
        }
    }
}

/// A parameter is there or it isn't: there is no null in an address. One of some words is told as such.
fn complete_parameter(parameter: &mut Value) {
    let name = parameter.get("name").and_then(Value::as_str);
    let known = name.map_or(Value::Null, known_parameter);
    let Some(schema) = parameter.get_mut("schema") else {
        return;
    };
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [kind] = &kinds[..] {
            let kind = kind.clone();
            put(schema, "type", kind);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("oneOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        if let [only] = &choices[..] {
            *schema = only.clone();
        }
    }
    words_for_pattern(schema);
    if let Some(items) = schema.get_mut("items") {
        if is_text(items) {
            add(items, known);
        }
    } else {
        add(schema, known);
    }
    two_formats(schema);
}

fn complete_members(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get_mut("properties") {
                for (name, property) in properties {
                    words_for_pattern(property);
                    complete_member(name, property);
                }
            }
            members.values_mut().for_each(complete_members);
        }
        Value::Array(items) => items.iter_mut().for_each(complete_members),
        _ => {}
    }
}

fn complete_member(name: &str, schema: &mut Value) {
    let is_listed = schema.get("enum").is_some();
    if is_text(schema) && !is_listed {
        add(schema, known_text(name));
    } else if let Some(items) = schema.get_mut("items")
        && is_text(items)
    {
        add(items, known_text(name));
    }
    if schema.get("items").is_some() {
        add(schema, known_list(name));
    }
    add(schema, known_member(name));
    two_formats(schema);
}

fn is_text(schema: &Value) -> bool {
    match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.contains(&json!("string")),
        kind => kind.is_some_and(|kind| kind == "string"),
    }
}

/// The format `ip` stands for both forms of a network address, which a schema has to list.
fn two_formats(schema: &mut Value) {
    if schema.get("format").is_none_or(|format| format != "ip") {
        return;
    }
    let is_optional = schema.get("type").is_some_and(Value::is_array);
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    members.remove("format");
    members.remove("type");
    let forms = ["ipv4", "ipv6"].map(|form| json!({ "type": "string", "format": form }));
    let nothing = is_optional.then(|| json!({ "type": "null" }));
    let choices: Vec<Value> = forms.into_iter().chain(nothing).collect();
    members.insert("anyOf".to_owned(), choices.into());
}

/// `^(one|other)$` lists words.
fn words_for_pattern(schema: &mut Value) {
    let pattern = schema.get("pattern").and_then(Value::as_str);
    let listed = pattern
        .and_then(|pattern| pattern.strip_prefix("^("))
        .and_then(|pattern| pattern.strip_suffix(")$"))
        .filter(|words| {
            words
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || b"_|".contains(&byte))
        });
    let Some(listed) = listed else { return };
    let mut words: Vec<Value> = listed.split('|').map(Value::from).collect();
    if schema.get("type").is_some_and(Value::is_array) {
        words.push(Value::Null);
    }
    if let Some(members) = schema.as_object_mut() {
        members.remove("pattern");
        members.insert("enum".to_owned(), words.into());
    }
}

fn put(schema: &mut Value, name: &str, value: Value) {
    if let Some(members) = schema.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// Adds what the schema doesn't say itself.
fn add(schema: &mut Value, known: Value) {
    if let (Some(members), Value::Object(known)) = (schema.as_object_mut(), known) {
        for (name, value) in known {
            members.entry(name).or_insert(value);
        }
    }
}

fn known_parameter(name: &str) -> Value {
    match name {
        "limit" => json!({ "default": 50, "example": 20 }),
        "page_key" => json!({ "minLength": 1, "maxLength": 200, "example": "tides-2026" }),
        "q" => json!({ "example": "spring tide" }),
        "version" => json!({ "example": 1 }),
        "Idempotency-Key" => {
            json!({ "minLength": 1, "example": "7f1c2d1e-3b8f-4c55-9a55-0c7a5b3d9e21" })
        }
        "file" => json!({
            "pattern": "^[0-9a-f]{32}\\.svg$",
            "example": "0123456789abcdef0123456789abcdef.svg",
        }),
        other => known_text(other),
    }
}

/// Of any type.
fn known_member(name: &str) -> Value {
    match name {
        "id" => json!({ "description": "Its id." }),
        "count" | "total" | "moved" => json!({ "minimum": 0, "example": 12 }),
        "version" => json!({ "minimum": 1 }),
        "value" => json!({ "enum": [1, -1] }),
        _ => Value::Null,
    }
}

/// Of lists.
fn known_list(name: &str) -> Value {
    match name {
        "sites" | "scopes" | "origins" => json!({ "uniqueItems": true }),
        _ => Value::Null,
    }
}

/// Of texts.
fn known_text(name: &str) -> Value {
    match name {
        "site" | "sites" | "slug" => json!({ "pattern": SLUG, "example": "default" }),
        "reason" | "code" => json!({ "pattern": REASON, "example": "off_topic" }),
        "name" => json!({ "maxLength": 100, "example": "Ada" }),
        "email" => json!({ "format": "email", "maxLength": 254, "example": "ada@example.org" }),
        "website" => json!({ "maxLength": 2048, "example": "https://ada.example/" }),
        "url" | "urls" | "page_url" | "aliases" => {
            json!({ "minLength": 1, "maxLength": 2048, "example": "https://example.org/tides" })
        }
        "origins" => json!({ "format": "uri", "example": "https://example.org" }),
        "title" => json!({ "minLength": 1, "maxLength": 300, "example": "Tides" }),
        "page_title" => json!({ "maxLength": 300, "example": "Tides" }),
        "key" => json!({ "minLength": 1, "maxLength": 200, "example": "tides-2026" }),
        "page_key" => json!({ "maxLength": 200, "example": "tides-2026" }),
        "body" => json!({ "maxLength": 10000, "example": "The *spring tide* comes later." }),
        "body_html" => json!({ "example": "<p>The <em>spring tide</em> comes later.</p>" }),
        "note" => json!({ "maxLength": 2000, "example": "The same as yesterday" }),
        "text" => json!({ "maxLength": 500, "example": "It has nothing to do with the page." }),
        "ip" => json!({ "format": "ip", "example": "192.0.2.7" }),
        "user_agent" => {
            json!({ "maxLength": 512, "example": "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0" })
        }
        "q" => json!({ "example": "spring tide" }),
        name if name.ends_with("cursor") => json!({
            "maxLength": 100,
            "pattern": "^[A-Za-z0-9_-]+$",
            "example": "FQAGQJbF2Vg-AZr2y0RwcICgsMDQ4PABEi",
        }),
        _ => Value::Null,
    }
}
