//! The one row that belongs to the installation: its secret. Must not know what the secret is used for.

use sqlx::PgConnection;

use super::error::Error;

/// The stored secret; the given one is stored first where there is none yet. Whoever races gets the same.
/// One round trip, a second one at the very first start.
pub async fn load_secret(connection: &mut PgConnection, fresh: &[u8]) -> Result<Vec<u8>, Error> {
    let stored = sqlx::query_scalar!("select secret from installation")
        .fetch_one(&mut *connection)
        .await?;
    if let Some(secret) = stored {
        return Ok(secret);
    }
    let kept = sqlx::query_scalar!(
        r#"
        update installation
        set secret = coalesce(secret, $1)
        returning secret as "secret!"
        "#,
        fresh
    )
    .fetch_one(connection)
    .await?;
    Ok(kept)
}
