//! Every statement that reads or writes moderators and sessions. Must not know passwords, only their hashes.

pub(in crate::accounts) mod access;
pub(in crate::accounts) mod credentials;
pub(in crate::accounts) mod held;
pub(in crate::accounts) mod inspection;
pub(in crate::accounts) mod people;
pub(in crate::accounts) mod second_factor;
pub(in crate::accounts) mod sessions;
pub(in crate::accounts) mod tokens;
pub(in crate::accounts) mod upkeep;

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::accounts::error::Error;
use crate::accounts::model::{
    Caller, Proof, Role, SESSION_AGE_MAX, SESSION_IDLE_MAX, Session, SessionToken, SiteScope,
    session_end,
};
use crate::accounts::passwords::StoredPassword;
use crate::base::email::{EmailAddress, EmailKey};
use crate::base::ids::{ModeratorId, SessionId, SiteId};
use crate::database;

pub use access::Access;

/// `last_used_at` is written when it is older than this, so that reading doesn't write each time.
const TOUCHED_AFTER: Duration = Duration::seconds(60);
/// Sessions of one moderator; the longest unused end first.
const SESSIONS_MAX: i64 = 50;
/// Taken while the first owner is made, so that instances which start together make one.
const FIRST_OWNER_LOCK_KEY: i64 = 0x7265_6a6f_6f77_6e72;

/// An account as a sign-in needs it.
pub(in crate::accounts) struct Credentials {
    pub(in crate::accounts) moderator_id: ModeratorId,
    pub(in crate::accounts) password: Option<StoredPassword>,
    pub(in crate::accounts) standing: Standing,
    /// The second factor, where one is on.
    pub(in crate::accounts) factor: Option<FactorOn>,
}

/// A second factor that is asked for.
pub(in crate::accounts) struct FactorOn {
    /// What its key is derived from.
    pub(in crate::accounts) nonce: Vec<u8>,
    /// The time step of the last code taken.
    pub(in crate::accounts) last_step: Option<i64>,
}

/// Whether the account may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::accounts) enum Standing {
    Active,
    Disabled,
}

/// The account with this address. One round trip.
pub(in crate::accounts) async fn find_credentials(
    connection: &mut PgConnection,
    email: &EmailKey,
) -> Result<Option<Credentials>, Error> {
    let row = sqlx::query!(
        r#"
        select id, password_hash, disabled_at is not null as "disabled!", totp_nonce,
            totp_confirmed_at is not null as "totp_confirmed!", totp_last_step
        from moderators
        where email_key = $1
        "#,
        email.as_str()
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(row.map(|row| Credentials {
        moderator_id: ModeratorId::from_uuid(row.id),
        password: row.password_hash.map(StoredPassword::from_stored),
        standing: if row.disabled {
            Standing::Disabled
        } else {
            Standing::Active
        },
        factor: row
            .totp_nonce
            .filter(|_| row.totp_confirmed)
            .map(|nonce| FactorOn {
                nonce,
                last_step: row.totp_last_step,
            }),
    }))
}

/// A session to be begun.
pub(in crate::accounts) struct NewSession<'a> {
    pub(in crate::accounts) id: SessionId,
    pub(in crate::accounts) moderator_id: ModeratorId,
    pub(in crate::accounts) token: &'a SessionToken,
    pub(in crate::accounts) now: OffsetDateTime,
    /// The browser's name of itself.
    pub(in crate::accounts) user_agent: Option<&'a str>,
    /// The hash that the password was compared with.
    pub(in crate::accounts) checked: &'a StoredPassword,
    /// The hash to keep from now on.
    pub(in crate::accounts) kept: &'a StoredPassword,
    /// The second factor that was looked at; none: it was off.
    pub(in crate::accounts) factor: Option<&'a FactorOn>,
    /// The time step of the code that was shown, which is used up by this.
    pub(in crate::accounts) step: Option<i64>,
}

/// Begins a session, unless the account was disabled or got another password or second factor since it was looked at, or
/// the code was taken meanwhile. The row of the account is written for that: whoever changes the password or shows the
/// same code at the same time goes before or after. The moderator's ended sessions, and those beyond [`SESSIONS_MAX`], go. One round trip.
pub(in crate::accounts) async fn insert_session(
    connection: &mut PgConnection,
    new: NewSession<'_>,
) -> Result<Option<Session>, Error> {
    let row = sqlx::query!(
        r#"
        with account as (
            update moderators
            set password_hash = $6,
                totp_last_step = coalesce($11, totp_last_step)
            where id = $2
                and password_hash = $5
                and disabled_at is null
                and (case when totp_confirmed_at is not null then totp_nonce end) is not distinct from $10
                and ($11::bigint is null or totp_last_step is null or totp_last_step < $11)
            returning id, name, role, sites
        ),
        gone as (
            delete from sessions
            where id in (
                select id
                from (
                    select id, created_at, last_used_at,
                        row_number() over (order by last_used_at desc, id desc) as place
                    from sessions
                    where moderator_id = $2
                ) as ranked
                where place >= $9
                    or created_at <= $7
                    or last_used_at <= $8
            )
        ),
        begun as (
            insert into sessions (id, moderator_id, token_hash, created_at, last_used_at, user_agent)
            select $1, account.id, $3, $4, $4, $12
            from account
        )
        select id as "id!", name as "name!", role as "role!", sites as "sites?"
        from account
        "#,
        new.id.as_uuid(),
        new.moderator_id.as_uuid(),
        &new.token.hash()[..],
        new.now,
        new.checked.as_str(),
        new.kept.as_str(),
        new.now.saturating_sub(SESSION_AGE_MAX),
        new.now.saturating_sub(SESSION_IDLE_MAX),
        SESSIONS_MAX,
        new.factor.map(|factor| factor.nonce.as_slice()),
        new.step,
        new.user_agent,
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Session {
        id: new.id,
        created_at: new.now,
        expires_at: session_end(new.now, new.now),
        caller: caller(
            row.id,
            row.name,
            &row.role,
            row.sites,
            Proof::Session(new.id),
        )?,
    }))
}

/// The session that the token belongs to, if it holds and its account isn't disabled; notes that it was used. One round trip.
pub(in crate::accounts) async fn find_session(
    connection: &mut PgConnection,
    token: &SessionToken,
    now: OffsetDateTime,
) -> Result<Option<Session>, Error> {
    let row = sqlx::query!(
        r#"
        with found as (
            select sessions.id, sessions.created_at, sessions.last_used_at,
                moderators.id as moderator_id, moderators.name, moderators.role, moderators.sites
            from sessions
            join moderators on moderators.id = sessions.moderator_id
            where sessions.token_hash = $1
                and sessions.created_at > $2
                and sessions.last_used_at > $3
                and moderators.disabled_at is null
        ),
        touched as (
            update sessions
            set last_used_at = $5
            where id in (select id from found where last_used_at <= $4)
                and last_used_at <= $4
        )
        select id as "id!", created_at as "created_at!",
            case when last_used_at <= $4 then $5 else last_used_at end as "last_used_at!",
            moderator_id as "moderator_id!", name as "name!", role as "role!", sites as "sites?"
        from found
        "#,
        &token.hash()[..],
        now.saturating_sub(SESSION_AGE_MAX),
        now.saturating_sub(SESSION_IDLE_MAX),
        now.saturating_sub(TOUCHED_AFTER),
        now,
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Session {
        id: SessionId::from_uuid(row.id),
        created_at: row.created_at,
        expires_at: session_end(row.created_at, row.last_used_at),
        caller: caller(
            row.moderator_id,
            row.name,
            &row.role,
            row.sites,
            Proof::Session(SessionId::from_uuid(row.id)),
        )?,
    }))
}

/// Ends a session; one that has ended stays so. One round trip.
pub(in crate::accounts) async fn delete_session(
    connection: &mut PgConnection,
    session: SessionId,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        delete from sessions
        where id = $1
        "#,
        session.as_uuid()
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(())
}

/// Whether anybody is an owner. One round trip.
pub(in crate::accounts) async fn has_owner(connection: &mut PgConnection) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"
        select exists (
            select from moderators
            where role = 'owner' and deleted_at is null
        ) as "found!"
        "#
    )
    .fetch_one(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(found)
}

/// Waits until nobody else makes the first owner; for the transaction that it stands in. One round trip.
pub(in crate::accounts) async fn lock_first_owner(
    connection: &mut PgConnection,
) -> Result<(), Error> {
    sqlx::query!("select pg_advisory_xact_lock($1)", FIRST_OWNER_LOCK_KEY)
        .execute(connection)
        .await
        .map_err(database::Error::from)?;
    Ok(())
}

/// Makes an owner, who sees all sites. One round trip.
pub(in crate::accounts) async fn insert_owner(
    connection: &mut PgConnection,
    name: &str,
    email: &EmailAddress,
    password: &StoredPassword,
    now: OffsetDateTime,
) -> Result<ModeratorId, Error> {
    let id = ModeratorId::new(now);
    let inserted = sqlx::query!(
        r#"
        insert into moderators (id, email, email_key, name, role, sites, password_hash, created_at)
        values ($1, $2, $3, $4, 'owner', null, $5, $6)
        "#,
        id.as_uuid(),
        email.as_str(),
        email.key().as_str(),
        name,
        password.as_str(),
        now,
    )
    .execute(connection)
    .await
    .map_err(database::Error::from);
    match inserted {
        Ok(_) => Ok(id),
        Err(error) if error.constraint() == Some("moderators_email_unique") => {
            Err(Error::OwnerAddressTaken)
        }
        Err(error) => Err(error.into()),
    }
}

fn caller(
    id: Uuid,
    name: String,
    role: &str,
    sites: Option<Vec<Uuid>>,
    proof: Proof,
) -> Result<Caller, Error> {
    Ok(Caller {
        moderator_id: ModeratorId::from_uuid(id),
        name,
        role: Role::parse(role).ok_or(Error::UnknownRole)?,
        sites: site_scope(sites),
        proof,
    })
}

/// The sites of a row.
fn site_scope(sites: Option<Vec<Uuid>>) -> SiteScope {
    sites.map_or(SiteScope::All, |sites| {
        SiteScope::Only(sites.into_iter().map(SiteId::from_uuid).collect())
    })
}
