//! Every statement on batches and their items. Must not know who may see a batch, but what a scope covers.
//!
//! A batch's row is locked before anything of its items changes, so that two runs of the same job take turns.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::unknown;
use crate::accounts::model::SiteScope;
use crate::base::ids::{BatchId, CommentId, ModeratorId, SiteId};
use crate::base::paging::Limit;
use crate::comments::model::decisions::{Decision, Outcome};
use crate::comments::model::queue::Match;
use crate::comments::model::{Actor, ActorKind, Status};
use crate::database::Error;
use crate::moderation::model::batches::{Batch, BatchItem, BatchState, NewBatch, UndoOutcome};

/// Writes down a batch. One statement.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    batch: &NewBatch,
    by: ModeratorId,
    scope: &SiteScope,
) -> Result<(), Error> {
    let (state, finished_at) = match batch.total {
        0 => (BatchState::Done, Some(batch.created_at)),
        _ => (BatchState::Running, None),
    };
    sqlx::query!(
        r#"
        insert into batches (id, moderator_id, sites, decision, reason, as_of, state, total, created_at, finished_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        "#,
        batch.id.as_uuid(),
        by.as_uuid(),
        scope.uuids() as _,
        batch.decision.as_str(),
        batch.reason,
        batch.as_of,
        state.as_str(),
        batch.total,
        batch.created_at,
        finished_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes down the comments of a batch, in their order. One statement.
pub(crate) async fn insert_items(
    connection: &mut PgConnection,
    batch: BatchId,
    taken: &[Match],
) -> Result<(), Error> {
    let ids: Vec<Uuid> = taken.iter().map(|one| *one.id.as_uuid()).collect();
    let statuses: Vec<&str> = taken.iter().map(|one| one.status.as_str()).collect();
    let versions: Vec<i32> = taken.iter().map(|one| one.version).collect();
    let reasons: Vec<Option<&str>> = taken.iter().map(|one| one.reason.as_deref()).collect();
    sqlx::query!(
        r#"
        insert into batch_items (batch_id, place, comment_id, was_status, was_version, was_reason)
        select $1, t.place, t.id, t.status, t.version, t.reason
        from unnest($2::uuid[], $3::text[], $4::integer[], $5::text[])
            with ordinality as t (id, status, version, reason, place)
        "#,
        batch.as_uuid(),
        &ids,
        &statuses as _,
        &versions,
        &reasons as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

struct BatchRow {
    id: Uuid,
    state: String,
    decision: String,
    reason: Option<String>,
    total: i32,
    processed: i32,
    decided: i32,
    undone: i32,
    as_of: OffsetDateTime,
    created_at: OffsetDateTime,
    finished_at: Option<OffsetDateTime>,
    moderator_id: Uuid,
    moderator_name: Option<String>,
    undone_by: Option<Uuid>,
    undone_by_name: Option<String>,
}

impl BatchRow {
    fn into_batch(self) -> Result<Batch, Error> {
        let moderator = |id, name| Actor {
            kind: ActorKind::Moderator,
            id: Some(ModeratorId::from_uuid(id)),
            name,
        };
        let undone_by_name = self.undone_by_name;
        Ok(Batch {
            id: BatchId::from_uuid(self.id),
            state: state(&self.state)?,
            decision: decision(&self.decision)?,
            reason: self.reason,
            total: self.total,
            processed: self.processed,
            decided: self.decided,
            undone: self.undone,
            as_of: self.as_of,
            created_at: self.created_at,
            finished_at: self.finished_at,
            moderator: moderator(self.moderator_id, self.moderator_name),
            undone_by: self.undone_by.map(|id| moderator(id, undone_by_name)),
        })
    }
}

fn state(word: &str) -> Result<BatchState, Error> {
    BatchState::parse(word).ok_or_else(|| unknown("state of a batch"))
}

fn decision(word: &str) -> Result<Decision, Error> {
    // What is wrong with the word is of use to those who send one, not here.
    Decision::parse(word)
        .ok()
        .ok_or_else(|| unknown("decision"))
}

fn status(word: &str) -> Result<Status, Error> {
    Status::parse(word).ok_or_else(|| unknown("status"))
}

/// A batch whose sites the scope covers and which isn't forgotten yet. One statement.
pub(crate) async fn find(
    connection: &mut PgConnection,
    scope: &SiteScope,
    id: BatchId,
    kept_since: OffsetDateTime,
) -> Result<Option<Batch>, Error> {
    let row = sqlx::query_as!(
        BatchRow,
        r#"
        select
            b.id, b.state, b.decision, b.reason, b.total, b.processed, b.decided, b.undone, b.as_of, b.created_at,
            b.finished_at, b.moderator_id, m.name as "moderator_name?", b.undone_by, u.name as "undone_by_name?"
        from batches b
        join moderators m on m.id = b.moderator_id
        left join moderators u on u.id = b.undone_by
        where b.id = $1
            and ($2::uuid[] is null or b.sites <@ $2)
            and (b.finished_at is null or b.finished_at > $3)
        "#,
        id.as_uuid(),
        scope.uuids() as _,
        kept_since,
    )
    .fetch_optional(connection)
    .await?;
    row.map(BatchRow::into_batch).transpose()
}

/// The same of all batches, the latest first: up to [`Limit::rows`], one more than a page has. One statement.
pub(crate) async fn list(
    connection: &mut PgConnection,
    scope: &SiteScope,
    kept_since: OffsetDateTime,
    before: Option<BatchId>,
    limit: Limit,
) -> Result<Vec<Batch>, Error> {
    let rows = sqlx::query_as!(
        BatchRow,
        r#"
        select
            b.id, b.state, b.decision, b.reason, b.total, b.processed, b.decided, b.undone, b.as_of, b.created_at,
            b.finished_at, b.moderator_id, m.name as "moderator_name?", b.undone_by, u.name as "undone_by_name?"
        from batches b
        join moderators m on m.id = b.moderator_id
        left join moderators u on u.id = b.undone_by
        where ($1::uuid[] is null or b.sites <@ $1)
            and (b.finished_at is null or b.finished_at > $2)
            and ($3::uuid is null or b.id < $3)
        order by b.id desc
        limit $4
        "#,
        scope.uuids() as _,
        kept_since,
        before.as_ref().map(BatchId::as_uuid),
        limit.rows(),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(BatchRow::into_batch).collect()
}

/// What came of a batch's comments, in their order: up to [`Limit::rows`], one more than a page has. One statement.
pub(crate) async fn list_items(
    connection: &mut PgConnection,
    batch: BatchId,
    after_place: i32,
    limit: Limit,
) -> Result<Vec<BatchItem>, Error> {
    let rows = sqlx::query!(
        r#"
        select i.place, i.comment_id, i.was_status, c.status, i.outcome, i.undo_outcome
        from batch_items i
        join comments c on c.id = i.comment_id
        where i.batch_id = $1 and i.place > $2
        order by i.place
        limit $3
        "#,
        batch.as_uuid(),
        after_place,
        limit.rows(),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let undo = row.undo_outcome.as_deref();
            Ok(BatchItem {
                place: row.place,
                comment_id: CommentId::from_uuid(row.comment_id),
                was: status(&row.was_status)?,
                status: status(&row.status)?,
                outcome: row.outcome.as_deref().map(outcome).transpose()?,
                undo: undo
                    .map(|word| UndoOutcome::parse(word).ok_or_else(|| unknown("outcome")))
                    .transpose()?,
            })
        })
        .collect()
}

fn outcome(word: &str) -> Result<Outcome, Error> {
    Outcome::parse(word).ok_or_else(|| unknown("outcome"))
}

/// A batch at work, whose row is locked.
#[derive(Debug)]
pub(crate) struct Held {
    /// How far it is.
    pub(crate) state: BatchState,
    /// The word on its comments.
    pub(crate) decision: Decision,
    /// The code of the reason.
    pub(crate) reason: Option<String>,
    /// Who made it, or has it undone.
    pub(crate) by: ModeratorId,
    /// The sites that it is about.
    pub(crate) scope: SiteScope,
    /// How many comments it has.
    pub(crate) total: i32,
    /// How many of them have been gone over.
    pub(crate) processed: i32,
}

/// Locks a batch until the transaction ends. One statement.
pub(crate) async fn hold(
    connection: &mut PgConnection,
    id: BatchId,
) -> Result<Option<Held>, Error> {
    let row = sqlx::query!(
        r#"
        select state, decision, reason, moderator_id, undone_by, sites as "sites?: Vec<Uuid>", total, processed
        from batches
        where id = $1
        for no key update
        "#,
        id.as_uuid(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let scope = row.sites.map(|sites| {
            let sites = sites.into_iter().map(SiteId::from_uuid);
            SiteScope::Only(sites.collect())
        });
        Ok(Held {
            state: state(&row.state)?,
            decision: decision(&row.decision)?,
            reason: row.reason,
            by: ModeratorId::from_uuid(row.undone_by.unwrap_or(row.moderator_id)),
            scope: scope.unwrap_or(SiteScope::All),
            total: row.total,
            processed: row.processed,
        })
    })
    .transpose()
}

/// A comment of a batch that is to be gone over.
#[derive(Debug)]
pub(crate) struct OpenItem {
    /// Its place in the batch.
    pub(crate) place: i32,
    /// The comment.
    pub(crate) comment_id: CommentId,
    /// Its state when the batch was made.
    pub(crate) was_status: Status,
    /// Its version then.
    pub(crate) was_version: i32,
    /// The code of its reason then.
    pub(crate) was_reason: Option<String>,
    /// The version that the batch's decision gave it, where it was decided.
    pub(crate) decided_version: Option<i32>,
}

/// The next comments after a place, at most `number`. One statement.
pub(crate) async fn load_open_items(
    connection: &mut PgConnection,
    batch: BatchId,
    after_place: i32,
    number: i64,
) -> Result<Vec<OpenItem>, Error> {
    let rows = sqlx::query!(
        r#"
        select place, comment_id, was_status, was_version, was_reason,
            case when outcome = 'decided' then version end as "decided_version?"
        from batch_items
        where batch_id = $1 and place > $2
        order by place
        limit $3
        "#,
        batch.as_uuid(),
        after_place,
        number,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(OpenItem {
                place: row.place,
                comment_id: CommentId::from_uuid(row.comment_id),
                was_status: status(&row.was_status)?,
                was_version: row.was_version,
                was_reason: row.was_reason,
                decided_version: row.decided_version,
            })
        })
        .collect()
}

/// What came of deciding one comment of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decided {
    /// Its place in the batch.
    pub(crate) place: i32,
    /// What came of it.
    pub(crate) outcome: Outcome,
    /// The comment's version now.
    pub(crate) version: Option<i32>,
}

/// Writes down what came of the decisions. One statement.
pub(crate) async fn record_outcomes(
    connection: &mut PgConnection,
    batch: BatchId,
    decided: &[Decided],
) -> Result<(), Error> {
    let places: Vec<i32> = decided.iter().map(|one| one.place).collect();
    let outcomes: Vec<&str> = decided.iter().map(|one| one.outcome.as_str()).collect();
    let versions: Vec<Option<i32>> = decided.iter().map(|one| one.version).collect();
    sqlx::query!(
        r#"
        update batch_items i
        set outcome = t.outcome,
            version = t.version
        from unnest($2::integer[], $3::text[], $4::integer[]) as t (place, outcome, version)
        where i.batch_id = $1 and i.place = t.place
        "#,
        batch.as_uuid(),
        &places,
        &outcomes as _,
        &versions as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes down what came of undoing. One statement.
pub(crate) async fn record_undo_outcomes(
    connection: &mut PgConnection,
    batch: BatchId,
    undone: &[(i32, UndoOutcome)],
) -> Result<(), Error> {
    let places: Vec<i32> = undone.iter().map(|(place, _)| *place).collect();
    let outcomes: Vec<&str> = undone.iter().map(|(_, outcome)| outcome.as_str()).collect();
    sqlx::query!(
        r#"
        update batch_items i
        set undo_outcome = t.outcome
        from unnest($2::integer[], $3::text[]) as t (place, outcome)
        where i.batch_id = $1 and i.place = t.place
        "#,
        batch.as_uuid(),
        &places,
        &outcomes as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How far a batch has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// The state now.
    pub(crate) state: BatchState,
    /// How many comments have been gone over in all.
    pub(crate) processed: i32,
    /// How many more have been decided.
    pub(crate) decided: i32,
    /// How many more have been brought back.
    pub(crate) undone: i32,
    /// When it came to an end; none while it is at work.
    pub(crate) finished_at: Option<OffsetDateTime>,
}

/// Moves a batch on. One statement.
pub(crate) async fn advance(
    connection: &mut PgConnection,
    id: BatchId,
    step: &Step,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        update batches
        set state = $2,
            processed = $3,
            decided = decided + $4,
            undone = undone + $5,
            finished_at = $6
        where id = $1
        "#,
        id.as_uuid(),
        step.state.as_str(),
        step.processed,
        step.decided,
        step.undone,
        step.finished_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Begins to undo a batch that is done; false where it isn't (or not any more). One statement.
pub(crate) async fn begin_undo(
    connection: &mut PgConnection,
    id: BatchId,
    by: ModeratorId,
) -> Result<bool, Error> {
    let begun = sqlx::query!(
        r#"
        update batches
        set state = 'undoing',
            processed = 0,
            undone_by = $2,
            finished_at = null
        where id = $1 and state = 'done'
        "#,
        id.as_uuid(),
        by.as_uuid(),
    )
    .execute(connection)
    .await?;
    Ok(begun.rows_affected() == 1)
}

/// Locks one batch that came to an end before that time, if there is one that nobody holds. One statement.
pub(crate) async fn hold_forgettable(
    connection: &mut PgConnection,
    finished_until: OffsetDateTime,
) -> Result<Option<BatchId>, Error> {
    let id = sqlx::query_scalar!(
        r#"
        select id
        from batches
        where finished_at <= $1
        order by id
        limit 1
        for update skip locked
        "#,
        finished_until,
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(BatchId::from_uuid))
}

/// Removes up to so many items of a batch; answers how many it were. One statement.
pub(crate) async fn delete_items(
    connection: &mut PgConnection,
    batch: BatchId,
    number: i64,
) -> Result<u64, Error> {
    let deleted = sqlx::query!(
        r#"
        delete from batch_items
        where batch_id = $1 and place in (
            select place
            from batch_items
            where batch_id = $1
            order by place
            limit $2
        )
        "#,
        batch.as_uuid(),
        number,
    )
    .execute(connection)
    .await?;
    Ok(deleted.rows_affected())
}

/// Removes a batch without items. One statement.
pub(crate) async fn delete(connection: &mut PgConnection, id: BatchId) -> Result<(), Error> {
    sqlx::query!("delete from batches where id = $1", id.as_uuid())
        .execute(connection)
        .await?;
    Ok(())
}
