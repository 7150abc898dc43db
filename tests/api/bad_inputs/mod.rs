//! Tables of bad inputs, each with the refusal that the contract promises; none stores anything or is a 500.

use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use crate::rows;
use crate::support::app::{Answer, Desk, TestApp, comment_on};

mod addresses;
mod bodies;
mod fields;
mod moderators;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// A request, and what it is answered with.
pub(crate) struct Row {
    what: String,
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
    signed_in: bool,
    status: u16,
    code: String,
    fields: Vec<String>,
}

impl Row {
    /// Asks for an address.
    fn get(path: impl Into<String>, status: u16, code: &str) -> Self {
        let path = path.into();
        Self {
            what: path.chars().take(90).collect(),
            method: "GET",
            path,
            headers: Vec::new(),
            body: Vec::new(),
            signed_in: false,
            status,
            code: code.to_owned(),
            fields: Vec::new(),
        }
    }

    /// Sends a body of a kind.
    fn send(path: &str, kind: &str, body: impl Into<Vec<u8>>, status: u16, code: &str) -> Self {
        let body = body.into();
        let shown: String = String::from_utf8_lossy(&body).chars().take(90).collect();
        let mut row = Self::get(path, status, code);
        row.what = format!("{path} {kind} {shown:?}");
        row.method = "POST";
        row.body = body;
        row.with("content-type", kind)
    }

    /// Submits a body of a kind.
    fn submit(kind: &str, body: impl Into<Vec<u8>>, status: u16, code: &str) -> Self {
        Self::send("/api/v1/comments", kind, body, status, code)
    }

    fn with(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name, value.as_ref().to_vec()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    fn method(mut self, method: &'static str) -> Self {
        self.what = format!("{method} {}", self.what);
        self.method = method;
        self
    }

    fn named(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }

    /// The fields that are named, as `field: code`, sorted.
    fn fields(mut self, fields: &[&str]) -> Self {
        self.fields = fields.iter().map(|field| (*field).to_owned()).collect();
        self
    }

    fn signed_in(mut self) -> Self {
        self.signed_in = true;
        self
    }

    async fn ask(&self, app: &TestApp, desk: &Desk) -> Answer {
        let mut request = app.request(self.method, &self.path);
        for (name, value) in &self.headers {
            request = request.header(*name, HeaderValue::from_bytes(value).unwrap());
        }
        if self.signed_in {
            request = request.bearer_auth(&desk.token);
        }
        if !self.body.is_empty() {
            request = request.body(self.body.clone());
        }
        app.send(request).await
    }

    /// What is wrong with the answer, if anything.
    fn judge(&self, answer: &Answer) -> Option<String> {
        let body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
        let documented = answer.status == self.status
            && answer.header("content-type") == "application/problem+json"
            && answer.header("cache-control") == "private, no-store"
            && body["code"] == json!(self.code)
            && body["type"] == json!(format!("/problems/{}", self.code))
            && body["status"] == json!(self.status)
            && body["title"].is_string()
            && body["detail"].is_string()
            && body["request_id"] == json!(answer.header("x-request-id"));
        let fields = documented.then(|| answer.field_errors());
        (fields.as_ref() != Some(&self.fields)).then(|| {
            format!(
                "{}\n  wanted {} {} {:?}\n  got    {} {}",
                self.what, self.status, self.code, self.fields, answer.status, answer.text
            )
        })
    }
}

fn table() -> Vec<Row> {
    let mut rows = fields::rows();
    rows.extend(bodies::rows());
    rows.extend(addresses::rows());
    rows.extend(moderators::rows());
    rows
}

#[tokio::test]
async fn every_bad_input_gets_its_documented_refusal_and_stores_nothing() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    app.published(&desk, "/tides", "A good one", None).await;
    let before = rows::counts(&app.database).await;
    let rows = table();
    assert!(rows.len() >= 150, "only {} bad inputs", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let answer = row.ask(&app, &desk).await;
        wrong.extend(row.judge(&answer));
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
    assert_eq!(rows::counts(&app.database).await, before);
    app.submit(&comment_on("/tides", "Another good one", None))
        .await
        .is(201);
    app.stop().await;
}

#[tokio::test]
async fn no_refusal_echoes_what_was_sent() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let secret = "s3cr3tvalue";
    let mut body = json!({});
    for field in ["page_url", "name", "email", "body", "website", "parent_id"] {
        body[field] = json!(format!("{secret}\u{1}\u{202E}"));
    }
    for answer in [
        app.submit(&body).await.is(422),
        app.get(&format!("/api/v1/comments?page_url={secret}&sort={secret}"))
            .await
            .is(400),
        app.get(&format!(
            "/api/v1/comments?page_url=https://example.org/&cursor={secret}"
        ))
        .await
        .is(400),
        app.get(&format!("/{secret}?{secret}=%ff")).await,
        app.sign_in(secret, secret).await.is(422),
        desk.get(&app, &format!("/api/v1/admin/comments?{secret}=1"))
            .await
            .is(400),
        desk.decide(&app, secret, "approve", &json!({"reason": secret}))
            .await,
    ] {
        assert!(!answer.text.contains(secret), "{answer:?}");
    }
    app.stop().await;
}
