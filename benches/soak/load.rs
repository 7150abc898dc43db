//! Everybody at once, steadily: readers, moderators, and clients that misbehave. Must not know what the program takes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::header::{ETAG, IF_NONE_MATCH};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::watch::{OWNER, PASSWORD};

/// Pages of the site.
const PAGES: u64 = 200;
/// A client that waits longer gives up, which counts as wrong.
const PATIENCE: Duration = Duration::from_secs(10);

/// All who ask, until they are told to stop.
pub(super) struct Load {
    tasks: JoinSet<()>,
    crowd: Arc<Crowd>,
}

struct Crowd {
    base: String,
    client: Client,
    token: String,
    number: AtomicU64,
    requests: AtomicU64,
    /// Refused with 503, which an overloaded machine may cause; told, and not wrong while it is rare.
    refused: AtomicU64,
    wrong: Mutex<BTreeMap<String, u64>>,
    is_over: AtomicBool,
}

/// One in so many requests may be refused with 503.
const REFUSED_PART: u64 = 1_000;

impl Load {
    /// Signs in and sets everybody going.
    pub(super) async fn begin(base: &str) -> Self {
        let client = Client::builder().no_proxy().timeout(PATIENCE).build();
        let mut crowd = Crowd {
            base: base.to_owned(),
            client: client.unwrap(),
            token: String::new(),
            number: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            wrong: Mutex::default(),
            is_over: AtomicBool::new(false),
        };
        crowd.token = crowd.sign_in().await.unwrap();
        let crowd = Arc::new(crowd);
        let mut tasks = JoinSet::new();
        macro_rules! every {
            ($milliseconds:literal, $what:ident) => {{
                let crowd = Arc::clone(&crowd);
                tasks.spawn(async move {
                    let pace = Duration::from_millis($milliseconds);
                    let mut ticks = tokio::time::interval(pace);
                    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                    while !crowd.is_over.load(Ordering::Relaxed) {
                        ticks.tick().await;
                        crowd.$what().await;
                    }
                });
            }};
        }
        for _ in 0..4 {
            every!(50, submit);
            every!(20, read);
        }
        every!(500, decide);
        every!(1_000, claim);
        every!(500, search);
        every!(1_000, look_around);
        every!(1_000, come_and_go);
        every!(200, follow_events);
        every!(300, follow_events);
        every!(100, leave_in_the_middle);
        every!(100, leave_before_the_answer);
        Self { tasks, crowd }
    }

    /// What was asked so far.
    pub(super) fn line(&self) -> String {
        let refused = self.crowd.refused.load(Ordering::Relaxed);
        let requests = self.crowd.requests.load(Ordering::Relaxed);
        if refused == 0 {
            requests.to_string()
        } else {
            format!("{requests} ({refused} refused with 503)")
        }
    }

    /// Sends all home; what was wrong with the answers.
    pub(super) async fn end(self) -> Vec<String> {
        self.crowd.is_over.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
        let refused = self.crowd.refused.load(Ordering::Relaxed);
        let requests = self.crowd.requests.load(Ordering::Relaxed);
        let mut wrong: Vec<String> = self
            .crowd
            .wrong
            .lock()
            .unwrap()
            .iter()
            .map(|(what, times)| format!("{what}, {times} times"))
            .collect();
        if refused * REFUSED_PART > requests {
            wrong.push(format!(
                "{refused} of {requests} requests were refused with 503"
            ));
        }
        wrong
    }
}

impl Crowd {
    fn next(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    fn note(&self, what: String) {
        *self.wrong.lock().unwrap().entry(what).or_default() += 1;
    }

    fn page(number: u64) -> String {
        format!("https://example.org/{}", number % PAGES)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base))
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base)).json(body)
    }

    /// Sends, and gives the answer where it is one of these.
    async fn expect(
        &self,
        what: &str,
        statuses: &[u16],
        request: RequestBuilder,
    ) -> Option<Response> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        match request.send().await {
            Ok(answer) if statuses.contains(&answer.status().as_u16()) => Some(answer),
            Ok(answer) if answer.status() == 503 => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                None
            }
            Ok(answer) => {
                self.note(format!("{what}: answered {}", answer.status()));
                None
            }
            Err(error) => {
                self.note(format!("{what}: {error:?}"));
                None
            }
        }
    }

    async fn expect_json(&self, what: &str, status: u16, request: RequestBuilder) -> Option<Value> {
        let answer = self.expect(what, &[status], request).await?;
        match answer.json().await {
            Ok(body) => Some(body),
            Err(error) => {
                self.note(format!("{what}: {error:?}"));
                None
            }
        }
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.token)
    }

    async fn sign_in(&self) -> Option<String> {
        let body = json!({"email": OWNER, "password": PASSWORD});
        let request = self.post("/api/v1/admin/sessions", &body);
        let session = self.expect_json("sign in", 201, request).await?;
        Some(session["token"].as_str().unwrap().to_owned())
    }

    fn submission(number: u64) -> Value {
        json!({
            "page_url": Self::page(number),
            "page_title": format!("Page {}", number % PAGES),
            "name": "Ebb",
            "email": format!("reader{}@example.org", number % 10_000),
            "body": format!("The *tide* comes in for the {number}th time: https://example.org/{number}"),
        })
    }

    /// A comment, and every tenth time the same again as after a lost answer.
    async fn submit(&self) {
        let number = self.next();
        let body = Self::submission(number);
        let times = if number.is_multiple_of(10) { 2 } else { 1 };
        for _ in 0..times {
            let request = self
                .post("/api/v1/comments", &body)
                .header("Idempotency-Key", number.to_string());
            self.expect("submit", &[201], request).await;
        }
    }

    /// A page, again with its tag, and one comment of it.
    async fn read(&self) {
        let address = Self::page(self.next());
        let page = || self.get(&format!("/api/v1/comments?page_url={address}"));
        let Some(answer) = self.expect("read a page", &[200], page()).await else {
            return;
        };
        let tag = answer.headers().get(ETAG).cloned();
        let Ok(thread) = answer.json::<Value>().await else {
            return self.note("read a page: no JSON".to_owned());
        };
        if let Some(tag) = tag {
            self.expect(
                "read it again",
                &[200, 304],
                page().header(IF_NONE_MATCH, tag),
            )
            .await;
        }
        if let Some(id) = thread["comments"][0]["id"].as_str() {
            // It may have been taken back since.
            self.expect(
                "read a comment",
                &[200, 404],
                self.get(&format!("/api/v1/comments/{id}")),
            )
            .await;
        }
    }

    /// The oldest of the queue, decided in one call and some of them one by one.
    async fn decide(&self) {
        let request = self.signed(self.get("/api/v1/admin/comments?status=pending&limit=100"));
        let Some(queue) = self.expect_json("list the queue", 200, request).await else {
            return;
        };
        let ids = queue["comments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|comment| comment["id"].clone());
        let decisions: Vec<Value> = ids
            .zip(
                ["approve", "approve", "approve", "reject", "spam"]
                    .iter()
                    .cycle(),
            )
            .map(|(id, decision)| json!({"id": id, "decision": decision}))
            .collect();
        let Some(first) = decisions.first() else {
            return;
        };
        let path = format!(
            "/api/v1/admin/comments/{}/approve",
            first["id"].as_str().unwrap()
        );
        self.expect("approve", &[200], self.signed(self.post(&path, &json!({}))))
            .await;
        let body = json!({"decisions": decisions});
        self.expect(
            "decide",
            &[200],
            self.signed(self.post("/api/v1/admin/decisions", &body)),
        )
        .await;
    }

    async fn claim(&self) {
        let request = self.signed(self.post("/api/v1/admin/queue/claims", &json!({"limit": 50})));
        self.expect("claim", &[200], request).await;
        let request = self
            .client
            .delete(format!("{}/api/v1/admin/queue/claims", self.base));
        self.expect("give back", &[200, 204], self.signed(request))
            .await;
    }

    async fn search(&self) {
        let number = self.next();
        let words = [
            "tide",
            "comes time",
            "reader7@example.org",
            "nothing-like-it",
        ];
        let word = words[usize::try_from(number).unwrap() % words.len()];
        for query in [
            format!("q={word}&sort=newest"),
            "status=spam&site=default".to_owned(),
        ] {
            let request = self.signed(self.get(&format!("/api/v1/admin/comments?{query}")));
            self.expect("search", &[200], request).await;
        }
    }

    /// Figures, the log, the document.
    async fn look_around(&self) {
        for path in [
            "/admin/summary",
            "/admin/log",
            "/admin/jobs",
            "/admin/pages",
            "/openapi.json",
        ] {
            let request = self.signed(self.get(&format!("/api/v1{path}")));
            self.expect(path, &[200], request).await;
        }
    }

    /// In and out, and once with another password.
    async fn come_and_go(&self) {
        if let Some(token) = self.sign_in().await {
            let request = self
                .client
                .delete(format!("{}/api/v1/admin/sessions/current", self.base));
            self.expect("sign out", &[204], request.bearer_auth(token))
                .await;
        }
        let body =
            json!({"email": format!("nobody{}@example.org", self.next()), "password": "a guess"});
        // Unknown accounts from one network end in a wait.
        self.expect(
            "guess",
            &[401, 429],
            self.post("/api/v1/admin/sessions", &body),
        )
        .await;
    }

    /// A stream of events for a moment.
    async fn follow_events(&self) {
        let request = self.signed(self.get("/api/v1/admin/events"));
        let Some(mut stream) = self.expect("follow events", &[200], request).await else {
            return;
        };
        let moment = Duration::from_millis(100 + self.next() % 1_900);
        let reading = async { while let Ok(Some(_)) = stream.chunk().await {} };
        tokio::time::timeout(moment, reading).await.ok();
    }

    /// Half a request, and gone.
    async fn leave_in_the_middle(&self) {
        let body = Self::submission(self.next()).to_string();
        let (half, _) = body.split_at(body.len() / 2);
        self.send_and_leave(&format!("Content-Length: {}\r\n\r\n{half}", body.len()))
            .await;
    }

    /// A whole one, and gone before the answer.
    async fn leave_before_the_answer(&self) {
        let body = Self::submission(self.next()).to_string();
        self.send_and_leave(&format!("Content-Length: {}\r\n\r\n{body}", body.len()))
            .await;
    }

    async fn send_and_leave(&self, rest: &str) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let address = self.base.trim_start_matches("http://");
        let head = "POST /api/v1/comments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
        let sent = async {
            let mut connection = TcpStream::connect(address).await?;
            connection
                .write_all(format!("{head}{rest}").as_bytes())
                .await
        };
        if let Err(error) = sent.await {
            self.note(format!("leave early: {error}"));
        }
    }
}
