//! What a session or token is good for at this moment. Must not know what it is asked for.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::accounts::error::Error;
use crate::accounts::model::{Proof, Role, SESSION_AGE_MAX, SESSION_IDLE_MAX};
use crate::database;

/// What decides about access, as it is stored; equal as long as nothing of it has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The role of the account.
    pub role: Role,
    sites: Option<Vec<Uuid>>,
    token_scopes: Option<Vec<String>>,
    token_sites: Option<Vec<Uuid>>,
}

/// The access that the proof gives; none where it has ended or its account is disabled. One round trip.
pub(in crate::accounts) async fn find_access(
    connection: &mut PgConnection,
    proof: &Proof,
    now: OffsetDateTime,
) -> Result<Option<Access>, Error> {
    match proof {
        Proof::Session(session) => {
            let row = sqlx::query!(
                r#"
                select moderators.role, moderators.sites
                from sessions
                join moderators on moderators.id = sessions.moderator_id
                where sessions.id = $1
                    and sessions.created_at > $2
                    and sessions.last_used_at > $3
                    and moderators.disabled_at is null
                "#,
                session.as_uuid(),
                now.saturating_sub(SESSION_AGE_MAX),
                now.saturating_sub(SESSION_IDLE_MAX),
            )
            .fetch_optional(connection)
            .await
            .map_err(database::Error::from)?;
            row.map(|row| {
                Ok(Access {
                    role: Role::parse(&row.role).ok_or(Error::UnknownRole)?,
                    sites: row.sites,
                    token_scopes: None,
                    token_sites: None,
                })
            })
            .transpose()
        }
        Proof::Token(token, _) => {
            let row = sqlx::query!(
                r#"
                select moderators.role, moderators.sites, api_tokens.scopes, api_tokens.sites as token_sites
                from api_tokens
                join moderators on moderators.id = api_tokens.moderator_id
                where api_tokens.id = $1
                    and (api_tokens.expires_at is null or api_tokens.expires_at > $2)
                    and moderators.disabled_at is null
                "#,
                token.as_uuid(),
                now,
            )
            .fetch_optional(connection)
            .await
            .map_err(database::Error::from)?;
            row.map(|row| {
                Ok(Access {
                    role: Role::parse(&row.role).ok_or(Error::UnknownRole)?,
                    sites: row.sites,
                    token_scopes: Some(row.scopes),
                    token_sites: row.token_sites,
                })
            })
            .transpose()
        }
    }
}
