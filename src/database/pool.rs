//! Connections under deadlines: a pool for each lane, one budget of time for each request, no connection returned in doubt.
//! Must not know what is asked of the database.

use std::future::Future;
use std::ops::AsyncFnOnce;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool, Postgres};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use super::error::Error;
use super::operation::Operation;
use crate::base::codes::{Code, Refusal};
use crate::base::trace;

/// All store calls of one request together, waiting for a connection included.
pub const REQUEST_BUDGET: Duration = Duration::from_millis(2500);
/// Waiting for a connection; kept under the request's budget because of leaked permits (sqlx #4349).
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// A connection that lay idle this long is tried before use, since the server may have gone meanwhile.
const IDLE_UNTRIED_MAX: Duration = Duration::from_secs(1);
/// Why nobody gets a connection is looked into, and a pool rebuilt, at most this often.
const LOOK_PAUSE: Duration = Duration::from_secs(5);

/// Who waits: each lane has a pool of its own, so that a flood in the one leaves the others working.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Public reads, and what readers do to comments that are there.
    Readers,
    /// Taking submissions in: one connection for each of the writers that share it among those who wait.
    Submissions,
    /// Deciding.
    Decisions,
    /// The rest of the admin API, and whatever runs beside requests.
    Moderators,
}

impl Lane {
    const ALL: [Self; 4] = [
        Self::Readers,
        Self::Submissions,
        Self::Decisions,
        Self::Moderators,
    ];

    /// The lane as it stands in figures.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Readers => "readers",
            Self::Submissions => "submissions",
            Self::Decisions => "decisions",
            Self::Moderators => "moderators",
        }
    }
}

/// How many connections each lane may hold.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// Connections for readers.
    pub readers: u32,
    /// Connections for submissions.
    pub submissions: u32,
    /// Connections for decisions.
    pub decisions: u32,
    /// Connections for moderators.
    pub moderators: u32,
}

impl Capacity {
    /// One for each lane: what a command needs.
    pub const ONE_EACH: Self = Self {
        readers: 1,
        submissions: 1,
        decisions: 1,
        moderators: 1,
    };

    /// Connections of all lanes together.
    pub fn all(self) -> u32 {
        self.readers + self.submissions + self.decisions + self.moderators
    }
}

impl Default for Capacity {
    /// 12, 2, 4 and 4: all lanes of four instances, and the connection of each for notices, fit into Postgres's default of 100.
    fn default() -> Self {
        Self {
            readers: 12,
            submissions: 2,
            decisions: 4,
            moderators: 4,
        }
    }
}

/// The handle to the database; cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    readers: Arc<Pool>,
    submissions: Arc<Pool>,
    decisions: Arc<Pool>,
    moderators: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    options: PgConnectOptions,
    connections_max: u32,
    current: RwLock<PgPool>,
    /// Connections that our own leases hold. Fewer than the pool thinks means that permits have leaked.
    leased: AtomicUsize,
    /// Callers that wait for a connection.
    waiting: AtomicUsize,
    born: Instant,
    /// When it was last looked into, in milliseconds after `born`; negative: never.
    looked_ms: AtomicI64,
}

tokio::task_local! {
    static BUDGET: std::cell::Cell<Option<Instant>>;
}

/// Runs a request's future so that all its store calls share one budget of [`REQUEST_BUDGET`], counted from the first.
pub async fn within_one_budget<F: Future>(request: F) -> F::Output {
    BUDGET.scope(std::cell::Cell::new(None), request).await
}

/// Until when the request's store calls must be over; where no request runs, [`REQUEST_BUDGET`] from now.
pub fn deadline() -> Instant {
    let fresh = Instant::now() + REQUEST_BUDGET;
    BUDGET
        .try_with(|budget| {
            let deadline = budget.get().unwrap_or(fresh);
            budget.set(Some(deadline));
            deadline
        })
        .unwrap_or(fresh)
}

impl Database {
    /// Makes all pools; connects nothing yet.
    pub fn new(options: PgConnectOptions, capacity: Capacity) -> Self {
        let options = options
            .application_name("rejoinder")
            // The server gives up by itself, also when our side is gone.
            .options([
                ("statement_timeout", "2500"),
                ("lock_timeout", "2000"),
                ("idle_in_transaction_session_timeout", "5000"),
                // Compiling would take longer than the longest of these statements.
                ("jit", "off"),
                ("timezone", "UTC"),
            ]);
        // Few statements on arrays: to plan them takes longer than to run them on a few rows. The plan that is kept may come
        // from a time when the tables were empty, so it must not be one that reads them as a whole.
        let planned_once = options.clone().options([
            ("plan_cache_mode", "force_generic_plan"),
            ("enable_seqscan", "off"),
        ]);
        Self {
            readers: Arc::new(Pool::new(options.clone(), capacity.readers)),
            submissions: Arc::new(Pool::new(planned_once.clone(), capacity.submissions)),
            decisions: Arc::new(Pool::new(planned_once, capacity.decisions)),
            moderators: Arc::new(Pool::new(options, capacity.moderators)),
        }
    }

    /// Runs store calls on one connection. When the time runs out, or the caller is dropped midway, the connection is
    /// closed instead of returned, so that nobody else meets its unfinished statement. So is one on which the database
    /// proved unavailable: after a fail-over it may lead to a server that only reads, and would for ever. Figures and
    /// spans name it after the function in which `work` is written.
    pub async fn run<T, E: From<Error> + Refusal>(
        &self,
        lane: Lane,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.observed(Operation::of(&work), lane, work).await
    }

    /// Like [`Self::run`], in one transaction: committed when the work succeeds, else rolled back.
    pub async fn transact<T, E: From<Error> + Refusal>(
        &self,
        lane: Lane,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let operation = Operation::of(&work);
        let in_transaction = async |connection: &mut PgConnection| {
            let mut transaction = connection.begin().await.map_err(Error::from)?;
            let value = work(&mut transaction).await?;
            transaction.commit().await.map_err(Error::from)?;
            Ok(value)
        };
        self.observed(operation, lane, in_transaction).await
    }

    async fn observed<T, E: From<Error> + Refusal>(
        &self,
        operation: Operation,
        lane: Lane,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let begun = Instant::now();
        let span = tracing::info_span!(
            target: trace::SPANS, "database", otel.kind = "client", db.system.name = "postgresql",
            otel.name = %format_args!("{}.{}", operation.module, operation.name), lane = lane.as_str(),
        );
        let outcome = self.on_lease(operation, lane, work).instrument(span).await;
        let labels = operation.labels();
        metrics::histogram!("rejoinder_database_call_seconds", labels.iter())
            .record(begun.elapsed().as_secs_f64());
        outcome
    }

    async fn on_lease<T, E: From<Error> + Refusal>(
        &self,
        operation: Operation,
        lane: Lane,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let deadline = deadline();
        let leased = self.pool(lane).lease(lane, deadline).await;
        let mut lease = leased.inspect_err(|_| operation.count_error("no_connection"))?;
        let outcome = match lease.connection() {
            Some(connection) => timeout_at(deadline, work(connection)).await,
            None => return Err(Error::Timeout.into()),
        };
        match outcome {
            Ok(Err(error)) if error.code() == Code::Unavailable => {
                operation.count_error("unavailable");
                Err(error)
            }
            Ok(result) => {
                lease.give_back();
                if let Err(error) = &result
                    && error.code() == Code::InternalError
                {
                    operation.count_error("failed");
                }
                result
            }
            Err(elapsed) => {
                operation.count_error("deadline");
                tracing::warn!(%elapsed, "dropped a database connection: its call outlived the request's deadline");
                Err(Error::Timeout.into())
            }
        }
    }

    /// How to connect, for what needs a connection apart from the pools.
    pub(super) fn options(&self) -> PgConnectOptions {
        self.moderators.options.clone()
    }

    /// Whether the database answers. One round trip.
    pub async fn ping(&self) -> Result<(), Error> {
        self.run(Lane::Moderators, async |connection: &mut PgConnection| {
            connection.ping().await.map_err(Error::from)
        })
        .await
    }

    /// Closes all pools; connections at work are waited for.
    pub async fn close(&self) {
        for lane in Lane::ALL {
            let current = self.pool(lane).current();
            current.close().await;
        }
    }

    /// Publishes the gauges of all pools.
    pub fn observe(&self) {
        for lane in Lane::ALL {
            let pool = self.pool(lane);
            let current = pool.current();
            let number = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
            let lane = lane.as_str();
            metrics::gauge!("rejoinder_database_connections", "lane" => lane)
                .set(f64::from(current.size()));
            metrics::gauge!("rejoinder_database_connections_max", "lane" => lane)
                .set(f64::from(pool.connections_max));
            metrics::gauge!("rejoinder_database_connections_idle", "lane" => lane)
                .set(number(current.num_idle()));
            metrics::gauge!("rejoinder_database_connections_busy", "lane" => lane)
                .set(number(pool.leased.load(Ordering::Relaxed)));
            metrics::gauge!("rejoinder_database_waiting", "lane" => lane)
                .set(number(pool.waiting.load(Ordering::Relaxed)));
        }
    }

    fn pool(&self, lane: Lane) -> &Arc<Pool> {
        match lane {
            Lane::Readers => &self.readers,
            Lane::Submissions => &self.submissions,
            Lane::Decisions => &self.decisions,
            Lane::Moderators => &self.moderators,
        }
    }
}

impl Pool {
    fn new(options: PgConnectOptions, connections_max: u32) -> Self {
        let current = RwLock::new(Self::build(&options, connections_max));
        let born = Instant::now();
        Self {
            options,
            connections_max,
            current,
            leased: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            born,
            looked_ms: AtomicI64::new(-1),
        }
    }

    fn build(options: &PgConnectOptions, connections_max: u32) -> PgPool {
        PgPoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .acquire_slow_level(log::LevelFilter::Off)
            .test_before_acquire(false)
            .before_acquire(|connection, about| {
                Box::pin(async move {
                    Ok(about.idle_for < IDLE_UNTRIED_MAX || connection.ping().await.is_ok())
                })
            })
            .connect_lazy_with(options.clone())
    }

    fn current(&self) -> PgPool {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn lease(self: &Arc<Self>, lane: Lane, deadline: Instant) -> Result<Lease, Error> {
        let begun = Instant::now();
        let waiting = Counted::in_the(&self.waiting);
        let acquired = timeout_at(deadline, self.current().acquire()).await;
        drop(waiting);
        metrics::histogram!("rejoinder_database_wait_seconds", "lane" => lane.as_str())
            .record(begun.elapsed().as_secs_f64());
        match acquired {
            Ok(Ok(connection)) => {
                self.leased.fetch_add(1, Ordering::Relaxed);
                Ok(Lease {
                    connection: Some(connection),
                    pool: Arc::clone(self),
                })
            }
            Ok(Err(sqlx::Error::PoolTimedOut)) => Err(self.look_into_timeout(deadline).await),
            Ok(Err(error)) => Err(error.into()),
            Err(_elapsed) => Err(Error::Timeout),
        }
    }

    /// Nobody could get a connection although our leases don't hold them all. Whoever is first to look tries one past
    /// the pool: if the server takes it, permits have leaked, and a fresh pool cures that; else its refusal is the
    /// cause, which the pool has kept to itself.
    async fn look_into_timeout(&self, deadline: Instant) -> Error {
        if !self.may_look() {
            return sqlx::Error::PoolTimedOut.into();
        }
        match timeout_at(deadline, PgConnection::connect_with(&self.options)).await {
            Ok(Ok(connection)) => {
                let fresh = Self::build(&self.options, self.connections_max);
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
                tracing::warn!(
                    "rebuilt a database pool: nobody got a connection although not all were in use"
                );
                metrics::counter!("rejoinder_database_pool_rebuilt_total").increment(1);
                drop(connection);
                sqlx::Error::PoolTimedOut.into()
            }
            Ok(Err(cause)) => {
                tracing::error!(%cause, "the database takes no connection");
                cause.into()
            }
            Err(_elapsed) => {
                tracing::error!("the database takes no connection: it doesn't answer");
                Error::Timeout
            }
        }
    }

    /// One caller in each [`LOOK_PAUSE`], and none while all connections are at work.
    fn may_look(&self) -> bool {
        let leased = u32::try_from(self.leased.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        let now_ms = i64::try_from(self.born.elapsed().as_millis()).unwrap_or(i64::MAX);
        let last_ms = self.looked_ms.load(Ordering::Relaxed);
        let pause_ms = i64::try_from(LOOK_PAUSE.as_millis()).unwrap_or(i64::MAX);
        leased < self.connections_max
            && (last_ms < 0 || now_ms - last_ms >= pause_ms)
            && self
                .looked_ms
                .compare_exchange(last_ms, now_ms, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

/// One more in a number, until it is dropped.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn in_the(number: &'a AtomicUsize) -> Self {
        number.fetch_add(1, Ordering::Relaxed);
        Self(number)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection on loan. Dropped without [`Lease::give_back`], it is closed.
struct Lease {
    connection: Option<PoolConnection<Postgres>>,
    pool: Arc<Pool>,
}

impl Lease {
    fn connection(&mut self) -> Option<&mut PgConnection> {
        self.connection.as_deref_mut()
    }

    fn give_back(mut self) {
        drop(self.connection.take());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.pool.leased.fetch_sub(1, Ordering::Relaxed);
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
    }
}
