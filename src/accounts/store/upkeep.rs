//! Forgetting what has ended: sessions, set-up links, tokens. Must not know when it is called.

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use crate::accounts::error::Error;
use crate::accounts::model::{SESSION_AGE_MAX, SESSION_IDLE_MAX};
use crate::database;

/// Rows of each table that go at once.
const CHUNK: i64 = 1_000;
/// How long an API token that has expired stays in the list of its maker.
const EXPIRED_TOKENS_KEPT: Duration = Duration::days(30);

/// Takes away sessions that have ended, set-up links that have expired, and API tokens that expired more than 30 days ago;
/// up to 1,000 of each. Says whether there may be more. One round trip.
pub(in crate::accounts) async fn forget_ended(
    connection: &mut PgConnection,
    now: OffsetDateTime,
) -> Result<bool, Error> {
    let most = sqlx::query_scalar!(
        r#"
        with gone_sessions as (
            delete from sessions
            where id in (
                select id
                from sessions
                where created_at <= $1 or last_used_at <= $2
                limit $5
            )
                and (created_at <= $1 or last_used_at <= $2)
            returning 1
        ),
        gone_links as (
            delete from setup_links
            where moderator_id in (
                select moderator_id
                from setup_links
                where expires_at <= $3
                limit $5
            )
                and expires_at <= $3
            returning 1
        ),
        gone_tokens as (
            delete from api_tokens
            where id in (
                select id
                from api_tokens
                where expires_at <= $4
                limit $5
            )
                and expires_at <= $4
            returning 1
        )
        select greatest(
            (select count(*) from gone_sessions),
            (select count(*) from gone_links),
            (select count(*) from gone_tokens)
        ) as "most!"
        "#,
        now.saturating_sub(SESSION_AGE_MAX),
        now.saturating_sub(SESSION_IDLE_MAX),
        now,
        now.saturating_sub(EXPIRED_TOKENS_KEPT),
        CHUNK,
    )
    .fetch_one(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(most >= CHUNK)
}
