//! Settings of the first owner and of the server's secret. Must not hash or store anything.

use secrecy::SecretString;

use super::{
    layers::{Layers, Problem},
    setting::{Setting, Shape, Visibility},
};
use crate::base::email::EmailAddress;

/// Characters that the server's secret has at least: 128 bits, were they hexadecimal digits.
pub const SECRET_CHARACTERS_MIN: usize = 32;

/// Characters that a password has at least.
pub const PASSWORD_CHARACTERS_MIN: usize = 12;

/// `REJOINDER_SECRET`
pub static SECRET: Setting = Setting {
    variable: "REJOINDER_SECRET",
    key: Some("secret"),
    flag: None,
    placeholder: "TEXT",
    shape: Shape::Text,
    default: None,
    bound: "at least 32 random characters, for instance those of `openssl rand -hex 32`",
    help: "What readers' tokens are signed with; none: made once and kept in the database",
    visibility: Visibility::Secret,
};

/// `REJOINDER_ADMIN_EMAIL`
pub static ADMIN_EMAIL: Setting = Setting {
    variable: "REJOINDER_ADMIN_EMAIL",
    key: Some("admin_email"),
    flag: Some("admin-email"),
    placeholder: "ADDRESS",
    shape: Shape::Text,
    default: Some("owner@localhost"),
    bound: "an e-mail address",
    help: "How the first owner signs in; used only while there is no owner",
    visibility: Visibility::Open,
};

/// `REJOINDER_ADMIN_PASSWORD`
pub static ADMIN_PASSWORD: Setting = Setting {
    variable: "REJOINDER_ADMIN_PASSWORD",
    key: Some("admin_password"),
    flag: None,
    placeholder: "TEXT",
    shape: Shape::Text,
    default: None,
    bound: "at least 12 characters",
    help: "The first owner's password; none: generated and shown once; used only while there is no owner",
    visibility: Visibility::Secret,
};

/// The first owner, and the root of all keys.
#[derive(Debug, Clone)]
pub struct AccountSettings {
    /// The server's secret; none: the one kept in the database.
    pub secret: Option<SecretString>,
    /// The first owner's e-mail address.
    pub admin_email: EmailAddress,
    /// The first owner's password; none: to be generated.
    pub admin_password: Option<SecretString>,
}

impl AccountSettings {
    pub(super) fn gather(layers: &mut Layers) -> Option<Self> {
        let secret = layers.secret(&SECRET, |text| at_least(text, SECRET_CHARACTERS_MIN));
        let admin_email = layers.value(&ADMIN_EMAIL, parse_email);
        let admin_password = layers.secret(&ADMIN_PASSWORD, |text| {
            at_least(text, PASSWORD_CHARACTERS_MIN)
        });
        Some(Self {
            secret,
            admin_email: admin_email?,
            admin_password,
        })
    }
}

fn at_least(text: &str, characters_min: usize) -> Result<(), Problem> {
    if text.chars().count() < characters_min {
        return Err(format!("has fewer than {characters_min} characters").into());
    }
    Ok(())
}

/// A host without a dot is `localhost` only: the default is `owner@localhost`.
fn parse_email(text: &str) -> Result<EmailAddress, Problem> {
    let address = EmailAddress::parse_account(text).ok();
    address.ok_or_else(|| "is not an e-mail address".into())
}
