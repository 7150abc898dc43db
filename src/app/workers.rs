//! What runs beside requests, on the main runtime: reading the sites anew, forgetting, gauges. Must not serve.

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::comments::Limits;
use crate::database::Database;
use crate::sites::Sites;

/// What another instance changed of sites and policy counts here within this.
const SITES_EVERY: Duration = Duration::from_secs(2);
/// Gauges and limits are looked after this often.
const UPKEEP_EVERY: Duration = Duration::from_secs(10);

/// The tasks; they end with [`Workers::stop`].
pub(super) struct Workers(Vec<JoinHandle<()>>);

impl Workers {
    /// Starts them.
    #[expect(
        clippy::disallowed_methods,
        reason = "on the main runtime, and ended by stop: outlives no worker"
    )]
    pub(super) fn start(
        database: Database,
        sites: Sites,
        limits: Arc<Limits>,
        figures: Option<PrometheusHandle>,
    ) -> Self {
        let refresh = tokio::spawn(async move {
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
        });
        let upkeep = tokio::spawn(async move {
            let mut ticks = interval(UPKEEP_EVERY);
            loop {
                ticks.tick().await;
                database.observe();
                limits.forget_idle();
                if let Some(figures) = &figures {
                    figures.run_upkeep();
                }
            }
        });
        Self(vec![refresh, upkeep])
    }

    /// Ends them; none of them holds anything that would have to be finished.
    pub(super) async fn stop(self) {
        for task in self.0 {
            task.abort();
            task.await.ok();
        }
    }
}
