//! What moderators, their desks and programs ask. Must not know how often, nor any reader.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::load::{Crowd, READERS};

/// The whole site may be long, and each of its texts may speak of a person.
const EXPORT_PATIENCE: Duration = Duration::from_mins(2);
/// Between two looks at what a job does, and how often it is looked at.
const LOOK_PACE: Duration = Duration::from_millis(200);
const LOOKS_MAX: u32 = 600;

impl Crowd {
    /// The oldest of the queue, decided in one call and the first of them by itself.
    pub(super) async fn decide(&self) {
        let request = self.signed(self.get("/api/v1/admin/comments?status=pending&limit=100"));
        let Some(queue) = self.expect_json("list the queue", 200, request).await else {
            return;
        };
        let words = ["approve", "approve", "approve", "reject", "spam"];
        let comments = queue["comments"].as_array().unwrap().iter();
        let decisions: Vec<Value> = comments
            .zip(words.iter().cycle())
            .map(|(comment, decision)| json!({"id": comment["id"], "decision": decision}))
            .collect();
        let Some(first) = decisions.first() else {
            return;
        };
        let id = first["id"].as_str().unwrap();
        let path = format!("/api/v1/admin/comments/{id}/approve");
        // Its author may have withdrawn it since.
        let approve = self.signed(self.post(&path, &json!({})));
        self.expect("approve", &[200, 409], approve).await;
        let body = json!({"decisions": decisions});
        let decide = self.signed(self.post("/api/v1/admin/decisions", &body));
        self.expect("decide", &[200], decide).await;
    }

    pub(super) async fn claim(&self) {
        let path = "/api/v1/admin/queue/claims";
        let request = self.signed(self.post(path, &json!({"limit": 50})));
        self.expect("claim", &[200], request).await;
        let request = self.signed(self.delete(path));
        self.expect("give back", &[204], request).await;
    }

    /// One comment: looked at with its history and author, answered, corrected, noted, and sometimes deleted.
    pub(super) async fn work_on_one(&self) {
        let newest = "/api/v1/admin/comments?status=approved&sort=newest&limit=5";
        let request = self.signed(self.get(newest));
        let Some(list) = self.expect_json("list the newest", 200, request).await else {
            return;
        };
        let number = self.next();
        let comment = &list["comments"][usize::try_from(number % 5).unwrap()];
        let (Some(id), Some(author)) = (comment["id"].as_str(), comment["author_id"].as_str())
        else {
            return;
        };
        let path = format!("/api/v1/admin/comments/{id}");
        for path in [path.clone(), format!("/api/v1/admin/authors/{author}")] {
            self.expect(
                "look at a comment",
                &[200, 404],
                self.signed(self.get(&path)),
            )
            .await;
        }
        // Authors withdraw, and others decide, meanwhile.
        let meanwhile = &[200, 201, 404, 409];
        let reply = json!({"body": format!("The tables of {number} say otherwise.")});
        let reply = self.signed(self.post(&format!("{path}/replies"), &reply));
        self.expect("answer", meanwhile, reply).await;
        let text = json!({"body": format!("The tide was corrected by the desk, {number}.")});
        let edit = self.signed(self.request(Method::PATCH, &path)).json(&text);
        self.expect("edit", meanwhile, edit).await;
        let note = json!({"note": "Ask the harbour master."});
        let note = self.signed(self.post(&format!("{path}/notes"), &note));
        if let Some(answer) = self.expect("note", meanwhile, note).await
            && let Ok(note) = answer.json::<Value>().await
            && let Some(id) = note["id"].as_str()
        {
            let gone = self.signed(self.delete(&format!("/api/v1/admin/notes/{id}")));
            self.expect("delete a note", &[204, 404], gone).await;
        }
        if number.is_multiple_of(3) {
            let gone = self.signed(self.delete(&path));
            self.expect("delete", &[204], gone).await;
        }
    }

    pub(super) async fn search(&self) {
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
            "signal=reported&sort=newest".to_owned(),
        ] {
            let request = self.signed(self.get(&format!("/api/v1/admin/comments?{query}")));
            self.expect(&format!("search {query}"), &[200], request)
                .await;
        }
    }

    /// Figures, lists, the log, the document.
    pub(super) async fn look_around(&self) {
        for path in [
            "/admin/summary",
            "/admin/log",
            "/admin/jobs",
            "/admin/pages",
            "/admin/sites",
            "/admin/batches",
            "/admin/sessions",
            "/openapi.json",
        ] {
            let request = self.signed(self.get(&format!("/api/v1{path}")));
            self.expect(path, &[200], request).await;
        }
    }

    /// In and out, and a guess from elsewhere.
    pub(super) async fn come_and_go(&self) {
        if let Some(token) = self.sign_in().await {
            let request = self.delete("/api/v1/admin/sessions/current");
            self.expect("sign out", &[204], request.bearer_auth(token))
                .await;
        }
        let number = self.next();
        let body = json!({"email": format!("nobody{number}@example.org"), "password": "a guess"});
        // Never a network again, so that there is no wait and each guess is worth a hash; 429 while others are hashed.
        let network = format!(
            "2001:db8:{:x}:{:x}::1",
            number >> 16 & 0xffff,
            number & 0xffff
        );
        let guess = self
            .post("/api/v1/admin/sessions", &body)
            .header("X-Forwarded-For", network);
        self.expect("guess", &[401, 429], guess).await;
    }

    /// A program's token: made, used, revoked, and no longer good.
    pub(super) async fn use_token(&self) {
        let path = "/api/v1/admin/tokens";
        let body = json!({"name": "soak", "scopes": ["comments:read"]});
        let made = self.signed(self.post(path, &body));
        let Some(made) = self.expect_json("make a token", 201, made).await else {
            return;
        };
        let (id, token) = (
            made["id"].as_str().unwrap(),
            made["token"].as_str().unwrap(),
        );
        let list = || {
            self.get("/api/v1/admin/comments?limit=1")
                .bearer_auth(token)
        };
        self.expect("use a token", &[200], list()).await;
        let revoke = self.signed(self.delete(&format!("{path}/{id}")));
        if self.expect("revoke", &[204], revoke).await.is_some() {
            self.expect("use a revoked token", &[401], list()).await;
        }
    }

    /// A stream of events for a moment.
    pub(super) async fn follow_events(&self) {
        let request = self.signed(self.get("/api/v1/admin/events"));
        let Some(mut stream) = self.expect("follow events", &[200], request).await else {
            return;
        };
        let moment = Duration::from_millis(100 + self.next() % 1_900);
        let reading = async { while let Ok(Some(_)) = stream.chunk().await {} };
        tokio::time::timeout(moment, reading).await.ok();
    }

    /// What was rejected under a page is approved after all, and that is undone.
    pub(super) async fn decide_in_a_batch(&self) {
        let filter = json!({"status": ["rejected"], "page_url": Self::page(self.next())});
        let path = "/api/v1/admin/batches";
        let body = json!({"filter": filter});
        let count = self.signed(self.post(&format!("{path}/counts"), &body));
        let Some(counted) = self.expect_json("count a batch", 200, count).await else {
            return;
        };
        let body = json!({
            "filter": filter,
            "decision": "approve",
            "expected_count": counted["count"],
            "as_of": counted["as_of"],
        });
        // Somebody else decides meanwhile.
        let make = self.signed(self.post(path, &body));
        let Some(batch) = self.expect("make a batch", &[202, 409], make).await else {
            return;
        };
        let Ok(batch) = batch.json::<Value>().await else {
            return self.note("make a batch: no JSON".to_owned());
        };
        let Some(id) = batch["id"].as_str() else {
            return;
        };
        let path = format!("{path}/{id}");
        self.follow("a batch", &path, "done").await;
        let undo = self.signed(self.post(&format!("{path}/undo"), &json!({})));
        if self.expect("undo", &[202], undo).await.is_some() {
            self.follow("an undo", &path, "undone").await;
        }
        let results = self.signed(self.get(&format!("{path}/results?limit=100")));
        self.expect("read results", &[200], results).await;
    }

    /// Waits for the end of what a job does.
    async fn follow(&self, what: &str, path: &str, end: &str) {
        for _ in 0..LOOKS_MAX {
            let look = self.signed(self.get(path));
            if let Some(at) = self.expect_json(what, 200, look).await
                && at["state"] == end
            {
                return;
            }
            tokio::time::sleep(LOOK_PACE).await;
        }
        self.note(format!("{what} didn't come to its end"));
    }

    /// Somebody wants to know what is held of them, and then that it goes.
    pub(super) async fn erase_somebody(&self) {
        let email = format!("reader{}@example.org", self.next() % READERS);
        let path = "/api/v1/admin/persons";
        let body = json!({"email": email});
        let export = self.signed(self.post(&format!("{path}/exports"), &body));
        let export = export.timeout(EXPORT_PATIENCE);
        self.read_whole("export a person", export).await;
        let count = self.signed(self.post(&format!("{path}/counts"), &body));
        let Some(counted) = self.expect_json("count a person", 200, count).await else {
            return;
        };
        let body = json!({"email": email, "expected_count": counted["comments"]});
        // They write meanwhile.
        let erase = self.signed(self.post(&format!("{path}/erasures"), &body));
        let Some(erasure) = self.expect("erase a person", &[202, 409], erase).await else {
            return;
        };
        let Ok(erasure) = erasure.json::<Value>().await else {
            return self.note("erase a person: no JSON".to_owned());
        };
        if let Some(id) = erasure["id"].as_str() {
            self.follow("an erasure", &format!("{path}/erasures/{id}"), "done")
                .await;
        }
    }

    /// All of the site, to its last line.
    pub(super) async fn export_site(&self) {
        if let Some(request) = self.export().await
            && let Some(text) = self.read_whole("export the site", request).await
        {
            let last = text.lines().last().unwrap_or_default();
            if !last.contains("\"kind\":\"end\"") {
                self.note("export the site: it isn't whole".to_owned());
            }
        }
    }

    /// The beginning of an export, read slowly, and gone.
    pub(super) async fn leave_an_export(&self) {
        let Some(request) = self.export().await else {
            return;
        };
        if let Some(mut stream) = self.expect("begin an export", &[200], request).await {
            stream.chunk().await.ok();
            tokio::time::sleep(Duration::from_secs(1)).await;
            stream.chunk().await.ok();
        }
    }

    async fn export(&self) -> Option<RequestBuilder> {
        let request = self.signed(self.get("/api/v1/admin/sites"));
        let sites = self.expect_json("list sites", 200, request).await?;
        let id = sites["sites"][0]["id"].as_str().unwrap();
        let request = self.signed(self.get(&format!("/api/v1/admin/sites/{id}/export")));
        Some(request.timeout(EXPORT_PATIENCE))
    }

    async fn read_whole(&self, what: &str, request: RequestBuilder) -> Option<String> {
        let answer = self.expect(what, &[200], request).await?;
        match answer.text().await {
            Ok(text) => Some(text),
            Err(error) => {
                self.note(format!("{what}: {error:?}"));
                None
            }
        }
    }
}
