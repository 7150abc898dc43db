//! `rejoinder moderator …` by the real program: beside a running service and without one, on the embedded database and on
//! another. Must not know the API but for signing in.

use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use sqlx::Row as _;

use super::refusals::one_complaint;
use super::{Service, client, program};
use crate::embedded::{Scratch, server_pid};
use crate::support::TestDatabase;

const PASSWORD: &str = "a password of moderators";

/// What came of a command.
pub(super) struct Done {
    code: Option<i32>,
    pub(super) out: String,
    said: String,
}

impl Done {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            said: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(super) fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.said);
        self
    }

    /// Refused with this code, one line of what and one of what to do.
    pub(super) fn refused(self, code: i32, words: &str) {
        assert_eq!(self.code, Some(code), "{} {}", self.out, self.said);
        let line = one_complaint(&self.said);
        assert!(line.contains(words), "{line}");
        assert_eq!(self.out, "");
    }

    fn token(&self) -> &str {
        let line = self
            .out
            .lines()
            .find_map(|line| line.trim().strip_prefix("token "));
        line.unwrap()
    }
}

/// `rejoinder moderator …` with settings beside the usual ones, and this on its standard input.
fn moderator(
    scratch: &Scratch,
    environment: &[(&str, &str)],
    arguments: &[&str],
    input: &str,
) -> Done {
    let arguments = [&["moderator"], arguments].concat();
    call(scratch, environment, &arguments, input)
}

/// The same for any command.
pub(super) fn call(
    scratch: &Scratch,
    environment: &[(&str, &str)],
    arguments: &[&str],
    input: &str,
) -> Done {
    let mut command = program(scratch, environment);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that asks for nothing may have closed it already.
    stdin.write_all(input.as_bytes()).ok();
    drop(stdin);
    Done::of(child.wait_with_output().unwrap())
}

async fn sign_in(base: &str, email: &str, password: &str) -> (u16, Value) {
    let sent = client()
        .post(format!("{base}/api/v1/admin/sessions"))
        .json(&json!({"email": email, "password": password}));
    let answer = sent.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn set_up(base: &str, token: &str, password: &str) -> u16 {
    let sent = client()
        .post(format!("{base}/api/v1/setup"))
        .json(&json!({"token": token, "password": password}));
    sent.send().await.unwrap().status().as_u16()
}

async fn current(base: &str, token: &Value) -> u16 {
    let sent = client()
        .get(format!("{base}/api/v1/admin/sessions/current"))
        .bearer_auth(token.as_str().unwrap());
    sent.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn people_are_managed_beside_a_running_service() {
    let scratch = Scratch::new();
    let service = Service::start(&scratch).await;
    let server = server_pid(&service.data_dir);
    let run = |arguments: &[&str], input: &str| moderator(&scratch, &[], arguments, input);
    let mo = "mo@example.org";

    let added = run(
        &[
            "add",
            mo,
            "--name",
            "Mo",
            "--role",
            "moderator",
            "--sites",
            "default",
            "--password-stdin",
        ],
        &format!("{PASSWORD}\n"),
    )
    .well();
    assert!(
        added.out.contains("added moderator Mo <mo@example.org>"),
        "{}",
        added.out
    );
    assert!(!added.out.contains(PASSWORD) && !added.out.contains("token"));
    let (status, session) = sign_in(&service.base, mo, PASSWORD).await;
    assert_eq!(status, 201, "{session}");

    // Beside the service's own session, which ends with it.
    let disabled = run(&["disable", mo], "").well();
    assert!(
        disabled.out.contains("disabled moderator Mo"),
        "{}",
        disabled.out
    );
    assert_eq!(current(&service.base, &session["token"]).await, 401);
    assert_eq!(sign_in(&service.base, mo, PASSWORD).await.0, 401);
    run(&["reset-password", mo], "").refused(1, "the account is disabled");
    run(&["enable", mo], "").well();
    let (status, session) = sign_in(&service.base, mo, PASSWORD).await;
    assert_eq!(status, 201, "{session}");

    let reset = run(&["reset-password", mo], "").well();
    assert_eq!(current(&service.base, &session["token"]).await, 401);
    assert_eq!(sign_in(&service.base, mo, PASSWORD).await.0, 401);
    assert_eq!(set_up(&service.base, reset.token(), PASSWORD).await, 200);
    assert_eq!(sign_in(&service.base, mo, PASSWORD).await.0, 201);

    let table = run(&["list"], "").well().out;
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[0], ["EMAIL", "NAME", "ROLE", "SITES", "STATE"]);
    assert_eq!(
        lines[1],
        ["owner@localhost", "Owner", "owner", "all", "active"]
    );
    assert_eq!(lines[2], [mo, "Mo", "moderator", "default", "active"]);
    assert_eq!(lines.len(), 3, "{table}");
    let list = run(&["list", "--format", "json"], "").well().out;
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["moderators"][1]["email"], mo);
    assert_eq!(list["moderators"][1]["sites"], json!(["default"]));
    assert_eq!(list["moderators"][1]["disabled"], false);

    assert_eq!(
        server_pid(&service.data_dir),
        server,
        "the database was left alone"
    );
    service.becomes_ready_within(1).await;
    assert!(service.stop().success());
}

#[tokio::test]
async fn somebody_added_while_nothing_runs_signs_in_later() {
    let scratch = Scratch::new();
    scratch.data_dir("data");
    // The very first command makes the database; the server's secret is of no concern to it.
    let added = moderator(
        &scratch,
        &[("REJOINDER_PUBLIC_URL", "https://talk.example.org")],
        &[
            "add",
            "boss@example.org",
            "--name",
            "Boss",
            "--role",
            "owner",
        ],
        "",
    )
    .well();
    let link = format!("https://talk.example.org/desk/setup#{}", added.token());
    assert!(added.out.contains(&link), "{}", added.out);

    let service = Service::start(&scratch).await;
    assert_eq!(set_up(&service.base, added.token(), PASSWORD).await, 200);
    assert_eq!(
        sign_in(&service.base, "boss@example.org", PASSWORD).await.0,
        201
    );
    // There was an owner, so none was made.
    assert_eq!(
        sign_in(&service.base, "owner@localhost", super::OWNER_PASSWORD)
            .await
            .0,
        401
    );
    assert!(service.stop().success());

    let after = moderator(&scratch, &[], &["list"], "").well();
    assert!(after.out.contains("boss@example.org"), "{}", after.out);
    moderator(&scratch, &[], &["disable", "boss@example.org"], "").refused(1, "an owner any more");
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_a_way_out_and_recorded_nowhere() {
    let (scratch, database) = (Scratch::new(), TestDatabase::create().await);
    let url = database.url();
    let run = |arguments: &[&str], input: &str| {
        moderator(&scratch, &[("DATABASE_URL", &url)], arguments, input)
    };
    let mo = ["add", "mo@example.org", "--name", "Mo", "--role", "viewer"];
    let with = |more: &[&'static str]| [&mo[..], more].concat();

    run(&with(&["--sites", "nowhere"]), "").refused(1, "sites");
    run(&with(&["--password-stdin"]), "short\n").refused(2, "password on standard input");
    run(&with(&["--password=hunter2-hunter2"]), "").refused(2, "unexpected argument");
    run(&["add", "nobody", "--name", "Mo", "--role", "viewer"], "").refused(2, "e-mail address");
    run(
        &["add", "mo@example.org", "--name", "Mo", "--role", "boss"],
        "",
    )
    .refused(2, "must be owner");
    run(&["add", "mo@example.org"], "").refused(2, "--name");
    for act in ["reset-password", "disable", "enable"] {
        run(&[act, "nobody@example.org"], "").refused(1, "no account");
    }
    assert_eq!(acts(&database).await, Vec::<String>::new());

    run(&mo, "").well();
    run(&mo, "").refused(1, "another account");
    run(&["disable", "MO@example.org"], "").well();
    assert_eq!(
        acts(&database).await,
        ["moderator.created operator", "moderator.disabled operator"]
    );
}

/// The log of acts, oldest first.
async fn acts(database: &TestDatabase) -> Vec<String> {
    let statement = "select act || ' ' || actor_kind from audit_log order by id";
    let rows = sqlx::raw_sql(statement).fetch_all(&database.pool).await;
    rows.unwrap().iter().map(|row| row.get(0)).collect()
}
