//! Brings the schema up to date, one instance at a time, and refuses a schema that has left this binary behind.
//! Must not know what the tables mean.

use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{Migrate, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::time::{Instant, sleep};

use super::error::Error;

static MIGRATOR: Migrator = sqlx::migrate!();

/// Where sqlx keeps what it has applied.
const APPLIED_TABLE: &str = "_sqlx_migrations";
/// The advisory lock that lets one instance migrate ("rejoinder" in spirit, any constant does).
const LOCK_KEY: i64 = 0x7265_6a6f_696e_6472;
/// Polled instead of waited for: a waiting lock holds a snapshot, for which `create index concurrently` waits in turn.
const LOCK_POLL: Duration = Duration::from_millis(50);
/// How long another instance may migrate before we give up.
const LOCK_WAIT_MAX: Duration = Duration::from_mins(10);

/// Why the schema can't be used.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] Error),
    /// The schema belongs to a newer release which doesn't serve this one any more.
    #[error(
        "the database was migrated by a newer release and no longer serves this one \
         (it needs migration {needed}, this release ends at {known}); install the newer release"
    )]
    TooOld {
        /// The newest migration that a binary must know.
        needed: i64,
        /// The newest one that this binary knows.
        known: i64,
    },
    /// A migration failed and was rolled back.
    #[error("a migration failed and was rolled back, the schema is as before: {0}")]
    Failed(#[source] sqlx::migrate::MigrateError),
    /// Another instance has been migrating for too long.
    #[error(
        "another instance has been migrating the database for ten minutes; look at its log and try again"
    )]
    Busy,
}

/// Applies what is missing on a connection of its own. Two instances that start at once take turns.
pub async fn migrate(options: &PgConnectOptions) -> Result<(), MigrationError> {
    migrate_with(&MIGRATOR, options).await
}

/// The same with the migrations of another release.
pub async fn migrate_with(
    migrator: &Migrator,
    options: &PgConnectOptions,
) -> Result<(), MigrationError> {
    // The notice that sqlx's own table is there already is of no use to anybody.
    let options = options
        .clone()
        .options([("client_min_messages", "warning")]);
    let mut connection = options.connect().await.map_err(Error::from)?;
    lock(&mut connection).await?;
    let outcome = migrate_locked(migrator, &mut connection).await;
    // Closing the session releases the lock, also after a failure.
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "closing the migration's connection failed");
    }
    outcome
}

/// Whether the schema is one that this binary can work with: nothing missing, not left behind.
pub async fn is_current(connection: &mut PgConnection) -> Result<bool, Error> {
    let known = newest_of(&MIGRATOR);
    Ok(applied(connection).await?.contains(&known) && oldest_binary(connection).await? <= known)
}

/// The newest migration that this binary knows.
pub fn schema_version() -> i64 {
    newest_of(&MIGRATOR)
}

/// How a schema stands to this binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaState {
    /// Nothing is missing.
    Current,
    /// So many migrations are still to be applied.
    Pending(usize),
    /// It serves newer binaries only.
    LeftBehind {
        /// The newest migration that a binary must know.
        needed: i64,
        /// The newest one that this binary knows.
        known: i64,
    },
}

/// How the schema stands to this binary. Two round trips.
pub async fn schema_state(connection: &mut PgConnection) -> Result<SchemaState, Error> {
    let applied = applied(connection).await?;
    let known = newest_of(&MIGRATOR);
    if !applied.is_empty() {
        let needed = oldest_binary(connection).await?;
        if needed > known {
            return Ok(SchemaState::LeftBehind { needed, known });
        }
    }
    let missing = MIGRATOR
        .iter()
        .filter(|migration| !applied.contains(&migration.version));
    Ok(match missing.count() {
        0 => SchemaState::Current,
        pending => SchemaState::Pending(pending),
    })
}

async fn lock(connection: &mut PgConnection) -> Result<(), MigrationError> {
    let deadline = Instant::now() + LOCK_WAIT_MAX;
    while !try_lock(connection).await? {
        if Instant::now() >= deadline {
            return Err(MigrationError::Busy);
        }
        sleep(LOCK_POLL).await;
    }
    Ok(())
}

/// The same lock for as long as the transaction lasts, for whatever else makes a schema; false when somebody has it.
pub(super) async fn try_lock_transaction(connection: &mut PgConnection) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock($1) as "locked!""#,
        LOCK_KEY
    )
    .fetch_one(connection)
    .await?)
}

/// The newest migration that this binary knows.
pub(super) fn newest_known() -> i64 {
    newest_of(&MIGRATOR)
}

async fn try_lock(connection: &mut PgConnection) -> Result<bool, Error> {
    Ok(
        sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "locked!""#, LOCK_KEY)
            .fetch_one(connection)
            .await?,
    )
}

async fn migrate_locked(
    migrator: &Migrator,
    connection: &mut PgConnection,
) -> Result<(), MigrationError> {
    let known = newest_of(migrator);
    if !applied(connection).await?.is_empty() {
        let needed = oldest_binary(connection).await?;
        if needed > known {
            return Err(MigrationError::TooOld { needed, known });
        }
    }
    drop_broken_indexes(connection).await?;
    let mut migrator = Migrator::with_migrations(migrator.iter().cloned().collect());
    // A newer release may have migrated already and still serve us; our own lock is held.
    migrator.set_ignore_missing(true).set_locking(false);
    migrator
        .run_direct(None, connection, false)
        .await
        .map_err(MigrationError::Failed)
}

/// An index whose building broke off (`create index concurrently`) stays behind, invalid, and would be taken for one that
/// is there. The lock is held, so nobody builds one at this moment.
async fn drop_broken_indexes(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!(
        r#"
        do $$
        declare
            broken regclass;
        begin
            for broken in
                select i.indexrelid
                from pg_index i
                join pg_class c on c.oid = i.indexrelid
                where not i.indisvalid and c.relnamespace = current_schema()::regnamespace
            loop
                execute format('drop index %s', broken);
            end loop;
        end
        $$
        "#
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn applied(connection: &mut PgConnection) -> Result<Vec<i64>, Error> {
    match connection.list_applied_migrations(APPLIED_TABLE).await {
        Ok(applied) => Ok(applied
            .into_iter()
            .map(|migration| migration.version)
            .collect()),
        Err(
            sqlx::migrate::MigrateError::Execute(error)
            | sqlx::migrate::MigrateError::ExecuteMigration(error, _),
        ) => {
            if is_missing_table(&error) {
                Ok(Vec::new())
            } else {
                Err(error.into())
            }
        }
        Err(other) => Err(Error::Statement(Arc::new(sqlx::Error::Migrate(Box::new(
            other,
        ))))),
    }
}

/// SQLSTATE 42P01, `undefined_table`: nothing was ever applied.
fn is_missing_table(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code == "42P01")
}

/// The newest migration that a binary must know to work with this schema.
pub(super) async fn oldest_binary(connection: &mut PgConnection) -> Result<i64, Error> {
    Ok(
        sqlx::query_scalar!("select oldest_binary from installation")
            .fetch_one(connection)
            .await?,
    )
}

fn newest_of(migrator: &Migrator) -> i64 {
    migrator
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}
