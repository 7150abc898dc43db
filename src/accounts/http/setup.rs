//! `POST /api/v1/setup`: somebody sets their password by the link that they were given. Translates only.

use std::fmt;

use actix_web::HttpResponse;
use actix_web::web::Data;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::fields::{Wrong, new_password, required};
use crate::accounts::Accounts;
use crate::accounts::model::people::{NewPassword, SetupToken};
use crate::web::client_address::ClientAddress;
use crate::web::conditional::private_json;
use crate::web::{ApiError, Strict};

/// A set-up link and the password that is to be set.
#[derive(Deserialize, ToSchema)]
pub struct SetUp {
    /// What stands in the link behind `#`.
    #[schema(
        value_type = String,
        required = true,
        min_length = 1,
        max_length = 100,
        example = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"
    )]
    token: Option<String>,
    /// The password to sign in with from now on.
    #[schema(value_type = String, required = true, format = "password", min_length = 12, max_length = 1000)]
    password: Option<SecretString>,
}

impl SetUp {
    /// Token and password, or everything that is wrong. What can't be a token is a link that isn't good.
    fn parse(&self) -> Result<(Option<SetupToken>, NewPassword), Wrong> {
        let mut wrong = Wrong::default();
        let sent = self.token.as_deref().filter(|token| !token.is_empty());
        let token = wrong.take("token", sent.ok_or_else(required));
        let password = wrong.take("password", new_password(self.password.as_ref()));
        match (token, password) {
            (Some(token), Some(password)) => Ok((SetupToken::parse(token), password)),
            _ => Err(wrong),
        }
    }
}

impl Validate for SetUp {
    fn validate(&self) -> Result<(), ValidationErrors> {
        self.parse().map(drop).map_err(Wrong::into_errors)
    }
}

impl fmt::Debug for SetUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetUp(…)")
    }
}

/// How to sign in from now on.
#[derive(Serialize, ToSchema)]
#[schema(as = SetUpReceipt)]
struct Receipt {
    /// The account's e-mail address, which goes with the password.
    email: String,
}

/// Sets the password of an account by its set-up link, which is good once; all sessions of the account end.
#[utoipa::path(
    post,
    path = "/api/v1/setup",
    tag = "sessions",
    operation_id = "set_up",
    request_body = SetUp,
    responses(
        (status = 200, body = Receipt),
        (status = 404, description = "`setup_link_not_found`: unknown, used, replaced, too old, or of a disabled account"),
    ),
)]
pub async fn set_up(
    accounts: Data<Accounts>,
    from: ClientAddress,
    Strict(body): Strict<SetUp>,
) -> Result<HttpResponse, ApiError> {
    let (token, password) = body.parse()?;
    let email = accounts.set_up(token, password, from.network()).await?;
    Ok(private_json(
        HttpResponse::Ok(),
        &Receipt {
            email: email.as_str().to_owned(),
        },
    ))
}
