//! Every statement on people. Must not know passwords, only their hashes; nor who may manage whom.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::site_scope;
use crate::accounts::error::Error;
use crate::accounts::model::people::{Authority, Moderator, NewModerator};
use crate::accounts::model::{Role, SESSION_AGE_MAX, SESSION_IDLE_MAX, SiteScope};
use crate::accounts::passwords::StoredPassword;
use crate::base::email::{EmailAddress, EmailKey};
use crate::base::ids::{ModeratorId, SiteId};
use crate::database;

struct Row {
    id: Uuid,
    email: String,
    email_key: String,
    name: String,
    role: String,
    sites: Option<Vec<Uuid>>,
    disabled_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    last_seen_at: Option<OffsetDateTime>,
    has_password: bool,
    has_second_factor: bool,
}

impl Row {
    fn into_moderator(self) -> Result<Moderator, Error> {
        Ok(Moderator {
            id: ModeratorId::from_uuid(self.id),
            email: EmailAddress::from_stored(self.email, EmailKey::from_stored(self.email_key)),
            name: self.name,
            role: Role::parse(&self.role).ok_or(Error::UnknownRole)?,
            sites: site_scope(self.sites),
            disabled_at: self.disabled_at,
            created_at: self.created_at,
            last_seen_at: self.last_seen_at,
            has_password: self.has_password,
            has_second_factor: self.has_second_factor,
        })
    }
}

/// Which people a list has.
pub(in crate::accounts) struct Listed<'a> {
    /// Those who share one of these sites, or see all.
    pub(in crate::accounts) sites: &'a SiteScope,
    /// And this one, whatever their sites.
    pub(in crate::accounts) besides: Option<ModeratorId>,
    /// Behind this one.
    pub(in crate::accounts) after: Option<ModeratorId>,
    /// At most so many.
    pub(in crate::accounts) rows: i64,
    pub(in crate::accounts) now: OffsetDateTime,
}

/// People in the order of their ids; those who were deleted are not among them. One statement.
pub(in crate::accounts) async fn list(
    connection: &mut PgConnection,
    listed: &Listed<'_>,
) -> Result<Vec<Moderator>, Error> {
    let sites = as_uuids(listed.sites);
    let rows = sqlx::query_as!(
        Row,
        r#"
        select m.id, m.email as "email!", m.email_key as "email_key!", m.name, m.role, m.sites as "sites?",
            m.disabled_at, m.created_at, seen.at as "last_seen_at?", m.password_hash is not null as "has_password!",
            m.totp_confirmed_at is not null as "has_second_factor!"
        from moderators m
        left join lateral (
            select max(s.last_used_at) as at
            from sessions s
            where s.moderator_id = m.id and s.created_at > $5 and s.last_used_at > $6
        ) seen on true
        where m.deleted_at is null
            and ($1::uuid[] is null or m.sites is null or m.sites && $1 or m.id = $2)
            and ($3::uuid is null or m.id > $3)
        order by m.id
        limit $4
        "#,
        sites.as_deref(),
        listed.besides.as_ref().map(ModeratorId::as_uuid),
        listed.after.as_ref().map(ModeratorId::as_uuid),
        listed.rows,
        listed.now.saturating_sub(SESSION_AGE_MAX),
        listed.now.saturating_sub(SESSION_IDLE_MAX),
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    rows.into_iter().map(Row::into_moderator).collect()
}

/// One person, unless deleted. One statement.
pub(in crate::accounts) async fn find(
    connection: &mut PgConnection,
    id: ModeratorId,
    now: OffsetDateTime,
) -> Result<Option<Moderator>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select m.id, m.email as "email!", m.email_key as "email_key!", m.name, m.role, m.sites as "sites?",
            m.disabled_at, m.created_at, seen.at as "last_seen_at?", m.password_hash is not null as "has_password!",
            m.totp_confirmed_at is not null as "has_second_factor!"
        from moderators m
        left join lateral (
            select max(s.last_used_at) as at
            from sessions s
            where s.moderator_id = m.id and s.created_at > $2 and s.last_used_at > $3
        ) seen on true
        where m.id = $1 and m.deleted_at is null
        "#,
        id.as_uuid(),
        now.saturating_sub(SESSION_AGE_MAX),
        now.saturating_sub(SESSION_IDLE_MAX),
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    row.map(Row::into_moderator).transpose()
}

/// Whose address this is. One statement.
pub(in crate::accounts) async fn find_id(
    connection: &mut PgConnection,
    email: &EmailKey,
) -> Result<Option<ModeratorId>, Error> {
    let found = sqlx::query_scalar!(
        r#"
        select id
        from moderators
        where email_key = $1
        "#,
        email.as_str()
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(found.map(ModeratorId::from_uuid))
}

/// An account that nobody else changes until the transaction ends.
#[derive(Debug, Clone)]
pub(in crate::accounts) struct Held {
    pub(in crate::accounts) id: ModeratorId,
    pub(in crate::accounts) name: String,
    pub(in crate::accounts) role: Role,
    pub(in crate::accounts) sites: SiteScope,
    pub(in crate::accounts) disabled_at: Option<OffsetDateTime>,
    pub(in crate::accounts) has_password: bool,
}

impl Held {
    /// An owner who can sign in.
    pub(in crate::accounts) fn is_able_owner(&self) -> bool {
        self.role == Role::Owner && self.disabled_at.is_none() && self.has_password
    }

    /// What they may do with others; nothing once disabled.
    pub(in crate::accounts) fn authority(&self) -> Option<Authority> {
        let able = self.disabled_at.is_none();
        able.then(|| Authority::new(self.role, self.sites.clone()))
    }
}

/// Holds these accounts and all owners, so that a change is judged by what is true when it happens: neither can two
/// owners remove each other, nor does somebody act by a role that they have just lost. All in one statement and in the
/// order of ids, so that two who change people wait for each other and never in a ring. Deleted accounts are left out.
pub(in crate::accounts) async fn hold(
    connection: &mut PgConnection,
    ids: &[ModeratorId],
) -> Result<Vec<Held>, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| *id.as_uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select id, name, role, sites as "sites?", disabled_at, password_hash is not null as "has_password!"
        from moderators
        where deleted_at is null and (id = any($1) or role = 'owner')
        order by id
        for no key update
        "#,
        &ids
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    rows.into_iter()
        .map(|row| {
            Ok(Held {
                id: ModeratorId::from_uuid(row.id),
                name: row.name,
                role: Role::parse(&row.role).ok_or(Error::UnknownRole)?,
                sites: site_scope(row.sites),
                disabled_at: row.disabled_at,
                has_password: row.has_password,
            })
        })
        .collect()
}

/// Makes an account. One statement; [`Error::ModeratorExists`] where the address is taken.
pub(in crate::accounts) async fn insert(
    connection: &mut PgConnection,
    new: &NewModerator,
    password: Option<&StoredPassword>,
    now: OffsetDateTime,
) -> Result<ModeratorId, Error> {
    let id = ModeratorId::new(now);
    let sites = as_uuids(&new.sites);
    let inserted = sqlx::query!(
        r#"
        insert into moderators (id, email, email_key, name, role, sites, password_hash, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        id.as_uuid(),
        new.email.as_str(),
        new.email.key().as_str(),
        new.name.as_str(),
        new.role.as_str(),
        sites.as_deref(),
        password.map(StoredPassword::as_str),
        now,
    )
    .execute(connection)
    .await
    .map_err(database::Error::from);
    match inserted {
        Ok(_) => Ok(id),
        Err(error) if error.constraint() == Some("moderators_email_unique") => {
            Err(Error::ModeratorExists)
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes what may change of an account that is held. One statement.
pub(in crate::accounts) async fn update(
    connection: &mut PgConnection,
    held: &Held,
) -> Result<(), Error> {
    let sites = as_uuids(&held.sites);
    sqlx::query!(
        r#"
        update moderators
        set name = $2, role = $3, sites = $4, disabled_at = $5
        where id = $1
        "#,
        held.id.as_uuid(),
        held.name,
        held.role.as_str(),
        sites.as_deref(),
        held.disabled_at,
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(())
}

/// Takes everything away that lets somebody in: sessions, API tokens, the set-up link. One statement, for a transaction
/// that holds the account: whoever signs in at the same time has done so before, or will be refused.
pub(in crate::accounts) async fn end_access(
    connection: &mut PgConnection,
    id: ModeratorId,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        with ended as (
            delete from sessions
            where moderator_id = $1
        ),
        revoked as (
            delete from api_tokens
            where moderator_id = $1
        )
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

/// Empties an account that is held, for good: the row stays with its name, since history and log lead to it; address,
/// password and second factor go. One statement.
pub(in crate::accounts) async fn empty(
    connection: &mut PgConnection,
    id: ModeratorId,
    now: OffsetDateTime,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        with gone as (
            delete from recovery_codes
            where moderator_id = $1
        )
        update moderators
        set email = null, email_key = null, password_hash = null, totp_nonce = null, totp_confirmed_at = null,
            totp_last_step = null, disabled_at = coalesce(disabled_at, $2), deleted_at = $2
        where id = $1
        "#,
        id.as_uuid(),
        now
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(())
}

/// Whether there was a second factor to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::accounts) enum Removed {
    Yes,
    NothingThere,
}

/// Turns the second factor of an account off, also one that waits for its first code; its recovery codes go. One
/// statement.
pub(in crate::accounts) async fn remove_second_factor(
    connection: &mut PgConnection,
    id: ModeratorId,
) -> Result<Removed, Error> {
    let done = sqlx::query!(
        r#"
        with gone as (
            delete from recovery_codes
            where moderator_id = $1
        )
        update moderators
        set totp_nonce = null, totp_confirmed_at = null, totp_last_step = null
        where id = $1 and totp_nonce is not null
        "#,
        id.as_uuid()
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(if done.rows_affected() > 0 {
        Removed::Yes
    } else {
        Removed::NothingThere
    })
}

/// How many of these sites there are. One statement.
pub(in crate::accounts) async fn count_sites(
    connection: &mut PgConnection,
    sites: &[SiteId],
) -> Result<usize, Error> {
    let sites: Vec<Uuid> = sites.iter().map(|site| *site.as_uuid()).collect();
    let count = sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from sites
        where id = any($1)
        "#,
        &sites
    )
    .fetch_one(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// A site's id and slug.
#[derive(Debug, Clone)]
pub(in crate::accounts) struct SiteSlug {
    pub(in crate::accounts) id: SiteId,
    pub(in crate::accounts) slug: String,
}

/// The sites of these slugs, as far as there are. One statement.
pub(in crate::accounts) async fn sites_of_slugs(
    connection: &mut PgConnection,
    slugs: &[String],
) -> Result<Vec<SiteSlug>, Error> {
    let found = sqlx::query_as!(
        SiteSlug,
        r#"
        select id as "id: SiteId", slug
        from sites
        where slug = any($1)
        "#,
        slugs
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(found)
}

/// The slugs of these sites, as far as there are. One statement.
pub(in crate::accounts) async fn slugs_of_sites(
    connection: &mut PgConnection,
    sites: &[SiteId],
) -> Result<Vec<SiteSlug>, Error> {
    let sites: Vec<Uuid> = sites.iter().map(|site| *site.as_uuid()).collect();
    let found = sqlx::query_as!(
        SiteSlug,
        r#"
        select id as "id: SiteId", slug
        from sites
        where id = any($1)
        "#,
        &sites
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(found)
}

fn as_uuids(sites: &SiteScope) -> Option<Vec<Uuid>> {
    let ids = sites.ids()?;
    Some(ids.iter().map(|site| *site.as_uuid()).collect())
}
