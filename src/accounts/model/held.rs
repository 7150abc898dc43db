//! All that is kept of an account's owner, as they get it on demand. Must not know HTTP or SQL.
//!
//! Written out as it stands here, over HTTP and at the command line; secrets and their hashes aren't part of it.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::Role;
use crate::base::clock::rfc3339;
use crate::base::ids::ModeratorId;

/// An account with its sessions and API tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldAccount {
    /// Its id.
    pub id: ModeratorId,
    /// The address as it was written.
    pub email: String,
    /// The name that colleagues see.
    pub name: String,
    /// What it may do.
    #[schema(value_type = Role)]
    pub role: String,
    /// When it was made.
    #[serde(with = "rfc3339")]
    pub created_at: OffsetDateTime,
    /// Since when it is shut out.
    #[serde(with = "rfc3339::option")]
    pub disabled_at: Option<OffsetDateTime>,
    /// Its sessions, oldest first.
    pub sessions: Vec<HeldSession>,
    /// Its API tokens, oldest first.
    pub tokens: Vec<HeldToken>,
}

/// A sign-in.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldSession {
    /// When it began.
    #[serde(with = "rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last used.
    #[serde(with = "rfc3339")]
    pub last_used_at: OffsetDateTime,
    /// The browser's name of itself.
    pub user_agent: Option<String>,
}

/// An API token.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldToken {
    /// What it is called.
    pub name: String,
    /// When it was made.
    #[serde(with = "rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last used.
    #[serde(with = "rfc3339::option")]
    pub last_used_at: Option<OffsetDateTime>,
}
