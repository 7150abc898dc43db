//! The end: signals, what is under way, the pools, the embedded database. Must not know what is served.

use std::convert::Infallible;

use actix_web::dev::{Server, ServerHandle};
use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use super::workers::Workers;
use crate::database::Database;
use crate::database::embedded::Embedded;

/// Everything that has to end, in its order.
pub(super) struct Shutdown {
    http: ServerHandle,
    http_task: JoinHandle<std::io::Result<()>>,
    figures: Option<ServerHandle>,
    workers: Workers,
    database: Database,
    pub(super) embedded: Option<Embedded>,
}

impl Shutdown {
    /// Lets the servers run from now on.
    #[expect(
        clippy::disallowed_methods,
        reason = "on the main runtime, and ended here: outlives no worker"
    )]
    pub(super) fn new(
        http: Server,
        figures: Option<Server>,
        workers: Workers,
        database: Database,
    ) -> Self {
        let handle = http.handle();
        let figures_handle = figures.as_ref().map(Server::handle);
        if let Some(figures) = figures {
            tokio::spawn(figures);
        }
        Self {
            http: handle,
            http_task: tokio::spawn(http),
            figures: figures_handle,
            workers,
            database,
            embedded: None,
        }
    }

    /// Waits for SIGTERM or SIGINT, then ends. A server that ends by itself is an error.
    pub(super) async fn at_signal(mut self) -> anyhow::Result<()> {
        let mut terminate =
            signal(SignalKind::terminate()).context("while listening for SIGTERM")?;
        let mut interrupt =
            signal(SignalKind::interrupt()).context("while listening for SIGINT")?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            ended = &mut self.http_task => {
                ended.context("while serving")?.context("while serving")?;
                anyhow::bail!("the server ended by itself");
            }
            never = look_after(self.embedded.as_mut()) => match never {},
        }
        tracing::info!("stopping: no new connections, finishing what is under way");
        self.now().await
    }

    /// Ends now: streams of events end and jobs are given back, no new connections, what is under way is finished (at most
    /// 20 s), then the pools, then the database.
    pub(super) async fn now(self) -> anyhow::Result<()> {
        self.workers.begin_to_stop();
        self.http.stop(true).await;
        if let Some(figures) = self.figures {
            figures.stop(false).await;
        }
        self.workers.stop().await;
        self.database.close().await;
        if let Some(embedded) = self.embedded {
            embedded
                .stop()
                .await
                .context("while stopping the embedded database")?;
        }
        tracing::info!("stopped");
        Ok(())
    }
}

/// Runs beside the service, not in a task of its own: the end needs what it works on.
async fn look_after(embedded: Option<&mut Embedded>) -> Infallible {
    match embedded {
        Some(embedded) => embedded.replace_killed_keepers().await,
        None => std::future::pending().await,
    }
}
