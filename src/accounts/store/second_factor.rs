//! Every statement on second factors and recovery codes, but the one that begins a session. Must not know keys or codes,
//! only nonces and hashes.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::accounts::error::Error;
use crate::accounts::passwords::StoredPassword;
use crate::base::email::EmailKey;
use crate::base::ids::ModeratorId;
use crate::database;

/// How far the second factor of an account is.
pub(in crate::accounts) enum Factor {
    /// There is none.
    Off,
    /// A key was handed out; a first code has to follow.
    Begun {
        nonce: Vec<u8>,
    },
    On,
}

/// An account as its holder's own changes need it.
pub(in crate::accounts) struct OwnAccount {
    pub(in crate::accounts) email_key: EmailKey,
    pub(in crate::accounts) password: Option<StoredPassword>,
    pub(in crate::accounts) factor: Factor,
}

/// The account; none where it has gone meanwhile. One round trip.
pub(in crate::accounts) async fn find_own_account(
    connection: &mut PgConnection,
    moderator: ModeratorId,
) -> Result<Option<OwnAccount>, Error> {
    let row = sqlx::query!(
        r#"
        select email_key as "email_key!", password_hash, totp_nonce, totp_confirmed_at is not null as "confirmed!"
        from moderators
        where id = $1
            and disabled_at is null
            and deleted_at is null
        "#,
        moderator.as_uuid()
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(row.map(|row| OwnAccount {
        email_key: EmailKey::from_stored(row.email_key),
        password: row.password_hash.map(StoredPassword::from_stored),
        factor: match (row.totp_nonce, row.confirmed) {
            (None, _) => Factor::Off,
            (Some(nonce), false) => Factor::Begun { nonce },
            (Some(_), true) => Factor::On,
        },
    }))
}

/// Whether a change was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::accounts) enum Changed {
    Yes,
    No,
}

impl Changed {
    fn by(rows: u64) -> Self {
        if rows == 0 { Self::No } else { Self::Yes }
    }
}

/// Keeps the nonce of a key that is being handed out, unless the factor is on or the password another one by now. One
/// round trip.
pub(in crate::accounts) async fn begin_factor(
    connection: &mut PgConnection,
    moderator: ModeratorId,
    nonce: &[u8],
    checked: &StoredPassword,
) -> Result<Changed, Error> {
    let done = sqlx::query!(
        r#"
        update moderators
        set totp_nonce = $2, totp_last_step = null
        where id = $1
            and totp_confirmed_at is null
            and password_hash = $3
        "#,
        moderator.as_uuid(),
        nonce,
        checked.as_str(),
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(Changed::by(done.rows_affected()))
}

/// Turns the factor on, unless another key was handed out or it is on by now; the code of this step is used up. One
/// round trip.
pub(in crate::accounts) async fn confirm_factor(
    connection: &mut PgConnection,
    moderator: ModeratorId,
    nonce: &[u8],
    step: i64,
    now: OffsetDateTime,
) -> Result<Changed, Error> {
    let done = sqlx::query!(
        r#"
        update moderators
        set totp_confirmed_at = $4, totp_last_step = $3
        where id = $1
            and totp_confirmed_at is null
            and totp_nonce = $2
        "#,
        moderator.as_uuid(),
        nonce,
        step,
        now,
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(Changed::by(done.rows_affected()))
}

/// Takes the factor away, unless the password is another one by now. One round trip.
pub(in crate::accounts) async fn drop_factor(
    connection: &mut PgConnection,
    moderator: ModeratorId,
    checked: &StoredPassword,
) -> Result<Changed, Error> {
    let done = sqlx::query!(
        r#"
        update moderators
        set totp_nonce = null, totp_confirmed_at = null, totp_last_step = null
        where id = $1
            and totp_nonce is not null
            and password_hash = $2
        "#,
        moderator.as_uuid(),
        checked.as_str(),
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(Changed::by(done.rows_affected()))
}

/// Puts these recovery codes in the place of all earlier ones; for a transaction that has written the account. Two
/// round trips, one where there are none.
pub(in crate::accounts) async fn replace_recovery_codes(
    connection: &mut PgConnection,
    moderator: ModeratorId,
    hashes: &[Vec<u8>],
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        delete from recovery_codes
        where moderator_id = $1
        "#,
        moderator.as_uuid()
    )
    .execute(&mut *connection)
    .await
    .map_err(database::Error::from)?;
    if hashes.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into recovery_codes (moderator_id, code_hash)
        select $1, hash
        from unnest($2::bytea[]) as hash
        "#,
        moderator.as_uuid(),
        hashes,
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(())
}

/// Uses a recovery code up; for a transaction that has written the account, so that two who use it at once take turns.
/// One round trip.
pub(in crate::accounts) async fn use_recovery_code(
    connection: &mut PgConnection,
    moderator: ModeratorId,
    hash: &[u8],
) -> Result<Changed, Error> {
    let done = sqlx::query!(
        r#"
        delete from recovery_codes
        where moderator_id = $1
            and code_hash = $2
        "#,
        moderator.as_uuid(),
        hash,
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(Changed::by(done.rows_affected()))
}
