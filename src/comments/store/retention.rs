//! What time takes away: addresses, spam, keys. Each walks a bounded piece of an index in its order and says
//! where it came to. Must not know when it is called, nor how long a site keeps things.
//!
//! Rows are locked in the order of ids before they change: see `locks.rs`.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::locks::lock_comments;
use crate::accounts::model::SiteScope;
use crate::base::ids::{CommentId, SiteId};
use crate::database::Error;

/// Comments that one walk looks at.
pub(in crate::comments) const CHUNK: i64 = 500;

/// A place in a site's comments by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::comments) struct Place {
    pub(in crate::comments) at: OffsetDateTime,
    pub(in crate::comments) id: CommentId,
}

impl Place {
    /// Before all that was submitted at this time.
    pub(in crate::comments) fn before(at: OffsetDateTime) -> Self {
        let id = CommentId::from_uuid(Uuid::nil());
        Self { at, id }
    }
}

/// Drops network addresses and user agents of the site's next comments submitted until `until`. Says where it came to, if
/// there may be more. Three statements, fewer where there is nothing to drop; for a transaction.
pub(in crate::comments) async fn drop_addresses(
    connection: &mut PgConnection,
    site: SiteId,
    after: Place,
    until: OffsetDateTime,
) -> Result<Option<Place>, Error> {
    let found = sqlx::query!(
        r#"
        select c.id, c.submitted_at, c.ip is not null or c.user_agent is not null as "has_any!"
        from unnest(array['pending', 'approved', 'rejected', 'spam', 'deleted']) as states (status)
        cross join lateral (
            select id, submitted_at, ip, user_agent
            from comments
            where site_id = $1
                and status = states.status
                and (submitted_at, id) > ($2, $3)
                and submitted_at <= $4
            order by submitted_at, id
            limit $5
        ) c
        order by c.submitted_at, c.id
        limit $5
        "#,
        site.as_uuid(),
        after.at,
        after.id.as_uuid(),
        until,
        CHUNK,
    )
    .fetch_all(&mut *connection)
    .await?;
    let last = found.last().filter(|_| is_full(found.len()));
    let last = last.map(|last| Place {
        at: last.submitted_at,
        id: CommentId::from_uuid(last.id),
    });
    let with = found.iter().filter(|row| row.has_any);
    let ids: Vec<Uuid> = with.map(|row| row.id).collect();
    if !ids.is_empty() {
        lock_comments(connection, &SiteScope::All, &ids).await?;
        sqlx::query!(
            r#"
            update comments
            set ip = null,
                user_agent = null
            where id = any($1)
            "#,
            &ids
        )
        .execute(connection)
        .await?;
    }
    Ok(last)
}

/// What a piece of the walk through a site's spam found.
pub(in crate::comments) struct ExpiredSpam {
    /// Those whose time is over; each may have been decided meanwhile.
    pub(in crate::comments) ids: Vec<CommentId>,
    /// Where it came to, if there may be more.
    pub(in crate::comments) place: Option<Place>,
}

/// The site's next spam that was neither submitted nor decided after `until`. One statement.
pub(in crate::comments) async fn find_expired_spam(
    connection: &mut PgConnection,
    site: SiteId,
    after: Place,
    until: OffsetDateTime,
) -> Result<ExpiredSpam, Error> {
    let rows = sqlx::query!(
        r#"
        select id as "id: CommentId", submitted_at, (decided_at is null or decided_at <= $4) as "over!"
        from comments
        where site_id = $1 and status = 'spam' and (submitted_at, id) > ($2, $3) and submitted_at <= $4
        order by submitted_at, id
        limit $5
        "#,
        site.as_uuid(),
        after.at,
        after.id.as_uuid(),
        until,
        CHUNK,
    )
    .fetch_all(connection)
    .await?;
    let place = rows
        .last()
        .filter(|_| is_full(rows.len()))
        .map(|last| Place {
            at: last.submitted_at,
            id: last.id,
        });
    let over = rows.into_iter().filter(|row| row.over);
    Ok(ExpiredSpam {
        ids: over.map(|row| row.id).collect(),
        place,
    })
}

/// Frees the keys of the next comments with ids between these. Says where it came to, if there may be more. Three
/// statements, fewer where there is none to free; for a transaction.
pub(in crate::comments) async fn forget_keys(
    connection: &mut PgConnection,
    after: CommentId,
    before: CommentId,
) -> Result<Option<CommentId>, Error> {
    let found = sqlx::query!(
        r#"
        select id, idempotency_key is not null or duplicate_key is not null as "has_any!"
        from comments
        where id > $1 and id < $2
        order by id
        limit $3
        "#,
        after.as_uuid(),
        before.as_uuid(),
        CHUNK,
    )
    .fetch_all(&mut *connection)
    .await?;
    let last = found.last().filter(|_| is_full(found.len()));
    let last = last.map(|last| CommentId::from_uuid(last.id));
    let with = found.iter().filter(|row| row.has_any);
    let ids: Vec<Uuid> = with.map(|row| row.id).collect();
    if !ids.is_empty() {
        lock_comments(connection, &SiteScope::All, &ids).await?;
        sqlx::query!(
            r#"
            update comments
            set idempotency_key = null,
                duplicate_key = null
            where id = any($1)
            "#,
            &ids
        )
        .execute(connection)
        .await?;
    }
    Ok(last)
}

/// Whether there may be more behind so many.
fn is_full(found: usize) -> bool {
    i64::try_from(found).unwrap_or(CHUNK) >= CHUNK
}
