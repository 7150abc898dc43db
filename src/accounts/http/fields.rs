//! Complaints about fields that the derived rules can't make: entries of lists, and values that must not be kept.
//! Must not know any body.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use validator::{ValidationErrors, ValidationErrorsKind};

use crate::base::complaint::{Complaint, ComplaintCode};
use crate::web::input::rule;
use crate::web::problem::FieldProblem;

/// Fields by their paths, as `scopes[1]`, and what is wrong with each.
pub(super) type Wrong = Vec<(String, Complaint)>;

/// As [`validator::Validate`] wants it.
pub(super) fn validation(wrong: Wrong) -> Result<(), ValidationErrors> {
    if wrong.is_empty() {
        return Ok(());
    }
    let mut errors = ValidationErrors::new();
    for (field, complaint) in wrong {
        let list = rule::<()>(Err(complaint)).err().into_iter().collect();
        errors
            .errors_mut()
            .insert(Cow::Owned(field), ValidationErrorsKind::Field(list));
    }
    Err(errors)
}

/// As an answer has it.
pub(super) fn problems(wrong: Wrong) -> Vec<FieldProblem> {
    wrong
        .into_iter()
        .map(|(field, complaint)| FieldProblem::new(field, complaint))
        .collect()
}

/// The value, or its complaint on the list under this field.
pub(super) fn noted<T>(wrong: &mut Wrong, field: &str, parsed: Result<T, Complaint>) -> Option<T> {
    parsed
        .map_err(|complaint| wrong.push((field.to_owned(), complaint)))
        .ok()
}

/// What a required field says that isn't there.
pub(super) fn required() -> Complaint {
    Complaint::new(ComplaintCode::Required, "is required")
}

/// A member of a body, for which null is another word than nothing (with `#[serde(default)]`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Member<T> {
    /// It isn't there.
    #[default]
    Missing,
    /// It is null.
    Null,
    /// It has a value.
    Value(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Member<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Option::<T>::deserialize(from)?;
        Ok(value.map_or(Self::Null, Self::Value))
    }
}
