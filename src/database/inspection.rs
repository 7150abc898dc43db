//! What an operator wants to know of the server before things go wrong. Looks only. Must not know the trade.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::error::Error;

/// The oldest server that the statements run on, as `server_version_num` has it.
pub const VERSION_MIN: i32 = 150_000;

/// What was found.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// As `server_version_num`: 180001 is 18.1.
    pub version: i32,
    /// Whether our role may make tables where they are looked for.
    pub may_create: bool,
    /// Whether it takes no writes: a standby, or a read-only default.
    pub is_read_only: bool,
    /// How large the database is.
    pub size_bytes: i64,
    /// Connections that the server takes from such as us.
    pub connections_max: i64,
    /// Connections that there are, of everybody.
    pub connections_used: i64,
    /// Those among them that services of ours hold to this database.
    pub service_connections: i64,
    /// Indexes that are of no use: their making broke off, or is under way.
    pub broken_indexes: Vec<String>,
    /// Our tables on which our role lacks a right that the service needs; none where there are no tables yet.
    pub tables_without_rights: Vec<String>,
    /// The server's clock.
    pub now: OffsetDateTime,
}

/// Looks at the server. Three round trips.
pub async fn inspect(connection: &mut PgConnection) -> Result<Inspection, Error> {
    let broken_indexes = sqlx::query_scalar!(
        r#"
        select c.relname::text as "name!"
        from pg_index i
        join pg_class c on c.oid = i.indexrelid
        where not i.indisvalid
            and c.relnamespace = current_schema()::regnamespace
        order by c.relname
        limit 100
        "#
    )
    .fetch_all(&mut *connection)
    .await?;
    // Lines of the two logs are never changed, so an operator may have taken those rights away.
    let tables_without_rights = sqlx::query_scalar!(
        r#"
        select c.relname::text as "name!"
        from pg_class c
        where c.relkind = 'r'
            and c.relnamespace = current_schema()::regnamespace
            and not (
                has_table_privilege(c.oid, 'select')
                and has_table_privilege(c.oid, 'insert')
                and (
                    c.relname in ('comment_history', 'audit_log')
                    or (has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete'))
                )
            )
        order by c.relname
        limit 100
        "#
    )
    .fetch_all(&mut *connection)
    .await?;
    let row = sqlx::query!(
        r#"
        select current_setting('server_version_num')::int as "version!",
            coalesce(has_schema_privilege(current_schema(), 'create'), false) as "may_create!",
            pg_is_in_recovery() or current_setting('default_transaction_read_only')::bool as "is_read_only!",
            pg_database_size(current_database()) as "size_bytes!",
            (current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
                - coalesce(current_setting('reserved_connections', true)::int, 0))::bigint as "connections_max!",
            (select count(*) from pg_stat_activity where datid is not null) as "connections_used!",
            (select count(*) from pg_stat_activity
                where datname = current_database() and application_name = 'rejoinder') as "service_connections!",
            clock_timestamp() as "now!"
        "#
    )
    .fetch_one(connection)
    .await?;
    Ok(Inspection {
        version: row.version,
        may_create: row.may_create,
        is_read_only: row.is_read_only,
        size_bytes: row.size_bytes,
        connections_max: row.connections_max,
        connections_used: row.connections_used,
        service_connections: row.service_connections,
        broken_indexes,
        tables_without_rights,
        now: row.now,
    })
}
