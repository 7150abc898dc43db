//! What readers and their browsers ask, and clients that misbehave. Must not know how often, nor any moderator.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use uuid::Uuid;

use super::load::{Crowd, READERS};

impl Crowd {
    fn submission(number: u64) -> Value {
        json!({
            "page_url": Self::page(number),
            "page_title": "The tides",
            "name": "Ebb",
            "email": format!("reader{}@example.org", number % READERS),
            "body": format!("The *tide* comes in for the {number}th time: https://example.org/{number}"),
        })
    }

    /// A comment, and every tenth time the same again as after a lost answer.
    pub(super) async fn submit(&self) {
        let number = self.next();
        let body = Self::submission(number);
        let times = if number.is_multiple_of(10) { 2 } else { 1 };
        for _ in 0..times {
            let request = self
                .post("/api/v1/comments", &body)
                .header("Idempotency-Key", number.to_string());
            if let Some(taken) = self.expect_json("submit", 201, request).await {
                let (id, token) = (&taken["comment"]["id"], &taken["manage_token"]);
                self.keep_own(id.as_str().unwrap(), token.as_str().unwrap());
            }
        }
    }

    /// A page, again with its tag, and one comment of it with its answers.
    pub(super) async fn read(&self) {
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
            let again = page().header(IF_NONE_MATCH, tag);
            self.expect("read it again", &[200, 304], again).await;
        }
        if let Some(id) = thread["comments"][0]["id"].as_str() {
            for path in [
                format!("/api/v1/comments/{id}"),
                format!("/api/v1/comments/{id}/replies"),
            ] {
                // It may have been taken back since.
                self.expect("read a comment", &[200, 404], self.get(&path))
                    .await;
            }
        }
    }

    /// An author looks at a comment, changes it, and sometimes takes it back.
    pub(super) async fn return_to_own(&self) {
        let Some((id, token)) = self.find_own() else {
            return;
        };
        let path = format!("/api/v1/comments/{id}");
        let signed = |method| self.request(method, &path).bearer_auth(&token);
        // Gone, where a moderator has deleted it or somebody was erased.
        self.expect("look at one's own", &[200, 404], signed(Method::GET))
            .await;
        let number = self.next();
        let body = json!({"body": format!("The *tide* went out, correction {number}.")});
        // Also rejected, or too old.
        let edit = signed(Method::PATCH).json(&body);
        self.expect("edit one's own", &[200, 403, 404, 409], edit)
            .await;
        if number.is_multiple_of(5) {
            self.expect("withdraw", &[204, 404], signed(Method::DELETE))
                .await;
        }
    }

    /// A vote, every other time taken back, and now and then a report.
    pub(super) async fn react(&self) {
        let number = self.next();
        let page = self.get(&format!(
            "/api/v1/comments?sort=newest&page_url={}",
            Self::page(number)
        ));
        let Some(thread) = self.expect_json("read the newest", 200, page).await else {
            return;
        };
        let Some(id) = thread["comments"][0]["id"].as_str() else {
            return;
        };
        let voter = Uuid::from_u128(u128::from(number % READERS));
        let value = if number.is_multiple_of(3) { -1 } else { 1 };
        let vote = self.request(Method::PUT, &format!("/api/v1/comments/{id}/vote"));
        let vote = vote.json(&json!({"value": value, "voter": voter}));
        self.expect("vote", &[200, 404], vote).await;
        if number.is_multiple_of(2) {
            let back = self.delete(&format!("/api/v1/comments/{id}/vote?voter={voter}"));
            self.expect("take a vote back", &[200, 404], back).await;
        }
        if number.is_multiple_of(5) {
            let report = json!({"reason": "off_topic", "note": "It is about the weather."});
            let report = self.post(&format!("/api/v1/comments/{id}/reports"), &report);
            self.expect("report", &[202, 404], report).await;
        }
    }

    pub(super) async fn preview(&self) {
        let body = json!({"body": format!("> The tide\n\n- *{}*\n- [there](https://example.org)", self.next())});
        let request = self.post("/api/v1/comments/preview", &body);
        self.expect("preview", &[200], request).await;
    }

    /// What a list of articles asks, in both ways.
    pub(super) async fn count_pages(&self) {
        let first = self.next();
        let urls: Vec<String> = (first..first + 20).map(Self::page).collect();
        let query = urls.join("&url=");
        let request = self.get(&format!("/api/v1/pages/counts?url={query}"));
        self.expect("count pages", &[200], request).await;
        let request = self.post("/api/v1/pages/counts", &json!({"urls": urls}));
        self.expect("count pages", &[200], request).await;
    }

    pub(super) async fn read_feeds(&self) {
        let page = Self::page(self.next());
        for path in [
            format!("/api/v1/pages/feed.atom?page_url={page}"),
            "/api/v1/feed.atom?site=default".to_owned(),
        ] {
            self.expect("read a feed", &[200], self.get(&path)).await;
        }
    }

    /// Half a request, and gone.
    pub(super) async fn leave_in_the_middle(&self) {
        let body = Self::submission(self.next()).to_string();
        let (half, _) = body.split_at(body.len() / 2);
        self.send_and_leave(&format!("Content-Length: {}\r\n\r\n{half}", body.len()))
            .await;
    }

    /// A whole one, and gone before the answer.
    pub(super) async fn leave_before_the_answer(&self) {
        let body = Self::submission(self.next()).to_string();
        self.send_and_leave(&format!("Content-Length: {}\r\n\r\n{body}", body.len()))
            .await;
    }

    async fn send_and_leave(&self, rest: &str) {
        self.count_request();
        let head = "POST /api/v1/comments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
        let sent = async {
            let mut connection = TcpStream::connect(self.address()).await?;
            connection
                .write_all(format!("{head}{rest}").as_bytes())
                .await
        };
        // A place that is never free counts as wrong, like an answer that never comes.
        match tokio::time::timeout(Duration::from_secs(10), sent).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.note(format!("leave early: {error}")),
            Err(_) => self.note("leave early: nobody took the connection".to_owned()),
        }
    }
}
