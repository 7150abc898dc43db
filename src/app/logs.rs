//! Starts the log: to standard error, as text for people or as one JSON object a line; and the sending of traces beside it.
//! Must not know what is logged.

use std::{fmt, io, io::IsTerminal};

use anyhow::Context as _;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer,
    fmt::{MakeWriter, format::Writer, time::FormatTime},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

#[cfg(feature = "opentelemetry")]
use super::telemetry;
use crate::base::trace;
use crate::settings::{Colour, LogFormat, LogSettings, Settings};

/// What has begun with the log and ends after all else.
#[must_use]
pub struct Started {
    #[cfg(feature = "opentelemetry")]
    spans: Option<telemetry::Sender>,
}

impl Started {
    /// Sends what is still to be sent; takes up to 3 s where a collector of traces doesn't answer.
    pub fn finish(self) {
        #[cfg(feature = "opentelemetry")]
        if let Some(spans) = self.spans {
            spans.finish();
        }
    }
}

/// Starts the log of this process. Once: a second start is an error.
pub fn start(settings: &Settings) -> anyhow::Result<Started> {
    let lines = lines(&settings.logs, io::stderr().is_terminal(), io::stderr);
    let subscriber = tracing_subscriber::registry().with(lines);
    #[cfg(feature = "opentelemetry")]
    let (subscriber, spans) = {
        let (layer, sender) = telemetry::start(&settings.traces)?.unzip();
        (subscriber.with(layer), sender)
    };
    subscriber.try_init().context("while starting the log")?;
    Ok(Started {
        #[cfg(feature = "opentelemetry")]
        spans,
    })
}

/// The form in which lines are written: the wanted one, else by whether there is a terminal.
pub fn format(settings: &LogSettings) -> LogFormat {
    format_for(settings, io::stderr().is_terminal())
}

fn format_for(settings: &LogSettings, is_terminal: bool) -> LogFormat {
    settings.format.unwrap_or(if is_terminal {
        LogFormat::Text
    } else {
        LogFormat::Json
    })
}

fn lines<S, W>(
    settings: &LogSettings,
    is_terminal: bool,
    writer: W,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // The settings have parsed the filter once: `info` is for those who made them otherwise.
    let filter = EnvFilter::builder()
        .parse(format!("{},{}=off", settings.filter, trace::SPANS))
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer()
        .with_timer(UtcTime)
        .with_ansi(is_terminal && settings.colour == Colour::OnTerminal)
        .with_writer(writer);
    match format_for(settings, is_terminal) {
        LogFormat::Text => lines.with_filter(filter).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_filter(filter)
            .boxed(),
    }
}

/// RFC 3339 in UTC with `Z`.
struct UtcTime;

impl FormatTime for UtcTime {
    #[expect(
        clippy::disallowed_methods,
        reason = "log lines tell real time, also in tests that move the clock"
    )]
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let now = OffsetDateTime::now_utc().to_offset(UtcOffset::UTC);
        // To the microsecond: trailing zeros would else make the width jump.
        let now = now
            .replace_nanosecond(now.microsecond() * 1_000)
            .unwrap_or(now);
        writer.write_str(&now.format(&Rfc3339).or(Err(fmt::Error))?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: Option<LogFormat>, colour: Colour, is_terminal: bool) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let settings = LogSettings {
            filter: "info".into(),
            format,
            colour,
        };
        let layer = super::lines(&settings, is_terminal, move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            let request = tracing::error_span!("request", request.id = "r1");
            let _request = request.entered();
            let spanned = tracing::info_span!(target: trace::SPANS, "database");
            let _spanned = spanned.entered();
            tracing::debug!("not this");
            tracing::info!(site.id = 7, "started");
        });
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn without_a_terminal_a_line_is_one_flat_object_with_utc_time() {
        let line = logged(None, Colour::OnTerminal, false);
        let object: serde_json::Value = serde_json::from_str(line.trim_end()).unwrap();
        assert_eq!(
            (&object["message"], &object["site.id"]),
            (&"started".into(), &7.into())
        );
        let at = object["timestamp"].as_str().unwrap();
        assert_eq!(object["span"]["request.id"], "r1", "{line}");
        assert!(
            at.ends_with('Z') && OffsetDateTime::parse(at, &Rfc3339).is_ok(),
            "{at}"
        );
    }

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        assert!(logged(None, Colour::OnTerminal, true).contains('\u{1b}'));
        assert!(!logged(None, Colour::Never, true).contains('\u{1b}'));
        let text = logged(Some(LogFormat::Text), Colour::OnTerminal, false);
        assert!(
            text.contains("request{request.id=\"r1\"}: ")
                && text.contains("started")
                && !text.contains('\u{1b}'),
            "{text}"
        );
    }
}
