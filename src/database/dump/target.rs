//! Whether a database may be restored into. Looks, and takes the lock of migrations. Must not know what will be put there.

use sqlx::PgConnection;

use super::error::Error;
use crate::database::migrations;

/// Refuses a database that holds something, that a service works with, or whose schema somebody makes at this moment.
/// Until the transaction ends no service comes through its start. Three round trips.
pub(super) async fn claim(connection: &mut PgConnection) -> Result<(), Error> {
    if !migrations::try_lock_transaction(connection).await? {
        return Err(Error::InUse);
    }
    if has_service(connection).await? {
        return Err(Error::InUse);
    }
    match count_tables(connection).await? {
        0 => Ok(()),
        tables => Err(Error::NotEmpty(tables)),
    }
}

/// Pools of ours carry that name; commands have another one.
async fn has_service(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select
            from pg_stat_activity
            where datname = current_database()
                and application_name = 'rejoinder'
                and pid <> pg_backend_pid()
        ) as "has!"
        "#
    )
    .fetch_one(connection)
    .await
}

/// What extensions have brought doesn't count.
async fn count_tables(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from pg_class c
        where c.relnamespace = current_schema()::regnamespace
            and c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')
            and not exists (
                select from pg_depend d
                where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
            )
        "#
    )
    .fetch_one(connection)
    .await
}
