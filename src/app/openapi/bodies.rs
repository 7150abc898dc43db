//! What may be left out of a request: a body whose members are all optional may be missing as a whole, which isn't the same
//! as `null`. Must not know any operation.

use serde_json::{Map, Value};

use super::operations::each;

/// Says of every strict body whether it is required, and takes the `null` away that an optional one was described by: the
/// service reads no body as `{}`, and refuses `null`.
pub(super) fn complete(document: &mut Value) {
    let schemas = document.pointer("/components/schemas").cloned();
    each(document, |operation| {
        if !operation.has_body() || !operation.is_strict() {
            return;
        }
        let mut body = operation.take("requestBody");
        let mut is_required = false;
        let contents = body.get_mut("content").and_then(Value::as_object_mut);
        for content in contents.into_iter().flat_map(Map::values_mut) {
            if let Some(schema) = content.get_mut("schema") {
                without_null(schema);
                is_required |= has_required_members(schemas.as_ref(), schema);
            }
        }
        body.insert("required".to_owned(), is_required.into());
        operation.put("requestBody", body);
    });
}

fn without_null(schema: &mut Value) {
    if let Some(Value::Array(choices)) = schema.get_mut("oneOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        if let [only] = &choices[..] {
            *schema = only.clone();
        }
    }
}

fn has_required_members(schemas: Option<&Value>, schema: &Value) -> bool {
    let named = schema.get("$ref").and_then(Value::as_str);
    let found = named
        .and_then(|name| name.rsplit('/').next())
        .and_then(|name| schemas?.get(name))
        .unwrap_or(schema);
    found
        .get("required")
        .and_then(Value::as_array)
        .is_some_and(|members| !members.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_required_where_one_of_its_members_is() {
        let operation = |schema: Value| {
            json!({
                "tags": ["moderators"],
                "requestBody": {"content": {"application/json": {"schema": schema}}, "required": true}
            })
        };
        let optional =
            json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Change"}]});
        let mut document = json!({
            "components": {"schemas": {"Change": {"type": "object"}, "Make": {"required": ["name"]}}},
            "paths": {"/change": {"post": operation(optional)}, "/make": {"post": operation(
                json!({"$ref": "#/components/schemas/Make"}))}}
        });
        complete(&mut document);
        let at = |pointer: &str| document.pointer(pointer).cloned();
        assert_eq!(
            at("/paths/~1change/post/requestBody/required"),
            Some(false.into())
        );
        assert_eq!(
            at("/paths/~1change/post/requestBody/content/application~1json/schema"),
            Some(json!({"$ref": "#/components/schemas/Change"}))
        );
        assert_eq!(
            at("/paths/~1make/post/requestBody/required"),
            Some(true.into())
        );
    }
}
