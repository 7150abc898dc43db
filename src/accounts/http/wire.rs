//! Sessions as JSON. Must not know the database or any rule of the trade.

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use validator::{Validate, ValidationError, ValidationErrors};

use super::fields::shown_password;
use crate::accounts::model::{Caller, Role, Session, SiteScope};
use crate::accounts::service::SignedIn;
use crate::accounts::totp::SecondCode;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::email::EmailAddress;
use crate::base::ids::{ModeratorId, SessionId, SiteId};
use crate::web::input::rule;
use crate::web::problem::FieldProblem;

/// Who wants to sign in.
#[derive(Deserialize, ToSchema)]
pub struct SignIn {
    /// The account's e-mail address.
    #[schema(value_type = String, required = true, format = "email", max_length = 254)]
    email: Option<String>,
    /// The account's password.
    #[schema(value_type = String, required = true, format = "password", min_length = 1, max_length = 1000)]
    password: Option<SecretString>,
    /// The second factor, where the account has one: six digits of the app, or a recovery code.
    #[schema(min_length = 1, max_length = 100, example = "287082")]
    totp: Option<String>,
    /// True: the token comes as a cookie for the desk, and `token` is null. Only our own pages may ask for that.
    cookie: Option<bool>,
}

/// How a session's token gets to its holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// In the answer's body.
    Body,
    /// As a cookie.
    Cookie,
}

/// What a sign-in shows.
pub(super) struct Shown {
    pub(super) email: EmailAddress,
    pub(super) password: SecretString,
    pub(super) code: Option<SecondCode>,
}

/// Characters of a second factor as it is typed.
const CODE_CHARS_MAX: usize = 100;

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignIn(…)")
    }
}

/// By hand, since the derived one keeps the values that it complains of.
impl Validate for SignIn {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let mut errors = ValidationErrors::new();
        let mut check = |field, checked: Result<(), ValidationError>| {
            if let Err(error) = checked {
                errors.add(field, error);
            }
        };
        check("email", rule(self.parsed_email()));
        check("password", rule(self.checked_password()));
        check("totp", rule(self.parsed_code()));
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }
}

impl SignIn {
    fn parsed_email(&self) -> Result<EmailAddress, Complaint> {
        EmailAddress::parse_account(self.email.as_deref().unwrap_or_default())
    }

    fn checked_password(&self) -> Result<SecretString, Complaint> {
        shown_password(self.password.as_ref())
    }

    fn parsed_code(&self) -> Result<Option<SecondCode>, Complaint> {
        self.totp.as_deref().map(parse_code).transpose()
    }

    /// How the token is wanted.
    pub(super) fn delivery(&self) -> Delivery {
        if self.cookie == Some(true) {
            Delivery::Cookie
        } else {
            Delivery::Body
        }
    }

    /// What is shown, parsed.
    pub(super) fn into_shown(self) -> Result<Shown, FieldProblem> {
        let email = self
            .parsed_email()
            .map_err(|complaint| FieldProblem::new("email", complaint))?;
        let password = self
            .checked_password()
            .map_err(|complaint| FieldProblem::new("password", complaint))?;
        let code = self
            .parsed_code()
            .map_err(|complaint| FieldProblem::new("totp", complaint))?;
        Ok(Shown {
            email,
            password,
            code,
        })
    }
}

/// A second factor as it is typed. Whether it can be one is not said here: whoever has the wrong password learns nothing.
pub(super) fn parse_code(text: &str) -> Result<SecondCode, Complaint> {
    match text.chars().count() {
        0 => Err(Complaint::new(ComplaintCode::Required, "must not be empty")),
        1..=CODE_CHARS_MAX => Ok(SecondCode::parse(text)),
        _ => Err(Complaint::new(
            ComplaintCode::TooLong,
            "must have at most 100 characters",
        )),
    }
}

/// A session that has just begun.
#[derive(Serialize, ToSchema)]
pub struct SignInReceipt {
    /// For `Authorization: Bearer …`; shown this once. Null where it comes as a cookie.
    #[schema(
        required = true,
        example = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"
    )]
    token: Option<String>,
    /// When the session ends if it isn't used until then: 12 hours after its last use, at most 30 days after it began.
    #[serde(with = "crate::base::clock::rfc3339")]
    expires_at: OffsetDateTime,
    /// Who signed in.
    moderator: SignedInModerator,
}

impl SignInReceipt {
    /// With the token, or without.
    pub(super) fn of(signed_in: SignedIn, delivery: Delivery) -> Self {
        let SignedIn { token, session } = signed_in;
        Self {
            token: (delivery == Delivery::Body).then(|| token.expose().to_owned()),
            expires_at: session.expires_at,
            moderator: session.caller.into(),
        }
    }
}

/// The session that a request came with.
#[derive(Serialize, ToSchema)]
pub struct CurrentSession {
    /// Which one.
    id: SessionId,
    /// When it began.
    #[serde(with = "crate::base::clock::rfc3339")]
    created_at: OffsetDateTime,
    /// When it ends if it isn't used until then: 12 hours after its last use, at most 30 days after it began.
    #[serde(with = "crate::base::clock::rfc3339")]
    expires_at: OffsetDateTime,
    /// Whose it is.
    moderator: SignedInModerator,
}

impl From<Session> for CurrentSession {
    fn from(session: Session) -> Self {
        Self {
            id: session.id,
            created_at: session.created_at,
            expires_at: session.expires_at,
            moderator: session.caller.into(),
        }
    }
}

/// Who is signed in. Without their e-mail address: whoever holds a token needs a name and a role, no more.
#[derive(Serialize, ToSchema)]
pub struct SignedInModerator {
    /// The account.
    id: ModeratorId,
    /// The name that colleagues see.
    name: String,
    /// What they may do.
    role: Role,
    /// The sites whose comments they see; null: all.
    #[schema(required = true)]
    sites: Option<Vec<SiteId>>,
}

impl From<Caller> for SignedInModerator {
    fn from(caller: Caller) -> Self {
        Self {
            id: caller.moderator_id,
            name: caller.name,
            role: caller.role,
            sites: match caller.sites {
                SiteScope::All => None,
                SiteScope::Only(sites) => Some(sites),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(json: &str) -> Vec<(String, String)> {
        let body: SignIn = serde_json::from_str(json).unwrap();
        let errors = body.validate().err().map(|errors| {
            errors
                .field_errors()
                .into_iter()
                .map(|(field, found)| {
                    assert!(found.iter().all(|error| error.params.is_empty()));
                    (field.to_string(), found[0].code.to_string())
                })
                .collect::<Vec<_>>()
        });
        let mut errors = errors.unwrap_or_default();
        errors.sort();
        errors
    }

    #[test]
    fn everything_wrong_is_named_at_once_and_nothing_is_kept() {
        let named = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            complaints("{}"),
            named(&[("email", "required"), ("password", "required")])
        );
        assert_eq!(
            complaints(r#"{"email": "nobody", "password": ""}"#),
            named(&[("email", "invalid_email"), ("password", "required")])
        );
        assert_eq!(
            complaints(r#"{"email": "owner@localhost", "password": " "}"#),
            []
        );
        for (length, expected) in [(1_000, &[][..]), (1_001, &[("password", "too_long")])] {
            let password = "é".repeat(length);
            let json = format!(r#"{{"email": "a@example.org", "password": "{password}"}}"#);
            assert_eq!(complaints(&json), named(expected));
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        let body: SignIn =
            serde_json::from_str(r#"{"email": "a@example.org", "password": "geheim"}"#).unwrap();
        let printed = format!("{body:?}");
        assert!(
            !printed.contains("geheim") && !printed.contains("example"),
            "{printed}"
        );
        let shown = body.into_shown().ok().unwrap();
        assert!(!format!("{:?}", shown.password).contains("geheim"));
    }
}
