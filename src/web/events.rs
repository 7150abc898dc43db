//! Server-sent events (HTML standard, section 9.2): how they are written, and the answer that streams them. Must not know
//! what they tell.

use std::convert::Infallible;

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use serde::Serialize;

/// How long a client shall wait before it connects again.
const RECONNECT_AFTER_MS: u32 = 2_000;

/// Events that go out together.
#[derive(Debug, Default)]
pub struct EventText(BytesMut);

impl EventText {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// An event of this name; `data` becomes one line of JSON.
    #[must_use]
    pub fn event(mut self, name: &'static str, data: &impl Serialize) -> Self {
        // JSON escapes line breaks, so it is one line whatever it holds.
        let json = serde_json::to_vec(data).unwrap_or_default();
        self.0
            .reserve(name.len() + json.len() + "event: \ndata: \n\n".len());
        self.0.put(&b"event: "[..]);
        self.0.put(name.as_bytes());
        self.0.put(&b"\ndata: "[..]);
        self.0.put(&json[..]);
        self.0.put(&b"\n\n"[..]);
        self
    }

    /// A line that says nothing, so that proxies and clients see that the connection lives.
    #[must_use]
    pub fn heartbeat(mut self) -> Self {
        self.0.put(&b": alive\n\n"[..]);
        self
    }

    fn hello(mut self) -> Self {
        self.0
            .put(format!("retry: {RECONNECT_AFTER_MS}\n\n").as_bytes());
        self
    }
}

/// The answer: begins with a hint when to connect again, goes on with `events`, ends with them. A client that doesn't read
/// isn't sent for: the next events are only asked for when the ones before are on their way.
pub fn stream(events: impl Stream<Item = EventText> + 'static) -> HttpResponse {
    let hello = futures_util::stream::iter([EventText::new().hello()]);
    let chunks = hello
        .chain(events)
        .map(|text| Ok::<Bytes, Infallible>(text.0.freeze()));
    answer().streaming(chunks)
}

/// The same without events, for HEAD.
pub fn head() -> HttpResponse {
    answer().finish()
}

fn answer() -> actix_web::HttpResponseBuilder {
    let mut builder = HttpResponse::Ok();
    builder
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        // Proxies that collect answers (nginx) would hold events back.
        .insert_header((
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ));
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_two_lines_and_an_empty_one() {
        let text = EventText::new()
            .event("comment", &serde_json::json!({"id": "a\nb"}))
            .heartbeat();
        assert_eq!(
            &text.0[..],
            b"event: comment\ndata: {\"id\":\"a\\nb\"}\n\n: alive\n\n"
        );
    }
}
