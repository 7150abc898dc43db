//! Starts the log: to standard error, as text for people or as one JSON object a line. Must not know what is logged.

use std::{fmt, io, io::IsTerminal};

use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter,
    fmt::{MakeWriter, format::Writer, time::FormatTime},
    util::{SubscriberInitExt, TryInitError},
};

use crate::settings::{Colour, LogFormat, LogSettings};

/// Starts the log of this process. Once: a second start is an error.
pub fn start(settings: &LogSettings) -> Result<(), TryInitError> {
    subscriber(settings, io::stderr().is_terminal(), io::stderr).try_init()
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

fn subscriber<W>(
    settings: &LogSettings,
    is_terminal: bool,
    writer: W,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // The settings have parsed the filter once: `info` is for those who made them otherwise.
    let filter = EnvFilter::builder()
        .parse(&settings.filter)
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(UtcTime)
        .with_ansi(is_terminal && settings.colour == Colour::OnTerminal)
        .with_writer(writer);
    match format_for(settings, is_terminal) {
        LogFormat::Text => Box::new(lines.finish()),
        LogFormat::Json => Box::new(
            lines
                .json()
                .flatten_event(true)
                .with_current_span(true)
                .with_span_list(false)
                .finish(),
        ),
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
        let subscriber = subscriber(&settings, is_terminal, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
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
            text.contains("started") && !text.contains('\u{1b}'),
            "{text}"
        );
    }
}
