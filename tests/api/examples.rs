//! The examples of the OpenAPI document: each request is sent and does what it says, each answer is as its own schema has it.
//! Must not know what an operation does, only what it is done to.

use serde_json::{Value, json};

use crate::backstage::hire;
use crate::openapi::{Operation, document, operations};
use crate::support::app::{Answer, Desk, OWNER, TestApp, comment_on};
use crate::support::contract::misfits;

const JSON: &str = "application/json";

fn text(answer: &Answer, pointer: &str) -> String {
    answer.at(pointer).as_str().unwrap().to_owned()
}

/// Makes things, each time new ones.
struct Maker<'a> {
    app: &'a TestApp,
    owner: &'a Desk,
    number: u32,
}

impl Maker<'_> {
    async fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.owner.post(self.app, path, body).await.is(201)
    }

    /// A held comment, and what manages it.
    async fn comment(&mut self) -> (String, String) {
        self.number += 1;
        let said = format!("Number {}", self.number);
        self.app.submitted(&comment_on("/tides", &said, None)).await
    }

    async fn published(&mut self) -> (String, String) {
        let (id, token) = self.comment().await;
        let nothing = json!({});
        let decided = self.owner.decide(self.app, &id, "approve", &nothing);
        decided.await.is(200);
        (id, token)
    }

    /// A thing of the kind that a path names, and the token for it where that isn't a moderator's.
    async fn thing(&mut self, kind: &str) -> String {
        self.number += 1;
        let number = self.number;
        let (path, body) = match kind {
            "comments" => return self.comment().await.0,
            "authors" => {
                let (id, _) = self.comment().await;
                let path = format!("/api/v1/admin/comments/{id}");
                let shown = self.owner.get(self.app, &path).await.is(200);
                return text(&shown, "/author_id");
            }
            "pages" => (
                "pages",
                json!({ "page_url": format!("https://example.org/{number}") }),
            ),
            "reasons" => (
                "reasons",
                json!({ "site": "default", "code": format!("reason_{number}"), "text": "So." }),
            ),
            "sites" => (
                "sites",
                json!({ "slug": format!("site-{number}"), "name": "One" }),
            ),
            "moderators" => (
                "moderators",
                json!({ "email": format!("m{number}@example.org"), "name": "Mo", "role": "moderator" }),
            ),
            "tokens" => (
                "tokens",
                json!({ "name": "Robot", "scopes": ["comments:read"] }),
            ),
            other => panic!("how is one of {other} made? Add a line above"),
        };
        let made = self.post(&format!("/api/v1/admin/{path}"), &body).await;
        text(&made, "/id")
    }

    /// Puts things that are there in the place of those that an example names.
    async fn fill(&mut self, operation: &str, example: &Value) -> Value {
        let mut body = example.clone();
        let members = body.as_object_mut().unwrap();
        for (name, member) in members.iter_mut() {
            match name.as_str() {
                "into" => *member = self.thing("pages").await.into(),
                "parent_id" => *member = self.published().await.0.into(),
                "sites" => {
                    let listed = self.owner.get(self.app, "/api/v1/admin/sites").await;
                    *member = json!([listed.at("/sites/0/id")]);
                }
                "decisions" => member[0]["id"] = self.thing("comments").await.into(),
                "expected_count" if operation == "erase_person" => {
                    let whose = json!({ "email": example["email"] });
                    let path = "/api/v1/admin/persons/counts";
                    let counted = self.owner.post(self.app, path, &whose).await.is(200);
                    *member = counted.at("/comments");
                }
                "expected_count" => {
                    let counted = json!({ "filter": example["filter"] });
                    let path = "/api/v1/admin/batches/counts";
                    let counted = self.owner.post(self.app, path, &counted).await.is(200);
                    *member = counted.at("/count");
                }
                "email" if operation == "sign_in" => *member = OWNER.into(),
                "token" => {
                    let added =
                        json!({ "email": "new@example.org", "name": "Nora", "role": "viewer" });
                    let added = self.post("/api/v1/admin/moderators", &added).await;
                    *member = added.at("/setup_token");
                }
                _ => {}
            }
        }
        body
    }
}

/// What stands at a content's example.
fn example<'a>(content: &'a Value, kind: &str) -> Option<&'a Value> {
    content[kind].get("example")
}

async fn try_out(maker: &mut Maker<'_>, operation: &Operation) -> Answer {
    let said = example(&operation.value["requestBody"]["content"], JSON);
    let body = maker.fill(operation.id(), said.unwrap()).await;
    let is_admin = operation.path.starts_with("/api/v1/admin/");
    let parts: Vec<&str> = operation.path.split('/').collect();
    let kind = parts[if is_admin { 4 } else { 3 }];
    let mut path = operation.path.clone();
    let mut token = maker.owner.token.clone();
    if path.contains("{id}") {
        let id = if is_admin {
            maker.thing(kind).await
        } else {
            let (id, managing) = maker.published().await;
            token = managing;
            id
        };
        path = path.replace("{id}", &id);
    }
    if kind == "me" {
        maker.number += 1;
        let name = format!("Owner{}", maker.number);
        token = hire(maker.app, "owner", &name).await.token;
    }
    let request = maker.app.request(&operation.method, &path).json(&body);
    let request = if operation.value["security"].is_null() {
        request
    } else {
        request.bearer_auth(token)
    };
    maker.app.send(request).await
}

#[tokio::test]
async fn every_example_of_a_request_is_taken() {
    let app = TestApp::start().await;
    let owner = app.desk().await;
    let mut maker = Maker {
        app: &app,
        owner: &owner,
        number: 0,
    };
    let mut refused = Vec::new();
    let mut sent = 0;
    for operation in operations(&document(&app).await) {
        if !operation.has_body() {
            continue;
        }
        let answer = try_out(&mut maker, &operation).await;
        sent += 1;
        if answer.status >= 300 {
            refused.push(format!("{}: {answer:?}", operation.name()));
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(sent >= 25, "{sent}");
    app.stop().await;
}

#[tokio::test]
async fn every_example_is_as_its_schema_has_it() {
    let app = TestApp::start().await;
    let document = document(&app).await;
    let mut found = Vec::new();
    let mut seen = 0;
    let mut look = |place: String, content: &Value| {
        for (kind, media) in content.as_object().into_iter().flatten() {
            let place = format!("{place}/content/{}/schema", kind.replace('/', "~1"));
            let named = media["examples"].as_object().into_iter().flatten();
            let named = named.map(|(_, example)| &example["value"]);
            for example in media.get("example").into_iter().chain(named) {
                seen += 1;
                let wrong = misfits(&place, example);
                found.extend(wrong.into_iter().map(|wrong| format!("{place}: {wrong}")));
            }
            let is_json = kind.ends_with("/json") || kind.ends_with("+json");
            let is_text = !is_json && !kind.contains("form");
            if media.get("example").is_none() && media.get("examples").is_none() && !is_text {
                found.push(format!("{place} has no example"));
            }
        }
    };
    for operation in operations(&document) {
        let path = operation.path.replace('/', "~1");
        let place = format!("/paths/{path}/{}", operation.method.to_lowercase());
        let body = &operation.value["requestBody"]["content"];
        look(format!("{place}/requestBody"), body);
        for (status, response) in operation.value["responses"].as_object().unwrap() {
            look(format!("{place}/responses/{status}"), &response["content"]);
        }
    }
    let shared = document.pointer("/components/responses").unwrap();
    for (name, response) in shared.as_object().unwrap() {
        let place = format!("/components/responses/{name}");
        look(place, &response["content"]);
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(seen > 100, "{seen}");
    app.stop().await;
}
