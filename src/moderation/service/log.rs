//! Reading the log of administrative acts. Must not know HTTP or SQL.

use sqlx::PgConnection;

use super::Moderation;
use crate::accounts::model::Caller;
use crate::audit::model::AuditEntry;
use crate::audit::service::{self as audit, AuditFilter};
use crate::base::ids::AuditEntryId;
use crate::base::paging::Limit;
use crate::database::Lane;
use crate::moderation::error::Error;

/// A part of the log.
#[derive(Debug)]
pub struct LogPage {
    /// The entries, the newest first.
    pub entries: Vec<AuditEntry>,
    /// The last one, where more follow.
    pub next: Option<AuditEntryId>,
}

impl Moderation {
    /// What was done, the newest first; to those who see some sites only, what was done on these. One round trip.
    pub async fn log(
        &self,
        caller: &Caller,
        before: Option<AuditEntryId>,
        limit: Limit,
    ) -> Result<LogPage, Error> {
        let filter = AuditFilter {
            sites: caller.sites.uuids(),
            before,
            limit,
        };
        let mut entries = self
            .database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                Ok::<_, Error>(audit::list(connection, &filter).await?)
            })
            .await?;
        let more = entries.len() > limit.get();
        entries.truncate(limit.get());
        let next = entries.last().filter(|_| more).map(|entry| entry.id);
        Ok(LogPage { entries, next })
    }
}
