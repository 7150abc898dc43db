//! What only a bare connection can send: oversized heads, bodies that lie about their length, end nowhere or come slowly.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::rows;
use crate::support::app::{TestApp, comment_on};

/// Longer than the service takes for anything.
const PATIENCE: Duration = Duration::from_secs(20);
const FULL: usize = 160 * 1024;

struct Connection(TcpStream);

impl Connection {
    async fn open(app: &TestApp) -> Self {
        let address = app.base.trim_start_matches("http://");
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// The service may have answered and hung up before all is sent.
    async fn send(&mut self, bytes: &[u8]) {
        drop(self.0.write_all(bytes).await);
    }

    /// Everything until the service hangs up.
    async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let read = timeout(PATIENCE, self.0.read_to_end(&mut bytes)).await;
        assert!(read.is_ok(), "the service hangs");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The first answer, its body by its length.
    async fn answer(&mut self) -> String {
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    let named = name.eq_ignore_ascii_case("content-length");
                    named.then(|| value.trim().parse::<usize>().unwrap())
                });
                if body.len() >= length.unwrap_or(0) {
                    return text;
                }
            }
            let read = timeout(PATIENCE, self.0.read(&mut chunk)).await;
            match read.unwrap_or_else(|_| panic!("the service hangs after {text:?}")) {
                Ok(0) | Err(_) => return text,
                Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            }
        }
    }
}

fn head(more: &str) -> String {
    format!(
        "POST /api/v1/comments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{more}\r\n"
    )
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

fn is_problem(answer: &str, wanted: &str, code: &str) {
    assert_eq!(status(answer), wanted, "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert!(answer.contains(&format!("\"code\":\"{code}\"")), "{answer}");
}

/// A body of this length that is right but for it, perhaps.
fn body_of(length: usize) -> String {
    let good = comment_on("/tides", "Text", None).to_string();
    let missing = length - good.len();
    format!("{}{}", good, " ".repeat(missing))
}

#[tokio::test]
async fn a_body_may_have_160_kib_and_not_an_octet_more() {
    let app = TestApp::start().await;
    let mut connection = Connection::open(&app).await;
    connection
        .send(head(&format!("Content-Length: {FULL}\r\n")).as_bytes())
        .await;
    connection.send(body_of(FULL).as_bytes()).await;
    assert_eq!(status(&connection.answer().await), "201");

    // Refused by what is announced, before anything comes.
    for length in [(FULL + 1).to_string(), "99999999999".to_owned()] {
        let mut connection = Connection::open(&app).await;
        connection
            .send(head(&format!("Content-Length: {length}\r\n")).as_bytes())
            .await;
        is_problem(&connection.answer().await, "413", "body_too_large");
    }

    // Refused by what comes.
    let mut connection = Connection::open(&app).await;
    connection
        .send(head("Transfer-Encoding: chunked\r\n").as_bytes())
        .await;
    let body = body_of(FULL + 1);
    for chunk in body.as_bytes().chunks(8 * 1024) {
        connection
            .send(format!("{:x}\r\n", chunk.len()).as_bytes())
            .await;
        connection.send(chunk).await;
        connection.send(b"\r\n").await;
    }
    is_problem(&connection.answer().await, "413", "body_too_large");
    assert_eq!(rows::counts(&app.database).await, [1, 1, 1]);
    app.stop().await;
}

#[tokio::test]
async fn a_body_in_chunks_is_taken() {
    let app = TestApp::start().await;
    let mut connection = Connection::open(&app).await;
    connection
        .send(head("Transfer-Encoding: chunked\r\n").as_bytes())
        .await;
    for chunk in comment_on("/tides", "Text", None)
        .to_string()
        .as_bytes()
        .chunks(7)
    {
        connection
            .send(format!("{:x}\r\n", chunk.len()).as_bytes())
            .await;
        connection.send(chunk).await;
        connection.send(b"\r\n").await;
    }
    connection.send(b"0\r\n\r\n").await;
    assert_eq!(status(&connection.answer().await), "201");
    app.stop().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_or_lies_about_its_length_stores_nothing() {
    let app = TestApp::start().await;
    let good = comment_on("/tides", "Text", None).to_string();
    // The client goes away in the middle.
    let mut connection = Connection::open(&app).await;
    let announced = good.len() + 10;
    connection
        .send(head(&format!("Content-Length: {announced}\r\n")).as_bytes())
        .await;
    connection.send(good.as_bytes()).await;
    connection.0.shutdown().await.unwrap();
    let answer = connection.rest().await;
    assert_ne!(status(&answer), "201", "{answer}");

    // Less is announced than comes: the rest is read as another request, which is none.
    let mut connection = Connection::open(&app).await;
    let announced = good.len() - 10;
    connection
        .send(head(&format!("Content-Length: {announced}\r\n")).as_bytes())
        .await;
    connection.send(good.as_bytes()).await;
    is_problem(&connection.answer().await, "400", "malformed_body");

    for broken in [
        "zz\r\n",
        "-1\r\n",
        "ffffffffffffffffff\r\n",
        "5;x\r\nabcdeXX",
    ] {
        let mut connection = Connection::open(&app).await;
        connection
            .send(head("Transfer-Encoding: chunked\r\n").as_bytes())
            .await;
        connection.send(broken.as_bytes()).await;
        connection.0.shutdown().await.unwrap();
        let answer = connection.rest().await;
        assert!(
            ["400", "none"].contains(&status(&answer)),
            "{broken:?}: {answer}"
        );
    }
    assert_eq!(rows::counts(&app.database).await, [0, 0, 0]);
    app.stop().await;
}

#[tokio::test]
async fn heads_that_are_none_are_refused_by_the_parser() {
    let app = TestApp::start().await;
    let length = |value: &str| head(&format!("Content-Length: {value}\r\n"));
    let long = "a".repeat(300_000);
    let many: Vec<String> = (0..500).map(|n| format!("X-{n}: 1\r\n")).collect();
    let many = many.concat();
    for broken in [
        length("x"),
        length("-1"),
        length("+5"),
        length("5\r\nContent-Length: 6"),
        length("5\r\nTransfer-Encoding: chunked"),
        head("Transfer-Encoding: gzip\r\n"),
        head("Transfer-Encoding: chunked, identity\r\n"),
        head("X-A\u{1}: 1\r\n"),
        head("X-A: \u{0}\r\n"),
        head("X-A : 1\r\n"),
        head("no colon\r\n"),
        format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        format!("GET /?{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-A: {long}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"),
        "GET /?page_url=\u{E9} HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "GET /\u{0} HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "G\u{1}T / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\u{0}".repeat(20) + "\r\n\r\n",
        "rubbish\r\n\r\n".to_owned(),
    ] {
        let mut connection = Connection::open(&app).await;
        connection.send(broken.as_bytes()).await;
        let answer = connection.answer().await;
        let shown: String = broken.chars().take(160).collect();
        let refused = ["400", "413", "414", "431", "none"].contains(&status(&answer));
        assert!(refused, "{shown:?}: {answer}");
    }
    assert_eq!(rows::counts(&app.database).await, [0, 0, 0]);
    app.get("/healthz").await.is(200);
    app.stop().await;
}

#[tokio::test]
async fn long_addresses_and_heads_below_the_parsers_bound_are_answered_in_form() {
    let app = TestApp::start().await;
    let long = "a".repeat(20_000);
    for (request, wanted, code) in [
        (format!("GET /{long} HTTP/1.1\r\n"), "404", "not_found"),
        (
            format!("GET /api/v1/comments?page_url=https://example.org/{long} HTTP/1.1\r\n"),
            "400",
            "invalid_query",
        ),
        (
            format!("GET /nothing HTTP/1.1\r\nX-Request-Id: {long}\r\n"),
            "404",
            "not_found",
        ),
        (
            format!("GET /api/v1/admin/comments HTTP/1.1\r\nAuthorization: Bearer {long}\r\n"),
            "401",
            "unauthenticated",
        ),
    ] {
        let mut connection = Connection::open(&app).await;
        connection
            .send(format!("{request}Host: localhost\r\n\r\n").as_bytes())
            .await;
        is_problem(&connection.answer().await, wanted, code);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up_after_ten_seconds() {
    let app = TestApp::start().await;
    let began = Instant::now();
    let mut slow = Connection::open(&app).await;
    slow.send(head("Content-Length: 500\r\n").as_bytes()).await;
    slow.send(b"{\"name\":").await;
    let mut endless = Connection::open(&app).await;
    endless
        .send(head("Transfer-Encoding: chunked\r\n").as_bytes())
        .await;
    endless.send(b"1\r\n{\r\n").await;
    let mut silent = Connection::open(&app).await;
    silent.send(b"GET / HTTP/1.1\r\nHost:").await;
    let answers = tokio::join!(slow.answer(), endless.answer(), silent.rest());
    is_problem(&answers.0, "408", "request_timeout");
    is_problem(&answers.1, "408", "request_timeout");
    // A head that doesn't come is the parser's.
    assert!(
        ["408", "none"].contains(&status(&answers.2)),
        "{}",
        answers.2
    );
    let took = began.elapsed();
    assert!(
        took >= Duration::from_secs(9) && took < PATIENCE,
        "{took:?}"
    );
    app.submit(&comment_on("/tides", "Text", None))
        .await
        .is(201);
    app.stop().await;
}

#[tokio::test]
async fn a_client_that_goes_away_and_comes_again_has_one_comment() {
    let app = TestApp::start().await;
    let body = comment_on("/tides", "Text", None).to_string();
    let more = format!("Idempotency-Key: key\r\nContent-Length: {}\r\n", body.len());
    for _ in 0..8 {
        let mut connection = Connection::open(&app).await;
        connection.send(head(&more).as_bytes()).await;
        connection.send(body.as_bytes()).await;
        drop(connection);
    }
    let mut connection = Connection::open(&app).await;
    connection.send(head(&more).as_bytes()).await;
    connection.send(body.as_bytes()).await;
    assert_eq!(status(&connection.answer().await), "201");
    app.submit(&comment_on("/tides", "Text", None))
        .await
        .is_problem(409, "duplicate_comment");
    assert_eq!(rows::counts(&app.database).await, [1, 1, 1]);
    app.stop().await;
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on() {
    let app = TestApp::start().await;
    let body = comment_on("/tides", "Text", None).to_string();
    let mut connection = Connection::open(&app).await;
    let more = format!("Expect: 100-continue\r\nContent-Length: {}\r\n", body.len());
    connection.send(head(&more).as_bytes()).await;
    assert_eq!(status(&connection.answer().await), "100");
    connection.send(body.as_bytes()).await;
    assert_eq!(status(&connection.answer().await), "201");
    app.stop().await;
}

#[tokio::test]
async fn a_client_that_sends_far_too_much_reads_why_it_is_refused() {
    let app = TestApp::start().await;
    for length in [FULL + 1, 8 * FULL, 64 * FULL] {
        let request = app
            .request("POST", "/api/v1/comments")
            .header("content-type", "application/json")
            .body(vec![b' '; length]);
        app.send(request).await.is_problem(413, "body_too_large");
    }
    app.stop().await;
}
