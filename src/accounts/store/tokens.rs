//! Every statement on API tokens. Must not know their text, only its hash.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::TOUCHED_AFTER;
use crate::accounts::api_tokens::{
    ApiToken, Expiry, NewToken, TokenChange, TokenText, bounded_scopes, bounded_sites,
};
use crate::accounts::error::Error;
use crate::accounts::model::{Caller, Proof, Role, Scope, SiteScope};
use crate::base::ids::{ModeratorId, SiteId, TokenId};
use crate::base::paging::Limit;
use crate::base::text::Name;
use crate::database;

/// Whose tokens somebody may see and manage: their own, and those of people below them.
pub(in crate::accounts) struct Reach {
    own: Uuid,
    roles: Vec<String>,
    /// People below them who see more sites than they do are out of reach; none: nobody is.
    sites: Option<Vec<Uuid>>,
}

impl Reach {
    pub(in crate::accounts) fn of(caller: &Caller) -> Self {
        let roles: &[Role] = match caller.role {
            Role::Owner => &[Role::Owner, Role::Admin, Role::Moderator, Role::Viewer],
            Role::Admin => &[Role::Moderator, Role::Viewer],
            Role::Moderator | Role::Viewer => &[],
        };
        Self {
            own: *caller.moderator_id.as_uuid(),
            roles: roles.iter().map(|role| role.as_str().to_owned()).collect(),
            sites: match &caller.sites {
                SiteScope::All => None,
                SiteScope::Only(sites) => Some(sites.iter().map(|site| *site.as_uuid()).collect()),
            },
        }
    }
}

/// A row of a token with its maker.
struct Row {
    id: Uuid,
    name: String,
    scopes: Vec<String>,
    sites: Option<Vec<Uuid>>,
    created_at: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
    last_used_at: Option<OffsetDateTime>,
    moderator_id: Uuid,
    moderator_name: String,
}

impl From<Row> for ApiToken {
    fn from(row: Row) -> Self {
        Self {
            id: TokenId::from_uuid(row.id),
            name: row.name,
            scopes: scopes(&row.scopes),
            sites: row.sites.map(site_ids),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            moderator_id: ModeratorId::from_uuid(row.moderator_id),
            moderator_name: row.moderator_name,
        }
    }
}

/// A scope that this release doesn't know is good for nothing.
fn scopes(words: &[String]) -> Vec<Scope> {
    words.iter().filter_map(|word| Scope::parse(word)).collect()
}

fn site_ids(sites: Vec<Uuid>) -> Vec<SiteId> {
    sites.into_iter().map(SiteId::from_uuid).collect()
}

/// Whom the token stands for, if it holds and its maker isn't disabled: within the role and sites of the maker as they
/// are now. Notes that it was used. One round trip.
pub(in crate::accounts) async fn find_token_caller(
    connection: &mut PgConnection,
    token: &TokenText,
    now: OffsetDateTime,
) -> Result<Option<Caller>, Error> {
    let row = sqlx::query!(
        r#"
        with found as (
            select api_tokens.id, api_tokens.scopes, api_tokens.sites, api_tokens.last_used_at,
                moderators.id as moderator_id, moderators.name, moderators.role, moderators.sites as makers_sites
            from api_tokens
            join moderators on moderators.id = api_tokens.moderator_id
            where api_tokens.token_hash = $1
                and (api_tokens.expires_at is null or api_tokens.expires_at > $3)
                and moderators.disabled_at is null
        ),
        touched as (
            update api_tokens
            set last_used_at = $3
            where id in (select id from found where last_used_at is null or last_used_at <= $2)
                and (last_used_at is null or last_used_at <= $2)
        )
        select id as "id!", scopes as "scopes!", sites as "sites?", moderator_id as "moderator_id!", name as "name!",
            role as "role!", makers_sites as "makers_sites?"
        from found
        "#,
        &token.hash()[..],
        now.saturating_sub(TOUCHED_AFTER),
        now,
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    let Some(row) = row else { return Ok(None) };
    let role = Role::parse(&row.role).ok_or(Error::UnknownRole)?;
    let makers = row
        .makers_sites
        .map_or(SiteScope::All, |sites| SiteScope::Only(site_ids(sites)));
    Ok(Some(Caller {
        moderator_id: ModeratorId::from_uuid(row.moderator_id),
        name: row.name,
        role,
        sites: bounded_sites(row.sites.map(site_ids), makers),
        proof: Proof::Token(
            TokenId::from_uuid(row.id),
            bounded_scopes(&scopes(&row.scopes), role),
        ),
    }))
}

/// What stands in the way of another token.
pub(in crate::accounts) struct Room {
    /// How many its maker has.
    pub(in crate::accounts) tokens: i64,
    /// Those of the asked sites that there are.
    pub(in crate::accounts) known_sites: Vec<SiteId>,
}

/// Lets one transaction at a time make tokens for this moderator, and counts those there are. Two round trips.
pub(in crate::accounts) async fn lock_room(
    connection: &mut PgConnection,
    moderator: ModeratorId,
    sites: &[SiteId],
) -> Result<Room, Error> {
    sqlx::query!(
        r#"
        select id
        from moderators
        where id = $1
        for no key update
        "#,
        moderator.as_uuid()
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(database::Error::from)?;
    let asked: Vec<Uuid> = sites.iter().map(|site| *site.as_uuid()).collect();
    let row = sqlx::query!(
        r#"
        select (select count(*) from api_tokens where moderator_id = $1) as "tokens!",
            array(select id from sites where id = any($2)) as "known_sites!"
        "#,
        moderator.as_uuid(),
        &asked,
    )
    .fetch_one(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(Room {
        tokens: row.tokens,
        known_sites: site_ids(row.known_sites),
    })
}

/// Makes a token. One round trip.
pub(in crate::accounts) async fn insert_token(
    connection: &mut PgConnection,
    maker: ModeratorId,
    new: &NewToken,
    token: &TokenText,
    now: OffsetDateTime,
) -> Result<TokenId, Error> {
    let id = TokenId::new(now);
    let scopes: Vec<String> = new
        .scopes
        .iter()
        .map(|scope| scope.as_str().to_owned())
        .collect();
    let sites: Option<Vec<Uuid>> = new
        .sites
        .as_ref()
        .map(|sites| sites.iter().map(|site| *site.as_uuid()).collect());
    sqlx::query!(
        r#"
        insert into api_tokens (id, moderator_id, name, token_hash, scopes, sites, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        id.as_uuid(),
        maker.as_uuid(),
        new.name.as_str(),
        &token.hash()[..],
        &scopes,
        sites.as_deref(),
        now,
        new.expires_at,
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(id)
}

/// The tokens in reach, newest first: up to [`Limit::rows`], one more than a page has. One round trip.
pub(in crate::accounts) async fn list_tokens(
    connection: &mut PgConnection,
    reach: &Reach,
    before: Option<TokenId>,
    limit: Limit,
) -> Result<Vec<ApiToken>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select t.id, t.name, t.scopes, t.sites, t.created_at, t.expires_at, t.last_used_at,
            m.id as moderator_id, m.name as moderator_name
        from api_tokens t
        join moderators m on m.id = t.moderator_id
        where (m.id = $1 or (m.role = any($2) and ($3::uuid[] is null or m.sites <@ $3)))
            and ($4::uuid is null or t.id < $4)
        order by t.id desc
        limit $5
        "#,
        reach.own,
        &reach.roles,
        reach.sites.as_deref(),
        before.as_ref().map(TokenId::as_uuid),
        limit.rows(),
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(rows.into_iter().map(ApiToken::from).collect())
}

/// One token in reach. One round trip.
pub(in crate::accounts) async fn find_token(
    connection: &mut PgConnection,
    reach: &Reach,
    id: TokenId,
) -> Result<Option<ApiToken>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select t.id, t.name, t.scopes, t.sites, t.created_at, t.expires_at, t.last_used_at,
            m.id as moderator_id, m.name as moderator_name
        from api_tokens t
        join moderators m on m.id = t.moderator_id
        where t.id = $4
            and (m.id = $1 or (m.role = any($2) and ($3::uuid[] is null or m.sites <@ $3)))
        "#,
        reach.own,
        &reach.roles,
        reach.sites.as_deref(),
        id.as_uuid(),
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(row.map(ApiToken::from))
}

/// Changes a token in reach, and answers it as it is then. One round trip.
pub(in crate::accounts) async fn update_token(
    connection: &mut PgConnection,
    reach: &Reach,
    id: TokenId,
    change: &TokenChange,
) -> Result<Option<ApiToken>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"
        update api_tokens t
        set name = coalesce($5, t.name),
            expires_at = case when $6 then $7 else t.expires_at end
        from moderators m
        where t.id = $4
            and m.id = t.moderator_id
            and (m.id = $1 or (m.role = any($2) and ($3::uuid[] is null or m.sites <@ $3)))
        returning t.id, t.name, t.scopes, t.sites, t.created_at, t.expires_at, t.last_used_at,
            m.id as moderator_id, m.name as moderator_name
        "#,
        reach.own,
        &reach.roles,
        reach.sites.as_deref(),
        id.as_uuid(),
        change.name.as_ref().map(Name::as_str),
        change.expiry != Expiry::Kept,
        change.expiry.at(),
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(row.map(ApiToken::from))
}

/// Takes a token in reach away, and says whose it was. One round trip.
pub(in crate::accounts) async fn delete_token(
    connection: &mut PgConnection,
    reach: &Reach,
    id: TokenId,
) -> Result<Option<ModeratorId>, Error> {
    let maker = sqlx::query_scalar!(
        r#"
        delete from api_tokens t
        using moderators m
        where t.id = $4
            and m.id = t.moderator_id
            and (m.id = $1 or (m.role = any($2) and ($3::uuid[] is null or m.sites <@ $3)))
        returning m.id
        "#,
        reach.own,
        &reach.roles,
        reach.sites.as_deref(),
        id.as_uuid(),
    )
    .fetch_optional(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(maker.map(ModeratorId::from_uuid))
}
