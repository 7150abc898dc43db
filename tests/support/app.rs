//! The service on a real port, and clients of it. Must not know what is tested.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use rejoinder::accounts::PasswordCost;
use rejoinder::app::startup::{self, Audience, Running, Setting};
use rejoinder::base::clock::Clock;
use rejoinder::settings::{Flags, Settings, Sources};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::contract::{Exchange, deviations};
use super::{TestDatabase, contradictions};

pub(crate) const OWNER: &str = "owner@example.org";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Streams of events are silent for no longer than this.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(1);

/// A running service with its own database.
pub(crate) struct TestApp {
    pub(crate) database: TestDatabase,
    pub(crate) clock: Clock,
    pub(crate) base: String,
    client: Client,
    running: Running,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The value at a JSON pointer (RFC 6901); null where there is none.
    pub(crate) fn at(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or(Value::Null)
    }

    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    pub(crate) fn has(self, pointer: &str, wanted: impl Into<Value>) -> Self {
        assert_eq!(self.at(pointer), wanted.into(), "{pointer} in {self:?}");
        self
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// A problem document of this code, in its documented form.
    pub(crate) fn is_problem(self, status: u16, code: &str) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        assert_eq!(self.at("/code"), code, "{self:?}");
        assert_eq!(self.at("/type"), format!("/problems/{code}"));
        assert_eq!(self.at("/status"), status);
        assert_eq!(self.at("/request_id"), self.header("x-request-id"));
        assert!(
            self.at("/title").is_string() && self.at("/detail").is_string(),
            "{self:?}"
        );
        self
    }

    /// The codes of the fields that are wrong, as `field: code`, sorted.
    pub(crate) fn field_errors(&self) -> Vec<String> {
        let errors = self.at("/errors");
        let mut found: Vec<String> = errors
            .as_array()
            .into_iter()
            .flatten()
            .map(|error| {
                format!(
                    "{}: {}",
                    error["field"].as_str().unwrap(),
                    error["code"].as_str().unwrap()
                )
            })
            .collect();
        found.sort();
        found
    }
}

/// Settings of a test: a free port and this database; `more` adds or replaces variables.
pub(crate) fn settings(database: &TestDatabase, more: &[(&str, &str)]) -> Settings {
    let url = database.url();
    let base = [
        ("DATABASE_URL", url.as_str()),
        ("REJOINDER_LISTEN", "127.0.0.1:0"),
        ("REJOINDER_SITE_ORIGINS", "https://example.org"),
        ("REJOINDER_ADMIN_EMAIL", OWNER),
        ("REJOINDER_ADMIN_PASSWORD", PASSWORD),
        ("REJOINDER_RATE_LIMIT", "off"),
    ];
    let environment: BTreeMap<String, OsString> = base
        .iter()
        .chain(more)
        .map(|(name, value)| ((*name).to_owned(), OsString::from(value)))
        .collect();
    let read = Box::new(|path: &Path| std::fs::read_to_string(path));
    let sources = Sources {
        flags: Flags::default(),
        environment,
        read,
    };
    Settings::gather(sources).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With settings more or other than the usual ones.
    pub(crate) async fn with(more: &[(&str, &str)]) -> Self {
        Self::on(TestDatabase::create().await, more).await
    }

    /// Whose streams of events may be silent for so long.
    pub(crate) async fn with_heartbeat(heartbeat: Duration) -> Self {
        Self::begin(TestDatabase::create().await, &[], heartbeat).await
    }

    /// On a database that is there already.
    pub(crate) async fn on(database: TestDatabase, more: &[(&str, &str)]) -> Self {
        Self::begin(database, more, HEARTBEAT).await
    }

    async fn begin(database: TestDatabase, more: &[(&str, &str)], heartbeat: Duration) -> Self {
        let clock = Clock::movable();
        let setting = Setting {
            clock: clock.clone(),
            passwords: PasswordCost::ForTests,
            http_workers: Some(1),
            heartbeat,
        };
        let running = startup::start_with(settings(&database, more), Audience::Machine, setting)
            .await
            .unwrap();
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            base: format!("http://127.0.0.1:{}", running.port),
            database,
            clock,
            client,
            running,
        }
    }

    /// Stops, and looks whether the database holds together.
    pub(crate) async fn stop(self) {
        self.running.stop().await.unwrap();
        assert_eq!(contradictions(&self.database.pool).await, [""; 0]);
    }

    /// Has schedules and jobs looked at now, as a notice of another instance would.
    pub(crate) async fn wake_workers(&self) {
        let statement = "select pg_notify('rejoinder', E'-\njobs due')";
        super::execute(&self.database.options, statement.to_owned()).await;
    }

    /// A request that is built by hand.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(
            Method::from_bytes(method.as_bytes()).unwrap(),
            format!("{}{path}", self.base),
        )
    }

    /// Sends a request. The answer has to be as the OpenAPI document describes it, whatever the test is about.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let request = request.build().unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = self.client.execute(request).await.unwrap();
        let headers = response.headers().clone();
        let is_stream = headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind == "text/event-stream");
        let answer = Answer {
            status: response.status().as_u16(),
            // A stream has no end.
            text: if is_stream {
                String::new()
            } else {
                response.text().await.unwrap()
            },
            headers,
        };
        let found = deviations(&Exchange {
            method: method.as_str(),
            path: &path,
            status: answer.status,
            headers: &answer.headers,
            text: &answer.text,
        });
        assert!(found.is_empty(), "not as documented: {found:#?}");
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request("POST", path).json(body)).await
    }

    /// Submits a comment.
    pub(crate) async fn submit(&self, body: &Value) -> Answer {
        self.post("/api/v1/comments", body).await
    }

    /// A comment that was taken: its id and manage token.
    pub(crate) async fn submitted(&self, body: &Value) -> (String, String) {
        let answer = self.submit(body).await.is(201);
        let text = |pointer| answer.at(pointer).as_str().unwrap().to_owned();
        (text("/comment/id"), text("/manage_token"))
    }

    /// A published comment on a page of example.org; its id.
    pub(crate) async fn published(
        &self,
        desk: &Desk,
        path: &str,
        text: &str,
        parent: Option<&str>,
    ) -> String {
        let (id, _) = self.submitted(&comment_on(path, text, parent)).await;
        desk.decide(self, &id, "approve", &json!({})).await.is(200);
        id
    }

    /// The published comments of a page of example.org; `query` goes behind.
    pub(crate) async fn thread(&self, path: &str, query: &str) -> Answer {
        self.get(&format!(
            "/api/v1/comments?page_url=https://example.org{path}{query}"
        ))
        .await
    }

    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.post(
            "/api/v1/admin/sessions",
            &json!({"email": email, "password": password}),
        )
        .await
    }

    /// The first owner, signed in.
    pub(crate) async fn desk(&self) -> Desk {
        let answer = self.sign_in(OWNER, PASSWORD).await.is(201);
        Desk {
            token: answer.at("/token").as_str().unwrap().to_owned(),
        }
    }
}

/// A submission to a page of example.org; each text makes another author's address.
pub(crate) fn comment_on(path: &str, text: &str, parent: Option<&str>) -> Value {
    json!({
        "page_url": format!("https://example.org{path}"),
        "name": "Ada",
        "email": "ada@example.org",
        "body": text,
        "parent_id": parent,
    })
}

/// A moderator at work.
pub(crate) struct Desk {
    pub(crate) token: String,
}

impl Desk {
    pub(crate) async fn get(&self, app: &TestApp, path: &str) -> Answer {
        app.send(
            app.request("GET", path)
                .header(AUTHORIZATION, format!("Bearer {}", self.token)),
        )
        .await
    }

    pub(crate) async fn post(&self, app: &TestApp, path: &str, body: &Value) -> Answer {
        let request = app
            .request("POST", path)
            .header(AUTHORIZATION, format!("Bearer {}", self.token));
        app.send(
            request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_string()),
        )
        .await
    }

    pub(crate) async fn decide(
        &self,
        app: &TestApp,
        id: &str,
        decision: &str,
        body: &Value,
    ) -> Answer {
        self.post(
            app,
            &format!("/api/v1/admin/comments/{id}/{decision}"),
            body,
        )
        .await
    }
}
