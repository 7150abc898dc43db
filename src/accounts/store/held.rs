//! What is kept of an account's owner, by their address. Looks only.

use sqlx::PgConnection;

use crate::accounts::model::SiteScope;
use crate::accounts::model::held::{HeldAccount, HeldSession, HeldToken};
use crate::base::email::EmailKey;
use crate::base::ids::ModeratorId;
use crate::database::Error;

/// More sessions or tokens than one account can have.
const ROWS_MAX: i64 = 1_000;

/// The account of this address, if it sees a site of the scope. Three statements, one where there is none.
pub async fn find_account_of(
    connection: &mut PgConnection,
    scope: &SiteScope,
    email: &EmailKey,
) -> Result<Option<HeldAccount>, Error> {
    let row = sqlx::query!(
        r#"
        select id as "id: ModeratorId", email as "email!", name, role, created_at, disabled_at
        from moderators
        where email_key = $1 and deleted_at is null and ($2::uuid[] is null or sites is null or sites && $2)
        "#,
        email.as_str(),
        scope.uuids() as _,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let sessions = sqlx::query_as!(
        HeldSession,
        r#"
        select created_at, last_used_at, user_agent
        from sessions
        where moderator_id = $1
        order by id
        limit $2
        "#,
        row.id.as_uuid(),
        ROWS_MAX,
    )
    .fetch_all(&mut *connection)
    .await?;
    let tokens = sqlx::query_as!(
        HeldToken,
        r#"
        select name, created_at, last_used_at
        from api_tokens
        where moderator_id = $1
        order by id
        limit $2
        "#,
        row.id.as_uuid(),
        ROWS_MAX,
    )
    .fetch_all(connection)
    .await?;
    Ok(Some(HeldAccount {
        id: row.id,
        email: row.email,
        name: row.name,
        role: row.role,
        created_at: row.created_at,
        disabled_at: row.disabled_at,
        sessions,
        tokens,
    }))
}
