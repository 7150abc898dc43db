//! Traces as a collector gets them: the program is started with a collector of our own. Must not know how spans are made.
//! Only with the feature `opentelemetry`.
#![expect(clippy::unwrap_used, reason = "a test that reaches too far shall stop")]

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use support::TestDatabase;

const OWNER: &str = "owner@example.org";
const PASSWORD: &str = "owner-password-77aa";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// Takes spans over HTTP/1.1 (OTLP, protobuf), and keeps them.
#[derive(Clone)]
struct Collector {
    address: String,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let spans = Arc::default();
        let collector = Self { address, spans };
        let taking = collector.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let taking = taking.clone();
                std::thread::spawn(
                    move || while taking.take(client.as_ref().unwrap()).is_some() {},
                );
            }
        });
        collector
    }

    /// One message; none at the end of the connection.
    fn take(&self, mut client: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(client);
        let mut length = 0;
        for at in 0.. {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if at == 0 {
                assert_eq!(line, "post /v1/traces http/1.1");
            }
            if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let message = ExportTraceServiceRequest::decode(&body[..]).unwrap();
        let spans = message
            .resource_spans
            .into_iter()
            .flat_map(|of| of.scope_spans);
        let spans = spans.flat_map(|of| of.spans);
        self.spans.lock().unwrap().extend(spans);
        let answer =
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        client.write_all(answer).ok()
    }
}

struct Program {
    child: Child,
    base: String,
    figures: String,
}

impl Program {
    fn start(database: &TestDatabase, collector: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rejoinder"))
            .env_clear()
            .env("DATABASE_URL", database.url())
            .env("REJOINDER_ADMIN_EMAIL", OWNER)
            .env("REJOINDER_ADMIN_PASSWORD", PASSWORD)
            .env("REJOINDER_LISTEN", "127.0.0.1:0")
            .env("REJOINDER_METRICS_LISTEN", "127.0.0.1:0")
            .env("REJOINDER_SITE_ORIGINS", "https://example.org")
            .env("REJOINDER_LOG_FORMAT", "json")
            .env("REJOINDER_TRACES_ENDPOINT", collector)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut address = |words: &str| loop {
            let line = lines.next().unwrap().unwrap();
            if let Some((_, rest)) = line.split_once(words) {
                let address = rest.split(['"', ',', '/']).next().unwrap();
                break format!("http://{address}");
            }
        };
        let figures = address("metrics are at http://");
        let base = address("rejoinder is running at http://");
        // Read on, or the pipe gets full.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            base,
            figures,
        }
    }

    fn stop(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

fn comment(text: &str) -> serde_json::Value {
    json!({"page_url": "https://example.org/tides", "name": "Ada Secret", "email": "secret.ada@example.org", "body": text})
}

fn octets(digits: &str) -> Vec<u8> {
    let pairs = (0..digits.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(digits.get(at..at + 2).unwrap(), 16).unwrap())
        .collect()
}

#[tokio::test]
async fn a_submission_is_a_trace_under_its_callers_span_and_a_sign_in_tells_of_its_hash() {
    let collector = Collector::start();
    let database = TestDatabase::create().await;
    let program = Program::start(&database, &collector.address);
    let submit = client()
        .post(format!("{}/api/v1/comments", program.base))
        .header("traceparent", format!("00-{TRACE}-{CALLER}-00"))
        .header("x-request-id", "submit-1")
        .json(&comment("a-secret-body"));
    assert_eq!(submit.send().await.unwrap().status(), 201);
    let sign_in = client()
        .post(format!("{}/api/v1/admin/sessions", program.base))
        .json(&json!({"email": OWNER, "password": PASSWORD}));
    assert_eq!(sign_in.send().await.unwrap().status(), 201);
    // Sends what is left.
    program.stop();

    let spans = collector.spans.lock().unwrap().clone();
    let named = |name: &str| {
        let found = spans.iter().find(|span| span.name == name);
        found.unwrap_or_else(|| {
            let names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
            panic!("no span {name} in {names:?}")
        })
    };
    let request = named("POST /api/v1/comments");
    assert_eq!(request.trace_id, octets(TRACE));
    assert_eq!(request.parent_span_id, octets(CALLER));
    let attributes: BTreeMap<&str, String> = request
        .attributes
        .iter()
        .map(|of| (of.key.as_str(), format!("{:?}", of.value)))
        .collect();
    assert!(
        attributes["request.id"].contains("submit-1"),
        "{attributes:?}"
    );
    assert!(
        attributes["http.response.status_code"].contains("201"),
        "{attributes:?}"
    );
    let call = named("comments.take_in");
    assert_eq!(
        (&call.trace_id, &call.parent_span_id),
        (&request.trace_id, &request.span_id)
    );

    let signing_in = named("POST /api/v1/admin/sessions");
    assert!(signing_in.parent_span_id.is_empty() && signing_in.trace_id != request.trace_id);
    // The first owner's password was hashed before, at the start.
    let hash = spans
        .iter()
        .find(|span| span.name == "password hash" && span.parent_span_id == signing_in.span_id);
    assert_eq!(hash.map(|span| &span.trace_id), Some(&signing_in.trace_id));
    let job = named("job moderation.expire_claims");
    let of_the_job = spans
        .iter()
        .filter(|span| span.parent_span_id == job.span_id);
    assert!(of_the_job.count() >= 1, "a job that calls nothing");

    let all = format!("{spans:?}");
    for secret in [
        "secret.ada",
        "Ada Secret",
        "a-secret-body",
        OWNER,
        PASSWORD,
        "127.0.0.1",
    ] {
        assert!(!all.contains(secret), "the spans tell {secret}: {all}");
    }
}

#[tokio::test]
async fn a_collector_that_is_away_costs_nothing_but_the_spans() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let away = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let database = TestDatabase::create().await;
    let program = Program::start(&database, &away);
    let submit = client()
        .post(format!("{}/api/v1/comments", program.base))
        .json(&comment("High water at noon"));
    assert_eq!(submit.send().await.unwrap().status(), 201);
    support::eventually("spans are counted as lost", async || {
        let figures = client().get(format!("{}/metrics", program.figures)).send();
        let text = figures.await.unwrap().text().await.unwrap();
        text.contains("rejoinder_spans_total{outcome=\"lost\"}")
    })
    .await;
    program.stop();
}
