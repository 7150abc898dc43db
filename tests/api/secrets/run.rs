//! Calls of documented operations by four callers, and everything that they were told. Must not know what is secret.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::{Client, Response};
use serde_json::Value;
use tokio::time::timeout;

use super::{ADDRESS, KEY};
use crate::support::eventually;

/// What is told arrives within this.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Reader,
    Owner,
    /// Is added in the run, with a set-up link.
    Moderator,
    Viewer,
    /// A token of the owner's that has every scope but `comments:personal`.
    Program,
}

impl Who {
    /// Whose answers must hold nothing personal, whatever they ask.
    pub(super) const WITHOUT_PERSONAL_DATA: [Self; 3] = [Self::Reader, Self::Viewer, Self::Program];

    /// The name of what they use; each its own, so that it can be told whose is where it shouldn't be.
    pub(super) fn agent(self) -> &'static str {
        match self {
            Self::Reader => "SecretBrowser/1",
            Self::Owner => "SecretBrowser/2",
            Self::Moderator => "SecretBrowser/3",
            Self::Viewer => "SecretBrowser/4",
            Self::Program => "SecretBrowser/5",
        }
    }
}

/// An answer with its headers.
pub(super) struct Told {
    pub(super) who: Who,
    pub(super) operation: String,
    pub(super) status: u16,
    pub(super) text: String,
}

/// What the document says of an operation.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) method: String,
    pub(super) path: String,
    /// The least role and the scope that it takes.
    takes: Value,
}

impl Operation {
    /// Whether it reads for signed-in people.
    pub(super) fn is_read(&self) -> bool {
        self.method == "GET" && self.path.starts_with("/api/v1/admin/")
    }

    pub(super) fn is_for(&self, who: Who) -> bool {
        let least_role_is_viewer = self.takes[0] == "viewer";
        match who {
            Who::Owner => true,
            Who::Viewer => least_role_is_viewer,
            Who::Program => self.takes[1] != "session" && self.takes[1] != "comments:personal",
            Who::Reader | Who::Moderator => false,
        }
    }
}

/// The run so far.
pub(super) struct Run {
    client: Client,
    base: String,
    /// What is documented, by its id.
    pub(super) operations: BTreeMap<String, Operation>,
    pub(super) called: BTreeSet<String>,
    pub(super) tokens: BTreeMap<Who, String>,
    pub(super) told: Vec<Told>,
    streams: Vec<(Who, Response, String)>,
}

/// What is sent besides the path.
#[derive(Default)]
pub(super) struct Sent<'a> {
    /// In the place of `{id}` or `{file}`.
    pub(super) id: &'a str,
    /// With the question mark.
    pub(super) query: &'a str,
    pub(super) body: Value,
    /// Instead of the caller's own.
    pub(super) token: Option<&'a str>,
}

impl Run {
    pub(super) async fn begin(base: String) -> Self {
        let client = Client::builder().no_proxy().build().unwrap();
        let document = client.get(format!("{base}/api/v1/openapi.json")).send();
        let document: Value = document.await.unwrap().json().await.unwrap();
        let mut operations = BTreeMap::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                if let Some(id) = operation["operationId"].as_str() {
                    let documented = Operation {
                        method: method.to_uppercase(),
                        path: path.clone(),
                        takes: operation["security"][0]["bearer"].clone(),
                    };
                    operations.insert(id.to_owned(), documented);
                }
            }
        }
        Self {
            client,
            base,
            operations,
            called: BTreeSet::new(),
            tokens: BTreeMap::new(),
            told: Vec::new(),
            streams: Vec::new(),
        }
    }

    async fn send(&mut self, who: Who, operation: &str, sent: &Sent<'_>) -> Response {
        let documented = self.operations.get(operation);
        let documented = documented.unwrap_or_else(|| panic!("{operation} isn't documented"));
        self.called.insert(operation.to_owned());
        let path = documented
            .path
            .replace("{id}", sent.id)
            .replace("{file}", sent.id);
        let url = format!("{}{path}{}", self.base, sent.query);
        let key = format!("{KEY}-{}", self.told.len());
        let mut request = self
            .client
            .request(documented.method.parse().unwrap(), url)
            .header("X-Forwarded-For", ADDRESS)
            .header("User-Agent", who.agent())
            .header("Idempotency-Key", key);
        if let Some(token) = sent.token.or(self.tokens.get(&who).map(String::as_str)) {
            request = request.bearer_auth(token);
        }
        if !sent.body.is_null() {
            request = request.json(&sent.body);
        }
        request.send().await.unwrap()
    }

    /// Calls an operation and keeps the answer.
    pub(super) async fn ask(&mut self, who: Who, operation: &str, sent: Sent<'_>) -> (u16, Value) {
        let response = self.send(who, operation, &sent).await;
        let status = response.status().as_u16();
        let headers = format!("{:?}", response.headers());
        let text = response.text().await.unwrap();
        let value = serde_json::from_str(&text).unwrap_or_default();
        self.told.push(Told {
            who,
            operation: operation.to_owned(),
            status,
            text: format!("{headers}\n{text}"),
        });
        (status, value)
    }

    /// The same, with the status that the answer has to have.
    pub(super) async fn call(
        &mut self,
        who: Who,
        operation: &str,
        sent: Sent<'_>,
        wanted: u16,
    ) -> Value {
        let (status, value) = self.ask(who, operation, sent).await;
        assert_eq!(status, wanted, "{operation}: {value}");
        value
    }

    /// Waits until the value at this pointer is so.
    pub(super) async fn until(&mut self, operation: &str, id: &str, pointer: &str, wanted: &str) {
        eventually(operation, async || {
            let sent = Sent {
                id,
                ..Sent::default()
            };
            let value = self.call(Who::Owner, operation, sent, 200).await;
            value.pointer(pointer).is_some_and(|found| found == wanted)
        })
        .await;
    }

    /// Opens a stream of events.
    pub(super) async fn follow(&mut self, who: Who) {
        let response = self.send(who, "follow_events", &Sent::default()).await;
        assert_eq!(response.status(), 200);
        let headers = format!("{:?}\n", response.headers());
        self.streams.push((who, response, headers));
    }

    /// Reads every stream until it has these words.
    pub(super) async fn hear(&mut self, words: &str) {
        for (who, mut response, mut text) in self.streams.drain(..) {
            while !text.contains(words) {
                let chunk = timeout(PATIENCE, response.chunk()).await.unwrap();
                text.push_str(&String::from_utf8_lossy(&chunk.unwrap().unwrap()));
            }
            assert!(text.contains("event: comment"), "{text}");
            self.told.push(Told {
                who,
                operation: "follow_events".to_owned(),
                status: 200,
                text,
            });
        }
    }
}

/// The text at a pointer, which has to be one.
pub(super) fn at(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found
        .unwrap_or_else(|| panic!("no {pointer} in {value}"))
        .to_owned()
}
