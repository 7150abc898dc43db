//! Every kind of job on one page: what runs it, and how often it comes by itself. Must not hold a rule of the trade.

use std::future::Future;

use time::Duration;

use super::routes::Services;
use crate::accounts::Accounts;
use crate::comments::Comments;
use crate::comments::service::AUTHOR_IDS_JOB;
use crate::jobs::Handlers;
use crate::jobs::model::{Failure, Progress, Run};
use crate::moderation::model::batches::BatchJob;
use crate::moderation::model::persons::ErasureJob;
use crate::moderation::{
    DAILY_FIGURES, ERASURE_JOB, FORGET_BATCHES, MERGE_JOB, MergeJob, Moderation, Persons,
    RUN_BATCH, UNDO_BATCH,
};

/// All that is done beside requests.
pub(super) fn handlers(services: &Services) -> Handlers {
    on_demand(by_itself(Handlers::new(), services), services)
}

/// What comes by itself.
fn by_itself(handlers: Handlers, services: &Services) -> Handlers {
    let accounts = services.accounts.as_ref();
    let comments = services.comments.as_ref();
    let moderation = services.moderation.as_ref();
    let hour = Duration::hours(1);
    handlers
        .every(
            hour,
            "accounts.forget_sessions",
            by(accounts, |accounts: Accounts, run| async move {
                accounts.forget_ended(run).await
            }),
        )
        .every(
            hour,
            "comments.drop_addresses",
            by(comments, |comments: Comments, run| async move {
                comments.drop_addresses(run).await
            }),
        )
        .every(
            hour,
            "comments.expire_spam",
            by(comments, |comments: Comments, run| async move {
                comments.expire_spam(run).await
            }),
        )
        .every(
            Duration::minutes(10),
            "comments.forget_keys",
            by(comments, |comments: Comments, run| async move {
                comments.forget_keys(run).await
            }),
        )
        .every(
            Duration::minutes(1),
            "moderation.expire_claims",
            by(moderation, |moderation: Moderation, _run| async move {
                Ok(moderation.expire_claims().await?)
            }),
        )
        .every(
            hour,
            FORGET_BATCHES,
            by(moderation, |moderation: Moderation, _run| async move {
                Ok(moderation.forget_batches().await?)
            }),
        )
        .every(
            hour,
            DAILY_FIGURES,
            by(moderation, |moderation: Moderation, _run| async move {
                Ok(moderation.make_daily_figures().await?)
            }),
        )
}

/// What somebody asked for.
fn on_demand(handlers: Handlers, services: &Services) -> Handlers {
    let comments = services.comments.as_ref();
    let moderation = services.moderation.as_ref();
    handlers
        .on(
            RUN_BATCH,
            by(moderation, |moderation: Moderation, run| async move {
                let job: BatchJob = run.payload()?;
                Ok(moderation.run_batch(job.batch).await?)
            }),
        )
        .on(
            UNDO_BATCH,
            by(moderation, |moderation: Moderation, run| async move {
                let job: BatchJob = run.payload()?;
                Ok(moderation.run_batch_undo(job.batch).await?)
            }),
        )
        .on(
            MERGE_JOB,
            by(moderation, |moderation: Moderation, run| async move {
                let job: MergeJob = run.payload()?;
                Ok(moderation.run_merge(job.page).await?)
            }),
        )
        .on(
            ERASURE_JOB,
            by(
                services.persons.as_ref(),
                |persons: Persons, run| async move {
                    let job: ErasureJob = run.payload()?;
                    Ok(persons.run_erasure(job.erasure).await?)
                },
            ),
        )
        .on(
            AUTHOR_IDS_JOB,
            by(comments, |comments: Comments, _run| async move {
                Ok(comments.fill_author_ids().await?)
            }),
        )
}

/// A handler that has its own clone of the service.
fn by<S, F, R>(service: &S, handler: F) -> impl Fn(Run) -> R + Send + Sync + 'static
where
    S: Clone + Send + Sync + 'static,
    F: Fn(S, Run) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Progress, Failure>> + Send + 'static,
{
    let service = service.clone();
    move |run| handler(service.clone(), run)
}
