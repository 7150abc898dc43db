//! An example of every body, put together from those of its members, so that none can be forgotten. Must not know any
//! operation or schema by its name.

use serde_json::{Map, Value};

use super::operations::each;

/// Deeper than any body is; a schema that holds itself ends here.
const DEPTH_MAX: u8 = 12;

/// Gives an example to every body that has none. Fields have to be complete by now.
pub(super) fn complete(document: &mut Value) {
    let source = document.clone();
    let give = |content: Option<&mut Value>| {
        let kinds = content.and_then(Value::as_object_mut);
        for (kind, media) in kinds.into_iter().flatten() {
            let Some(media) = media.as_object_mut() else {
                continue;
            };
            let has_one = media.contains_key("example") || media.contains_key("examples");
            // Lines of JSON are a text.
            let is_json = kind.ends_with("/json") || kind.ends_with("+json");
            if has_one || !(is_json || kind.contains("form")) {
                continue;
            }
            let example = media.get("schema").map(|schema| of(&source, schema, 0));
            media.extend(example.map(|example| ("example".to_owned(), example)));
        }
    };
    each(document, |operation| {
        let mut body = operation.take("requestBody");
        give(body.get_mut("content"));
        if !body.is_empty() {
            operation.put("requestBody", body);
        }
        let mut responses = operation.take("responses");
        for response in responses.values_mut() {
            describe(&source, response);
            give(response.get_mut("content"));
        }
        operation.put("responses", responses);
    });
}

/// Every answer needs a description: its body's, where the handler says nothing more.
fn describe(document: &Value, response: &mut Value) {
    let named = response
        .pointer("/content/application~1json/schema/$ref")
        .and_then(Value::as_str)
        .and_then(|name| document.pointer(name.trim_start_matches('#')))
        .and_then(|schema| schema.get("description"));
    let words = named.cloned().unwrap_or_else(|| "Done".into());
    if let Some(members) = response.as_object_mut()
        && !members.contains_key("$ref")
    {
        members.entry("description").or_insert(words);
    }
}

/// A value as the schema wants it: its own example, or one made of its members' examples.
fn of(document: &Value, schema: &Value, depth: u8) -> Value {
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    let first = |list: &str| schema.get(list).and_then(Value::as_array)?.first();
    if let Some(example) = first("examples").or(first("enum")) {
        return example.clone();
    }
    if depth > DEPTH_MAX {
        return Value::Null;
    }
    let named = schema.get("$ref").and_then(Value::as_str);
    if let Some(named) = named.and_then(|name| document.pointer(name.trim_start_matches('#'))) {
        return of(document, named, depth + 1);
    }
    if let Some(Value::Array(parts)) = schema.get("allOf") {
        let parts = parts.iter().map(|part| of(document, part, depth + 1));
        let members = parts.filter_map(|part| match part {
            Value::Object(members) => Some(members),
            _ => None,
        });
        return Value::Object(members.flatten().collect());
    }
    if let Some(Value::Array(choices)) = schema.get("oneOf").or(schema.get("anyOf")) {
        let mut choices = choices.iter().filter(|one| !is_of(one, "null"));
        let chosen = choices.next();
        return chosen.map_or(Value::Null, |one| of(document, one, depth + 1));
    }
    of_type(document, schema, depth)
}

fn of_type(document: &Value, schema: &Value, depth: u8) -> Value {
    if is_of(schema, "object") {
        let members = schema.get("properties").and_then(Value::as_object);
        let made = members.into_iter().flatten();
        let made = made.map(|(name, member)| (name.clone(), of(document, member, depth + 1)));
        return Value::Object(made.collect::<Map<_, _>>());
    }
    if is_of(schema, "array") {
        let item = schema
            .get("items")
            .map(|item| of(document, item, depth + 1));
        return Value::Array(item.into_iter().collect());
    }
    if is_of(schema, "integer") || is_of(schema, "number") {
        return schema.get("minimum").cloned().unwrap_or(1.into());
    }
    if is_of(schema, "boolean") {
        return false.into();
    }
    let format = schema.get("format").and_then(Value::as_str);
    match format {
        Some("uuid") => "0198c000-0000-7000-8000-000000000000".into(),
        Some("date-time") => "2026-11-24T16:27:18.000000Z".into(),
        Some("date") => "2026-11-24".into(),
        Some("email") => "ada@example.org".into(),
        Some("uri") => "https://example.org/tides".into(),
        Some("password") => "correct horse battery".into(),
        _ => Value::Null,
    }
}

fn is_of(schema: &Value, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|known| known == kind) && kind != "null",
        Some(known) => known == kind,
        None => false,
    }
}
