//! Everybody at once, steadily: who does what how often, and what is kept of the answers. Must not know what is asked
//! (`readers.rs`, `moderators.rs`), nor what the program takes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::watch::{OWNER, PASSWORD};

/// Pages of the site.
const PAGES: u64 = 200;
/// People who write.
pub(super) const READERS: u64 = 10_000;
/// A client that waits longer gives up, which counts as wrong.
const PATIENCE: Duration = Duration::from_secs(10);

/// All who ask, until they are told to stop.
pub(super) struct Load {
    tasks: JoinSet<()>,
    crowd: Arc<Crowd>,
}

pub(super) struct Crowd {
    base: String,
    client: Client,
    token: String,
    number: AtomicU64,
    requests: AtomicU64,
    /// Refused with 503, which an overloaded machine may cause; told, and not wrong while it is rare.
    refused: Mutex<BTreeMap<String, u64>>,
    wrong: Mutex<BTreeMap<String, u64>>,
    /// Of comments that were sent last: their ids and manage tokens.
    own: Mutex<VecDeque<(String, String)>>,
    is_over: AtomicBool,
}

/// So many readers come back to what they wrote.
const OWN_MAX: usize = 500;

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
            refused: Mutex::default(),
            wrong: Mutex::default(),
            own: Mutex::default(),
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
        every!(100, return_to_own);
        every!(100, react);
        every!(200, preview);
        every!(100, count_pages);
        every!(200, read_feeds);
        every!(100, leave_in_the_middle);
        every!(100, leave_before_the_answer);
        every!(500, decide);
        every!(1_000, claim);
        every!(1_000, work_on_one);
        every!(500, search);
        every!(1_000, look_around);
        every!(1_000, come_and_go);
        every!(2_000, use_token);
        every!(200, follow_events);
        every!(300, follow_events);
        every!(5_000, decide_in_a_batch);
        every!(15_000, erase_somebody);
        every!(30_000, export_site);
        every!(5_000, leave_an_export);
        Self { tasks, crowd }
    }

    /// What was asked so far.
    pub(super) fn line(&self) -> String {
        let refused: u64 = self.crowd.refused.lock().unwrap().values().sum();
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
        let by_what = self.crowd.refused.lock().unwrap().clone();
        let refused: u64 = by_what.values().sum();
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
                "{refused} of {requests} requests were refused with 503: {by_what:?}"
            ));
        }
        wrong
    }
}

impl Crowd {
    pub(super) fn next(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn note(&self, what: String) {
        *self.wrong.lock().unwrap().entry(what).or_default() += 1;
    }

    pub(super) fn page(number: u64) -> String {
        format!("https://example.org/{}", number % PAGES)
    }

    /// The service's address, for those who speak to it by themselves.
    pub(super) fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    pub(super) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub(super) fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path)
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path).json(body)
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// A request that isn't made by the client was sent.
    pub(super) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps what its author needs.
    pub(super) fn keep_own(&self, id: &str, token: &str) {
        let mut own = self.own.lock().unwrap();
        own.push_back((id.to_owned(), token.to_owned()));
        if own.len() > OWN_MAX {
            own.pop_front();
        }
    }

    /// One of the comments that were sent last, and its token.
    pub(super) fn find_own(&self) -> Option<(String, String)> {
        let own = self.own.lock().unwrap();
        let number = usize::try_from(self.next()).unwrap();
        own.get(number % own.len().max(1)).cloned()
    }

    /// Sends, and gives the answer where it is one of these.
    pub(super) async fn expect(
        &self,
        what: &str,
        statuses: &[u16],
        request: RequestBuilder,
    ) -> Option<Response> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        match request.send().await {
            Ok(answer) if statuses.contains(&answer.status().as_u16()) => Some(answer),
            Ok(answer) if answer.status() == 503 => {
                *self
                    .refused
                    .lock()
                    .unwrap()
                    .entry(what.to_owned())
                    .or_default() += 1;
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

    pub(super) async fn expect_json(
        &self,
        what: &str,
        status: u16,
        request: RequestBuilder,
    ) -> Option<Value> {
        let answer = self.expect(what, &[status], request).await?;
        match answer.json().await {
            Ok(body) => Some(body),
            Err(error) => {
                self.note(format!("{what}: {error:?}"));
                None
            }
        }
    }

    pub(super) fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.token)
    }

    pub(super) async fn sign_in(&self) -> Option<String> {
        let body = json!({"email": OWNER, "password": PASSWORD});
        let request = self.post("/api/v1/admin/sessions", &body);
        let session = self.expect_json("sign in", 201, request).await?;
        Some(session["token"].as_str().unwrap().to_owned())
    }
}
