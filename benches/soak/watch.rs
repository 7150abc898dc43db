//! The real program, and what it takes: memory, files, threads, connections, rows. Must not know what is asked of it.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rejoinder::database::embedded;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _};

pub(super) const OWNER: &str = "owner@example.org";
pub(super) const PASSWORD: &str = "correct horse battery";
const START_MAX: Duration = Duration::from_mins(1);
const STOP_MAX: Duration = Duration::from_secs(30);
const MIB: u64 = 1024;

const FIGURES: &str = "\
    select
      (select count(*) from jobs),
      (select count(*) from claims),
      (select count(*) from sessions),
      (select count(*) from comments),
      (select array_agg(pid) from pg_stat_activity),
      (select count(*) from pg_stat_activity
       where backend_type = 'client backend' and pid <> pg_backend_pid()),
      (select sum(pg_total_relation_size(oid))::bigint from pg_class
       where relkind = 'r' and relnamespace = 'public'::regnamespace and relname in (
         'jobs', 'schedules', 'claims', 'sessions', 'moderators', 'sites', 'pages', 'page_aliases', 'reasons',
         'daily_decisions', 'daily_waits', 'installation')),
      pg_database_size(current_database())";

/// The service as a process of its own.
pub(super) struct Program {
    child: Child,
    pub(super) base: String,
    directory: PathBuf,
}

impl Program {
    #[expect(
        clippy::disallowed_methods,
        reason = "the program looks for server programs there"
    )]
    pub(super) async fn start() -> Self {
        let directory = std::env::temp_dir().join(format!("rejoinder-soak-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let log = directory.join("service.log");
        let file = fs::File::create(&log).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_rejoinder"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("REJOINDER_LISTEN", "127.0.0.1:0")
            .env("REJOINDER_DATA_DIR", directory.join("data"))
            .env("REJOINDER_SITE_ORIGINS", "https://example.org")
            .env("REJOINDER_ADMIN_EMAIL", OWNER)
            .env("REJOINDER_ADMIN_PASSWORD", PASSWORD)
            .env("REJOINDER_RATE_LIMIT", "off")
            .env("REJOINDER_TRUSTED_PROXIES", "127.0.0.0/8")
            .env("REJOINDER_LOG", "warn,rejoinder::cli=info")
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let base = loop {
            let said = fs::read_to_string(&log).unwrap();
            if let Some((_, behind)) = said.split_once("running at ") {
                break behind.split([',', '\n', '"']).next().unwrap().to_owned();
            }
            assert!(begun.elapsed() < START_MAX, "it didn't start: {said}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        Self {
            child,
            base,
            directory,
        }
    }

    /// What it takes now.
    pub(super) async fn sample(&self, at: Duration) -> Sample {
        let options = embedded::find_running(&self.directory.join("data"));
        let options = options.unwrap().unwrap().disable_statement_logging();
        let mut connection = PgConnection::connect_with(&options).await.unwrap();
        let row = connection.fetch_one(FIGURES).await.unwrap();
        let count = |index: usize| u64::try_from(row.get::<i64, _>(index)).unwrap();
        let servers = row.get::<Vec<i32>, _>(4);
        connection.close().await.unwrap();

        let pid = self.child.id();
        let entries = |what| fs::read_dir(format!("/proc/{pid}/{what}")).unwrap().count();
        Sample {
            at,
            memory_mib: kib(pid, "VmRSS:").unwrap() / MIB,
            database_mib: servers
                .iter()
                .filter_map(|pid| kib(u32::try_from(*pid).ok()?, "RssAnon:"))
                .sum::<u64>()
                / MIB,
            files: u64::try_from(entries("fd")).unwrap(),
            threads: u64::try_from(entries("task")).unwrap(),
            connections: count(5),
            jobs: count(0),
            claims: count(1),
            sessions: count(2),
            comments: count(3),
            small_kib: count(6) / 1024,
            octets_each: count(7) / count(3).max(1),
        }
    }

    /// The lines of the log that say that a person must act, but those of answers with 503, which are counted where they
    /// are got.
    pub(super) fn errors(&self) -> Vec<String> {
        let log = fs::read_to_string(self.directory.join("service.log")).unwrap();
        let is_error = |line: &&str| {
            line.contains("\"level\":\"ERROR\"") && !line.contains("\"error.code\":\"unavailable\"")
        };
        let errors = log.lines().filter(is_error);
        errors.take(20).map(|line| format!("log: {line}")).collect()
    }

    /// SIGTERM; whether it ended well, and in time.
    pub(super) async fn stop(mut self) -> bool {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let begun = Instant::now();
        while begun.elapsed() < STOP_MAX {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(fs::remove_dir_all(&self.directory));
    }
}

/// A line of a process's status, in KiB; none where it is gone.
fn kib(pid: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// What the program takes at one moment.
pub(super) struct Sample {
    at: Duration,
    memory_mib: u64,
    /// Memory of the database's processes that they don't share.
    database_mib: u64,
    files: u64,
    threads: u64,
    connections: u64,
    jobs: u64,
    claims: u64,
    sessions: u64,
    comments: u64,
    /// Tables that hold little however much is written, with their indexes: what grows there is waste.
    small_kib: u64,
    /// The whole database's, by its comments.
    octets_each: u64,
}

impl Sample {
    pub(super) const HEAD: &str = "   min | memory MiB | database MiB | files | threads | \
        connections | jobs | claims | sessions | small tables KiB | comments | octets each | requests";
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:6.1} | {:10} | {:12} | {:5} | {:7} | {:11} | {:4} | {:6} | {:8} | {:16} | {:8} | {:11} |",
            self.at.as_secs_f64() / 60.0,
            self.memory_mib,
            self.database_mib,
            self.files,
            self.threads,
            self.connections,
            self.jobs,
            self.claims,
            self.sessions,
            self.small_kib,
            self.comments,
            self.octets_each,
        )
    }
}

/// What grew between the first and the second half of these samples by more than chance; halves are compared by their
/// medians, so that a single high moment (a sample in the middle of a burst) says nothing.
pub(super) fn growth(samples: &[Sample]) -> Vec<String> {
    type Figure = (&'static str, fn(&Sample) -> u64, u64);
    // What may be added to a tenth of the first half: allocators keep a little, connections of clients come and go.
    let figures: [Figure; 10] = [
        ("memory, MiB", |sample| sample.memory_mib, 8),
        (
            "memory of the database, MiB",
            |sample| sample.database_mib,
            32,
        ),
        ("files", |sample| sample.files, 16),
        ("threads", |sample| sample.threads, 2),
        (
            "connections to the database",
            |sample| sample.connections,
            2,
        ),
        ("jobs", |sample| sample.jobs, 100),
        ("claims", |sample| sample.claims, 200),
        ("sessions", |sample| sample.sessions, 20),
        ("small tables, KiB", |sample| sample.small_kib, 1_024),
        (
            "the database's octets for each comment",
            |sample| sample.octets_each,
            512,
        ),
    ];
    let (first, second) = samples.split_at(samples.len() / 2);
    figures
        .into_iter()
        .filter_map(|(name, figure, slack)| {
            let (before, after) = (median(first, figure), median(second, figure));
            (after > before + before / 10 + slack)
                .then(|| format!("{name} grew from {before} to {after}"))
        })
        .collect()
}

fn median(samples: &[Sample], figure: fn(&Sample) -> u64) -> u64 {
    let mut figures: Vec<u64> = samples.iter().map(figure).collect();
    figures.sort_unstable();
    figures[figures.len() / 2]
}
