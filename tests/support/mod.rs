//! A database for each test, cloned from a migrated template, and the service on a real port. Must not know what is tested.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wrong_self_convention,
    dead_code,
    reason = "helpers of tests may stop a test, and each test binary uses its own part of them"
)]

pub(crate) mod app;
pub(crate) mod contract;
mod contradictions;

pub(crate) use contradictions::contradictions;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use rejoinder::database::embedded::{self, Durability, Embedded};
use rejoinder::database::{self, Capacity, Database};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool};
use tokio::sync::OnceCell;

/// The server of this test binary, with the migrated template.
struct Server {
    options: PgConnectOptions,
    template: String,
    log: Option<PathBuf>,
    /// Held until the process ends; then the keeper takes everything away.
    _embedded: Option<Embedded>,
}

static SERVER: OnceCell<Server> = OnceCell::const_new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A name that no other test in this or another process has.
fn unique(kind: &str) -> String {
    format!(
        "{kind}_{}_{}",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    )
}

async fn server() -> &'static Server {
    SERVER.get_or_init(start_server).await
}

async fn start_server() -> Server {
    let (options, log, embedded): (PgConnectOptions, _, _) = if let Some(url) = given_server() {
        let options = url
            .parse()
            .expect("TEST_DATABASE_URL is not an address of a database");
        (options, None, None)
    } else {
        let embedded = embedded::start(embedded::Options {
            data_dir: std::env::temp_dir().join(unique("rejoinder-tests")),
            programs: None,
            keeper: PathBuf::from(env!("CARGO_BIN_EXE_rejoinder")),
            durability: Durability::ForTests,
        })
        .await
        .unwrap();
        let (options, log) = (embedded.connect_options(), embedded.log_file());
        (options, Some(log), Some(embedded))
    };
    let options = options.disable_statement_logging();
    let template = unique("template");
    execute(&options, format!("create database {template}")).await;
    database::migrate(&options.clone().database(&template))
        .await
        .unwrap();
    Server {
        options,
        template,
        log,
        _embedded: embedded,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests have no settings of their own"
)]
fn given_server() -> Option<String> {
    std::env::var("TEST_DATABASE_URL").ok()
}

/// Waits until it is so, for at most 20 seconds.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..1_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("not within 20 seconds: {what}");
}

/// Runs a statement whose names can't be bound, all made by ourselves.
pub(crate) async fn execute(options: &PgConnectOptions, statement: String) {
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// A statement that was executed, with its values as literals of SQL.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) statement: String,
    pub(crate) values: Vec<String>,
}

/// One test's own database; clones are handles of the same one, for instances that share it.
#[derive(Clone)]
pub(crate) struct TestDatabase {
    /// How to reach it.
    pub(crate) options: PgConnectOptions,
    /// For looking behind the service.
    pub(crate) pool: PgPool,
    name: String,
}

impl TestDatabase {
    /// A fresh copy of the template.
    pub(crate) async fn create() -> Self {
        let template = &server().await.template;
        Self::made(format!("template {template}")).await
    }

    /// Without any table, as before the first start.
    pub(crate) async fn empty() -> Self {
        Self::made(String::new()).await
    }

    async fn made(how: String) -> Self {
        let server = server().await;
        let name = unique("test");
        execute(&server.options, format!("create database {name} {how}")).await;
        let options = server.options.clone().database(&name);
        let pool = PgPoolOptions::new()
            .max_connections(4)
            .connect_with(options.clone())
            .await
            .unwrap();
        Self {
            options,
            pool,
            name,
        }
    }

    /// Its name in the server.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// As the service uses it.
    pub(crate) fn database(&self) -> Database {
        Database::new(
            self.options.clone(),
            Capacity {
                readers: 16,
                submissions: 2,
                decisions: 8,
                moderators: 16,
            },
        )
    }

    /// As a setting.
    pub(crate) fn url(&self) -> String {
        let mut url = self.options.to_url_lossy();
        url.set_path(&self.name);
        url.to_string()
    }

    /// Makes the server log every statement of this database; see [`Self::statements`].
    pub(crate) async fn log_statements(&self) {
        execute(
            &self.options,
            format!("alter database {} set log_statement = 'all'", self.name),
        )
        .await;
    }

    /// The statements that this database was asked, in their order, each on one line with single spaces; none with a
    /// server that was given, whose log isn't ours.
    pub(crate) async fn statements(&self) -> Option<Vec<String>> {
        let log = server().await.log.as_ref()?;
        let text = std::fs::read_to_string(log).unwrap();
        // With the space: `test_7_1` is also how the lines of `test_7_12` begin.
        let own = format!("{} LOG:  ", self.name);
        let mut found: Vec<String> = Vec::new();
        let mut open = false;
        for line in text.lines() {
            // A statement's further lines are indented by the server.
            if let (true, true, Some(last)) = (open, line.starts_with('\t'), found.last_mut()) {
                last.push_str(line);
                continue;
            }
            let statement = line.strip_prefix(&own).and_then(|rest| {
                let is_statement = rest.starts_with("execute ") || rest.starts_with("statement: ");
                is_statement.then(|| rest.split_once(": ").map_or("", |(_, text)| text))
            });
            open = statement.is_some();
            found.extend(statement.map(str::to_owned));
        }
        let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(found.into_iter().map(words).collect())
    }

    /// The statements that this database was asked with their values, in their order; none with a server that was given.
    pub(crate) async fn logged(&self) -> Option<Vec<Logged>> {
        let log = server().await.log.as_ref()?;
        let text = std::fs::read_to_string(log).unwrap();
        let own = |kind: &str| format!("{} {kind}:  ", self.name);
        let (own_log, own_detail) = (own("LOG"), own("DETAIL"));
        let mut found: Vec<Logged> = Vec::new();
        let mut open = false;
        for line in text.lines() {
            if let (true, true, Some(last)) = (open, line.starts_with('\t'), found.last_mut()) {
                last.statement.push('\n');
                last.statement.push_str(line);
                continue;
            }
            open = false;
            if let Some(values) = line.strip_prefix(&own_detail) {
                let values = values.strip_prefix("parameters: ").unwrap_or_default();
                if let Some(last) = found.last_mut() {
                    last.values = literals(values);
                }
                continue;
            }
            let statement = line
                .strip_prefix(&own_log)
                .and_then(|rest| rest.strip_prefix("execute "))
                .and_then(|rest| rest.split_once(": "));
            if let Some((_, statement)) = statement {
                open = true;
                found.push(Logged {
                    statement: statement.to_owned(),
                    values: Vec::new(),
                });
            }
        }
        Some(found)
    }
}

/// The literals of `$1 = 'a', $2 = NULL`; quotes within are doubled.
fn literals(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(" = ") {
        let end = if let Some(quoted) = after.strip_prefix('\'') {
            let mut end = quoted.len() + 1;
            let mut chars = quoted.char_indices().peekable();
            while let Some((at, char)) = chars.next() {
                if char == '\'' && chars.next_if(|(_, next)| *next == '\'').is_none() {
                    end = at + 2;
                    break;
                }
            }
            end
        } else {
            after.find(',').unwrap_or(after.len())
        };
        let (literal, left) = after.split_at(end);
        found.push(literal.to_owned());
        rest = left;
    }
    found
}
