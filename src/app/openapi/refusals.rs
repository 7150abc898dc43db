//! What operations can refuse: their own refusals as their handlers name them, and by rule what every operation of a kind
//! can. Must not know any operation by its name.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::operations::{Operation, each};
use crate::base::codes::Code;
use crate::base::complaint::ComplaintCode;
use crate::web::paths::NOT_FOUND;

/// The refusals of one status.
#[derive(Default)]
struct Refused {
    /// In the handler's words, where these say more than the codes.
    words: Option<String>,
    codes: BTreeSet<Code>,
}

/// Completes the refusals of every operation: codes, schema, examples. Those that several share become components.
pub(super) fn complete(document: &mut Value) {
    let mut shared = Map::new();
    each(document, |operation| {
        let (mut responses, mut refused) = own(operation.take("responses"));
        for code in by_rule(operation) {
            refused.entry(code.status()).or_default().codes.insert(code);
        }
        for (status, refused) in refused {
            let answer = if refused.words.is_some() {
                response(&refused)
            } else {
                let name = format!("{status}.{}", refused.names().join("."));
                let reference = json!({ "$ref": format!("#/components/responses/{name}") });
                shared.entry(name).or_insert_with(|| response(&refused));
                reference
            };
            responses.insert(status.to_string(), answer);
        }
        operation.put("responses", responses);
    });
    if let Some(components) = document
        .get_mut("components")
        .and_then(Value::as_object_mut)
    {
        components.insert("responses".to_owned(), shared.into());
    }
}

/// What a handler lists, without and with its refusals: each word of a description that is a code of that status counts.
fn own(listed: Map<String, Value>) -> (Map<String, Value>, BTreeMap<u16, Refused>) {
    let mut answers = Map::new();
    let mut refusals = BTreeMap::new();
    for (status, response) in listed {
        let refused = status.parse().ok().filter(|status| *status >= 400);
        let Some(refused) = refused else {
            answers.insert(status, response);
            continue;
        };
        let words = response.get("description").and_then(Value::as_str);
        refusals.insert(refused, Refused::read(refused, words.unwrap_or_default()));
    }
    (answers, refusals)
}

impl Refused {
    fn read(status: u16, words: &str) -> Self {
        let code = |word: &str| {
            let mut all = Code::ALL.iter().copied();
            all.find(|code| code.as_str() == word && code.status() == status)
        };
        let parts: Vec<&str> = words
            .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
            .filter(|part| !part.is_empty())
            .collect();
        let says_more = parts.iter().any(|part| code(part).is_none());
        Self {
            words: says_more.then(|| words.to_owned()),
            codes: parts.into_iter().filter_map(code).collect(),
        }
    }

    fn names(&self) -> Vec<&'static str> {
        self.codes.iter().map(|code| code.as_str()).collect()
    }
}

/// What every operation of this kind can refuse.
fn by_rule(operation: &Operation<'_>) -> Vec<Code> {
    let mut codes = vec![Code::InvalidQuery, Code::InternalError];
    if operation.is_api() {
        codes.extend([Code::RateLimited, Code::Unavailable]);
    }
    if operation.is_admin() {
        codes.extend([Code::Unauthenticated, Code::Forbidden, Code::NotSameOrigin]);
    } else if operation.is_api() && !operation.is_read() {
        codes.push(Code::OriginNotAllowed);
    }
    if operation.has_body() {
        codes.extend([
            Code::MalformedBody,
            Code::RequestTimeout,
            Code::BodyTooLarge,
            Code::UnsupportedMediaType,
            Code::ValidationFailed,
        ]);
        if operation.is_strict() {
            codes.push(Code::UnknownField);
        }
    }
    for parameter in operation.parameters() {
        let text = |pointer| parameter.pointer(pointer).and_then(Value::as_str);
        match (text("/in"), text("/name")) {
            (Some("query"), Some("cursor")) => codes.push(Code::InvalidCursor),
            (Some("header"), Some("Idempotency-Key")) => codes.push(Code::InvalidIdempotencyKey),
            (Some("path"), Some("id")) => {
                let id = text("/schema/$ref").and_then(|name| name.rsplit('/').next());
                let listed = NOT_FOUND.iter().find(|(name, _)| Some(*name) == id);
                codes.extend(listed.map(|(_, code)| *code));
            }
            _ => {}
        }
    }
    codes
}

fn response(refused: &Refused) -> Value {
    let titles: Vec<String> = refused
        .codes
        .iter()
        .map(|code| format!("`{}` ({})", code.as_str(), code.title()))
        .collect();
    let titles = titles.join(", ");
    let words = refused.words.as_ref();
    let description = words.map_or(titles.clone(), |words| format!("{words}\n\n{titles}"));
    let code = json!({ "enum": refused.names() });
    let own = if refused.codes.contains(&Code::VersionConflict) {
        let comment = json!({ "$ref": "#/components/schemas/AdminComment" });
        json!({ "properties": { "code": code, "comment": comment } })
    } else {
        json!({ "properties": { "code": code } })
    };
    let examples: Map<String, Value> = refused
        .codes
        .iter()
        .map(|code| (code.as_str().to_owned(), json!({ "value": example(*code) })))
        .collect();
    json!({
        "description": description,
        "content": { "application/problem+json": {
            "schema": { "allOf": [{ "$ref": "#/components/schemas/Problem" }, own] },
            "examples": examples,
        } },
    })
}

/// A problem document of this code.
fn example(code: Code) -> Value {
    let mut problem = json!({
        "type": format!("/problems/{}", code.as_str()),
        "title": code.title(),
        "status": code.status(),
        "detail": code.title(),
        "code": code.as_str(),
        "request_id": "5e9c1d0af2b34c7788e1a2b3c4d5e6f7",
    });
    let complaint = match code {
        Code::ValidationFailed => Some((ComplaintCode::Required, "is required")),
        Code::UnknownField => Some((
            ComplaintCode::UnknownField,
            "is not a field of this operation",
        )),
        Code::UnknownSiteSubmitted => Some((
            ComplaintCode::UnknownSite,
            "belongs to no site of this service",
        )),
        _ => None,
    };
    if let (Some((code, message)), Some(members)) = (complaint, problem.as_object_mut()) {
        let error = json!({ "field": "name", "code": code.as_str(), "message": message });
        members.insert("detail".to_owned(), "one field is not right".into());
        members.insert("errors".to_owned(), json!([error]));
    }
    problem
}
