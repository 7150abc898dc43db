//! Every answer that a test gets, held against the OpenAPI document: its status, its code, its headers and its body have to
//! be as the operation describes them. Must not know what is tested.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::{Draft, Registry, Validator};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use serde_json::{Value, json};

/// Where the document stands among the validator's sources.
const DOCUMENT: &str = "urn:document";
/// Headers that a client acts upon: answered only where the document says so.
const TELLING: [&str; 8] = [
    "allow",
    "content-disposition",
    "etag",
    "idempotency-replayed",
    "location",
    "retry-after",
    "set-cookie",
    "www-authenticate",
];

/// What was asked for and what came.
pub(crate) struct Exchange<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) text: &'a str,
}

/// The document, and what has been made of it in this process.
struct Contract {
    document: Value,
    registry: Registry<'static>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    let text = rejoinder::app::openapi::document().unwrap().text();
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut closed = document.clone();
    close_all(&mut closed);
    Contract {
        registry: Registry::new()
            .draft(Draft::Draft202012)
            .add(DOCUMENT, closed)
            .unwrap()
            .prepare()
            .unwrap(),
        document,
        validators: Mutex::default(),
    }
});

/// Closes the schemas of answers: a document leaves them open, so that an answer may come to tell more, but what it tells
/// has to be described.
fn close_all(document: &mut Value) {
    let schemas = document.pointer_mut("/components/schemas").unwrap();
    for schema in schemas.as_object_mut().unwrap().values_mut() {
        close(schema, Place::Part);
    }
    let mut responses: Vec<&mut Value> = Vec::new();
    let Value::Object(members) = document else {
        unreachable!("a document is an object")
    };
    for (name, member) in members {
        match name.as_str() {
            "paths" => {
                let items = member.as_object_mut().unwrap().values_mut();
                let operations = items.flat_map(|item| item.as_object_mut().unwrap().values_mut());
                responses.extend(operations.filter_map(|one| one.get_mut("responses")));
            }
            "components" => responses.extend(member.get_mut("responses")),
            _ => {}
        }
    }
    for response in responses {
        for response in response.as_object_mut().unwrap().values_mut() {
            let content = response.get_mut("content").and_then(Value::as_object_mut);
            for media in content.into_iter().flat_map(|kinds| kinds.values_mut()) {
                media
                    .get_mut("schema")
                    .into_iter()
                    .for_each(|schema| close(schema, Place::Whole));
            }
        }
    }
}

/// Whether a schema describes a value, or only a part of what is said of one.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Whole,
    Part,
}

fn close(schema: &mut Value, place: Place) {
    let Value::Object(members) = schema else {
        return;
    };
    for (name, member) in members.iter_mut() {
        match (name.as_str(), member) {
            ("properties", Value::Object(properties)) => properties
                .values_mut()
                .for_each(|one| close(one, Place::Whole)),
            ("items" | "additionalProperties", one) => close(one, Place::Whole),
            ("allOf" | "oneOf" | "anyOf", Value::Array(parts)) => {
                for part in parts {
                    close(part, Place::Part);
                }
            }
            _ => {}
        }
    }
    let says_which = ["$ref", "properties", "allOf", "oneOf", "anyOf"]
        .iter()
        .any(|name| members.contains_key(*name));
    if place == Place::Whole && says_which && !members.contains_key("additionalProperties") {
        members.insert("unevaluatedProperties".to_owned(), json!(false));
    }
}

/// What isn't as the document has it; nothing for what is no operation.
pub(crate) fn deviations(exchange: &Exchange<'_>) -> Vec<String> {
    let contract = &*CONTRACT;
    let method = match exchange.method {
        "HEAD" => "get".to_owned(),
        other => other.to_lowercase(),
    };
    let Some(template) = contract.template(&method, exchange.path) else {
        return Vec::new();
    };
    let escaped = template.replace('~', "~0").replace('/', "~1");
    let place = format!("/paths/{escaped}/{method}/responses/{}", exchange.status);
    let said = format!("{} {template} {}", exchange.method, exchange.status);
    let Some((place, response)) = contract.resolve(place) else {
        return vec![format!("{said} isn't listed")];
    };
    let mut found = headers(response, exchange.headers);
    if exchange.method != "HEAD" {
        found.extend(body(&place, response, exchange));
    }
    found
        .iter()
        .map(|wrong| format!("{said}: {wrong}"))
        .collect()
}

/// What of a value isn't as the schema at this place of the document has it.
pub(crate) fn misfits(place: &str, value: &Value) -> Vec<String> {
    let validator = CONTRACT.validator(place.to_owned());
    let wrong = validator.iter_errors(value);
    wrong
        .map(|error| format!("{error} at `{}` in {value}", error.instance_path()))
        .collect()
}

fn headers(response: &Value, answered: &HeaderMap) -> Vec<String> {
    let listed = response["headers"].as_object().cloned().unwrap_or_default();
    let mut found: Vec<String> = TELLING
        .iter()
        .filter(|name| answered.contains_key(**name))
        .filter(|name| !listed.keys().any(|known| known.eq_ignore_ascii_case(name)))
        .map(|name| format!("the header {name} isn't listed"))
        .collect();
    for (name, header) in &listed {
        let (_, header) = CONTRACT.at(header);
        if header["required"] == true && !answered.contains_key(name.as_str()) {
            found.push(format!("the header {name} is missing"));
        }
    }
    found
}

impl Contract {
    /// The path of the document that stands for this one: of several the one with the fewest parameters.
    fn template(&self, method: &str, path: &str) -> Option<&str> {
        let paths = self.document.get("paths").unwrap().as_object().unwrap();
        let fits = |template: &&String| {
            let (wanted, given) = (template.split('/'), path.split('/'));
            let same = |(wanted, given): (&str, &str)| {
                wanted == given || (!given.is_empty() && is_parameter(wanted))
            };
            wanted.clone().count() == given.clone().count() && wanted.zip(given).all(same)
        };
        let template = paths.keys().filter(fits).min_by_key(|template| {
            template
                .split('/')
                .filter(|part| is_parameter(part))
                .count()
        })?;
        let item = paths.get(template)?;
        item.get(method).map(|_| template.as_str())
    }

    /// What a value says or refers to, and where that stands.
    fn at<'a>(&'a self, value: &'a Value) -> (Option<String>, &'a Value) {
        let Some(reference) = value["$ref"].as_str() else {
            return (None, value);
        };
        let place = reference.trim_start_matches('#').to_owned();
        let named = self.document.pointer(&place).unwrap();
        (Some(place), named)
    }

    fn resolve(&self, place: String) -> Option<(String, &Value)> {
        let (elsewhere, value) = self.at(self.document.pointer(&place)?);
        Some((elsewhere.unwrap_or(place), value))
    }

    /// Made once for each place of the document.
    fn validator(&self, place: String) -> Arc<Validator> {
        let mut made = self.validators.lock().unwrap();
        let validator = made.entry(place).or_insert_with_key(|place| {
            let place = place.replace('{', "%7B").replace('}', "%7D");
            let validator = jsonschema::options()
                .with_draft(Draft::Draft202012)
                .should_validate_formats(true)
                .with_registry(&self.registry)
                .build(&json!({ "$ref": format!("{DOCUMENT}#{place}") }));
            Arc::new(validator.unwrap())
        });
        Arc::clone(validator)
    }
}

fn body(place: &str, response: &Value, exchange: &Exchange<'_>) -> Vec<String> {
    let kind = exchange.headers.get(CONTENT_TYPE);
    let kind = kind.map_or("", |kind| kind.to_str().unwrap());
    let kind = kind.split(';').next().unwrap();
    // A browser gets the same as a page, which the document tells once for all.
    let is_page = exchange.status >= 400 && kind == "text/html";
    let content = response["content"].as_object();
    if is_page || (content.is_none() && exchange.text.is_empty()) {
        return Vec::new();
    }
    if !content.is_some_and(|content| content.contains_key(kind)) {
        return vec![format!("a body of the kind `{kind}` isn't listed")];
    }
    let is_json = (kind.ends_with("/json") || kind.ends_with("+json"))
        && !exchange.headers.contains_key(CONTENT_ENCODING);
    if !is_json {
        return Vec::new();
    }
    let kind = kind.replace('/', "~1");
    let body: Value = serde_json::from_str(exchange.text).unwrap();
    misfits(&format!("{place}/content/{kind}/schema"), &body)
}

fn is_parameter(part: &str) -> bool {
    part.starts_with('{')
}
