//! `/desk/setup`: where a set-up link leads, to set a password. Works without JavaScript, by pasting the token: it stands
//! behind `#`, which browsers send to nobody, so a script of ours has to put it into the form. Must not know the database.

use std::fmt;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;
use validator::{Validate, ValidationErrors};

use crate::accounts::Accounts;
use crate::accounts::model::people::{NewPassword, SetupToken};
use crate::base::codes::Code;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::web::Valid;
use crate::web::client_address::ClientAddress;
use crate::web::input::all_wrong;
use crate::web::problem::ApiError;

const SCRIPT: &str = include_str!("../../assets/desk/setup.js");
/// As every page's, and a form and a script of our own.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "setup.html")]
struct FormPage;

#[derive(Template)]
#[template(path = "setup_done.html")]
struct DonePage<'a> {
    email: &'a str,
}

/// What the form sends.
#[derive(Deserialize)]
pub struct SetupForm {
    #[serde(default)]
    token: String,
    #[serde(default)]
    password: SecretString,
}

impl fmt::Debug for SetupForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetupForm(…)")
    }
}

impl Validate for SetupForm {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let mut wrong = Vec::new();
        if self.token.trim().is_empty() {
            let complaint = Complaint::new(ComplaintCode::Required, "must not be empty");
            wrong.push(("token", complaint));
        }
        if let Err(complaint) = NewPassword::parse(&self.password) {
            wrong.push(("password", complaint));
        }
        all_wrong(wrong)
    }
}

/// `GET /desk/setup`: the form.
pub async fn form() -> Result<HttpResponse, ApiError> {
    page(&FormPage)
}

/// `POST /desk/setup`: sets the password, and says with which address to sign in.
pub async fn redeem(
    accounts: Data<Accounts>,
    from: ClientAddress,
    Valid(form): Valid<SetupForm>,
) -> Result<HttpResponse, ApiError> {
    let password = NewPassword::parse(&form.password)
        .ok()
        .ok_or_else(|| ApiError::new(Code::ValidationFailed))?;
    let token = SetupToken::parse(form.token.trim());
    let email = accounts.set_up(token, password, from.network()).await?;
    page(&DonePage {
        email: email.as_str(),
    })
}

/// `GET /assets/desk/setup.js`.
pub async fn script() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/javascript; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(SCRIPT)
}

fn page(template: &impl Template) -> Result<HttpResponse, ApiError> {
    let html = template
        .render()
        .ok()
        .ok_or_else(|| ApiError::new(Code::InternalError))?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header(("x-robots-tag", "noindex"))
        .body(html))
}
