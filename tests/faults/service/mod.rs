//! The whole service while the world fails around it. Where a process is killed, it is the real program with its own
//! data directory; where only the database is in the way, the service runs inside the test.

mod backups;
mod crowd;
mod database_away;
mod demo_data;
mod departures;
mod doctor;
mod full_disk;
mod jobs;
mod kills;
mod locks;
mod people;
mod persons;
mod refusals;
mod schema;
mod starts;
mod stops;

use std::ffi::OsStr;
use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rejoinder::database::embedded;
use reqwest::{Client, Response};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;

use crate::embedded::{Scratch, eventually};

/// A request may take so long in any case: the budget of 2.5 s for the database, and what surrounds it.
const ANSWER_MAX: Duration = Duration::from_secs(3);
/// Nothing may hang for longer; a client of these tests gives up.
const CLIENT_PATIENCE: Duration = Duration::from_secs(20);
const OWNER_PASSWORD: &str = "correct horse battery";

/// The real program, running.
struct Service {
    child: Program,
    base: String,
    data_dir: PathBuf,
    log: PathBuf,
    /// From the start of the process to its first `ready`.
    ready_after: Duration,
}

/// A process that goes with the test, also with one that fails.
struct Program(Child);

impl Deref for Program {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Program {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A process that doesn't get on until this is dropped.
struct Held(Pid);

impl Held {
    fn hold(pid: Pid) -> Self {
        kill_process(pid, Signal::STOP).unwrap();
        Self(pid)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        kill_process(self.0, Signal::CONT).ok();
    }
}

/// How a program that stopped by itself ended.
struct Ended {
    code: Option<i32>,
    said: String,
}

/// The program in this directory, with nothing of our own environment but what finds its server programs.
fn program(scratch: &Scratch, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rejoinder"));
    command
        .env_clear()
        .current_dir(&scratch.0)
        .env("PATH", path_variable())
        .env("REJOINDER_ADMIN_PASSWORD", OWNER_PASSWORD)
        .env("REJOINDER_RATE_LIMIT", "off")
        .env("REJOINDER_LISTEN", "127.0.0.1:0")
        .env("REJOINDER_DATA_DIR", scratch.0.join("data"))
        .envs(environment.iter().copied())
        .stdin(Stdio::null());
    command
}

#[expect(
    clippy::disallowed_methods,
    reason = "the program under test looks for server programs there"
)]
fn path_variable() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

/// Runs the program to its end, which is to come by itself.
fn ends(mut command: Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code(),
        said: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Service {
    /// On the embedded database, in a data directory that outlives it.
    async fn start(scratch: &Scratch) -> Self {
        scratch.data_dir("data");
        Self::with(scratch, &[]).await
    }

    /// With settings more or other than the usual ones.
    async fn with(scratch: &Scratch, environment: &[(&str, &str)]) -> Self {
        Self::spawn(scratch, environment).become_ready().await
    }

    /// Doesn't wait until it is ready.
    fn spawn(scratch: &Scratch, environment: &[(&str, &str)]) -> Starting {
        let log = fresh_log(&scratch.0);
        let file = fs::File::create(&log).unwrap();
        let mut command = program(scratch, environment);
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let data_dir = environment
            .iter()
            .find(|(name, _)| *name == "REJOINDER_DATA_DIR")
            .map_or_else(|| scratch.0.join("data"), |(_, path)| PathBuf::from(path));
        Starting {
            begun: Instant::now(),
            child: Program(command.spawn().unwrap()),
            data_dir,
            log,
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// SIGKILL, and the remains taken away.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; how it ended.
    fn stop(self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait_at_most(25)
    }

    fn wait_at_most(mut self, seconds: u64) -> ExitStatus {
        let mut status = None;
        eventually("the program has ended", seconds, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// How to look into the embedded database behind the service.
    fn database(&self) -> PgConnectOptions {
        embedded::find_running(&self.data_dir).unwrap().unwrap()
    }

    async fn ready(&self, client: &Client) -> bool {
        let answer = client.get(format!("{}/readyz", self.base)).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    async fn becomes_ready_within(&self, seconds: u64) -> Duration {
        let client = client();
        let begun = Instant::now();
        while !self.ready(&client).await {
            let waited = begun.elapsed();
            assert!(
                waited < Duration::from_secs(seconds),
                "not ready after {waited:?}"
            );
            pause().await;
        }
        begun.elapsed()
    }
}

/// The real program, on its way.
struct Starting {
    begun: Instant,
    child: Program,
    data_dir: PathBuf,
    log: PathBuf,
}

impl Starting {
    async fn become_ready(mut self) -> Service {
        let mut base = None;
        eventually("the program says where it runs", 60, || {
            let said = fs::read_to_string(&self.log).unwrap();
            assert!(self.child.try_wait().unwrap().is_none(), "ended: {said}");
            base = address_in(&said);
            base.is_some()
        });
        let mut service = Service {
            child: self.child,
            base: base.unwrap(),
            data_dir: self.data_dir,
            log: self.log,
            ready_after: Duration::ZERO,
        };
        service.becomes_ready_within(10).await;
        service.ready_after = self.begun.elapsed();
        service
    }
}

/// `…is running at http://127.0.0.1:4711, with…`
fn address_in(log: &str) -> Option<String> {
    let (_, behind) = log.split_once("running at ")?;
    let end = behind.find([',', '\n', ' ', '"'])?;
    behind.get(..end).map(str::to_owned)
}

fn fresh_log(directory: &Path) -> PathBuf {
    (1..=u32::MAX)
        .map(|number| directory.join(format!("service-{number}.log")))
        .find(|path| !path.exists())
        .unwrap()
}

/// Between two questions.
async fn pause() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

fn client() -> Client {
    Client::builder()
        .no_proxy()
        .timeout(CLIENT_PATIENCE)
        .build()
        .unwrap()
}

/// A comment that is known by its key: the same key makes the same text.
fn submission(key: &str) -> Value {
    json!({
        "page_url": "http://localhost:4321/tides",
        "name": "Ada",
        "email": "ada@example.org",
        "body": format!("The tide of {key} comes later."),
    })
}

async fn submit(client: &Client, base: &str, key: &str) -> reqwest::Result<Response> {
    client
        .post(format!("{base}/api/v1/comments"))
        .header("Idempotency-Key", key)
        .json(&submission(key))
        .send()
        .await
}

async fn id_in(answer: Response) -> String {
    let body: Value = answer.json().await.unwrap();
    body["comment"]["id"].as_str().unwrap().to_owned()
}

/// Takes a refusal apart: its code, after its form has been looked at.
async fn unavailable(answer: Response) {
    assert_eq!(answer.status(), 503);
    let wait = answer.headers().get("retry-after").unwrap().clone();
    assert!(wait.to_str().unwrap().parse::<u64>().unwrap() >= 1);
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "unavailable", "{problem}");
}

fn text(path: impl AsRef<OsStr>) -> String {
    path.as_ref().to_str().unwrap().to_owned()
}
