//! `Valid<T>` and `Strict<T>`: a body as a wire struct whose fields are all checked, or every complaint at once.
//! Must not know the trade: what a field may hold stands in the struct's `validator` rules.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use validator::{Validate, ValidationErrors, ValidationErrorsKind};

use super::body::{self, Kind};
use super::json::{UniqueKeys, take_out_nul};
use super::problem::{ApiError, FieldProblem};
use crate::base::codes::Code;
use crate::base::complaint::{Complaint, ComplaintCode};

/// A public body: JSON or a form, unknown fields are ignored.
#[derive(Debug)]
pub struct Valid<T>(pub T);

/// A moderator's body: JSON only, unknown fields are an error. An empty body counts as `{}`.
#[derive(Debug)]
pub struct Strict<T>(pub T);

/// More type errors than this are not collected; no wire struct has as many fields.
const TYPE_ERRORS_MAX: usize = 32;

impl<T: DeserializeOwned + Validate + 'static> FromRequest for Valid<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let kind = body::kind(&request)?;
            let bytes = body::read(&request, payload).await?;
            let value = match kind {
                Kind::Json => parse_json(&bytes)?,
                Kind::Form => Value::Object(parse_form(&bytes)?),
            };
            check(value, UnknownFields::Ignored).map(Self)
        })
    }
}

impl<T: DeserializeOwned + Validate + 'static> FromRequest for Strict<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let kind = body::kind(&request);
            let bytes = body::read(&request, payload).await?;
            if bytes.is_empty() {
                return check(Value::Object(Map::new()), UnknownFields::Refused).map(Self);
            }
            if kind? != Kind::Json {
                return Err(ApiError::because(
                    Code::UnsupportedMediaType,
                    "this operation takes JSON only",
                ));
            }
            check(parse_json(&bytes)?, UnknownFields::Refused).map(Self)
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum UnknownFields {
    Ignored,
    Refused,
}

fn malformed(detail: &'static str) -> ApiError {
    ApiError::because(Code::MalformedBody, detail)
}

fn parse_json(bytes: &[u8]) -> Result<Value, ApiError> {
    match serde_json::from_slice::<UniqueKeys>(bytes) {
        Ok(UniqueKeys(value @ Value::Object(_))) => Ok(value),
        Ok(_) => Err(malformed("the body has to be one JSON object")),
        Err(error) => {
            tracing::debug!(
                line = error.line(),
                column = error.column(),
                "a body was not JSON"
            );
            Err(malformed(
                "the body is not JSON in UTF-8, nested too deep, or has a key twice",
            ))
        }
    }
}

fn parse_form(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let text = std::str::from_utf8(bytes)
        .ok()
        .ok_or_else(|| malformed("the form is not UTF-8"))?;
    let mut fields = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |part| {
            decode_form(part).ok_or_else(|| malformed("the form's percent-encoding is broken"))
        };
        if fields
            .insert(decode(name)?, Value::String(decode(value)?))
            .is_some()
        {
            return Err(malformed("a field stands twice in the form"));
        }
    }
    Ok(fields)
}

/// One name or value of a form or query string: `+` is a space, percent-encoding must be whole and give UTF-8.
pub(crate) fn decode_form(part: &str) -> Option<String> {
    let hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let bytes = part.as_bytes();
    let whole = bytes
        .iter()
        .enumerate()
        .all(|(at, byte)| *byte != b'%' || (hex(bytes.get(at + 1)) && hex(bytes.get(at + 2))));
    if !whole {
        return None;
    }
    let spaced = part.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .ok()
        .map(Cow::into_owned)
}

/// The same for paths and queries, which can't hold NUL either.
pub(crate) fn decode_address(part: &str) -> Option<String> {
    decode_form(part).filter(|text| !text.contains('\0'))
}

fn check<T: DeserializeOwned + Validate>(
    mut value: Value,
    unknown: UnknownFields,
) -> Result<T, ApiError> {
    let mut problems: Vec<FieldProblem> = take_out_nul(&mut value)
        .into_iter()
        .map(|path| {
            FieldProblem::new(
                path,
                Complaint::new(
                    ComplaintCode::InvalidCharacters,
                    "must not hold the character NUL",
                ),
            )
        })
        .collect();
    let parsed: Option<T> = deserialize(value, unknown, &mut problems);
    if let Some(parsed) = &parsed
        && let Err(errors) = parsed.validate()
    {
        let mut found = Vec::new();
        collect(&errors, "", &mut found);
        // A field that was taken out above would be called missing now.
        found.retain(|problem: &FieldProblem| {
            !problems.iter().any(|known| known.field == problem.field)
        });
        problems.extend(found);
    }
    match parsed {
        Some(parsed) if problems.is_empty() => Ok(parsed),
        _ => {
            problems.sort_by(|one, other| one.field.cmp(&other.field));
            Err(ApiError::of_fields(problems))
        }
    }
}

/// Deserialises again and again, each time without the member whose type was wrong, so that all are found. Wire
/// structs make every member optional for that; inside lists the first wrong type ends the search.
fn deserialize<T: DeserializeOwned>(
    mut value: Value,
    unknown: UnknownFields,
    problems: &mut Vec<FieldProblem>,
) -> Option<T> {
    for _ in 0..TYPE_ERRORS_MAX {
        let mut ignored = Vec::new();
        let mut note = |path: serde_ignored::Path<'_>| ignored.push(path_text(&path));
        let attempt = serde_path_to_error::deserialize::<_, T>(serde_ignored::Deserializer::new(
            value.clone(),
            &mut note,
        ));
        match attempt {
            Ok(parsed) => {
                if unknown == UnknownFields::Refused {
                    let complaint = || {
                        Complaint::new(
                            ComplaintCode::UnknownField,
                            "is not a field of this operation",
                        )
                    };
                    problems.extend(
                        ignored
                            .into_iter()
                            .map(|path| FieldProblem::new(path, complaint())),
                    );
                }
                return Some(parsed);
            }
            Err(error) => {
                let path = error.path().to_string();
                let removed = value
                    .as_object_mut()
                    .and_then(|members| members.remove(&path));
                problems.push(FieldProblem::new(
                    path,
                    Complaint::new(
                        ComplaintCode::InvalidType,
                        "has another type or form than this field takes",
                    ),
                ));
                removed.as_ref()?;
            }
        }
    }
    None
}

/// A member's path as all complaints write it: `decisions[3].note`.
fn path_text(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}[{index}]", path_text(parent)),
        Path::Map { parent, key } => match path_text(parent) {
            parent if parent.is_empty() => key.clone(),
            parent => format!("{parent}.{key}"),
        },
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => path_text(parent),
    }
}

fn collect(errors: &ValidationErrors, prefix: &str, found: &mut Vec<FieldProblem>) {
    for (field, kind) in errors.errors() {
        let path = if prefix.is_empty() {
            field.to_string()
        } else {
            format!("{prefix}.{field}")
        };
        match kind {
            ValidationErrorsKind::Field(list) => found.extend(list.iter().take(1).map(|error| {
                FieldProblem {
                    field: path.clone(),
                    code: error.code.clone(),
                    message: error
                        .message
                        .clone()
                        .unwrap_or(Cow::Borrowed("is not right")),
                }
            })),
            ValidationErrorsKind::Struct(inner) => collect(inner, &path, found),
            ValidationErrorsKind::List(items) => {
                for (index, inner) in items {
                    collect(inner, &format!("{path}[{index}]"), found);
                }
            }
        }
    }
}

/// For `#[validate(custom(…))]`: what a parser of `base` says, as `validator` wants it.
pub fn rule<T>(parsed: Result<T, Complaint>) -> Result<(), validator::ValidationError> {
    parsed.map(drop).map_err(|complaint| {
        validator::ValidationError::new(complaint.code.as_str()).with_message(complaint.message)
    })
}

/// For a `Validate` by hand: all that is wrong, by member or path.
pub fn all_wrong<N: Into<Cow<'static, str>>>(
    problems: Vec<(N, Complaint)>,
) -> Result<(), ValidationErrors> {
    let mut errors = ValidationErrors::new();
    for (member, complaint) in problems {
        if let Err(error) = rule::<()>(Err(complaint)) {
            let kind = ValidationErrorsKind::Field(vec![error]);
            errors.errors_mut().insert(member.into(), kind);
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}
