//! Who calls and what they may do. Must not know HTTP or the database.

use crate::base::ids::{ModeratorId, SiteId};

/// What a moderator's account may do; each role includes the ones below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads, but no personal data.
    Viewer,
    /// Decides.
    Moderator,
    /// Settings, and people of lower roles.
    Admin,
    /// Everything.
    Owner,
}

impl Role {
    /// The role as it is stored and answered.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// The role of a stored word; the schema holds no other.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Viewer, Self::Moderator, Self::Admin, Self::Owner].into_iter().find(|role| role.as_str() == word)
    }
}

/// The sites that somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SiteScope {
    /// All, also later ones.
    All,
    /// Only these.
    Only(Vec<SiteId>),
}

impl SiteScope {
    /// Whether this site is among them.
    pub fn includes(&self, site: SiteId) -> bool {
        match self {
            Self::All => true,
            Self::Only(sites) => sites.contains(&site),
        }
    }
}

/// Whether personal data (e-mail, network address, user agent) may be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonalData {
    /// As it is.
    Shown,
    /// Null in answers, and no filter looks at it.
    Hidden,
}

/// Somebody who has proved who they are.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The account.
    pub moderator_id: ModeratorId,
    /// The name that colleagues see.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where.
    pub sites: SiteScope,
}

impl Caller {
    /// Whether personal data may be shown to them.
    pub fn personal_data(&self) -> PersonalData {
        if self.role == Role::Viewer { PersonalData::Hidden } else { PersonalData::Shown }
    }
}
