//! `/api/v1/admin/me`: the own account. Translates only.

use std::fmt;

use actix_web::HttpResponse;
use actix_web::web::Data;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::fields::{Wrong, new_password, shown_password};
use crate::accounts::Accounts;
use crate::accounts::extract::Current;
use crate::accounts::model::Role;
use crate::accounts::model::people::{Moderator, NewPassword};
use crate::base::change::Change;
use crate::base::ids::{ModeratorId, SiteId};
use crate::base::text::Name;
use crate::web::client_address::ClientAddress;
use crate::web::conditional::{private_json, private_nothing};
use crate::web::query::Query;
use crate::web::{ApiError, Strict};

/// The own account.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnAccount)]
struct OwnAccountItem {
    /// The account.
    id: ModeratorId,
    /// The name that colleagues see.
    name: String,
    /// How one signs in.
    email: String,
    /// What one may do.
    role: Role,
    /// The sites that one sees; null: all.
    #[schema(required = true)]
    sites: Option<Vec<SiteId>>,
    /// Whether a second factor is asked for at sign-in.
    totp: bool,
}

impl From<Moderator> for OwnAccountItem {
    fn from(moderator: Moderator) -> Self {
        Self {
            id: moderator.id,
            email: moderator.email.as_str().to_owned(),
            name: moderator.name,
            role: moderator.role,
            sites: moderator.sites.ids().map(<[SiteId]>::to_vec),
            totp: moderator.has_second_factor,
        }
    }
}

/// What is to become of the own account; what is missing stays as it is.
#[derive(Deserialize, ToSchema)]
pub struct ChangeOwnAccount {
    /// The name that colleagues see.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100)]
    name: Change<String>,
}

impl ChangeOwnAccount {
    fn parse(&self) -> Result<Option<Name>, Wrong> {
        let mut wrong = Wrong::default();
        let parse = |name: Option<&String>| Name::parse(name.map_or("", String::as_str));
        wrong.take("name", self.name.parse_with(parse)).ok_or(wrong)
    }
}

/// The current password as a proof, and the one that is to be.
#[derive(Deserialize, ToSchema)]
pub struct ChangePassword {
    /// The password until now.
    #[schema(value_type = String, required = true, format = "password", min_length = 1, max_length = 1000)]
    current_password: Option<SecretString>,
    /// The password from now on.
    #[schema(value_type = String, required = true, format = "password", min_length = 12, max_length = 1000)]
    new_password: Option<SecretString>,
}

impl ChangePassword {
    fn parse(&self) -> Result<(SecretString, NewPassword), Wrong> {
        let mut wrong = Wrong::default();
        let current = wrong.take(
            "current_password",
            shown_password(self.current_password.as_ref()),
        );
        let new = wrong.take("new_password", new_password(self.new_password.as_ref()));
        match (current, new) {
            (Some(current), Some(new)) => Ok((current, new)),
            _ => Err(wrong),
        }
    }
}

impl Validate for ChangeOwnAccount {
    fn validate(&self) -> Result<(), ValidationErrors> {
        self.parse().map(drop).map_err(Wrong::into_errors)
    }
}

impl Validate for ChangePassword {
    fn validate(&self) -> Result<(), ValidationErrors> {
        self.parse().map(drop).map_err(Wrong::into_errors)
    }
}

impl fmt::Debug for ChangeOwnAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChangeOwnAccount(…)")
    }
}

impl fmt::Debug for ChangePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChangePassword(…)")
    }
}

/// Tells who is signed in.
#[utoipa::path(
    get,
    path = "/api/v1/admin/me",
    tag = "sessions",
    operation_id = "show_own_account",
    responses(
        (status = 200, body = OwnAccountItem),
    ),
    security(("bearer" = ["viewer", "session"])),
)]
pub async fn show(
    Current(session): Current,
    accounts: Data<Accounts>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(&[])?;
    let own = accounts.show_own(&session).await?;
    Ok(private_json(HttpResponse::Ok(), &OwnAccountItem::from(own)))
}

/// Changes the own name. Role and sites are changed by others.
#[utoipa::path(
    patch,
    path = "/api/v1/admin/me",
    tag = "sessions",
    operation_id = "change_own_account",
    request_body = ChangeOwnAccount,
    responses(
        (status = 200, body = OwnAccountItem),
    ),
    security(("bearer" = ["viewer", "session"])),
)]
pub async fn change(
    Current(session): Current,
    accounts: Data<Accounts>,
    Strict(body): Strict<ChangeOwnAccount>,
) -> Result<HttpResponse, ApiError> {
    let own = match body.parse()? {
        Some(name) => accounts.rename_own(&session, &name).await?,
        None => accounts.show_own(&session).await?,
    };
    Ok(private_json(HttpResponse::Ok(), &OwnAccountItem::from(own)))
}

/// Changes the own password; every other session ends.
#[utoipa::path(
    put,
    path = "/api/v1/admin/me/password",
    tag = "sessions",
    operation_id = "change_own_password",
    request_body = ChangePassword,
    responses(
        (status = 204, description = "Changed"),
        (status = 422, description = "`validation_failed` (with wrong_password on current_password), `unknown_field`"),
        (status = 429, description = "`rate_limited`, also after too many wrong passwords"),
    ),
    security(("bearer" = ["viewer", "session"])),
)]
pub async fn change_password(
    Current(session): Current,
    accounts: Data<Accounts>,
    from: ClientAddress,
    Strict(body): Strict<ChangePassword>,
) -> Result<HttpResponse, ApiError> {
    let (current, new) = body.parse()?;
    accounts
        .change_own_password(&session, current, new, from.network())
        .await?;
    Ok(private_nothing())
}
