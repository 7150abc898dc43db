//! Prometheus figures on an address of their own. Must not know what is counted.

use std::net::{SocketAddr, TcpListener};

use actix_web::dev::Server;
use actix_web::web::Data;
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the histogram's buckets, in seconds.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 3.0];

/// Starts to count, and to answer `GET /metrics` there; says on which address.
pub(super) fn serve(address: SocketAddr) -> anyhow::Result<(Server, PrometheusHandle, SocketAddr)> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(
            Matcher::Full("rejoinder_http_request_seconds".to_owned()),
            &BUCKETS,
        )
        .context("while choosing the buckets of the metrics")?
        .install_recorder()
        .context("while starting the metrics")?;
    let listener = TcpListener::bind(address)
        .with_context(|| format!("while listening on {address} for metrics"))?;
    let bound = listener
        .local_addr()
        .context("while asking for the metrics' address")?;
    let shown = handle.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::new(shown.clone()))
            .route("/metrics", web::get().to(figures))
    })
    .workers(1)
    .disable_signals()
    .listen(listener)
    .context("while listening for metrics")?
    .run();
    Ok((server, handle, bound))
}

async fn figures(handle: Data<PrometheusHandle>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(handle.render())
}
