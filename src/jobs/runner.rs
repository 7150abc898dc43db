//! Runs jobs: takes one that is due, keeps its lease while it runs, and writes down what came of it. Must not know what
//! the jobs do.

use std::collections::BTreeMap;
use std::time::{Duration as StdDuration, Instant};

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tokio::time::{interval_at, sleep, sleep_until};
use tracing::{Instrument as _, field};

use super::handlers::{Handlers, Schedule};
use super::model::{Failure, FailureKind, NewJob, Progress, Run, Since};
use super::store::{self, Held, Setback, TakenJob, WORK};
use crate::base::clock::Clock;
use crate::base::ids::RunId;
use crate::base::random;
use crate::base::trace::{self, Trace};
use crate::database::{Database, Error, Lane, Notice, Notices};

/// How long a run holds its job without renewing.
const LEASE: Duration = Duration::seconds(60);
/// How often it renews.
const RENEW_EVERY: StdDuration = StdDuration::from_secs(20);
/// The queue and the schedules are looked at this often, whether or not somebody wakes us.
const POLL: StdDuration = StdDuration::from_secs(5);
/// A job is given up after so many failures.
const ATTEMPTS_MAX: i16 = 8;
/// The wait after the first failure; doubles with each one.
const BACKOFF_MIN: Duration = Duration::seconds(10);
/// The longest wait.
const BACKOFF_MAX: Duration = Duration::hours(1);
/// Waits are made longer or shorter by up to this part, so that what failed together doesn't come back together.
const JITTER: f64 = 0.2;
/// A job that met an absent database is tried again after this.
const UNAVAILABLE_WAIT: Duration = Duration::seconds(2);
/// A run that doesn't give back by itself is broken off so long after it was asked to.
const STOP_TIME_MAX: StdDuration = StdDuration::from_secs(3);

/// What kinds that only other releases know are called in figures.
const UNKNOWN: &str = "unknown";

/// The queue as an instance works on it; cheap to clone.
#[derive(Clone)]
pub struct Jobs {
    database: Database,
    clock: Clock,
    notices: Notices,
    handlers: Handlers,
}

/// How a run ended.
enum Ending {
    Came(Result<Progress, Failure>),
    /// Another run has the job.
    Lost,
    /// The instance ends, and the handler didn't give back in time.
    BrokenOff,
}

impl Jobs {
    /// Works on nothing until [`Self::work`] and [`Self::keep_schedules`] run.
    pub fn new(database: Database, clock: Clock, notices: Notices, handlers: Handlers) -> Self {
        Self {
            database,
            clock,
            notices,
            handlers,
        }
    }

    /// Runs one job after the other until the instance is to end; then gives the one under way back, if it doesn't get
    /// done within three seconds.
    pub async fn work(&self, mut stopping: watch::Receiver<bool>) {
        let kinds = self.handlers.kinds();
        let mut woken = self.notices.subscribe(WORK);
        while !*stopping.borrow() {
            match self.run_one(&kinds, &stopping).await {
                Ok(true) => {}
                Ok(false) => wait_for_work(&mut woken, &mut stopping).await,
                Err(error) => {
                    tracing::debug!(%error, "looking for jobs failed, trying again");
                    wait_for_work(&mut woken, &mut stopping).await;
                }
            }
        }
    }

    /// Enqueues what is due by the schedules until the instance is to end.
    pub async fn keep_schedules(&self, mut stopping: watch::Receiver<bool>) {
        let mut woken = self.notices.subscribe(WORK);
        while !*stopping.borrow() {
            if let Err(error) = self.enqueue_due().await {
                tracing::debug!(%error, "looking at the schedules failed, trying again");
            }
            wait_for_work(&mut woken, &mut stopping).await;
        }
    }

    /// Publishes how the queue is, by kind; kinds of other releases together as `unknown`. One round trip.
    pub async fn observe(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let count = async |connection: &mut PgConnection| store::figures(connection, now).await;
        let figures = self.database.run(Lane::Moderators, count).await?;
        let mut by_kind: BTreeMap<&'static str, (i64, i64, Duration)> = self
            .handlers
            .names()
            .chain(std::iter::once(UNKNOWN))
            .map(|kind| (kind, (0, 0, Duration::ZERO)))
            .collect();
        for found in figures {
            let kind = self.handlers.find(&found.kind);
            let sum = by_kind
                .entry(kind.map_or(UNKNOWN, |(kind, _)| kind))
                .or_default();
            let waited = found.oldest_due_at.map_or(Duration::ZERO, |at| now - at);
            *sum = (sum.0 + found.living, sum.1 + found.dead, sum.2.max(waited));
        }
        let number = |count| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        for (kind, (living, dead, waited)) in by_kind {
            metrics::gauge!("rejoinder_jobs_living", "kind" => kind).set(number(living));
            metrics::gauge!("rejoinder_jobs_dead", "kind" => kind).set(number(dead));
            metrics::gauge!("rejoinder_jobs_oldest_due_seconds", "kind" => kind)
                .set(waited.as_seconds_f64());
        }
        Ok(())
    }

    /// Enqueues a job for each schedule that is due, unless another instance does. One round trip where none is.
    async fn enqueue_due(&self) -> Result<(), Error> {
        let schedules = self.handlers.schedules();
        let names: Vec<String> = schedules
            .iter()
            .map(|schedule| schedule.kind.to_owned())
            .collect();
        let now = self.clock.now();
        let look = async |connection: &mut PgConnection| {
            let due = store::due_schedules(connection, &names, now).await?;
            Ok::<_, Error>(due)
        };
        let due = self.database.run(Lane::Moderators, look).await?;
        for schedule in schedules
            .iter()
            .filter(|schedule| due.iter().any(|name| name == schedule.kind))
        {
            self.enqueue_scheduled(*schedule, now).await?;
        }
        Ok(())
    }

    async fn enqueue_scheduled(
        &self,
        schedule: Schedule,
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        let move_on = async |connection: &mut PgConnection| {
            let moved =
                store::move_schedule(connection, schedule.kind, schedule.every, now).await?;
            let Some(since) = moved else { return Ok(()) };
            let job = NewJob {
                kind: schedule.kind,
                payload: serde_json::to_value(Since { since }).unwrap_or_default(),
                unique_key: Some("scheduled"),
                run_at: now,
            };
            store::enqueue(connection, &job, now).await
        };
        self.database.transact(Lane::Moderators, move_on).await
    }

    /// Makes the schedules that aren't there yet. One round trip.
    pub async fn set_up(&self) -> Result<(), Error> {
        let names: Vec<String> = self
            .handlers
            .schedules()
            .iter()
            .map(|schedule| schedule.kind.to_owned())
            .collect();
        let add =
            async |connection: &mut PgConnection| store::add_schedules(connection, &names).await;
        self.database.run(Lane::Moderators, add).await
    }

    /// Runs the job that has been due longest; false where none is.
    async fn run_one(
        &self,
        kinds: &[String],
        stopping: &watch::Receiver<bool>,
    ) -> Result<bool, Error> {
        let now = self.clock.now();
        let run = RunId::new(now);
        let until = now.saturating_add(LEASE);
        let take = async |connection: &mut PgConnection| {
            store::take(connection, kinds, run, now, until).await
        };
        let Some(job) = self.database.run(Lane::Moderators, take).await? else {
            return Ok(false);
        };
        let kind = self
            .handlers
            .find(&job.kind)
            .map_or(UNKNOWN, |(kind, _)| kind);
        let trace = Trace::begin();
        let named =
            tracing::error_span!("job", job.id = %job.id, job.kind = kind, trace.id = %trace.id);
        let spanned = tracing::info_span!(
            target: trace::SPANS, parent: &named, "job", otel.name = %format_args!("job {kind}"), job.id = %job.id,
            job.outcome = field::Empty,
        );
        let work = self
            .run_taken(&job, run, kind, stopping)
            .instrument(spanned)
            .instrument(named);
        trace::within(trace, work).await;
        Ok(true)
    }

    async fn run_taken(
        &self,
        job: &TakenJob,
        run: RunId,
        kind: &'static str,
        stopping: &watch::Receiver<bool>,
    ) {
        let begun = Instant::now();
        // Lost again and again: perhaps it is this job that kills the instances.
        let ending = if job.attempts >= ATTEMPTS_MAX {
            let lost = "the instances that ran it ended before it was done";
            Ending::Came(Err(Failure::because(lost)))
        } else {
            self.run(job, run, stopping).await
        };
        let outcome = self.conclude(job, run, ending).await;
        tracing::Span::current().record("job.outcome", outcome);
        metrics::counter!("rejoinder_jobs_run_total", "kind" => kind, "outcome" => outcome)
            .increment(1);
        metrics::histogram!("rejoinder_jobs_run_seconds", "kind" => kind)
            .record(begun.elapsed().as_secs_f64());
    }

    /// Runs the handler in a task of its own, so that its panic is a failure of the job, and renews the lease meanwhile.
    #[expect(
        clippy::disallowed_methods,
        reason = "on the main runtime; waited for or broken off before this returns"
    )]
    async fn run(&self, job: &TakenJob, run: RunId, stopping: &watch::Receiver<bool>) -> Ending {
        let Some((_, handler)) = self.handlers.find(&job.kind) else {
            return Ending::Came(Err(Failure::because("this release does not know the kind")));
        };
        let of_this_run = Run::new(
            job.id,
            job.attempts.saturating_add(1),
            job.payload.clone(),
            stopping.clone(),
        );
        let mut work = handler(of_this_run);
        if let Some(trace) = trace::current() {
            work = Box::pin(trace::within(trace, work));
        }
        let mut task = Task(tokio::spawn(work.in_current_span()));
        let mut stopping = stopping.clone();
        let mut renewals = interval_at(tokio::time::Instant::now() + RENEW_EVERY, RENEW_EVERY);
        let mut broken_off_at = None;
        loop {
            tokio::select! {
                ended = &mut task.0 => return Ending::Came(ended.unwrap_or_else(|error| {
                    Err(Failure::of("the handler broke off", &error))
                })),
                _ = renewals.tick() => {
                    if self.renew(job, run).await == Held::No {
                        return Ending::Lost;
                    }
                }
                () = told(&mut stopping), if broken_off_at.is_none() => {
                    broken_off_at = Some(tokio::time::Instant::now() + STOP_TIME_MAX);
                }
                () = at(broken_off_at), if broken_off_at.is_some() => return Ending::BrokenOff,
            }
        }
    }

    /// Where the database isn't there, the lease goes on until it runs out.
    async fn renew(&self, job: &TakenJob, run: RunId) -> Held {
        let until = self.clock.now().saturating_add(LEASE);
        let renew = async |connection: &mut PgConnection| {
            store::renew(connection, job.id, run, until).await
        };
        match self.database.run(Lane::Moderators, renew).await {
            Ok(held) => held,
            Err(error) => {
                tracing::debug!(%error, job.id = %job.id, "renewing the lease of a job failed");
                Held::Yes
            }
        }
    }

    /// Writes down what came of the run; says it in a word for the figures.
    async fn conclude(&self, job: &TakenJob, run: RunId, ending: Ending) -> &'static str {
        let now = self.clock.now();
        let write = async |connection: &mut PgConnection| match &ending {
            Ending::Came(Ok(Progress::Done)) => store::finish(connection, job.id, run).await,
            Ending::Came(Ok(Progress::More)) => {
                store::go_on(connection, job.id, run, None, now).await
            }
            Ending::Came(Ok(Progress::MoreFrom(payload))) => {
                store::go_on(connection, job.id, run, Some(payload), now).await
            }
            Ending::Came(Err(failure)) if failure.kind == FailureKind::Unavailable => {
                let again = now.saturating_add(UNAVAILABLE_WAIT);
                store::give_back(connection, job.id, run, again).await
            }
            Ending::Came(Err(failure)) => {
                let setback = setback(job, failure, now);
                store::set_back(connection, job.id, run, &setback).await
            }
            Ending::BrokenOff => store::give_back(connection, job.id, run, now).await,
            Ending::Lost => Ok(Held::No),
        };
        let written = self.database.run(Lane::Moderators, write).await;
        match &written {
            Ok(Held::Yes) => tell(job, &ending),
            Ok(Held::No) => {
                tracing::warn!(job.id = %job.id, job.kind, "job {}: the lease ran out, and another run took it", job.id);
            }
            // It is taken over when the lease has run out, and does its last piece again.
            Err(error) => {
                tracing::warn!(%error, job.id = %job.id, job.kind, "job {}: what came of its run could not be written", job.id);
            }
        }
        match (written, ending) {
            (Ok(Held::No), _) => "lost",
            (Err(_), _) => "unwritten",
            (_, Ending::Came(Ok(Progress::Done))) => "done",
            (_, Ending::Came(Ok(_))) => "more",
            (_, Ending::Came(Err(failure))) if failure.kind == FailureKind::Unavailable => {
                "unavailable"
            }
            (_, Ending::Came(Err(_))) => "failed",
            (_, Ending::BrokenOff | Ending::Lost) => "given_back",
        }
    }
}

/// Ends with whoever waits for it.
struct Task(JoinHandle<Result<Progress, Failure>>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn setback<'a>(job: &TakenJob, failure: &'a Failure, now: OffsetDateTime) -> Setback<'a> {
    let attempts = job.attempts.saturating_add(1).min(ATTEMPTS_MAX);
    Setback {
        attempts,
        words: &failure.words,
        run_at: now.saturating_add(backoff(attempts)),
        dead_at: (attempts >= ATTEMPTS_MAX).then_some(now),
    }
}

/// The wait after so many failures, with some jitter.
fn backoff(attempts: i16) -> Duration {
    let doubled = (1..attempts).fold(BACKOFF_MIN, |wait, _| BACKOFF_MAX.min(wait * 2));
    let [random] = random::bytes::<1>();
    let part = f64::from(random) / f64::from(u8::MAX);
    BACKOFF_MAX.min(doubled * (1.0 - JITTER + 2.0 * JITTER * part))
}

fn tell(job: &TakenJob, ending: &Ending) {
    let Ending::Came(Err(failure)) = ending else {
        return;
    };
    let cause = failure.cause.as_deref().unwrap_or(&failure.words);
    if failure.kind == FailureKind::Unavailable {
        tracing::warn!(job.id = %job.id, job.kind, cause, "job {}: the database was not available, trying again", job.id);
    } else if job.attempts.saturating_add(1) >= ATTEMPTS_MAX {
        tracing::error!(
            job.id = %job.id, job.kind, cause,
            "job {} was given up after {ATTEMPTS_MAX} failures; GET /api/v1/admin/jobs lists it", job.id
        );
    } else {
        tracing::warn!(job.id = %job.id, job.kind, cause, "job {} failed and is tried again later", job.id);
    }
}

/// Until there may be something to do, or the instance is to end.
async fn wait_for_work(
    woken: &mut broadcast::Receiver<Notice>,
    stopping: &mut watch::Receiver<bool>,
) {
    tokio::select! {
        // Lagging is as good as a notice. Without a sender there is the poll.
        woken = woken.recv() => if let Err(broadcast::error::RecvError::Closed) = woken {
            sleep(POLL).await;
        },
        () = sleep(POLL) => {}
        () = told(stopping) => {}
    }
    // One look is enough for all that came so far.
    while !matches!(
        woken.try_recv(),
        Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed)
    ) {}
}

/// Until the instance is to end; for ever where nobody is left to say so.
async fn told(stopping: &mut watch::Receiver<bool>) {
    if stopping.wait_for(|stopping| *stopping).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn at(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_and_vary_by_a_fifth() {
        for (attempts, seconds) in [(1, 10), (2, 20), (3, 40), (7, 640), (20, 3_600)] {
            let usual = Duration::seconds(seconds);
            for _ in 0..50 {
                let wait = backoff(attempts);
                assert!(wait >= usual * 0.79 && wait <= usual * 1.21, "{wait}");
                assert!(wait <= BACKOFF_MAX);
            }
        }
    }
}
