//! Which trace a piece of work belongs to: one id from its caller (W3C Trace Context) to every log line and span about
//! it. Must not know who works, nor where spans go.

use std::fmt;
use std::future::Future;

use super::random;

/// The target of spans that are meant for a collector of traces. They stay out of the log, whatever its filter says.
pub const SPANS: &str = "rejoinder_spans";

/// Characters of a `traceparent` header of version 00.
const TRACEPARENT_CHARS: usize = 55;
/// A later version may say more behind that; longer ones aren't read.
const TRACEPARENT_CHARS_MAX: usize = 256;

/// The id of a trace: 16 octets, not all zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId(u128);

impl TraceId {
    /// The octets, in the order in which they are written.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for TraceId {
    /// 32 hexadecimal digits in lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A trace, and the caller's span in it where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// The same for all that follows from one cause.
    pub id: TraceId,
    /// The caller's span: 8 octets, not all zero.
    parent: Option<u64>,
}

impl Trace {
    /// A trace that begins here.
    pub fn begin() -> Self {
        let id = TraceId(random::id_bits().max(1));
        Self { id, parent: None }
    }

    /// What a caller's `traceparent` says; none where it isn't one (W3C Trace Context, level 1, section 3.2). Its flag
    /// for sampling is not read: what we record is for the operator to say, not for strangers.
    pub fn parse(traceparent: &str) -> Option<Self> {
        let is_version_00 = traceparent.starts_with("00-");
        if traceparent.len() > TRACEPARENT_CHARS_MAX
            || is_version_00 && traceparent.len() != TRACEPARENT_CHARS
        {
            return None;
        }
        let mut parts = traceparent.split('-');
        let version = hexadecimal(parts.next()?, 2)?;
        let id = hexadecimal(parts.next()?, 32)?;
        let parent = u64::try_from(hexadecimal(parts.next()?, 16)?).ok()?;
        hexadecimal(parts.next()?, 2)?;
        (version != 0xff && id != 0 && parent != 0).then_some(Self {
            id: TraceId(id),
            parent: Some(parent),
        })
    }

    /// Makes the caller's span the parent of ours, where spans are collected.
    #[cfg(feature = "opentelemetry")]
    pub fn adopt(&self, span: &tracing::Span) {
        use opentelemetry::trace as otel;
        use opentelemetry::trace::TraceContextExt as _;
        use tracing_opentelemetry::OpenTelemetrySpanExt as _;

        let Some(parent) = self.parent else { return };
        let caller = otel::SpanContext::new(
            otel::TraceId::from_bytes(self.id.to_bytes()),
            otel::SpanId::from_bytes(parent.to_be_bytes()),
            otel::TraceFlags::SAMPLED,
            true,
            otel::TraceState::NONE,
        );
        // An error means that nobody collects spans.
        span.set_parent(opentelemetry::Context::new().with_remote_span_context(caller))
            .ok();
    }
}

/// So many hexadecimal digits in lower case.
fn hexadecimal(digits: &str, number: usize) -> Option<u128> {
    let is_lower = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if digits.len() != number || !digits.bytes().all(is_lower) {
        return None;
    }
    u128::from_str_radix(digits, 16).ok()
}

tokio::task_local! {
    static CURRENT: Trace;
}

/// Runs work as part of a trace.
pub async fn within<F: Future>(trace: Trace, work: F) -> F::Output {
    CURRENT.scope(trace, work).await
}

/// The trace of the work under way; none outside of any.
pub fn current() -> Option<Trace> {
    CURRENT.try_with(|trace| *trace).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_callers_trace_is_taken_over_where_it_is_one() {
        for good in [
            format!("00-{ID}-00f067aa0ba902b7-01"),
            format!("00-{ID}-00f067aa0ba902b7-00"),
            format!("cc-{ID}-00f067aa0ba902b7-01-what-comes-later"),
        ] {
            let trace = Trace::parse(&good).unwrap();
            assert_eq!(trace.id.to_string(), ID, "{good}");
            assert_eq!(trace.parent, Some(0x00f0_67aa_0ba9_02b7));
        }
        let upper = ID.to_uppercase();
        for bad in [
            String::new(),
            "00".to_owned(),
            format!("ff-{ID}-00f067aa0ba902b7-01"),
            format!("00-{ID}-00f067aa0ba902b7-01-more"),
            format!("00-{ID}-00f067aa0ba902b7"),
            format!("00-{upper}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{ID}-{}-01", "0".repeat(16)),
            format!("00-{ID}-00f067aa0ba902b7-+1"),
            format!("cc-{ID}-00f067aa0ba902b7-01-{}", "x".repeat(300)),
        ] {
            assert_eq!(Trace::parse(&bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn work_knows_its_trace_and_other_work_does_not() {
        let trace = Trace::begin();
        assert_eq!(within(trace, async { current() }).await, Some(trace));
        assert_eq!(current(), None);
        assert_ne!(Trace::begin(), trace);
    }
}
