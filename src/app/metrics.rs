//! Prometheus figures on an address of their own: what each means, its buckets, and the page that shows them. Must not
//! count anything itself.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::web::Data;
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context;
use metrics::Unit;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::database;

/// Upper bounds of the buckets of what people wait for, in seconds. A request's time for the database is 2.5 s.
const BUCKETS: [f64; 11] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0,
];
/// The same of pieces of jobs, which may take their time.
const JOB_BUCKETS: [f64; 8] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 20.0, 60.0];
/// The same of submissions that share a statement; there are at most 256.
const BATCH_BUCKETS: [f64; 6] = [1.0, 4.0, 16.0, 64.0, 128.0, 256.0];

/// The forms of a figure.
enum Form {
    Counter,
    Gauge,
    Histogram(&'static [f64]),
}
use Form::{Counter, Gauge, Histogram};

/// Every figure of ours: name, form, unit, meaning. docs/observability.md says more; a test holds them together.
const FIGURES: [(&str, Form, Unit, &str); 41] = [
    (
        "rejoinder_build_info",
        Gauge,
        Unit::Count,
        "Always 1; the labels say which release runs and which schema it works with",
    ),
    (
        "rejoinder_cache_bytes",
        Gauge,
        Unit::Bytes,
        "What a cache in memory is reckoned to take",
    ),
    (
        "rejoinder_cache_entries",
        Gauge,
        Unit::Count,
        "Entries of a cache in memory",
    ),
    (
        "rejoinder_cache_evicted_total",
        Counter,
        Unit::Count,
        "Entries that went because a cache was full",
    ),
    (
        "rejoinder_cache_reads_total",
        Counter,
        Unit::Count,
        "Readings of a cache, and what came of them",
    ),
    (
        "rejoinder_database_call_seconds",
        Histogram(&BUCKETS),
        Unit::Seconds,
        "How long a call of the database took, waiting for a connection included",
    ),
    (
        "rejoinder_database_connections",
        Gauge,
        Unit::Count,
        "Connections that a pool holds",
    ),
    (
        "rejoinder_database_connections_busy",
        Gauge,
        Unit::Count,
        "Connections on which somebody works",
    ),
    (
        "rejoinder_database_connections_idle",
        Gauge,
        Unit::Count,
        "Connections that wait for work",
    ),
    (
        "rejoinder_database_connections_max",
        Gauge,
        Unit::Count,
        "Connections that a pool may hold",
    ),
    (
        "rejoinder_database_errors_total",
        Counter,
        Unit::Count,
        "Calls of the database that came to no answer",
    ),
    (
        "rejoinder_database_pool_rebuilt_total",
        Counter,
        Unit::Count,
        "Pools that were made anew because places in them had leaked",
    ),
    (
        "rejoinder_database_wait_seconds",
        Histogram(&BUCKETS),
        Unit::Seconds,
        "How long callers waited for a connection",
    ),
    (
        "rejoinder_database_waiting",
        Gauge,
        Unit::Count,
        "Callers that wait for a connection",
    ),
    (
        "rejoinder_decisions_total",
        Counter,
        Unit::Count,
        "Comments that moderators moved to a state",
    ),
    (
        "rejoinder_event_streams",
        Gauge,
        Unit::Count,
        "Streams of events that are open",
    ),
    (
        "rejoinder_http_refusals_total",
        Counter,
        Unit::Count,
        "Requests that were refused, by the code of the answer",
    ),
    (
        "rejoinder_http_request_seconds",
        Histogram(&BUCKETS),
        Unit::Seconds,
        "How long a request took until its answer began",
    ),
    (
        "rejoinder_http_requests_in_flight",
        Gauge,
        Unit::Count,
        "Requests under way",
    ),
    (
        "rejoinder_http_response_bytes_total",
        Counter,
        Unit::Bytes,
        "Bytes of answers, without heads and streams",
    ),
    (
        "rejoinder_jobs_dead",
        Gauge,
        Unit::Count,
        "Jobs that were given up and wait for a person",
    ),
    (
        "rejoinder_jobs_living",
        Gauge,
        Unit::Count,
        "Jobs that wait or run",
    ),
    (
        "rejoinder_jobs_oldest_due_seconds",
        Gauge,
        Unit::Seconds,
        "For how long the longest waiting job has been due",
    ),
    (
        "rejoinder_jobs_run_seconds",
        Histogram(&JOB_BUCKETS),
        Unit::Seconds,
        "How long a run of a job took",
    ),
    (
        "rejoinder_jobs_run_total",
        Counter,
        Unit::Count,
        "Runs of jobs",
    ),
    (
        "rejoinder_limits_reached_total",
        Counter,
        Unit::Count,
        "Times that a limit was found reached",
    ),
    (
        "rejoinder_notices_connection_lost_total",
        Counter,
        Unit::Count,
        "Times that the connection for notices was lost",
    ),
    (
        "rejoinder_notices_dropped_total",
        Counter,
        Unit::Count,
        "Notices that did not go out because too many waited",
    ),
    (
        "rejoinder_notices_total",
        Counter,
        Unit::Count,
        "Notices between instances",
    ),
    (
        "rejoinder_passwords_hash_seconds",
        Histogram(&BUCKETS),
        Unit::Seconds,
        "How long a password's hash took",
    ),
    (
        "rejoinder_passwords_refused_total",
        Counter,
        Unit::Count,
        "Passwords that weren't looked at because too many waited",
    ),
    (
        "rejoinder_passwords_waiting",
        Gauge,
        Unit::Count,
        "Passwords that wait to be hashed",
    ),
    (
        "rejoinder_queue_oldest_seconds",
        Gauge,
        Unit::Seconds,
        "For how long the longest waiting comment has been pending",
    ),
    (
        "rejoinder_queue_pending",
        Gauge,
        Unit::Count,
        "Comments that wait for a decision, at most 10,000 of a site",
    ),
    (
        "rejoinder_sign_ins_total",
        Counter,
        Unit::Count,
        "Attempts to sign in",
    ),
    (
        "rejoinder_spans_total",
        Counter,
        Unit::Count,
        "Spans that were made, and what became of them",
    ),
    (
        "rejoinder_decision_batch_size",
        Histogram(&BATCH_BUCKETS),
        Unit::Count,
        "Decisions that were made together",
    ),
    (
        "rejoinder_decisions_waiting",
        Gauge,
        Unit::Count,
        "Decisions that wait to be made",
    ),
    (
        "rejoinder_submission_batch_size",
        Histogram(&BATCH_BUCKETS),
        Unit::Count,
        "Submissions that were stored together",
    ),
    (
        "rejoinder_submissions_waiting",
        Gauge,
        Unit::Count,
        "Submissions that wait for a writer",
    ),
    (
        "rejoinder_submissions_total",
        Counter,
        Unit::Count,
        "Submissions that could be read",
    ),
];

/// Starts to count, and to answer `GET /metrics` there; says on which address. `observe` is called before each answer,
/// for gauges that cost nothing.
pub(super) fn serve(
    address: SocketAddr,
    observe: impl Fn() + Send + Sync + 'static,
) -> anyhow::Result<(Server, PrometheusHandle, SocketAddr)> {
    let handle = start()?;
    let listener = TcpListener::bind(address)
        .with_context(|| format!("while listening on {address} for metrics"))?;
    let bound = listener
        .local_addr()
        .context("while asking for the metrics' address")?;
    let page = Data::new(Page {
        handle: handle.clone(),
        observe: Arc::new(observe),
        #[cfg(target_os = "linux")]
        process: process(),
    });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(page.clone())
            .route("/metrics", web::get().to(figures))
    })
    .workers(1)
    .disable_signals()
    .listen(listener)
    .context("while listening for metrics")?
    .run();
    Ok((server, handle, bound))
}

fn start() -> anyhow::Result<PrometheusHandle> {
    let mut builder = PrometheusBuilder::new();
    for (name, form, ..) in &FIGURES {
        if let Histogram(buckets) = form {
            builder = builder
                .set_buckets_for_metric(Matcher::Full((*name).to_owned()), buckets)
                .context("while choosing the buckets of the metrics")?;
        }
    }
    let handle = builder
        .install_recorder()
        .context("while starting the metrics")?;
    for (name, form, unit, meaning) in FIGURES {
        match form {
            Counter => metrics::describe_counter!(name, unit, meaning),
            Gauge => metrics::describe_gauge!(name, unit, meaning),
            Histogram(_) => metrics::describe_histogram!(name, unit, meaning),
        }
    }
    // A counter that isn't there until it counts hides its first step from whoever looks at its rate.
    for name in [
        "rejoinder_database_pool_rebuilt_total",
        "rejoinder_notices_connection_lost_total",
        "rejoinder_notices_dropped_total",
        "rejoinder_passwords_refused_total",
    ] {
        metrics::counter!(name).absolute(0);
    }
    metrics::counter!("rejoinder_cache_evicted_total", "cache" => "lists").absolute(0);
    metrics::gauge!("rejoinder_event_streams").set(0.0);
    metrics::gauge!(
        "rejoinder_build_info",
        "version" => env!("CARGO_PKG_VERSION"), "schema" => database::schema_version().to_string()
    )
    .set(1.0);
    Ok(handle)
}

struct Page {
    handle: PrometheusHandle,
    observe: Arc<dyn Fn() + Send + Sync>,
    #[cfg(target_os = "linux")]
    process: metrics_process::Collector,
}

/// Memory, processor, threads and files of the process, under the names that Prometheus's own clients use.
#[cfg(target_os = "linux")]
fn process() -> metrics_process::Collector {
    let process = metrics_process::Collector::default();
    process.describe();
    process
}

async fn figures(page: Data<Page>) -> HttpResponse {
    (page.observe)();
    #[cfg(target_os = "linux")]
    page.process.collect();
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(page.handle.render())
}
