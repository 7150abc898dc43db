//! Statements by which people look after their sessions. Must not know how a session begins or is recognised.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::site_scope;
use crate::accounts::error::Error;
use crate::accounts::model::{
    Role, SESSION_AGE_MAX, SESSION_IDLE_MAX, SessionEntry, SiteScope, session_end,
};
use crate::base::ids::{ModeratorId, SessionId};
use crate::database;

/// Somebody's sessions that last, newest first. One statement.
pub(in crate::accounts) async fn list(
    connection: &mut PgConnection,
    moderator: ModeratorId,
    before: Option<SessionId>,
    rows: i64,
    now: OffsetDateTime,
) -> Result<Vec<SessionEntry>, Error> {
    let rows = sqlx::query!(
        r#"
        select id, created_at, last_used_at, user_agent
        from sessions
        where moderator_id = $1
            and created_at > $2
            and last_used_at > $3
            and ($4::uuid is null or id < $4)
        order by id desc
        limit $5
        "#,
        moderator.as_uuid(),
        now.saturating_sub(SESSION_AGE_MAX),
        now.saturating_sub(SESSION_IDLE_MAX),
        before.as_ref().map(SessionId::as_uuid),
        rows,
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(rows
        .into_iter()
        .map(|row| SessionEntry {
            id: SessionId::from_uuid(row.id),
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: session_end(row.created_at, row.last_used_at),
            user_agent: row.user_agent,
        })
        .collect())
}

/// Whose session it is, as far as the right to end it needs it.
pub(in crate::accounts) struct Holder {
    pub(in crate::accounts) id: ModeratorId,
    pub(in crate::accounts) role: Role,
    pub(in crate::accounts) sites: SiteScope,
}

/// Whose session this is. One statement.
pub(in crate::accounts) async fn find_holder(
    connection: &mut PgConnection,
    session: SessionId,
) -> Result<Option<Holder>, Error> {
    let row = sqlx::query!(
        r#"
        select m.id, m.role, m.sites as "sites?"
        from sessions s
        join moderators m on m.id = s.moderator_id
        where s.id = $1
        "#,
        session.as_uuid()
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    row.map(|row| {
        Ok(Holder {
            id: ModeratorId::from_uuid(row.id),
            role: Role::parse(&row.role).ok_or(Error::UnknownRole)?,
            sites: site_scope(row.sites),
        })
    })
    .transpose()
}

/// Ends all sessions of somebody but this one. One statement, for a transaction that has written or holds the account.
pub(in crate::accounts) async fn delete_others(
    connection: &mut PgConnection,
    moderator: ModeratorId,
    kept: Option<SessionId>,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        delete from sessions
        where moderator_id = $1 and id is distinct from $2
        "#,
        moderator.as_uuid(),
        kept.as_ref().map(SessionId::as_uuid),
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(())
}
