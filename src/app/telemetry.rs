//! Sends spans to a collector (OTLP over HTTP), with the feature `opentelemetry` only. Bounded and never in the way: what
//! doesn't fit into the queue or isn't taken is dropped and counted. Must not decide what a span says.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::trace::{SpanId, TraceId, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{
    Protocol, RetryPolicy, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, IdGenerator, RandomIdGenerator, Sampler,
    SdkTracerProvider, Span, SpanData, SpanProcessor,
};
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::base::trace;
use crate::settings::TraceSettings;

/// Spans that wait to be sent; with more, new ones are dropped.
const QUEUE_MAX: usize = 4_096;
/// Spans of one message.
const BATCH_MAX: usize = 512;
/// How long the collector may take with one message, and with all that is left at the end.
const SEND_TIME_MAX: Duration = Duration::from_secs(3);
/// How long a span waits for others before it is sent.
const SEND_EVERY: Duration = Duration::from_secs(2);

/// What a request's span says of itself.
const METHOD: &str = "http.request.method";
const ROUTE: &str = "http.route";

/// Sends until it is told to end.
pub(super) struct Sender(SdkTracerProvider);

impl Sender {
    /// Sends what waits, if the collector takes it within 3 s.
    pub(super) fn finish(self) {
        if let Err(error) = self.0.shutdown_with_timeout(SEND_TIME_MAX) {
            tracing::debug!(%error, "the last spans could not be sent");
        }
    }
}

/// What takes spans off the subscriber, and what sends them; nothing where no collector is set.
pub(super) fn start<S>(
    settings: &TraceSettings,
) -> anyhow::Result<Option<(impl Layer<S> + Send + Sync + use<S>, Sender)>>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let Some(endpoint) = &settings.endpoint else {
        return Ok(None);
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(endpoint.as_str())
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(SEND_TIME_MAX)
        // What is sent again stands in the way of what is new.
        .with_retry_policy(RetryPolicy::default().with_max_retries(0))
        .build()
        .context("while preparing to send traces")?;
    let queue = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE_MAX)
        .with_max_export_batch_size(BATCH_MAX)
        .with_scheduled_delay(SEND_EVERY)
        .build();
    let processor = BatchSpanProcessor::builder(Counting {
        exporter,
        failing: AtomicBool::new(false),
    })
    .with_batch_config(queue)
    .build();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(Made(processor))
        .with_id_generator(OurTraces(RandomIdGenerator::default()))
        // By the trace's id, so that a trace is sent whole or not at all, whatever its caller says.
        .with_sampler(Sampler::TraceIdRatioBased(settings.sampled))
        .with_resource(
            Resource::builder_empty()
                .with_service_name("rejoinder")
                .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
                .build(),
        )
        .build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("rejoinder"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(|about| {
            about.is_span() && about.target() == trace::SPANS
        }));
    Ok(Some((layer, Sender(provider))))
}

/// Gives spans the id of the trace that the log names.
#[derive(Debug)]
struct OurTraces(RandomIdGenerator);

impl IdGenerator for OurTraces {
    fn new_trace_id(&self) -> TraceId {
        trace::current().map_or_else(
            || self.0.new_trace_id(),
            |trace| TraceId::from_bytes(trace.id.to_bytes()),
        )
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}

fn count(outcome: &'static str, spans: usize) {
    metrics::counter!("rejoinder_spans_total", "outcome" => outcome)
        .increment(u64::try_from(spans).unwrap_or(u64::MAX));
}

/// Counts the spans that are there to be sent, before the queue drops some, and names those of requests.
#[derive(Debug)]
struct Made(BatchSpanProcessor);

impl SpanProcessor for Made {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.0.on_start(span, context);
    }

    fn on_end(&self, mut span: SpanData) {
        count("made", 1);
        // The route is known at the end of a request, when the layer doesn't give names any more.
        let named = |key: &str| span.attributes.iter().find(|of| of.key.as_str() == key);
        if let Some((method, route)) = named(METHOD).zip(named(ROUTE)) {
            span.name = format!("{} {}", method.value, route.value).into();
        }
        self.0.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

/// Counts what the collector takes and what it doesn't, and says so once.
#[derive(Debug)]
struct Counting {
    exporter: SpanExporter,
    failing: AtomicBool,
}

impl opentelemetry_sdk::trace::SpanExporter for Counting {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let sent = self.exporter.export(batch).await;
        count(if sent.is_ok() { "sent" } else { "lost" }, spans);
        let was_failing = self.failing.swap(sent.is_err(), Ordering::Relaxed);
        match &sent {
            Err(error) if !was_failing => {
                tracing::warn!(%error, "the collector of traces takes no spans, dropping them until it does");
            }
            Ok(()) if was_failing => tracing::info!("the collector of traces takes spans again"),
            _ => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
