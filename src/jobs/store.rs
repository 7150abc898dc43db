//! Every statement on jobs and schedules. Must not know what the jobs do.

use serde_json::Value;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::model::{DeadJob, NewJob};
use crate::base::ids::{JobId, RunId};
use crate::base::paging::Limit;
use crate::database::{Channel, Error, notify_with_commit};

/// Tells the workers of all instances that there may be something to do. The lines say nothing.
pub const WORK: Channel = Channel::new("jobs");
/// Jobs that are counted for the figures; no more, so that the figures stay cheap.
const COUNTED_MAX: i64 = 10_000;
/// Kinds that are counted; this release and those beside it know some tens.
const KINDS_MAX: i64 = 200;

/// Puts a job into the queue and wakes the workers; for the transaction that makes it necessary. Two statements, one
/// where it isn't due yet.
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
    .execute(&mut *connection)
    .await?;
    if job.run_at <= now {
        notify_with_commit(connection, WORK, "due").await?;
    }
    Ok(())
}

/// A job that a run holds.
#[derive(Debug)]
pub(super) struct TakenJob {
    pub(super) id: JobId,
    pub(super) kind: String,
    pub(super) payload: Value,
    /// Runs before this one that failed or were lost.
    pub(super) attempts: i16,
}

/// Leases the job that has been due longest, if one of these kinds is. One whose lease has run out was lost, which counts
/// as an attempt. One statement.
pub(super) async fn take(
    connection: &mut PgConnection,
    kinds: &[String],
    run: RunId,
    now: OffsetDateTime,
    leased_until: OffsetDateTime,
) -> Result<Option<TakenJob>, Error> {
    let row = sqlx::query!(
        r#"
        with due as materialized (
            select id
            from jobs
            where dead_at is null
                and run_at <= $1
                and (leased_until is null or leased_until <= $1)
                and kind = any($2)
            order by run_at, id
            limit 1
            for update skip locked
        )
        update jobs j
        set leased_until = $3,
            leased_by = $4,
            attempts = least(j.attempts::integer + case when j.leased_by is null then 0 else 1 end, 32767)
        from due
        where j.id = due.id
        returning j.id as "id: JobId", j.kind, j.payload, j.attempts
        "#,
        now,
        kinds,
        leased_until,
        run.as_uuid(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| TakenJob {
        id: row.id,
        kind: row.kind,
        payload: row.payload,
        attempts: row.attempts,
    }))
}

/// Whether a run still held its job when it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    Yes,
    /// The lease had run out and another run took the job.
    No,
}

impl Held {
    fn of(rows: u64) -> Self {
        if rows == 0 { Self::No } else { Self::Yes }
    }
}

/// Lengthens the lease. One statement.
pub(super) async fn renew(
    connection: &mut PgConnection,
    job: JobId,
    run: RunId,
    leased_until: OffsetDateTime,
) -> Result<Held, Error> {
    let done = sqlx::query!(
        r#"
        update jobs
        set leased_until = $3
        where id = $1 and leased_by = $2
        "#,
        job.as_uuid(),
        run.as_uuid(),
        leased_until,
    )
    .execute(connection)
    .await?;
    Ok(Held::of(done.rows_affected()))
}

/// Takes a job that is done away. One statement.
pub(super) async fn finish(
    connection: &mut PgConnection,
    job: JobId,
    run: RunId,
) -> Result<Held, Error> {
    let done = sqlx::query!(
        r#"
        delete from jobs
        where id = $1 and leased_by = $2
        "#,
        job.as_uuid(),
        run.as_uuid(),
    )
    .execute(connection)
    .await?;
    Ok(Held::of(done.rows_affected()))
}

/// Gives a job back that came on: it is due again behind those that are, and its failures are forgotten. One statement.
pub(super) async fn go_on(
    connection: &mut PgConnection,
    job: JobId,
    run: RunId,
    payload: Option<&Value>,
    now: OffsetDateTime,
) -> Result<Held, Error> {
    let done = sqlx::query!(
        r#"
        update jobs
        set run_at = $3,
            payload = coalesce($4, payload),
            attempts = 0,
            last_error = null,
            leased_until = null,
            leased_by = null
        where id = $1 and leased_by = $2
        "#,
        job.as_uuid(),
        run.as_uuid(),
        now,
        payload,
    )
    .execute(connection)
    .await?;
    Ok(Held::of(done.rows_affected()))
}

/// Gives a job back as if it hadn't been taken, for this time. One statement.
pub(super) async fn give_back(
    connection: &mut PgConnection,
    job: JobId,
    run: RunId,
    run_at: OffsetDateTime,
) -> Result<Held, Error> {
    let done = sqlx::query!(
        r#"
        update jobs
        set run_at = $3,
            leased_until = null,
            leased_by = null
        where id = $1 and leased_by = $2
        "#,
        job.as_uuid(),
        run.as_uuid(),
        run_at,
    )
    .execute(connection)
    .await?;
    Ok(Held::of(done.rows_affected()))
}

/// What becomes of a job whose run failed.
#[derive(Debug)]
pub(super) struct Setback<'a> {
    /// Runs that failed or were lost, this one too.
    pub(super) attempts: i16,
    /// What went wrong.
    pub(super) words: &'a str,
    /// When it is tried again.
    pub(super) run_at: OffsetDateTime,
    /// Set where it is given up.
    pub(super) dead_at: Option<OffsetDateTime>,
}

/// Notes a failure. One statement.
pub(super) async fn set_back(
    connection: &mut PgConnection,
    job: JobId,
    run: RunId,
    setback: &Setback<'_>,
) -> Result<Held, Error> {
    let done = sqlx::query!(
        r#"
        update jobs
        set attempts = $3,
            last_error = left($4, 1000),
            run_at = $5,
            dead_at = $6,
            leased_until = null,
            leased_by = null
        where id = $1 and leased_by = $2
        "#,
        job.as_uuid(),
        run.as_uuid(),
        setback.attempts,
        setback.words,
        setback.run_at,
        setback.dead_at,
    )
    .execute(connection)
    .await?;
    Ok(Held::of(done.rows_affected()))
}

/// Makes a schedule that is due at once, where there is none of this name. One statement.
pub(super) async fn add_schedules(
    connection: &mut PgConnection,
    names: &[String],
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        insert into schedules (name, next_run_at)
        select name, $2
        from unnest($1::text[]) as name
        on conflict (name) do nothing
        "#,
        names,
        OffsetDateTime::UNIX_EPOCH,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The schedules of these names that are due. One statement.
pub(super) async fn due_schedules(
    connection: &mut PgConnection,
    names: &[String],
    now: OffsetDateTime,
) -> Result<Vec<String>, Error> {
    let due = sqlx::query_scalar!(
        r#"
        select name
        from schedules
        where name = any($1) and next_run_at <= $2
        "#,
        names,
        now,
    )
    .fetch_all(connection)
    .await?;
    Ok(due)
}

/// Moves a due schedule on by `every` from now; says when it was moved last. None where another instance was faster, for
/// whose transaction this waits. One statement.
pub(super) async fn move_schedule(
    connection: &mut PgConnection,
    name: &str,
    every: Duration,
    now: OffsetDateTime,
) -> Result<Option<OffsetDateTime>, Error> {
    let due_at = sqlx::query_scalar!(
        r#"
        with due as materialized (
            select name, next_run_at
            from schedules
            where name = $1 and next_run_at <= $2
            for update
        )
        update schedules s
        set next_run_at = $3
        from due
        where s.name = due.name
        returning due.next_run_at as "next_run_at!"
        "#,
        name,
        now,
        now.saturating_add(every),
    )
    .fetch_optional(connection)
    .await?;
    Ok(due_at.map(|due_at| due_at.saturating_sub(every)))
}

/// How many jobs of a kind there are.
#[derive(Debug, Clone)]
pub(super) struct KindFigures {
    pub(super) kind: String,
    /// Jobs that wait or run.
    pub(super) living: i64,
    /// Jobs that were given up.
    pub(super) dead: i64,
    /// Since when the longest waiting one has been due.
    pub(super) oldest_due_at: Option<OffsetDateTime>,
}

/// Counts by kind: the 10,000 living ones that are due first, and up to 10,000 given up. One statement.
pub(super) async fn figures(
    connection: &mut PgConnection,
    now: OffsetDateTime,
) -> Result<Vec<KindFigures>, Error> {
    let rows = sqlx::query_as!(
        KindFigures,
        r#"
        with living as materialized (
            select kind, run_at
            from jobs
            where dead_at is null
            order by run_at, id
            limit $1
        ), dead as materialized (
            select kind
            from jobs
            where dead_at is not null
            order by id
            limit $1
        )
        select
            k.kind as "kind!",
            count(*) filter (where k.is_living) as "living!",
            count(*) filter (where not k.is_living) as "dead!",
            min(k.run_at) filter (where k.run_at <= $2) as oldest_due_at
        from (
            select kind, true as is_living, run_at from living
            union all
            select kind, false, null from dead
        ) k
        group by k.kind
        limit $3
        "#,
        COUNTED_MAX,
        now,
        KINDS_MAX,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// Jobs that were given up, newest first: up to [`Limit::rows`], one more than a page has. One statement.
pub async fn list_dead(
    connection: &mut PgConnection,
    before: Option<JobId>,
    limit: Limit,
) -> Result<Vec<DeadJob>, Error> {
    let rows = sqlx::query_as!(
        DeadJob,
        r#"
        select id as "id: JobId", kind, attempts, last_error, created_at, dead_at as "dead_at!"
        from jobs
        where dead_at is not null and ($1::uuid is null or id < $1)
        order by id desc
        limit $2
        "#,
        before.as_ref().map(JobId::as_uuid),
        limit.rows(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// Brings a job back that was given up, due now; where another one lives that does the same, it goes instead. Says its
/// kind, if it was there. Two statements.
pub async fn retry(
    connection: &mut PgConnection,
    job: JobId,
    now: OffsetDateTime,
) -> Result<Option<String>, Error> {
    let kind = sqlx::query_scalar!(
        r#"
        with dead as materialized (
            select id, kind, unique_key
            from jobs
            where id = $1 and dead_at is not null
            for update
        ),
        living as materialized (
            select j.id
            from jobs j
            join dead on dead.kind = j.kind and dead.unique_key = j.unique_key
            where j.dead_at is null
        ),
        gone as (
            delete from jobs j
            using dead
            where j.id = dead.id and exists (select from living)
        ),
        revived as (
            update jobs j
            set dead_at = null,
                attempts = 0,
                last_error = null,
                run_at = $2
            from dead
            where j.id = dead.id and not exists (select from living)
        )
        select kind
        from dead
        "#,
        job.as_uuid(),
        now,
    )
    .fetch_optional(&mut *connection)
    .await?;
    if kind.is_some() {
        notify_with_commit(connection, WORK, "due").await?;
    }
    Ok(kind)
}

/// Takes a job away that was given up. Says its kind, if it was there. One statement.
pub async fn drop_dead(connection: &mut PgConnection, job: JobId) -> Result<Option<String>, Error> {
    let kind = sqlx::query_scalar!(
        r#"
        delete from jobs
        where id = $1 and dead_at is not null
        returning kind
        "#,
        job.as_uuid(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(kind)
}

/// How many jobs were given up and wait for a person. One statement.
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
