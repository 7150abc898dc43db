//! Every statement on jobs. Must not know what the jobs do.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::model::NewJob;
use crate::base::ids::JobId;
use crate::database::Error;

/// Puts a job into the queue; for the transaction that makes it necessary. One statement.
pub async fn enqueue(
    connection: &mut PgConnection,
    job: &NewJob<'_>,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let id = JobId::new(now);
    sqlx::query!(
        r#"
        insert into jobs (id, kind, payload, unique_key, run_at, created_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (kind, unique_key) where unique_key is not null and dead_at is null do nothing
        "#,
        id.as_uuid(),
        job.kind,
        job.payload,
        job.unique_key,
        job.run_at,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How many jobs were given up and wait for a person. One round trip.
pub async fn count_given_up(connection: &mut PgConnection) -> Result<i64, Error> {
    let number = sqlx::query_scalar!(
        r#"
        select count(*) as "number!"
        from jobs
        where dead_at is not null
        "#
    )
    .fetch_one(connection)
    .await?;
    Ok(number)
}
