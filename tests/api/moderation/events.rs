//! `GET /admin/events`: what changes is told, on every instance, to whom it concerns, for as long as they may see it.

use std::time::{Duration, Instant};

use reqwest::Response;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::timeout;

use super::held;
use crate::backstage::{change, hire, hire_for_gazette, number, two_sites};
use crate::support::app::{Desk, TestApp, comment_on};
use crate::support::eventually;

const EVENTS: &str = "/api/v1/admin/events";
/// What is told arrives within this, also by way of another instance.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open stream.
struct Stream {
    response: Response,
    text: String,
}

/// Something that a stream brought.
#[derive(Debug, PartialEq)]
enum Told {
    Event(String, Value),
    Heartbeat,
    End,
}

impl Stream {
    async fn open(app: &TestApp, desk: &Desk) -> Self {
        let response = respond(app, desk).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "private, no-store");
        let mut stream = Self {
            response,
            text: String::new(),
        };
        assert_eq!(stream.block().await.unwrap(), "retry: 2000");
        stream
    }

    /// The text up to the next empty line; none at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await.unwrap();
            self.text
                .push_str(std::str::from_utf8(&chunk.unwrap()?).unwrap());
        }
    }

    async fn told(&mut self) -> Told {
        let Some(block) = self.block().await else {
            return Told::End;
        };
        if block.starts_with(':') {
            return Told::Heartbeat;
        }
        let (name, data) = block.split_once('\n').unwrap();
        Told::Event(
            name.strip_prefix("event: ").unwrap().to_owned(),
            serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap(),
        )
    }

    /// The next event but heartbeats.
    async fn event(&mut self) -> (String, Value) {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < 2 * PATIENCE, "heartbeats only");
            match self.told().await {
                Told::Event(name, data) => return (name, data),
                Told::Heartbeat => {}
                Told::End => panic!("the stream has ended"),
            }
        }
    }

    /// A heartbeat comes; before it only that something may have been missed, while the connection for notices is made.
    async fn beats(&mut self) {
        loop {
            match self.told().await {
                Told::Heartbeat => return,
                told => assert_eq!(told, Told::Event("resync".to_owned(), json!({}))),
            }
        }
    }

    async fn ends(&mut self) {
        while self.told().await != Told::End {}
    }
}

async fn respond(app: &TestApp, desk: &Desk) -> Response {
    app.request("GET", EVENTS)
        .header(AUTHORIZATION, format!("Bearer {}", desk.token))
        .send()
        .await
        .unwrap()
}

fn comment(id: &str, status: &str, version: i32) -> (String, Value) {
    let data = json!({"id": id, "site": "default", "status": status, "version": version});
    ("comment".to_owned(), data)
}

#[tokio::test]
async fn submissions_and_decisions_are_told_with_ids_and_codes_only() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let mut stream = Stream::open(&app, &desk).await;

    let id = held(&app, "/tides", "High water at noon").await;
    assert_eq!(stream.event().await, comment(&id, "pending", 1));
    desk.decide(&app, &id, "approve", &json!({})).await.is(200);
    assert_eq!(stream.event().await, comment(&id, "approved", 2));
    // What changes nothing isn't told.
    desk.decide(&app, &id, "approve", &json!({})).await.is(200);
    let decisions = json!({"decisions": [{"id": id, "decision": "spam"}]});
    desk.post(&app, "/api/v1/admin/decisions", &decisions)
        .await
        .is(200);
    assert_eq!(stream.event().await, comment(&id, "spam", 3));
    app.stop().await;
}

#[tokio::test]
async fn what_readers_do_later_and_what_settles_it_is_told() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (id, token) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    desk.decide(&app, &id, "approve", &json!({})).await.is(200);
    let mut stream = Stream::open(&app, &desk).await;
    let path = format!("/api/v1/comments/{id}");
    let spam = json!({"reason": "spam"});
    for _ in 0..2 {
        // Only the first one is news.
        app.post(&format!("{path}/reports"), &spam).await.is(202);
    }
    assert_eq!(stream.event().await, comment(&id, "approved", 2));
    desk.decide(&app, &id, "approve", &json!({})).await.is(200);
    assert_eq!(stream.event().await, comment(&id, "approved", 2));
    let vote = json!({"value": 1, "voter": "5f0c1d52-6a0e-4a6b-9d8e-3f6f4f6e2a11"});
    let vote = app.request("PUT", &format!("{path}/vote")).json(&vote);
    app.send(vote).await.is(200);
    let edit = app.request("PATCH", &path).bearer_auth(&token);
    app.send(edit.json(&json!({"body": "Flood"}))).await.is(200);
    assert_eq!(stream.event().await, comment(&id, "pending", 3));
    for _ in 0..2 {
        let gone = app.request("DELETE", &path).bearer_auth(&token);
        app.send(gone).await.is(204);
    }
    assert_eq!(stream.event().await, comment(&id, "deleted", 4));
    app.stop().await;
}

#[tokio::test]
async fn what_happens_on_another_instance_is_told_here() {
    let here = TestApp::start().await;
    let there = TestApp::on(here.database.clone(), &[]).await;
    let desk = here.desk().await;
    let mut stream = Stream::open(&here, &desk).await;
    let id = held(&there, "/tides", "High water at noon").await;
    // The connection for notices may have come up behind the stream.
    let mut told = stream.event().await;
    if told.0 == "resync" {
        told = stream.event().await;
    }
    assert_eq!(told, comment(&id, "pending", 1));
    there.stop().await;
    here.stop().await;
}

#[tokio::test]
async fn nobody_is_told_of_comments_on_sites_that_they_do_not_see() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let gazette = hire_for_gazette(&app, "viewer", "Vi").await;
    let mut stream = Stream::open(&app, &gazette).await;
    held(&app, "/tides", "High water at noon").await;
    let body = json!({"page_url": "https://gazette.example/a", "name": "Bo", "email": "bo@example.org", "body": "Low water"});
    let (id, _) = app.submitted(&body).await;
    let told = stream.event().await;
    assert_eq!(
        told.1["id"], id,
        "the first event is that of their own site"
    );
    assert_eq!(told.1["site"], "gazette");
    app.stop().await;
}

#[tokio::test]
async fn a_silent_stream_beats_and_counts_as_no_use_of_the_session() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let mut stream = Stream::open(&app, &desk).await;
    stream.beats().await;
    app.clock.advance(time::Duration::hours(11));
    stream.beats().await;
    app.clock.advance(time::Duration::hours(2));
    stream.ends().await;
    respond(&app, &desk).await.error_for_status().unwrap_err();
    app.stop().await;
}

#[tokio::test]
async fn a_stream_ends_within_a_second_of_its_session_on_every_instance() {
    // No heartbeat comes to help within that time.
    let here = TestApp::with_heartbeat(Duration::from_mins(1)).await;
    let there = TestApp::on(here.database.clone(), &[]).await;
    let (desk, other) = (here.desk().await, here.desk().await);
    let mut stream = Stream::open(&here, &desk).await;
    let mut others = Stream::open(&here, &other).await;
    // An event from there, so that the connection for notices is known to be up.
    let id = held(&there, "/tides", "High water at noon").await;
    while stream.event().await.1["id"] != *id {}

    let signed_out = Instant::now();
    there
        .send(
            there
                .request("DELETE", "/api/v1/admin/sessions/current")
                .header(AUTHORIZATION, format!("Bearer {}", desk.token)),
        )
        .await
        .is(204);
    stream.ends().await;
    let took = signed_out.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");

    // The other session of the same account goes on.
    let id = held(&here, "/tides", "Low water at six").await;
    while others.event().await.1["id"] != *id {}
    there.stop().await;
    here.stop().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_account_also_when_nobody_says_so() {
    let app = TestApp::start().await;
    for statement in [
        "update moderators set disabled_at = now() where name = 'Mo'",
        "update moderators set sites = '{}' where name = 'Al'",
        "update moderators set role = 'viewer' where name = 'Di'",
        "delete from sessions where moderator_id = (select id from moderators where name = 'Ed')",
    ] {
        let name = &statement[statement.len() - 4..].trim_matches(['\'', ')', ' ']);
        let desk = hire(&app, "moderator", name).await;
        let mut stream = Stream::open(&app, &desk).await;
        change(&app, statement).await;
        stream.ends().await;
    }
    app.stop().await;
}

#[tokio::test]
async fn after_a_lost_connection_clients_are_told_to_fetch_again_and_events_come_again() {
    let here = TestApp::start().await;
    let there = TestApp::on(here.database.clone(), &[]).await;
    let desk = here.desk().await;
    let mut stream = Stream::open(&here, &desk).await;
    let id = held(&there, "/tides", "High water at noon").await;
    while stream.event().await.1["id"] != *id {}

    change(
        &here,
        "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'rejoinder notices'",
    )
    .await;

    assert_eq!(stream.event().await, ("resync".to_owned(), json!({})));
    let id = held(&there, "/tides", "Low water at six").await;
    assert_eq!(stream.event().await, comment(&id, "pending", 1));
    there.stop().await;
    here.stop().await;
}

/// The changes come as from another instance, since no other makes as many in so short a time.
#[tokio::test]
async fn a_client_that_does_not_read_misses_changes_and_is_told_so() {
    const CHANGES: usize = 50_000;
    let app = TestApp::with_heartbeat(Duration::from_mins(1)).await;
    let desk = app.desk().await;
    let mut swift = Stream::open(&app, &desk).await;
    let address: std::net::SocketAddr = app.base["http://".len()..].parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut slow = socket.connect(address).await.unwrap();
    let request = format!(
        "GET {EVENTS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
        desk.token
    );
    slow.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 64];
    slow.read_exact(&mut head).await.unwrap();
    assert!(head.starts_with(b"HTTP/1.1 200"));
    // Until the connection for notices is up, and while the swift one reads.
    let id = held(&app, "/tides", "High water at noon").await;
    while swift.event().await.1["id"] != *id {}

    change(
        &app,
        format!(
            "select pg_notify('rejoinder', '-' || string_agg(
                E'\\ncomments ' || gen_random_uuid() || ' ' || (select id from sites) || ' pending 1', ''))
            from generate_series(0, {CHANGES} - 1) as n
            group by n / 50"
        ),
    )
    .await;
    // The one that reads may lag too, but has all that it will get when nothing comes for a second.
    while timeout(Duration::from_secs(1), swift.told()).await.is_ok() {}

    let (mut text, mut buffer) = (String::new(), vec![0; 65_536]);
    let mut last = None;
    while !last.as_ref().is_some_and(|id: &String| text.contains(id)) {
        let octets = timeout(PATIENCE, slow.read(&mut buffer))
            .await
            .unwrap()
            .unwrap();
        assert!(octets > 0, "the stream has ended");
        text.push_str(std::str::from_utf8(&buffer[..octets]).unwrap());
        if last.is_none() && text.contains("event: resync") {
            last = Some(held(&app, "/tides", "Low water at six").await);
        }
    }
    let events = text.matches("event: comment").count();
    println!("the one that did not got {events}");
    assert!(events < CHANGES, "{events}");
    assert!(text.contains("event: resync"));
    app.stop().await;
}

#[tokio::test]
async fn a_session_has_eight_streams_and_one_that_is_closed_makes_room() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        streams.push(Stream::open(&app, &desk).await);
    }
    let refused = desk.get(&app, EVENTS).await.is_problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "5");
    Stream::open(&app, &app.desk().await).await;
    drop(streams.pop());
    eventually("there is room again", async || {
        respond(&app, &desk).await.status() == 200
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn a_head_request_is_answered_without_a_stream() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let request = app
        .request("HEAD", EVENTS)
        .header(AUTHORIZATION, format!("Bearer {}", desk.token));
    let answer = timeout(PATIENCE, app.send(request)).await.unwrap().is(200);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!(answer.text, "");
    app.stop().await;
}

#[tokio::test]
async fn streams_do_not_hold_up_the_end() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(Stream::open(&app, &desk).await);
    }
    let begun = Instant::now();
    app.stop().await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    for stream in &mut streams {
        stream.ends().await;
    }
}

#[tokio::test]
async fn spam_that_expires_is_told() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    // By then the session will have ended, and a stream ends with it; a token lasts.
    let token = json!({"name": "A program", "scopes": ["comments:read"]});
    let token = desk
        .post(&app, "/api/v1/admin/tokens", &token)
        .await
        .is(201);
    let program = Desk {
        token: token.at("/token").as_str().unwrap().to_owned(),
    };
    let id = held(&app, "/tides", "Buy water").await;
    desk.decide(&app, &id, "spam", &json!({})).await.is(200);
    let mut stream = Stream::open(&app, &program).await;
    app.clock.advance(time::Duration::days(31));
    app.wake_workers().await;
    let mut told = stream.event().await;
    if told.0 == "resync" {
        told = stream.event().await;
    }
    assert_eq!(told, comment(&id, "deleted", 3));
    let deleted = "select count(*) from comments where status = 'deleted'";
    assert_eq!(number(&app.database.pool, deleted).await, 1);
    app.stop().await;
}
