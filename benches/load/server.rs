//! A Postgres of our own, which syncs to disk, and is gone at the end. Must not know what is stored in it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::process::{self, Guarded, Guarding};

const START_MAX: Duration = Duration::from_mins(5);
/// The oldest version that the program speaks to.
const MAJOR_MIN: u32 = 15;
const NAME: &str = "rejoinder";

/// As one would set it on a machine of this size; nothing is lost when it is cut off.
const SETTINGS: [&str; 16] = [
    "listen_addresses=",
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "max_connections=200",
    "shared_buffers=512MB",
    "max_wal_size=8GB",
    // Old segments are used again, as on a server that has run for long; making new ones would be measured otherwise.
    "min_wal_size=2GB",
    "checkpoint_timeout=15min",
    "maintenance_work_mem=1GB",
    "random_page_cost=1.1",
    "jit=off",
    "huge_pages=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_line_prefix=%p ",
];

/// The running server.
pub(super) struct Server {
    _guard: Guarded,
    programs: PathBuf,
    /// Where everything else of a run may be kept too: it goes with the server.
    pub(super) directory: PathBuf,
    /// Whether statements can be asked what they cost.
    pub(super) has_statements: bool,
}

impl Server {
    /// Starts it, on the cluster in `keep` where there is one.
    /// `name` tells the servers of one run apart.
    pub(super) fn start(
        name: &str,
        named: Option<&Path>,
        keep: Option<&Path>,
    ) -> Result<Self, String> {
        let programs = find_programs(named)?;
        let account = account();
        let directory =
            std::env::temp_dir().join(format!("rejoinder-load-{}-{name}", std::process::id()));
        make(&directory, account);
        let data = match keep {
            Some(keep) => keep.to_owned(),
            None => directory.join("data"),
        };
        if !data.join("PG_VERSION").exists() {
            let mut command = as_account(Command::new(programs.join("initdb")), account);
            command.arg("-D").arg(&data).args([
                "-U",
                NAME,
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
            ]);
            if keep.is_some() {
                make(&data, account);
            }
            process::run(command.current_dir("/"))?;
        }
        let has_statements = has_statements(&programs);
        let mut words = vec![text(&programs.join("postgres")), "-D".into(), text(&data)];
        let mut set = |setting: String| words.extend(["-c".to_owned(), setting]);
        for setting in SETTINGS {
            set(setting.to_owned());
        }
        set(format!("unix_socket_directories={}", directory.display()));
        if has_statements {
            set("shared_preload_libraries=pg_stat_statements".to_owned());
            set("pg_stat_statements.track=none".to_owned());
        }
        let mut shell = as_account(Guarded::shell(), account);
        shell.current_dir("/");
        let log = directory.join("postgres.log");
        let guarding = Guarding {
            signal: "INT",
            log: &log,
            gone: Some(&directory),
        };
        let server = Self {
            _guard: Guarded::start(shell, &guarding, &words),
            programs,
            directory,
            has_statements,
        };
        server.await_answer()?;
        Ok(server)
    }

    fn await_answer(&self) -> Result<(), String> {
        let ready = process::until(START_MAX, || {
            process::run(self.client("psql").args(["-Xqc", "select 1", "postgres"])).ok()
        });
        if ready.is_none() {
            let log = fs::read_to_string(self.directory.join("postgres.log"));
            return Err(format!(
                "Postgres didn't start: {}",
                log.unwrap_or_default()
            ));
        }
        let made = "select 1 from pg_database where datname = 'rejoinder'";
        let mut ask = self.client("psql");
        if process::run(ask.args(["-XAtqc", made, "postgres"]))?.is_empty() {
            let mut create = self.client("psql");
            process::run(create.args(["-Xqc", "create database rejoinder", "postgres"]))?;
        }
        if self.has_statements {
            self.sql("create extension if not exists pg_stat_statements")?;
        }
        Ok(())
    }

    /// One of its client programs, told how to reach it.
    pub(super) fn client(&self, name: &str) -> Command {
        let beside = self.programs.join(name);
        let mut command = Command::new(if beside.is_file() {
            beside
        } else {
            PathBuf::from(name)
        });
        command
            .env("PGHOST", &self.directory)
            .env("PGUSER", NAME)
            .env("PGDATABASE", NAME)
            .env("PGOPTIONS", "-c client_min_messages=warning");
        command
    }

    /// What the program takes as `DATABASE_URL`.
    pub(super) fn url(&self) -> String {
        let host = self.directory.display();
        format!("postgres://{NAME}@localhost/{NAME}?host={host}")
    }

    /// Runs statements, each by itself; their rows as lines, columns parted by tabs.
    pub(super) fn sql(&self, script: &str) -> Result<String, String> {
        self.sql_with(script, &[])
    }

    /// The same with variables of psql.
    pub(super) fn sql_with(&self, script: &str, set: &[(&str, &str)]) -> Result<String, String> {
        let mut command = self.client("psql");
        command.args(["-XAtq", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-f", "-"]);
        for (name, value) in set {
            command.arg("-v").arg(format!("{name}={value}"));
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("psql: {error}"))?;
        let mut input = child.stdin.take().unwrap();
        let script = script.to_owned();
        // From beside: it may answer before it has read all.
        let writer = std::thread::spawn(move || input.write_all(script.as_bytes()));
        let output = child.wait_with_output();
        writer.join().unwrap().ok();
        process::said(&command, output).map(|text| text.trim_end().to_owned())
    }

    /// One number.
    pub(super) fn number(&self, query: &str) -> Result<f64, String> {
        let said = self.sql(query)?;
        said.parse()
            .map_err(|_| format!("{query}: {said:?} is no number"))
    }

    /// Writes all to disk now, so that no chapter pays for another's. Within one it would make each page's first change dear.
    pub(super) fn settle(&self) -> Result<(), String> {
        self.sql("checkpoint").map(drop)
    }

    /// Where it writes its log.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.directory.join("postgres.log")).unwrap_or_default()
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn make(directory: &Path, account: Option<(u32, u32)>) {
    fs::create_dir_all(directory).unwrap();
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).unwrap();
    if let Some((user, group)) = account {
        chown(directory, Some(user), Some(group)).unwrap();
    }
}

/// As whom the server runs, where we are root.
fn account() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    ["postgres", "nobody"].into_iter().find_map(|name| {
        let line = users
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2);
        Some((ids.next()?.parse().ok()?, ids.next()?.parse().ok()?))
    })
}

fn as_account(mut command: Command, account: Option<(u32, u32)>) -> Command {
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
    command
}

/// The folder of the server programs: the named one, those in the path, else the newest of the usual places.
fn find_programs(named: Option<&Path>) -> Result<PathBuf, String> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    let in_path = process::find_program("postgres").and_then(|program| program.canonicalize().ok());
    let mut folders: Vec<PathBuf> = in_path
        .and_then(|program| program.parent().map(Path::to_owned))
        .into_iter()
        .collect();
    for place in ["/usr/lib/postgresql", "/usr/libexec", "/opt/homebrew/opt"] {
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            folders.extend([entry.path().join("bin"), entry.path()]);
        }
    }
    for folder in folders {
        let version = process::run(Command::new(folder.join("postgres")).arg("--version"));
        if let Some(major) = version.ok().as_deref().and_then(major)
            && folder.join("initdb").is_file()
        {
            found.push((major, folder));
        }
    }
    found.sort();
    found
        .pop()
        .filter(|(major, _)| *major >= MAJOR_MIN)
        .map(|(_, folder)| folder)
        .ok_or_else(|| format!("no server programs of Postgres {MAJOR_MIN} or later: install them (Debian, Ubuntu: apt-get install postgresql), or name their folder with --postgres-bin"))
}

/// `postgres (PostgreSQL) 15.13 (Debian …)`
fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn has_statements(programs: &Path) -> bool {
    let folders = [programs.join("../lib"), programs.join("../lib/postgresql")];
    folders
        .iter()
        .any(|folder| folder.join("pg_stat_statements.so").is_file())
}
