//! People with an account as their colleagues see them, who may manage whom, and how a password is first set.
//! Must not know HTTP or the database.

use secrecy::{ExposeSecret as _, SecretString};
use time::{Duration, OffsetDateTime};
use unicode_normalization::UnicodeNormalization as _;

pub use super::tokens::SetupToken;
use super::{Caller, Role, SiteScope};
use crate::accounts::passwords::PASSWORD_CHARS_MAX;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::email::EmailAddress;
use crate::base::ids::{ModeratorId, SiteId};
use crate::base::page_url::Origin;
use crate::base::paging::TimeCursor;
use crate::base::text::Name;

/// Characters that a password has at least.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// A set-up link is good for this time.
pub const SETUP_LINK_AGE_MAX: Duration = Duration::days(7);
/// Sites that one person can be limited to; whoever needs more sees all.
pub const SITES_MAX: usize = 1_000;

/// A moderator's account.
#[derive(Debug, Clone)]
pub struct Moderator {
    /// Which one.
    pub id: ModeratorId,
    /// How they sign in.
    pub email: EmailAddress,
    /// The name that colleagues see.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where.
    pub sites: SiteScope,
    /// Since when they can't sign in; none: they can.
    pub disabled_at: Option<OffsetDateTime>,
    /// When the account was made.
    pub created_at: OffsetDateTime,
    /// The last use of a session that still lasts, to the minute.
    pub last_seen_at: Option<OffsetDateTime>,
    /// Whether a password is set; none is until a set-up link was used.
    pub has_password: bool,
    /// Whether a second factor is asked for.
    pub has_second_factor: bool,
}

/// People in the order of their ids.
#[derive(Debug)]
pub struct ModeratorPage {
    /// The people.
    pub moderators: Vec<Moderator>,
    /// Where the next page begins, if there is one.
    pub next: Option<TimeCursor>,
}

/// Somebody, with the slugs of their sites.
#[derive(Debug, Clone)]
pub struct PersonListed {
    /// Who.
    pub moderator: Moderator,
    /// Where, by slugs; none: everywhere. A site that is gone has none.
    pub slugs: Option<Vec<String>>,
}

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// As its role allows.
    Enabled,
    /// Not at all.
    Disabled,
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewModerator {
    /// How they will sign in.
    pub email: EmailAddress,
    /// The name that colleagues see.
    pub name: Name,
    /// What they may do.
    pub role: Role,
    /// Where.
    pub sites: SiteScope,
    /// Their password; none: they set it themselves, by a link.
    pub password: Option<NewPassword>,
}

/// What is to become of an account; what is none stays as it is.
#[derive(Debug, Clone, Default)]
pub struct ModeratorChange {
    /// Another name.
    pub name: Option<Name>,
    /// Another role.
    pub role: Option<Role>,
    /// Other sites.
    pub sites: Option<SiteScope>,
    /// Whether it may be used.
    pub access: Option<Access>,
}

/// A password that may be set: 12 to 1,000 characters. `Debug` doesn't show it.
#[derive(Debug, Clone)]
pub struct NewPassword(SecretString);

impl NewPassword {
    /// Checks the length, which is all that is asked: rules about kinds of characters make worse passwords.
    pub fn parse(password: &SecretString) -> Result<Self, Complaint> {
        let text = password.expose_secret();
        if text.is_empty() {
            return Err(Complaint::new(ComplaintCode::Required, "must not be empty"));
        }
        // The composed form is what is hashed; a sign-in bounds what is sent.
        if text.nfc().count() < PASSWORD_CHARS_MIN {
            return Err(Complaint::new(
                ComplaintCode::TooShort,
                "must have at least 12 characters",
            ));
        }
        if text.chars().count() > PASSWORD_CHARS_MAX {
            return Err(Complaint::new(
                ComplaintCode::TooLong,
                "must have at most 1,000 characters",
            ));
        }
        Ok(Self(password.clone()))
    }

    /// The password, to be hashed.
    pub(in crate::accounts) fn into_secret(self) -> SecretString {
        self.0
    }
}

/// A link by which somebody sets their password, once. To be shown once.
#[derive(Debug, Clone)]
pub struct SetupLink {
    /// What is to be sent to `POST /api/v1/setup`.
    pub token: SetupToken,
    /// When it ends.
    pub expires_at: OffsetDateTime,
}

impl SetupLink {
    /// Its address on the desk. The token stands behind `#`, which browsers keep to themselves: no log, proxy or `Referer`
    /// has it.
    pub fn url(&self, public: &Origin) -> String {
        format!("{}/desk/setup#{}", public.as_str(), self.token.expose())
    }
}

/// The role and the sites by which somebody manages others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    role: Role,
    sites: SiteScope,
}

impl Authority {
    /// That of a role on these sites.
    pub fn new(role: Role, sites: SiteScope) -> Self {
        Self { role, sites }
    }

    /// That of somebody signed in, or of their token.
    pub fn of(caller: &Caller) -> Self {
        Self::new(caller.role, caller.sites.clone())
    }

    /// That of whoever runs the service.
    pub fn operator() -> Self {
        Self::new(Role::Owner, SiteScope::All)
    }

    /// The sites that it reaches.
    pub fn sites(&self) -> &SiteScope {
        &self.sites
    }

    /// Whether somebody with these sites is visible at all: they share one, or see all.
    pub fn sees(&self, sites: &SiteScope) -> bool {
        self.sites.meets(sites)
    }

    /// Whether an account of this role and these sites may be changed: an owner changes everybody, an admin people of
    /// lower roles whose sites are all within their own.
    pub fn manages(&self, role: Role, sites: &SiteScope) -> bool {
        self.gives(role) && sites.is_within(&self.sites)
    }

    /// Whether this role may be given to somebody: an owner gives every role, an admin lower ones.
    pub fn gives(&self, role: Role) -> bool {
        match self.role {
            Role::Owner => true,
            Role::Admin => role < Role::Admin,
            Role::Moderator | Role::Viewer => false,
        }
    }
}

/// The sites as a list from outside names them. No list: all.
pub fn parse_sites(named: Option<Vec<SiteId>>) -> Result<SiteScope, Complaint> {
    let Some(mut sites) = named else {
        return Ok(SiteScope::All);
    };
    if sites.is_empty() {
        return Err(Complaint::new(
            ComplaintCode::Required,
            "must name a site, or be null for all",
        ));
    }
    if sites.len() > SITES_MAX {
        return Err(Complaint::new(
            ComplaintCode::TooMany,
            "must have at most 1,000 entries",
        ));
    }
    sites.sort_unstable();
    if sites
        .windows(2)
        .any(|pair| matches!(pair, [one, other] if one == other))
    {
        return Err(Complaint::new(
            ComplaintCode::Repeated,
            "must not name a site twice",
        ));
    }
    Ok(SiteScope::Only(sites))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const ROLES: [Role; 4] = [Role::Viewer, Role::Moderator, Role::Admin, Role::Owner];

    fn site() -> SiteId {
        SiteId::new(datetime!(2026-11-24 16:00 UTC))
    }

    #[test]
    fn an_owner_manages_everybody_and_an_admin_lower_roles_only() {
        for (role, managed) in [
            (Role::Viewer, &[][..]),
            (Role::Moderator, &[]),
            (Role::Admin, &[Role::Viewer, Role::Moderator]),
            (Role::Owner, &ROLES),
        ] {
            let authority = Authority::new(role, SiteScope::All);
            for other in ROLES {
                let expected = managed.contains(&other);
                assert_eq!(authority.gives(other), expected, "{role:?} {other:?}");
                assert_eq!(authority.manages(other, &SiteScope::All), expected);
            }
        }
    }

    #[test]
    fn a_limited_admin_sees_who_shares_a_site_and_manages_who_has_no_other() {
        let (own, second, foreign) = (site(), site(), site());
        let only = |sites: &[SiteId]| SiteScope::Only(sites.to_vec());
        let authority = Authority::new(Role::Admin, only(&[own, second]));
        for (sites, sees, manages) in [
            (SiteScope::All, true, false),
            (only(&[own]), true, true),
            (only(&[own, second]), true, true),
            (only(&[own, foreign]), true, false),
            (only(&[foreign]), false, false),
        ] {
            assert_eq!(authority.sees(&sites), sees, "{sites:?}");
            assert_eq!(
                authority.manages(Role::Viewer, &sites),
                manages,
                "{sites:?}"
            );
        }
    }

    #[test]
    fn a_new_password_has_12_to_1000_characters() {
        for (text, code) in [
            (String::new(), Some(ComplaintCode::Required)),
            ("x".repeat(11), Some(ComplaintCode::TooShort)),
            // Eleven letters in the form that counts.
            ("u\u{308}".repeat(11), Some(ComplaintCode::TooShort)),
            ("x".repeat(12), None),
            ("ü".repeat(1_000), None),
            ("x".repeat(1_001), Some(ComplaintCode::TooLong)),
        ] {
            let parsed = NewPassword::parse(&SecretString::from(text.clone()));
            assert_eq!(parsed.err().map(|complaint| complaint.code), code, "{text}");
        }
    }

    #[test]
    fn a_list_of_sites_names_each_once() {
        let (one, other) = (site(), site());
        assert_eq!(parse_sites(None), Ok(SiteScope::All));
        assert!(parse_sites(Some(vec![one, other])).is_ok());
        for (list, code) in [
            (vec![], ComplaintCode::Required),
            (vec![one, other, one], ComplaintCode::Repeated),
            (vec![one; 1_001], ComplaintCode::TooMany),
        ] {
            assert_eq!(parse_sites(Some(list)).unwrap_err().code, code);
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        let token = SetupToken::generate();
        assert!(!format!("{token:?}").contains(token.expose()));
        assert_eq!(
            SetupToken::parse(token.expose()).unwrap().hash(),
            token.hash()
        );
        assert!(SetupToken::parse("x").is_none());
        let password = NewPassword::parse(&SecretString::from("a secret password")).unwrap();
        assert!(!format!("{password:?}").contains("secret password"));
    }
}
