//! Every statement on the log of administrative acts. Must not know what the acts mean.

use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::model::{Act, AuditActor, AuditEntry};
use crate::base::ids::{AuditEntryId, ModeratorId, SiteId};
use crate::base::paging::Limit;
use crate::database::Error;

/// Records an act; for the transaction that does it. One statement.
pub async fn record(
    connection: &mut PgConnection,
    act: &Act,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let (kind, moderator) = match act.by {
        AuditActor::Moderator(id) => ("moderator", Some(*id.as_uuid())),
        AuditActor::Operator => ("operator", None),
        AuditActor::System => ("system", None),
    };
    let id = AuditEntryId::new(now);
    sqlx::query!(
        r#"
        insert into audit_log (id, at, actor_kind, actor_id, act, subject_kind, subject_id, site_id, details)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        id.as_uuid(),
        now,
        kind,
        moderator,
        act.name,
        act.subject.kind,
        act.subject.id,
        act.subject.site.as_ref().map(SiteId::as_uuid),
        Value::Object(act.details.clone()),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Which entries a list has.
#[derive(Debug, Clone)]
pub struct AuditFilter {
    /// Only acts on things of these sites; none: all, also those that concern no site.
    pub sites: Option<Vec<Uuid>>,
    /// The last entry of the page before.
    pub before: Option<AuditEntryId>,
    /// How many.
    pub limit: Limit,
}

/// Entries, newest first: up to [`Limit::rows`], one more than a page has. One statement.
pub async fn list(
    connection: &mut PgConnection,
    filter: &AuditFilter,
) -> Result<Vec<AuditEntry>, Error> {
    let rows = sqlx::query!(
        r#"
        select a.id, a.at, a.actor_kind, a.actor_id, m.name as "actor_name?", a.act, a.subject_kind, a.subject_id,
            a.site_id, a.details
        from audit_log a
        left join moderators m on m.id = a.actor_id
        where ($1::uuid[] is null or a.site_id = any($1)) and ($2::uuid is null or a.id < $2)
        order by a.id desc
        limit $3
        "#,
        filter.sites.as_deref(),
        filter.before.as_ref().map(AuditEntryId::as_uuid),
        filter.limit.rows(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| AuditEntry {
            id: AuditEntryId::from_uuid(row.id),
            at: row.at,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id.map(ModeratorId::from_uuid),
            actor_name: row.actor_name,
            act: row.act,
            subject_kind: row.subject_kind,
            subject_id: row.subject_id,
            site_id: row.site_id.map(SiteId::from_uuid),
            details: row.details,
        })
        .collect())
}
