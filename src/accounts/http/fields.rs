//! Bodies about people read field by field, so that everything wrong is named at once and nothing of it kept. Must not know
//! which fields there are.

use std::borrow::Cow;
use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};
use validator::{ValidationErrors, ValidationErrorsKind};

use crate::accounts::model::people::NewPassword;
use crate::accounts::passwords::PASSWORD_CHARS_MAX;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::web::ApiError;
use crate::web::input::rule;
use crate::web::problem::FieldProblem;

/// What is wrong with a body, by field, as `scopes[1]`.
#[derive(Debug, Default)]
pub(super) struct Wrong(Vec<(Cow<'static, str>, Complaint)>);

impl Wrong {
    /// The field's value, or nothing and a complaint.
    pub(super) fn take<T>(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        parsed: Result<T, Complaint>,
    ) -> Option<T> {
        parsed
            .map_err(|complaint| self.0.push((field.into(), complaint)))
            .ok()
    }

    /// One complaint more.
    pub(super) fn push(&mut self, field: impl Into<Cow<'static, str>>, complaint: Complaint) {
        self.0.push((field.into(), complaint));
    }

    /// Whether nothing is wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As the extractors want it.
    pub(super) fn into_errors(self) -> ValidationErrors {
        let mut errors = ValidationErrors::new();
        for (field, complaint) in self.0 {
            let list = rule::<()>(Err(complaint)).err().into_iter().collect();
            errors
                .errors_mut()
                .insert(field, ValidationErrorsKind::Field(list));
        }
        errors
    }
}

impl From<Wrong> for ApiError {
    fn from(wrong: Wrong) -> Self {
        let problems = wrong.0.into_iter();
        Self::of_fields(
            problems
                .map(|(field, complaint)| FieldProblem::new(field, complaint))
                .collect(),
        )
    }
}

/// A password on its way in; `Debug` and errors don't show it.
pub(super) struct SentPassword(SecretString);

impl SentPassword {
    /// One that is to be set.
    pub(super) fn as_new(sent: Option<&Self>) -> Result<NewPassword, Complaint> {
        let Self(password) = sent.ok_or_else(required)?;
        NewPassword::parse(password)
    }

    /// One that proves who is there: whatever an account may have.
    pub(super) fn as_proof(sent: Option<&Self>) -> Result<SecretString, Complaint> {
        let Self(password) = sent.ok_or_else(required)?;
        match password.expose_secret().chars().count() {
            0 => Err(required()),
            1..=PASSWORD_CHARS_MAX => Ok(password.clone()),
            _ => Err(Complaint::new(
                ComplaintCode::TooLong,
                "must have at most 1,000 characters",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for SentPassword {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(SecretString::from(text)))
    }
}

impl fmt::Debug for SentPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SentPassword(…)")
    }
}

/// The field has to be there.
pub(super) fn required() -> Complaint {
    Complaint::new(ComplaintCode::Required, "must not be empty")
}
