//! The moderators' work over HTTP: the queue, one comment, decisions. Must not know how it is stored.

mod authors;
mod batch_races;
mod batches;
mod claims;
mod counts;
mod decide;
mod decide_many;
mod delete;
mod edit;
mod errors;
mod events;
mod jobs;
mod log;
mod notes;
mod persons;
mod queue;
mod reasons;
mod replies;
mod show;
mod summary;

use serde_json::{Value, json};

use crate::backstage::delete;
use crate::support::app::{Answer, Desk, TestApp, comment_on};

const QUEUE: &str = "/api/v1/admin/comments";
const NOBODYS_ID: &str = "0198c000-0000-7000-8000-000000000000";
/// The words of decisions with the states that they lead to.
const DECISIONS: [(&str, &str); 4] = [
    ("approve", "approved"),
    ("reject", "rejected"),
    ("spam", "spam"),
    ("restore", "pending"),
];

/// The ids of a list's comments.
fn ids(answer: &Answer) -> Vec<String> {
    let list = answer.at("/comments");
    let id = |item: &Value| item["id"].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(id).collect()
}

/// A comment that waits under a page of example.org.
async fn held(app: &TestApp, path: &str, text: &str) -> String {
    app.submitted(&comment_on(path, text, None)).await.0
}

/// The list that the query asks for.
async fn list(app: &TestApp, desk: &Desk, query: &str) -> Answer {
    desk.get(app, &format!("{QUEUE}{query}")).await
}

/// A comment of each state, in the order of their times: pending, approved, rejected, spam, deleted.
async fn one_of_each(app: &TestApp, desk: &Desk) -> [String; 5] {
    let mut made = Vec::new();
    for text in ["held", "good", "bad", "advertising", "withdrawn"] {
        made.push(held(app, "/tides", text).await);
    }
    for (id, decision) in made[1..].iter().zip(["approve", "reject", "spam"]) {
        desk.decide(app, id, decision, &json!({})).await.is(200);
    }
    delete(app, &made[4]).await;
    made.try_into().unwrap()
}
