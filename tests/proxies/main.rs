//! The shipped files for reverse proxies (deploy/), each in a real nginx or Caddy in front of the real program.
//!
//! Not among the tests of `cargo test`, which need nothing that a machine may not have: `cargo test --test proxies` needs
//! nginx, Caddy, curl and openssl.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "what a test needs and doesn't get may stop it; what other programs do is waited for"
)]

mod stage;

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use stage::{Program, Proxy, Stage};

/// Two readers, and somebody else: each an address of its own in the loopback network.
const READER: &str = "127.0.0.2";
const OTHER_READER: &str = "127.0.0.3";
const MODERATOR: &str = "127.0.0.4";
/// More than the burst of submissions.
const SUBMISSIONS_MAX: usize = 20;
const THREAD: &str = "/api/v1/comments?page_url=https://example.org/tides";
/// Shorter than the 15 s between the lines of a silent stream.
const EVENT_WITHIN: Duration = Duration::from_secs(5);

#[test]
fn behind_nginx_limits_count_readers_whatever_they_claim() {
    limits_count_readers(Proxy::Nginx);
}

#[test]
fn behind_caddy_limits_count_readers_whatever_they_claim() {
    limits_count_readers(Proxy::Caddy);
}

fn limits_count_readers(proxy: Proxy) {
    let stage = Stage::set(proxy);
    let claim = ["--header", "X-Forwarded-For: 203.0.113.9"];
    let claimed = stage.submit(READER, &claim);
    assert_eq!(claimed.status, 201, "{claimed:?}");

    let refused = (0..SUBMISSIONS_MAX)
        .map(|_| stage.submit(READER, &[]))
        .find(|answer| answer.status != 201)
        .expect("a reader is limited");
    refused.is_problem(429, "rate_limited");
    assert_eq!(stage.submit(READER, &claim).status, 429);
    assert_eq!(stage.submit(OTHER_READER, &[]).status, 201);

    let token = stage.sign_in();
    let queue = stage.ask(MODERATOR, "/api/v1/admin/comments", &["--header", &token]);
    let addresses: Vec<String> = queue.json()["comments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|comment| comment["ip"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(addresses.first().map(String::as_str), Some(READER));
    assert_eq!(addresses.last().map(String::as_str), Some(OTHER_READER));
}

#[test]
fn through_nginx_request_ids_and_etags_pass_and_bodies_are_bounded() {
    let stage = Stage::set(Proxy::Nginx);
    ids_and_etags_pass(&stage);
    // The answer comes out of the cache by now; the id is still that of the request.
    let ids = [1, 2].map(|_| {
        stage
            .ask(READER, THREAD, &[])
            .header("x-request-id")
            .to_owned()
    });
    assert!(ids[0] != ids[1] && ids[0].len() == 32, "{ids:?}");

    for (kind, kibibytes) in [("the service", 200), ("the proxy", 1024)] {
        stage.file("large.json", &"x".repeat(kibibytes * 1024));
        let answer = stage.ask(READER, "/api/v1/comments", &["--json", "@large.json"]);
        answer.is_problem(413, "body_too_large");
        assert_eq!(
            answer.header("cache-control"),
            "private, no-store",
            "{kind}: {answer:?}"
        );
    }
    let moved = stage.unencrypted("/docs/");
    assert_eq!(moved.status, 301, "{moved:?}");
    assert_eq!(
        moved.header("location"),
        "https://comments.example.org/docs/"
    );
}

#[test]
fn through_caddy_request_ids_and_etags_pass_and_bodies_are_bounded() {
    let stage = Stage::set(Proxy::Caddy);
    ids_and_etags_pass(&stage);
    stage.file("large.json", &"x".repeat(200 * 1024));
    let answer = stage.ask(READER, "/api/v1/comments", &["--json", "@large.json"]);
    answer.is_problem(413, "body_too_large");
}

fn ids_and_etags_pass(stage: &Stage) {
    let own = ["--header", "X-Request-Id: walk-17.a_b"];
    let listed = stage.ask(READER, THREAD, &own);
    assert_eq!(listed.status, 200, "{listed:?}");
    assert_eq!(listed.header("x-request-id"), "walk-17.a_b");
    assert_eq!(listed.header("access-control-allow-origin"), "*");
    let missing = stage.ask(READER, "/api/v1/nowhere", &own);
    missing.is_problem(404, "not_found");
    assert_eq!(missing.header("x-request-id"), "walk-17.a_b");
    let insane = stage.ask(
        READER,
        "/api/v1/nowhere",
        &["--header", "X-Request-Id: <a b>"],
    );
    assert!(!insane.header("x-request-id").contains('<'), "{insane:?}");

    let tag = listed.header("etag");
    assert!(tag.starts_with('"'), "a strong one: {listed:?}");
    let known = format!("If-None-Match: {tag}");
    let again = stage.ask(READER, THREAD, &["--header", &known]);
    assert_eq!((again.status, again.body.as_str()), (304, ""), "{again:?}");
    assert_eq!(again.header("etag"), tag);
}

#[test]
fn through_nginx_events_arrive_as_they_happen() {
    events_arrive(Proxy::Nginx);
}

#[test]
fn through_caddy_events_arrive_as_they_happen() {
    events_arrive(Proxy::Caddy);
}

fn events_arrive(proxy: Proxy) {
    let stage = Stage::set(proxy);
    let token = stage.sign_in();
    let mut curl = stage.curl(MODERATOR, "/api/v1/admin/events");
    curl.args(["--no-buffer", "--header", &token]);
    let mut stream = Program(curl.stdout(Stdio::piped()).spawn().unwrap());
    let lines = BufReader::new(stream.0.stdout.take().unwrap()).lines();
    let (sender, received) = mpsc::channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let arrives = |wanted: &str| {
        while let Ok(line) = received.recv_timeout(EVENT_WITHIN) {
            if line.starts_with(wanted) {
                return true;
            }
        }
        false
    };
    assert!(arrives("retry:"), "the stream has begun");
    assert_eq!(stage.submit(READER, &[]).status, 201);
    assert!(arrives("event: comment"), "the comment is told of");
}

#[test]
fn while_the_service_is_away_nginx_shows_what_it_keeps_and_says_when_to_try_again() {
    let mut stage = Stage::set(Proxy::Nginx);
    let token = stage.sign_in();
    let kept = stage.ask(READER, THREAD, &[]);
    assert_eq!(kept.status, 200, "{kept:?}");
    stage.kill_service();

    let shown = stage.ask(OTHER_READER, THREAD, &[]);
    assert_eq!((shown.status, &shown.body), (200, &kept.body), "{shown:?}");
    // Whoever says who they are gets nothing that was made for others.
    let own = stage.ask(READER, THREAD, &["--header", &token]);
    own.is_problem(503, "unavailable");
    let submitted = stage.submit(READER, &[]);
    submitted.is_problem(503, "unavailable");
    assert_eq!(submitted.header("retry-after"), "3");
    assert_eq!(submitted.header("cache-control"), "private, no-store");
}
