//! How long sites keep what is personal, and how far that has been seen to. Must not know what a comment is.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::base::ids::SiteId;
use crate::database::Error;

/// What a site keeps for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Network addresses and user agents: `ip_retention_days`.
    Addresses,
    /// Spam: `spam_retention_days`.
    Spam,
}

/// Where a walk over the sites goes on, in the order of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkFrom {
    /// At the first site.
    Start,
    /// At this site, or the one behind it where it has gone.
    At(SiteId),
    /// Behind this site.
    Behind(SiteId),
}

/// A site whose time is over for some of what it keeps.
#[derive(Debug, Clone, Copy)]
pub struct SiteRetention {
    /// The site.
    pub id: SiteId,
    /// What was submitted until then has been kept long enough.
    pub until: OffsetDateTime,
    /// With [`Kept::Addresses`]: what was submitted until then has been seen to.
    pub done_until: Option<OffsetDateTime>,
}

/// The next site in the order of ids that may have something which has been kept long enough. One statement.
pub async fn find_next(
    connection: &mut PgConnection,
    kept: Kept,
    from: WalkFrom,
    now: OffsetDateTime,
) -> Result<Option<SiteRetention>, Error> {
    let (id, itself) = match from {
        WalkFrom::Start => (None, false),
        WalkFrom::At(site) => (Some(site), true),
        WalkFrom::Behind(site) => (Some(site), false),
    };
    let found = sqlx::query_as!(
        SiteRetention,
        r#"
        select id as "id: SiteId", until as "until!", done_until
        from (
            select
                id,
                $4::timestamptz - make_interval(
                    days => case when $3 then ip_retention_days else spam_retention_days end
                ) as until,
                case when $3 then addresses_dropped_until end as done_until
            from sites
            where $1::uuid is null or id > $1 or (id = $1 and $2)
        ) as kept
        where done_until is null or done_until < until
        order by id
        limit 1
        "#,
        id.as_ref().map(SiteId::as_uuid),
        itself,
        kept == Kept::Addresses,
        now,
    )
    .fetch_optional(connection)
    .await?;
    Ok(found)
}

/// Notes that the addresses of what was submitted until then have gone; it never goes back. One statement.
pub async fn note_addresses_dropped(
    connection: &mut PgConnection,
    site: SiteId,
    until: OffsetDateTime,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        update sites
        set addresses_dropped_until = $2
        where id = $1 and (addresses_dropped_until is null or addresses_dropped_until < $2)
        "#,
        site.as_uuid(),
        until,
    )
    .execute(connection)
    .await?;
    Ok(())
}
