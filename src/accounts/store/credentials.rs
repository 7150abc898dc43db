//! Every statement on passwords and the links by which they are set. Must not know either, only their hashes.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::accounts::error::Error;
use crate::accounts::passwords::StoredPassword;
use crate::base::email::EmailKey;
use crate::base::ids::ModeratorId;
use crate::database;

/// Keeps a set-up link; the account's earlier one is void. One statement.
pub(in crate::accounts) async fn replace_setup_link(
    connection: &mut PgConnection,
    id: ModeratorId,
    token_hash: [u8; 32],
    now: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        insert into setup_links (moderator_id, token_hash, created_at, expires_at)
        values ($1, $2, $3, $4)
        on conflict (moderator_id) do update
        set token_hash = excluded.token_hash, created_at = excluded.created_at, expires_at = excluded.expires_at
        "#,
        id.as_uuid(),
        &token_hash[..],
        now,
        expires_at
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(())
}

/// Whose set-up link this is, if it is good. One statement.
pub(in crate::accounts) async fn find_setup_link(
    connection: &mut PgConnection,
    token_hash: [u8; 32],
    now: OffsetDateTime,
) -> Result<Option<ModeratorId>, Error> {
    let found = sqlx::query_scalar!(
        r#"
        select l.moderator_id
        from setup_links l
        join moderators m on m.id = l.moderator_id
        where l.token_hash = $1 and l.expires_at > $2 and m.disabled_at is null
        "#,
        &token_hash[..],
        now
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(found.map(ModeratorId::from_uuid))
}

/// Whether something was there to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::accounts) enum Taken {
    Yes,
    TooLate,
}

/// Uses a set-up link up: of those who try at once one gets it. One statement.
pub(in crate::accounts) async fn take_setup_link(
    connection: &mut PgConnection,
    id: ModeratorId,
    token_hash: [u8; 32],
    now: OffsetDateTime,
) -> Result<Taken, Error> {
    let done = sqlx::query!(
        r#"
        delete from setup_links
        where moderator_id = $1 and token_hash = $2 and expires_at > $3
        "#,
        id.as_uuid(),
        &token_hash[..],
        now
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(if done.rows_affected() == 1 {
        Taken::Yes
    } else {
        Taken::TooLate
    })
}

/// Sets a password, or takes it away. One statement.
pub(in crate::accounts) async fn set_password(
    connection: &mut PgConnection,
    id: ModeratorId,
    password: Option<&StoredPassword>,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        update moderators
        set password_hash = $2
        where id = $1
        "#,
        id.as_uuid(),
        password.map(StoredPassword::as_str)
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(())
}

/// Sets another password where the account still has the one that was checked. One statement.
pub(in crate::accounts) async fn replace_password(
    connection: &mut PgConnection,
    id: ModeratorId,
    checked: &StoredPassword,
    new: &StoredPassword,
) -> Result<Taken, Error> {
    let done = sqlx::query!(
        r#"
        update moderators
        set password_hash = $3
        where id = $1 and password_hash = $2 and disabled_at is null
        "#,
        id.as_uuid(),
        checked.as_str(),
        new.as_str()
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(if done.rows_affected() == 1 {
        Taken::Yes
    } else {
        Taken::TooLate
    })
}

/// The account's set-up link is void. One statement.
pub(in crate::accounts) async fn delete_setup_link(
    connection: &mut PgConnection,
    id: ModeratorId,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        delete from setup_links
        where moderator_id = $1
        "#,
        id.as_uuid()
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(())
}

/// The address and the stored password of an account that isn't disabled. One statement.
pub(in crate::accounts) async fn find_own_credentials(
    connection: &mut PgConnection,
    id: ModeratorId,
) -> Result<Option<(EmailKey, Option<StoredPassword>)>, Error> {
    let row = sqlx::query!(
        r#"
        select email_key as "email_key!", password_hash
        from moderators
        where id = $1 and disabled_at is null
        "#,
        id.as_uuid()
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(row.map(|row| {
        (
            EmailKey::from_stored(row.email_key),
            row.password_hash.map(StoredPassword::from_stored),
        )
    }))
}
