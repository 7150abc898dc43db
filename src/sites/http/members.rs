//! Members of a body as they were sent, read by hand: so every complaint comes at once, also of a wrong type inside
//! `policy`, and null can be told from missing. Must not know what the members mean.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use validator::{ValidationError, ValidationErrors, ValidationErrorsKind};

use crate::base::change::Change;
use crate::base::clock;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::web::problem::FieldProblem;

/// A member: missing, null, or a value.
#[derive(Default)]
pub(super) struct Member(Option<Value>);

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Value::deserialize(from).map(|value| Self(Some(value)))
    }
}

/// What is wrong with a body, collected while it is read.
#[derive(Default)]
pub(super) struct Complaints(Vec<FieldProblem>);

impl Complaints {
    /// Notes what is wrong, if anything is.
    pub(super) fn note<T>(&mut self, field: &str, read: Result<T, Complaint>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(complaint) => {
                self.0.push(FieldProblem::new(field, complaint));
                None
            }
        }
    }

    /// A member that has to be there.
    pub(super) fn required<T>(
        &mut self,
        field: &str,
        member: &Member,
        read: impl FnOnce(&Value) -> Result<T, Complaint>,
    ) -> Option<T> {
        let read = match &member.0 {
            None | Some(Value::Null) => Err(required()),
            Some(value) => read(value),
        };
        self.note(field, read)
    }

    /// A member that may be missing or null, which is the same.
    pub(super) fn optional<T>(
        &mut self,
        field: &str,
        member: &Member,
        read: impl FnOnce(&Value) -> Result<T, Complaint>,
    ) -> Option<T> {
        match &member.0 {
            None | Some(Value::Null) => None,
            Some(value) => self.note(field, read(value)),
        }
    }

    /// A member that leaves things alone where it is missing; null is nothing that it can become.
    pub(super) fn change<T>(
        &mut self,
        field: &str,
        member: &Member,
        read: impl FnOnce(&Value) -> Result<T, Complaint>,
    ) -> Change<T> {
        if member.0.is_none() {
            return Change::Keep;
        }
        self.required(field, member, read)
            .map_or(Change::Keep, Change::Set)
    }

    /// A member that leaves things alone where it is missing, and clears them where it is null.
    pub(super) fn clearable<T>(
        &mut self,
        field: &str,
        member: &Member,
        read: impl FnOnce(&Value) -> Result<T, Complaint>,
    ) -> Change<Option<T>> {
        match &member.0 {
            None => Change::Keep,
            Some(Value::Null) => Change::Set(None),
            Some(value) => self
                .note(field, read(value))
                .map_or(Change::Keep, |value| Change::Set(Some(value))),
        }
    }

    /// What was read, where nothing is wrong.
    pub(super) fn unless_any<T>(self, read: T) -> Result<T, Vec<FieldProblem>> {
        if self.0.is_empty() {
            Ok(read)
        } else {
            Err(self.0)
        }
    }
}

/// As [`validator::Validate`] wants it: paths as flat names, and no value that was sent.
pub(super) fn validated<T>(read: Result<T, Vec<FieldProblem>>) -> Result<(), ValidationErrors> {
    let Err(problems) = read else { return Ok(()) };
    let mut errors = ValidationErrors::new();
    for problem in problems {
        let error = ValidationError {
            code: problem.code,
            message: Some(problem.message),
            params: HashMap::new(),
        };
        let kind = ValidationErrorsKind::Field(vec![error]);
        errors.errors_mut().insert(Cow::Owned(problem.field), kind);
    }
    Err(errors)
}

pub(super) fn required() -> Complaint {
    Complaint::new(ComplaintCode::Required, "must not be empty")
}

fn wrong_type(message: &'static str) -> Complaint {
    Complaint::new(ComplaintCode::InvalidType, message)
}

/// A text that `parse` takes.
pub(super) fn text<T>(
    parse: impl FnOnce(&str) -> Result<T, Complaint>,
) -> impl FnOnce(&Value) -> Result<T, Complaint> {
    move |value| {
        let text = value.as_str();
        parse(text.ok_or_else(|| wrong_type("must be a text"))?)
    }
}

/// One of some words.
pub(super) fn word<T>(
    parse: impl FnOnce(&str) -> Option<T>,
    message: &'static str,
) -> impl FnOnce(&Value) -> Result<T, Complaint> {
    text(move |word| {
        parse(word).ok_or_else(|| Complaint::new(ComplaintCode::InvalidValue, message))
    })
}

/// A whole number within bounds.
pub(super) fn number<T: TryFrom<i64>>(
    bounds: RangeInclusive<i64>,
) -> impl FnOnce(&Value) -> Result<T, Complaint> {
    move |value| {
        if !value.is_number() {
            return Err(wrong_type("must be a number"));
        }
        let number = value.as_i64().filter(|number| bounds.contains(number));
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| {
                Complaint::new(
                    ComplaintCode::InvalidValue,
                    format!(
                        "must be a whole number from {} to {}",
                        bounds.start(),
                        bounds.end()
                    ),
                )
            })
    }
}

/// True or false.
pub(super) fn flag(value: &Value) -> Result<bool, Complaint> {
    value
        .as_bool()
        .ok_or_else(|| wrong_type("must be true or false"))
}

/// A time with its offset, of the years 1 to 9999, which the database and RFC 3339 both can hold.
pub(super) fn time(value: &Value) -> Result<OffsetDateTime, Complaint> {
    text(|text| {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok();
        let at = at.and_then(|at| at.checked_to_offset(time::UtcOffset::UTC));
        let at = at.filter(|at| at.year() >= 1).map(clock::truncate);
        at.ok_or_else(|| {
            Complaint::new(
                ComplaintCode::InvalidValue,
                "must be a time as 2026-11-24T16:27:18Z",
            )
        })
    })(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_need_an_offset_and_a_year_that_can_be_stored() {
        for text in [
            "2026-11-24T16:27:18Z",
            "2026-11-24T16:27:18.5+01:00",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
        ] {
            assert!(time(&json!(text)).is_ok(), "{text}");
        }
        for text in [
            "",
            "2026-11-24",
            "2026-11-24T16:27:18",
            "0001-01-01T00:00:00+01:00",
            "0000-06-01T00:00:00Z",
            "9999-12-31T23:59:59-01:00",
            "2026-02-30T00:00:00Z",
        ] {
            assert!(time(&json!(text)).is_err(), "{text}");
        }
        assert_eq!(
            time(&json!(5)).unwrap_err().code,
            ComplaintCode::InvalidType
        );
    }

    #[test]
    fn numbers_are_whole_and_within_their_bounds() {
        let read =
            |value: Value| number::<i16>(0..=100)(&value).map_err(|complaint| complaint.code);
        assert_eq!(read(json!(0)), Ok(0));
        assert_eq!(read(json!(100)), Ok(100));
        for value in [json!(101), json!(-1), json!(1.5), json!(1e300)] {
            assert_eq!(read(value), Err(ComplaintCode::InvalidValue));
        }
        assert_eq!(read(json!("5")), Err(ComplaintCode::InvalidType));
    }
}
