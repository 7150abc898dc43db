//! An act and who did it. Must not know SQL.

use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::base::ids::{AuditEntryId, ModeratorId, SiteId};

/// Who acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditActor {
    /// Somebody with an account.
    Moderator(ModeratorId),
    /// Whoever runs the service, at the command line.
    Operator,
    /// The service itself.
    System,
}

/// What was acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// As `moderator`, `token`, `site`, `page`, `reason`, `job`.
    pub kind: &'static str,
    /// Which one; none where there is just one.
    pub id: Option<Uuid>,
    /// The site that it belongs to; none where it concerns all.
    pub site: Option<SiteId>,
}

/// An act to be recorded.
#[derive(Debug, Clone)]
pub struct Act {
    /// Who.
    pub by: AuditActor,
    /// What, as `moderator.disabled`: two words of lower-case letters and `_`.
    pub name: &'static str,
    /// On what.
    pub subject: Subject,
    /// What changed, by field. Ids, codes and numbers only: nothing personal, nothing secret.
    pub details: Map<String, Value>,
}

/// A recorded act.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// Its id; later ones sort after earlier ones.
    pub id: AuditEntryId,
    /// When.
    pub at: OffsetDateTime,
    /// `moderator`, `operator` or `system`.
    pub actor_kind: String,
    /// The account, where it was one.
    pub actor_id: Option<ModeratorId>,
    /// Its name today.
    pub actor_name: Option<String>,
    /// What.
    pub act: String,
    /// The kind of thing that was acted on.
    pub subject_kind: String,
    /// Which one.
    pub subject_id: Option<Uuid>,
    /// The site that it belongs to.
    pub site_id: Option<SiteId>,
    /// What changed, by field.
    pub details: Value,
}
