//! Bodies about people read field by field, so that everything wrong is named at once and nothing of it kept. Must not know
//! which fields there are.

use std::borrow::Cow;

use secrecy::{ExposeSecret as _, SecretString};
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

/// A password that is to be set.
pub(super) fn new_password(sent: Option<&SecretString>) -> Result<NewPassword, Complaint> {
    NewPassword::parse(sent.ok_or_else(required)?)
}

/// A password that proves who is there: whatever an account may have.
pub(super) fn shown_password(sent: Option<&SecretString>) -> Result<SecretString, Complaint> {
    let password = sent.ok_or_else(required)?;
    match password.expose_secret().chars().count() {
        0 => Err(required()),
        1..=PASSWORD_CHARS_MAX => Ok(password.clone()),
        _ => Err(Complaint::new(
            ComplaintCode::TooLong,
            "must have at most 1,000 characters",
        )),
    }
}

/// The field has to be there.
pub(super) fn required() -> Complaint {
    Complaint::new(ComplaintCode::Required, "must not be empty")
}
