//! RELIABILITY.md, 19: the program itself, with secrets set, used and misused, tells none of them: not in its log, its
//! figures, its answers, its arguments.

mod full;
pub(crate) mod program;
mod run;
mod work;

use std::fs;
use std::process::Command;

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use self::program::Program;

use crate::support::{TestDatabase, execute};

const DATABASE_PASSWORD: &str = "database-0e9b1c";
const SERVER_SECRET: &str = "server-secret-5b1f7d3a9c2e4680-5b1f7d3a9c2e4680";
pub(crate) const OWNER_PASSWORD: &str = "owner-password-77aa";
const WRONG_PASSWORD: &str = "wrong-password-31bb";
pub(crate) const OWNER: &str = "secret.owner@example.org";
const AUTHOR: &str = "secret.author@example.net";
const ADDRESS: &str = "203.0.113.77";
const AGENT: &str = "SecretBrowser/9";
const BODY: &str = "a-secret-body";
const NOTE: &str = "a-secret-note";
const KEY: &str = "secret-idempotency-key";
const COOKIE: &str = "secret-cookie";
const FORGED: &str = "Forged-Token-Forged-Token-Forged-Token-Forge";

/// Uses and misuses the service; collects the answers that must tell nothing.
struct Visit {
    client: Client,
    base: String,
    refusals: Vec<String>,
}

impl Visit {
    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client
            .request(method.parse().unwrap(), format!("{}{path}", self.base))
            .header("X-Forwarded-For", ADDRESS)
            .header("User-Agent", AGENT)
            .header("Cookie", format!("session={COOKIE}"))
    }

    async fn send(&mut self, request: RequestBuilder, status: u16) -> Value {
        let answer = request.send().await.unwrap();
        let found = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        assert_eq!(found, status, "{text}");
        if found >= 400 {
            self.refusals.push(text.clone());
        }
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn submit(&mut self, body: &Value, status: u16) -> Value {
        let request = self.request("POST", "/api/v1/comments");
        let request = request.header("Idempotency-Key", format!("{KEY}-{}", self.refusals.len()));
        self.send(request.json(body), status).await
    }

    async fn sign_in(&mut self, password: &str, status: u16) -> Value {
        let body = json!({"email": OWNER, "password": password});
        let request = self.request("POST", "/api/v1/admin/sessions");
        self.send(request.json(&body), status).await
    }
}

fn comment(text: &str) -> Value {
    json!({"page_url": "https://example.org/tides", "name": "Ada", "email": AUTHOR, "body": format!("{BODY} {text}")})
}

/// Everything goes well, and then everything goes wrong. Returns the tokens.
async fn use_and_misuse(visit: &mut Visit, database: &TestDatabase) -> [String; 2] {
    let receipt = visit.submit(&comment("one"), 201).await;
    let manage_token = receipt["manage_token"].as_str().unwrap().to_owned();
    let id = receipt["comment"]["id"].as_str().unwrap().to_owned();
    let token = visit.sign_in(OWNER_PASSWORD, 201).await["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let reject = format!("/api/v1/admin/comments/{id}/reject");
    let own = format!("/api/v1/comments/{id}");
    let body = json!({"note": NOTE, "reason": "abuse"});
    let request = visit
        .request("POST", &reject)
        .bearer_auth(&token)
        .json(&body);
    visit.send(request, 200).await;
    let search = format!("/api/v1/admin/comments?q={AUTHOR}");
    let request = visit.request("GET", &search).bearer_auth(&token);
    visit.send(request, 200).await;
    let request = visit.request("GET", &own).bearer_auth(&manage_token);
    visit.send(request, 200).await;

    visit.sign_in(WRONG_PASSWORD, 401).await;
    visit.submit(&comment("one"), 409).await;
    visit
        .submit(
            &json!({"email": AUTHOR, "body": [BODY], "name": BODY.repeat(99)}),
            422,
        )
        .await;
    for (path, token) in [(&own, FORGED), (&search, FORGED)] {
        let request = visit.request("GET", path).bearer_auth(token);
        let status = if path == &own { 404 } else { 401 };
        visit.send(request, status).await;
    }
    let request = visit.request("POST", "/api/v1/admin/sessions");
    let broken = format!("{{\"email\": \"{OWNER}\", \"password\": \"{WRONG_PASSWORD}");
    visit
        .send(
            request
                .header("Content-Type", "application/json")
                .body(broken),
            400,
        )
        .await;
    let request = visit.request("GET", &format!("/api/v1/{FORGED}?token={FORGED}"));
    visit.send(request, 404).await;
    let request = visit.request("GET", &format!("/api/v1/admin/comments?token={FORGED}"));
    visit.send(request.bearer_auth(&token), 400).await;

    // Mistakes of ours: Postgres names the whole row of a broken constraint, and the values of a broken key.
    for statement in [
        "alter table comments add constraint no_ada check (name <> 'Ada') not valid",
        "alter table sessions add constraint no_session check (created_at is null) not valid",
    ] {
        execute(&database.options, statement.to_owned()).await;
    }
    visit.submit(&comment("two"), 500).await;
    visit.sign_in(OWNER_PASSWORD, 500).await;
    execute(
        &database.options,
        "alter table comments rename to gone".to_owned(),
    )
    .await;
    visit.submit(&comment("three"), 500).await;
    let request = visit
        .request("POST", &reject)
        .bearer_auth(&token)
        .json(&body);
    visit.send(request, 500).await;
    [token, manage_token]
}

#[tokio::test]
async fn the_program_tells_no_secret_and_nothing_personal() {
    let database = TestDatabase::create().await;
    let mut program = Program::start(database, &[]);
    let figures = program.await_address("metrics are at ");
    let base = program.await_address("rejoinder is running at ");
    let id = program.child.id();
    let arguments = fs::read(format!("/proc/{id}/cmdline")).unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    let mut visit = Visit {
        client: client.clone(),
        base,
        refusals: Vec::new(),
    };
    let database = program.database.clone();
    let [token, manage_token] = use_and_misuse(&mut visit, &database).await;
    let figures = client.get(format!("{figures}/metrics")).send().await;
    let figures = figures.unwrap().text().await.unwrap();
    let said = program.stop();

    assert!(visit.refusals.len() >= 11);
    assert!(
        figures.contains("rejoinder_http_request_seconds"),
        "{figures}"
    );
    let failures = said.iter().filter(|line| line.contains("request failed"));
    assert_eq!(failures.count(), 4, "{said:#?}");
    let program_alone = format!("{}\0", env!("CARGO_BIN_EXE_rejoinder"));
    assert_eq!(arguments, program_alone.as_bytes());
    let secrets = [
        DATABASE_PASSWORD,
        SERVER_SECRET,
        OWNER_PASSWORD,
        WRONG_PASSWORD,
        OWNER,
        AUTHOR,
        ADDRESS,
        AGENT,
        BODY,
        NOTE,
        KEY,
        COOKIE,
        FORGED,
        &token,
        &manage_token,
        "argon2id",
        "secret.",
        "Bearer ",
    ];
    for secret in secrets {
        for line in &said {
            assert!(!line.contains(secret), "the log tells {secret}: {line}");
        }
        for refusal in &visit.refusals {
            assert!(
                !refusal.contains(secret),
                "a refusal tells {secret}: {refusal}"
            );
        }
        assert!(
            !figures.contains(secret),
            "the figures tell {secret}: {figures}"
        );
        let told = String::from_utf8_lossy(&arguments).contains(secret);
        assert!(!told, "the arguments tell {secret}");
    }
}

#[tokio::test]
async fn settings_that_are_wrong_are_named_without_their_values() {
    let said = Command::new(env!("CARGO_BIN_EXE_rejoinder"))
        .env_clear()
        .envs([
            ("DATABASE_URL", "mysql://user:database-0e9b1c@localhost/x"),
            ("REJOINDER_SECRET", "short-secret"),
            ("REJOINDER_ADMIN_PASSWORD", "short-one"),
        ])
        .output()
        .unwrap();
    assert_eq!(said.status.code(), Some(2));
    let text = String::from_utf8([said.stdout, said.stderr].concat()).unwrap();
    for name in [
        "DATABASE_URL",
        "REJOINDER_SECRET",
        "REJOINDER_ADMIN_PASSWORD",
    ] {
        assert!(text.contains(name), "{text}");
    }
    for secret in [DATABASE_PASSWORD, "short-secret", "short-one"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn what_holds_a_secret_does_not_print_it() {
    let database = TestDatabase::create().await;
    let more = [
        ("REJOINDER_SECRET", SERVER_SECRET),
        ("REJOINDER_ADMIN_PASSWORD", OWNER_PASSWORD),
    ];
    let settings = crate::support::app::settings(&database, &more);
    let printed = format!("{settings:?} {settings:#?}");
    for secret in [SERVER_SECRET, OWNER_PASSWORD] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
