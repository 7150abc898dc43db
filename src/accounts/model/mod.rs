//! Who calls and what they may do. Must not know HTTP or the database.

pub mod held;
pub mod people;
mod tokens;

pub use tokens::SessionToken;

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::base::ids::{ModeratorId, SessionId, SiteId, TokenId};

/// A session that isn't used ends after this time.
pub const SESSION_IDLE_MAX: Duration = Duration::hours(12);
/// A session ends after this time, however much it is used.
pub const SESSION_AGE_MAX: Duration = Duration::days(30);

/// What a moderator's account may do; each role includes the ones below it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, utoipa::ToSchema,
)]
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
        [Self::Viewer, Self::Moderator, Self::Admin, Self::Owner]
            .into_iter()
            .find(|role| role.as_str() == word)
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

/// Whether personal data (e-mail, network address, user agent) may be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonalData {
    /// As it is.
    Shown,
    /// Null in answers, and no filter looks at it.
    Hidden,
}

/// What an API token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
pub enum Scope {
    /// Reading comments, the queue, authors, figures.
    #[serde(rename = "comments:read")]
    CommentsRead,
    /// Seeing e-mail addresses, network addresses and user agents with them; exporting a site.
    #[serde(rename = "comments:personal")]
    CommentsPersonal,
    /// Deciding, editing, answering, claiming.
    #[serde(rename = "comments:decide")]
    CommentsDecide,
    /// Sites, pages, reasons, the log, jobs.
    #[serde(rename = "settings")]
    Settings,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [
        Self::CommentsRead,
        Self::CommentsPersonal,
        Self::CommentsDecide,
        Self::Settings,
    ];

    /// The scope as it is stored and answered.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CommentsRead => "comments:read",
            Self::CommentsPersonal => "comments:personal",
            Self::CommentsDecide => "comments:decide",
            Self::Settings => "settings",
        }
    }

    /// The scope of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// What somebody showed to prove who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The token or cookie of a session: everything that the role allows.
    Session(SessionId),
    /// An API token: what its scopes allow, within the role of its maker.
    Token(TokenId, Vec<Scope>),
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
    /// How they proved it.
    pub proof: Proof,
}

impl Caller {
    /// Whether what they showed is good for this. A session is good for all.
    pub fn has(&self, scope: Scope) -> bool {
        match &self.proof {
            Proof::Session(_) => true,
            Proof::Token(_, scopes) => scopes.contains(&scope),
        }
    }

    /// Whether personal data may be shown to them.
    pub fn personal_data(&self) -> PersonalData {
        if self.role > Role::Viewer && self.has(Scope::CommentsPersonal) {
            PersonalData::Shown
        } else {
            PersonalData::Hidden
        }
    }
}

impl SiteScope {
    /// The ids as statements take them; null is all.
    pub fn uuids(&self) -> Option<Vec<Uuid>> {
        self.ids()
            .map(|sites| sites.iter().map(|site| *site.as_uuid()).collect())
    }

    /// Whether it holds this site.
    pub fn holds(&self, site: SiteId) -> bool {
        match self {
            Self::All => true,
            Self::Only(sites) => sites.contains(&site),
        }
    }

    /// Whether the other one holds every site of this one.
    pub fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::All) => true,
            (Self::All, Self::Only(_)) => false,
            (Self::Only(sites), Self::Only(_)) => sites.iter().all(|site| other.holds(*site)),
        }
    }

    /// Whether both hold a site, or one of them all.
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => true,
            (Self::Only(sites), Self::Only(_)) => sites.iter().any(|site| other.holds(*site)),
        }
    }

    /// As it is stored and answered; none: all.
    pub fn ids(&self) -> Option<&[SiteId]> {
        match self {
            Self::All => None,
            Self::Only(sites) => Some(sites),
        }
    }
}

/// A sign-in that holds.
#[derive(Debug, Clone)]
pub struct Session {
    /// Which one.
    pub id: SessionId,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// When it ends if it isn't used until then.
    pub expires_at: OffsetDateTime,
    /// Whose it is.
    pub caller: Caller,
}

/// A session as its holder looks after it.
#[derive(Debug, Clone)]
pub struct SessionEntry {
    /// Which one.
    pub id: SessionId,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// When it was last used, to the minute.
    pub last_used_at: OffsetDateTime,
    /// When it ends if it isn't used until then.
    pub expires_at: OffsetDateTime,
    /// The browser's name of itself.
    pub user_agent: Option<String>,
}

/// When a session ends that was used last at `last_used_at`.
pub fn session_end(created_at: OffsetDateTime, last_used_at: OffsetDateTime) -> OffsetDateTime {
    let idle = last_used_at.saturating_add(SESSION_IDLE_MAX);
    idle.min(created_at.saturating_add(SESSION_AGE_MAX))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::base::random::TOKEN_CHARS;

    #[test]
    fn a_token_is_read_again_and_nothing_else_is_a_token() {
        let token = SessionToken::generate();
        assert_eq!(
            SessionToken::parse(token.expose()).unwrap().hash(),
            token.hash()
        );
        assert_ne!(SessionToken::generate().hash(), token.hash());
        let long = format!("{}x", token.expose());
        let spaced = token.expose().replacen(char::is_alphanumeric, " ", 1);
        let unfit = "_".repeat(TOKEN_CHARS);
        for text in [
            "",
            "x",
            &long,
            &spaced,
            &unfit,
            &"é".repeat(21),
            &"\0".repeat(TOKEN_CHARS),
        ] {
            assert!(SessionToken::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_token_is_not_printed() {
        let token = SessionToken::generate();
        assert!(!format!("{token:?}").contains(token.expose()));
    }

    #[test]
    fn a_session_ends_after_12_hours_of_idleness_and_after_30_days() {
        let begun = datetime!(2026-11-01 00:00 UTC);
        for (used, end) in [
            (begun, datetime!(2026-11-01 12:00 UTC)),
            (
                datetime!(2026-11-30 11:59 UTC),
                datetime!(2026-11-30 23:59 UTC),
            ),
            (
                datetime!(2026-11-30 12:01 UTC),
                datetime!(2026-12-01 00:00 UTC),
            ),
        ] {
            assert_eq!(session_end(begun, used), end);
        }
    }
}
