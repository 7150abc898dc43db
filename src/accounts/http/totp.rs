//! `/api/v1/admin/me/totp`: one's own second factor. Translates only.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::fields::{Wrong, shown_password};
use super::wire::parse_code;
use crate::accounts::Accounts;
use crate::accounts::extract::Current;
use crate::accounts::totp::SecondCode;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::web::conditional::private_json;
use crate::web::{ApiError, Strict};

/// One of the two: the password for the first step, a code for the second.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({ "password": "correct horse battery" }))]
pub struct SetUpTotp {
    /// One's own password, to begin.
    #[schema(value_type = Option<String>, format = "password", min_length = 1, max_length = 1000)]
    password: Option<SecretString>,
    /// What the app shows, to end.
    #[schema(pattern = "^[0-9]{6}$", example = "287082")]
    code: Option<String>,
}

/// A step of setting up.
enum Step {
    Begin(SecretString),
    Confirm(SecondCode),
}

impl SetUpTotp {
    fn parse(&self) -> Result<Step, Wrong> {
        let mut wrong = Wrong::default();
        let step = match (&self.password, self.code.as_deref()) {
            (None, Some(code)) => wrong.take("code", parse_code(code)).map(Step::Confirm),
            (password, None) => {
                let password = shown_password(password.as_ref());
                wrong.take("password", password).map(Step::Begin)
            }
            (Some(_), Some(_)) => {
                let complaint = Complaint::new(
                    ComplaintCode::InvalidValue,
                    "comes in a second step, without the password",
                );
                wrong.push("code", complaint);
                None
            }
        };
        step.ok_or(wrong)
    }
}

/// By hand, since the derived one keeps the values that it complains of.
impl Validate for SetUpTotp {
    fn validate(&self) -> Result<(), ValidationErrors> {
        self.parse().map(drop).map_err(Wrong::into_errors)
    }
}

/// What came of a step.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum TotpStep {
    /// The first one: not asked for yet.
    Begun(TotpBegun),
    /// The second one: asked for from now on.
    On(TotpOn),
}

/// What goes into an app.
#[derive(Serialize, ToSchema)]
struct TotpBegun {
    /// To be typed: base 32.
    #[schema(example = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    secret: String,
    /// The same for a QR code.
    #[schema(
        example = "otpauth://totp/Rejoinder:owner%40example.org?secret=JBSWY3DPEHPK3PXP&issuer=Rejoinder"
    )]
    otpauth_url: String,
}

/// What to keep in a safe place.
#[derive(Serialize, ToSchema)]
struct TotpOn {
    /// Each signs in once in the place of a code; shown this once.
    #[schema(example = json!(["k3v9-72hd-qm4x"]))]
    recovery_codes: Vec<String>,
}

/// Sets up the second factor in two steps: `password` gives what goes into an authenticator app, `code` turns it on.
#[utoipa::path(
    post,
    path = "/api/v1/admin/me/totp",
    operation_id = "set_up_totp",
    tag = "sessions",
    request_body = SetUpTotp,
    security(("bearer" = ["viewer", "session"])),
    responses(
        (status = 200, description = "What goes into the app; or, with a code, the recovery codes", body = TotpStep),
        (status = 403, description = "`forbidden`: a token that is no session's; `not_same_origin`"),
        (status = 409, description = "`totp_already_on`, `totp_not_begun`"),
        (status = 422, description = "`validation_failed` (with wrong_password on password, and invalid_value on a code that is another one), `unknown_field`"),
        (status = 429, description = "`rate_limited`: also after too many wrong passwords and codes of this account"),
    )
)]
pub async fn set_up(
    Current(session): Current,
    accounts: Data<Accounts>,
    Strict(body): Strict<SetUpTotp>,
) -> Result<HttpResponse, ApiError> {
    let step = body.parse().map_err(ApiError::from)?;
    let answer = match step {
        Step::Begin(password) => {
            let begun = accounts
                .begin_second_factor(&session.caller, password)
                .await?;
            TotpStep::Begun(TotpBegun {
                secret: begun.secret.expose_secret().to_owned(),
                otpauth_url: begun.otpauth_url.expose_secret().to_owned(),
            })
        }
        Step::Confirm(code) => {
            let codes = accounts
                .confirm_second_factor(&session.caller, &code)
                .await?;
            TotpStep::On(TotpOn {
                recovery_codes: codes.iter().map(|code| code.expose().to_owned()).collect(),
            })
        }
    };
    Ok(private_json(HttpResponse::Ok(), &answer))
}

/// What it takes to turn the second factor off.
#[derive(Deserialize, ToSchema)]
pub struct TurnTotpOff {
    /// One's own password.
    #[schema(value_type = String, required = true, format = "password", min_length = 1, max_length = 1000)]
    password: Option<SecretString>,
}

impl TurnTotpOff {
    fn parse(&self) -> Result<SecretString, Wrong> {
        let mut wrong = Wrong::default();
        let password = shown_password(self.password.as_ref());
        wrong.take("password", password).ok_or(wrong)
    }
}

impl Validate for TurnTotpOff {
    fn validate(&self) -> Result<(), ValidationErrors> {
        self.parse().map(drop).map_err(Wrong::into_errors)
    }
}

/// Turns the second factor off; its recovery codes go too. Where there is none, nothing changes.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/me/totp",
    operation_id = "turn_totp_off",
    tag = "sessions",
    request_body = TurnTotpOff,
    security(("bearer" = ["viewer", "session"])),
    responses(
        (status = 204, description = "Off"),
        (status = 403, description = "`forbidden`: a token that is no session's; `not_same_origin`"),
        (status = 422, description = "`validation_failed` (with wrong_password on password), `unknown_field`"),
        (status = 429, description = "`rate_limited`: also after too many wrong passwords of this account"),
    )
)]
pub async fn turn_off(
    Current(session): Current,
    accounts: Data<Accounts>,
    Strict(body): Strict<TurnTotpOff>,
) -> Result<HttpResponse, ApiError> {
    let password = body.parse().map_err(ApiError::from)?;
    accounts
        .drop_second_factor(&session.caller, password)
        .await?;
    Ok(HttpResponse::NoContent()
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .finish())
}
