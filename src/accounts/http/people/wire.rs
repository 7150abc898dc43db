//! People as JSON. Must not know the database or any rule of the trade.

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use crate::accounts::http::fields::{Wrong, new_password, required};
use crate::accounts::model::people::{
    Access, Moderator, ModeratorChange, NewModerator, SetupLink, parse_sites,
};
use crate::accounts::model::{PersonalData, Role, SiteScope};
use crate::base::change::Change;
use crate::base::clock::rfc3339;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::email::EmailAddress;
use crate::base::ids::{ModeratorId, SiteId};
use crate::base::text::Name;

/// Somebody with an account.
#[derive(Serialize, ToSchema)]
#[schema(as = Moderator)]
pub(in crate::accounts::http) struct ModeratorItem {
    /// The account.
    id: ModeratorId,
    /// How they sign in; null for viewers, and for tokens without `comments:personal`.
    email: Option<String>,
    /// The name that colleagues see.
    name: String,
    /// What they may do.
    role: Role,
    /// The sites that they see; null: all.
    #[schema(required = true)]
    sites: Option<Vec<SiteId>>,
    /// Whether nobody can sign in to it.
    disabled: bool,
    /// Since when.
    #[serde(with = "rfc3339::option")]
    disabled_at: Option<OffsetDateTime>,
    /// When the account was made.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    /// The last use of a session that still lasts, to the minute; null for whom `email` is null.
    #[serde(with = "rfc3339::option")]
    last_seen_at: Option<OffsetDateTime>,
    /// Whether a password is set; none is before a set-up link was used.
    has_password: bool,
    /// Whether a second factor is asked for at sign-in.
    totp: bool,
}

impl ModeratorItem {
    /// Somebody as a caller with this sight of personal data gets them.
    pub(in crate::accounts::http) fn of(moderator: Moderator, personal: PersonalData) -> Self {
        let shown = personal == PersonalData::Shown;
        Self {
            id: moderator.id,
            email: shown.then(|| moderator.email.as_str().to_owned()),
            name: moderator.name,
            role: moderator.role,
            sites: moderator.sites.ids().map(<[SiteId]>::to_vec),
            disabled: moderator.disabled_at.is_some(),
            disabled_at: moderator.disabled_at,
            created_at: moderator.created_at,
            last_seen_at: moderator.last_seen_at.filter(|_| shown),
            has_password: moderator.has_password,
            totp: moderator.has_second_factor,
        }
    }
}

/// A link by which somebody sets their password, once. Shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = SetupLink)]
#[expect(
    clippy::struct_field_names,
    reason = "they stand beside an account's own fields in the answer that makes one"
)]
pub(in crate::accounts::http) struct SetupLinkItem {
    /// For `POST /api/v1/setup`; null where a password was given.
    #[schema(
        required = true,
        example = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"
    )]
    setup_token: Option<String>,
    /// The page that takes the password; null where `REJOINDER_PUBLIC_URL` isn't set.
    #[schema(
        required = true,
        example = "https://comments.example.org/desk/setup#q83vEjRWeJA"
    )]
    setup_url: Option<String>,
    /// When the link ends.
    #[serde(with = "rfc3339::option")]
    setup_expires_at: Option<OffsetDateTime>,
}

impl SetupLinkItem {
    /// The link and its address.
    pub(super) fn of(link: Option<&SetupLink>, url: Option<String>) -> Self {
        Self {
            setup_token: link.map(|link| link.token.expose().to_owned()),
            setup_url: url,
            setup_expires_at: link.map(|link| link.expires_at),
        }
    }
}

/// An account that has just been made.
#[derive(Serialize, ToSchema)]
#[schema(as = AddedModerator)]
pub(super) struct AddedModeratorItem {
    #[serde(flatten)]
    pub(super) moderator: ModeratorItem,
    #[serde(flatten)]
    pub(super) link: SetupLinkItem,
}

/// Somebody who gets an account.
#[derive(Deserialize, ToSchema)]
pub struct AddModerator {
    /// How they will sign in.
    #[schema(value_type = String, required = true, format = "email", max_length = 254)]
    email: Option<String>,
    /// The name that colleagues see.
    #[schema(value_type = String, required = true, min_length = 1, max_length = 100)]
    name: Option<String>,
    /// What they may do.
    #[schema(value_type = Role, required = true)]
    role: Option<String>,
    /// The sites that they see; null or missing: all.
    #[schema(value_type = Option<Vec<SiteId>>, min_items = 1, max_items = 1000)]
    sites: Option<Vec<Option<String>>>,
    /// Their password; null or missing: they set it themselves, by the link in the answer.
    #[schema(value_type = Option<String>, format = "password", min_length = 12, max_length = 1000)]
    password: Option<SecretString>,
}

impl AddModerator {
    /// The account to be made, or everything that is wrong.
    pub(super) fn parse(&self) -> Result<NewModerator, Wrong> {
        let mut wrong = Wrong::default();
        let email = wrong.take(
            "email",
            EmailAddress::parse_account(self.email.as_deref().unwrap_or_default()),
        );
        let name = wrong.take(
            "name",
            Name::parse(self.name.as_deref().unwrap_or_default()),
        );
        let role = wrong.take("role", parse_role(self.role.as_deref()));
        let sites = wrong.take("sites", parse_site_list(self.sites.as_deref()));
        let password = match &self.password {
            None => Some(None),
            sent => wrong
                .take("password", new_password(sent.as_ref()))
                .map(Some),
        };
        match (email, name, role, sites, password) {
            (Some(email), Some(name), Some(role), Some(sites), Some(password)) => {
                Ok(NewModerator {
                    email,
                    name,
                    role,
                    sites,
                    password,
                })
            }
            _ => Err(wrong),
        }
    }
}

/// What is to become of an account; what is missing stays as it is.
#[derive(Deserialize, ToSchema)]
pub struct ChangeModerator {
    /// The name that colleagues see.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100)]
    name: Change<String>,
    /// What they may do.
    #[serde(default)]
    #[schema(value_type = Role, required = false)]
    role: Change<String>,
    /// The sites that they see; null: all.
    #[serde(default)]
    #[schema(value_type = Option<Vec<SiteId>>, min_items = 1, max_items = 1000)]
    sites: Change<Vec<Option<String>>>,
    /// True ends all sessions, API tokens and the set-up link at once; false doesn't bring them back.
    #[serde(default)]
    #[schema(value_type = bool, required = false)]
    disabled: Change<bool>,
}

impl ChangeModerator {
    /// The change, or everything that is wrong.
    pub(super) fn parse(&self) -> Result<ModeratorChange, Wrong> {
        let mut wrong = Wrong::default();
        let name = self
            .name
            .parse_with(|name| Name::parse(name.map_or("", String::as_str)));
        let name = wrong.take("name", name);
        let role = self
            .role
            .parse_with(|role| parse_role(role.map(String::as_str)));
        let role = wrong.take("role", role);
        let sites = self
            .sites
            .parse_with(|sites| parse_site_list(sites.map(Vec::as_slice)));
        let sites = wrong.take("sites", sites);
        let access = wrong.take("disabled", self.disabled.parse_with(parse_access));
        match (name, role, sites, access) {
            (Some(name), Some(role), Some(sites), Some(access)) => Ok(ModeratorChange {
                name,
                role,
                sites,
                access,
            }),
            _ => Err(wrong),
        }
    }
}

fn parse_access(disabled: Option<&bool>) -> Result<Access, Complaint> {
    match disabled {
        None => Err(required()),
        Some(true) => Ok(Access::Disabled),
        Some(false) => Ok(Access::Enabled),
    }
}

fn parse_role(word: Option<&str>) -> Result<Role, Complaint> {
    let word = word.filter(|word| !word.is_empty()).ok_or_else(required)?;
    Role::parse(word).ok_or_else(|| {
        Complaint::new(
            ComplaintCode::InvalidValue,
            "must be owner, admin, moderator or viewer",
        )
    })
}

fn parse_site_list(list: Option<&[Option<String>]>) -> Result<SiteScope, Complaint> {
    let parsed: Option<Option<Vec<SiteId>>> = list
        .map(|list| {
            let ids = list.iter().map(|id| id.as_ref()?.parse().ok());
            ids.collect()
        })
        .map_or(Some(None), |ids: Option<Vec<SiteId>>| ids.map(Some));
    let named = parsed.ok_or_else(|| {
        Complaint::new(
            ComplaintCode::InvalidValue,
            "must be a list of sites' ids, which are UUIDs",
        )
    })?;
    parse_sites(named)
}

/// By hand, since the derived one keeps the values that it complains of.
impl Validate for AddModerator {
    fn validate(&self) -> Result<(), ValidationErrors> {
        self.parse().map(drop).map_err(Wrong::into_errors)
    }
}

/// By hand, for the same reason.
impl Validate for ChangeModerator {
    fn validate(&self) -> Result<(), ValidationErrors> {
        self.parse().map(drop).map_err(Wrong::into_errors)
    }
}

impl fmt::Debug for AddModerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddModerator(…)")
    }
}

impl fmt::Debug for ChangeModerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChangeModerator(…)")
    }
}
