//! What an operator wants to know of the accounts. Looks only.

use sqlx::PgConnection;

use crate::database::Error;

/// How many owners there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owners {
    /// All of them.
    pub all: i64,
    /// Those who can sign in: not disabled, and with a password.
    pub able: i64,
}

/// Counts the owners. One round trip.
pub async fn count_owners(connection: &mut PgConnection) -> Result<Owners, Error> {
    let row = sqlx::query!(
        r#"
        select count(*) as "all!",
            count(*) filter (where disabled_at is null and password_hash is not null) as "able!"
        from moderators
        where role = 'owner'
        "#
    )
    .fetch_one(connection)
    .await?;
    Ok(Owners {
        all: row.all,
        able: row.able,
    })
}
