//! What runs beside requests, on the main runtime: writers of submissions and decisions, jobs, notices, reading the sites anew, forgetting, gauges. Must not serve.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::startup::Beside;
use crate::comments::{Comments, Limits, WRITERS};
use crate::database::Notices;
use crate::jobs::Jobs;
use crate::moderation::{DECIDERS, Moderation};
use crate::sites::Sites;

/// What another instance changed of sites and policy counts here within this.
const SITES_EVERY: Duration = Duration::from_secs(2);
/// Gauges and limits are looked after this often.
const UPKEEP_EVERY: Duration = Duration::from_secs(15);
/// Jobs that run at the same time in each instance.
const JOBS_AT_ONCE: usize = 2;
/// Jobs that run at the end are given back within this: a run is broken off after 3 s, and then written down.
const JOBS_STOP_MAX: Duration = Duration::from_secs(6);

/// The tasks; they end with [`Workers::stop`].
pub(super) struct Workers {
    /// End by themselves when they are told to.
    jobs: Vec<JoinHandle<()>>,
    /// Hold nothing that would have to be finished.
    others: Vec<JoinHandle<()>>,
    notices: Notices,
    stop: watch::Sender<bool>,
}

/// What the tasks work on.
pub(super) struct Beginnings {
    pub(super) comments: Comments,
    pub(super) moderation: Moderation,
    pub(super) sites: Sites,
    pub(super) jobs: Jobs,
    pub(super) figures: Option<PrometheusHandle>,
}

impl Workers {
    /// Starts them; `stop` is what `beside.stopping` listens to.
    #[expect(
        clippy::disallowed_methods,
        reason = "on the main runtime, and ended by stop: outlives no worker"
    )]
    pub(super) fn start(with: Beginnings, beside: Beside, stop: watch::Sender<bool>) -> Self {
        let Beside {
            notices,
            limits,
            stopping,
        } = beside;
        // Before anything is listened to, so that it misses nothing.
        let page_changes = with.sites.page_changes().follow();
        let listener = notices.clone();
        let sender = notices.clone();
        let mut jobs = Vec::new();
        for _ in 0..JOBS_AT_ONCE {
            let (runner, stopping) = (with.jobs.clone(), stopping.clone());
            jobs.push(tokio::spawn(async move { runner.work(stopping).await }));
        }
        let schedules = with.jobs.clone();
        jobs.push(tokio::spawn(async move {
            schedules.keep_schedules(stopping).await;
        }));
        let moderation = with.moderation.clone();
        let mut others = vec![
            tokio::spawn(refresh(with.sites)),
            tokio::spawn(page_changes),
            tokio::spawn(look_after(with.figures, with.jobs, with.moderation, limits)),
            tokio::spawn(async move { listener.listen().await }),
            tokio::spawn(async move { sender.send().await }),
        ];
        for _ in 0..WRITERS {
            let comments = with.comments.clone();
            others.push(tokio::spawn(async move {
                comments.write_submissions().await;
            }));
        }
        for _ in 0..DECIDERS {
            let moderation = moderation.clone();
            others.push(tokio::spawn(async move {
                moderation.write_decisions().await;
            }));
        }
        Self {
            jobs,
            others,
            notices,
            stop,
        }
    }

    /// Takes no more jobs, and ends streams of events; what is under way goes on.
    pub(super) fn begin_to_stop(&self) {
        self.stop.send_replace(true);
    }

    /// Ends them: jobs get some seconds to give back, notices are sent.
    pub(super) async fn stop(self) {
        self.begin_to_stop();
        let deadline = Instant::now() + JOBS_STOP_MAX;
        for mut task in self.jobs {
            if timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
                task.await.ok();
            }
        }
        for task in self.others {
            task.abort();
            task.await.ok();
        }
        if let Err(error) = self.notices.flush().await {
            tracing::debug!(%error, "the last notices could not be sent");
        }
        self.notices.close().await;
    }
}

/// Forgets what is idle; where figures are asked for, counts what only the database knows.
async fn look_after(
    figures: Option<PrometheusHandle>,
    jobs: Jobs,
    moderation: Moderation,
    limits: Arc<Limits>,
) {
    let mut sites_shown = BTreeSet::new();
    let mut ticks = interval(UPKEEP_EVERY);
    loop {
        ticks.tick().await;
        limits.forget_idle();
        let Some(figures) = &figures else { continue };
        figures.run_upkeep();
        if let Err(error) = jobs.observe().await {
            tracing::debug!(%error, "counting the jobs failed, trying again");
        }
        if let Err(error) = moderation.observe(&mut sites_shown).await {
            tracing::debug!(%error, "counting the queue failed, trying again");
        }
    }
}

async fn refresh(sites: Sites) {
    let mut ticks = interval(SITES_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once, and the sites have just been read.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        if let Err(error) = sites.refresh().await {
            tracing::warn!(%error, "reading the sites failed, trying again");
        }
    }
}
