//! Jobs that were given up: seeing, retrying and dropping them. Must not know HTTP or SQL.

use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::Moderation;
use crate::accounts::model::{Caller, SiteScope};
use crate::audit::model::{Act, AuditActor, Subject};
use crate::audit::service::record;
use crate::base::ids::JobId;
use crate::base::paging::Limit;
use crate::database::Lane;
use crate::jobs;
use crate::jobs::model::DeadJob;
use crate::moderation::error::Error;

/// A page of jobs that were given up, newest first.
#[derive(Debug)]
pub struct DeadJobPage {
    /// The jobs.
    pub jobs: Vec<DeadJob>,
    /// The last job of the page, if there are more behind it.
    pub next: Option<JobId>,
}

impl Moderation {
    /// Jobs that were given up. One round trip. Jobs belong to no site, so only those who see all sites see them.
    pub async fn list_dead_jobs(
        &self,
        caller: &Caller,
        before: Option<JobId>,
        limit: Limit,
    ) -> Result<DeadJobPage, Error> {
        sees_everything(caller)?;
        let list = async |connection: &mut PgConnection| {
            let found = jobs::list_dead(connection, before, limit).await?;
            Ok::<_, Error>(found)
        };
        let mut jobs = self.database.run(Lane::Moderators, list).await?;
        let more = jobs.len() > limit.get();
        jobs.truncate(limit.get());
        let next = jobs.last().filter(|_| more).map(|last| last.id);
        Ok(DeadJobPage { jobs, next })
    }

    /// Makes a job that was given up due again, with all its tries. Five round trips, with the transaction's. Afterwards it
    /// is at work or done, or another one that does the same has taken its place.
    pub async fn retry_dead_job(&self, caller: &Caller, job: JobId) -> Result<(), Error> {
        sees_everything(caller)?;
        let now = self.clock.now();
        let retry = async |connection: &mut PgConnection| {
            let kind = jobs::retry(connection, job, now).await?;
            let kind = kind.ok_or(Error::JobNotFound)?;
            record(connection, &act(caller, "job.retried", job, kind), now).await?;
            Ok(())
        };
        self.database.transact(Lane::Moderators, retry).await
    }

    /// Takes a job away that was given up; what it was to do isn't done. Four round trips, with the transaction's.
    pub async fn drop_dead_job(&self, caller: &Caller, job: JobId) -> Result<(), Error> {
        sees_everything(caller)?;
        let now = self.clock.now();
        let drop = async |connection: &mut PgConnection| {
            let kind = jobs::drop_dead(connection, job).await?;
            let kind = kind.ok_or(Error::JobNotFound)?;
            record(connection, &act(caller, "job.dropped", job, kind), now).await?;
            Ok(())
        };
        self.database.transact(Lane::Moderators, drop).await
    }
}

fn sees_everything(caller: &Caller) -> Result<(), Error> {
    match caller.sites {
        SiteScope::All => Ok(()),
        SiteScope::Only(_) => Err(Error::AllSitesNeeded),
    }
}

fn act(caller: &Caller, name: &'static str, job: JobId, kind: String) -> Act {
    Act {
        by: AuditActor::Moderator(caller.moderator_id),
        name,
        subject: Subject {
            kind: "job",
            id: Some(*job.as_uuid()),
            site: None,
        },
        details: Map::from_iter([("kind".to_owned(), Value::String(kind))]),
    }
}
