//! The embedded database under kills, odd places and wrong files. Each test has a data directory and a server of its own.

mod kills;
mod places;
mod refusals;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rejoinder::database::embedded::{self, Durability, Embedded, Options};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection, Row};

/// The environment in which the test below is an application.
const DATA_DIR: &str = "REJOINDER_FAULTS_DATA_DIR";
const KEEPER: &str = "REJOINDER_FAULTS_KEEPER";
const MARK: &str = "application: ";
/// Somebody without rights, where the tests run as root.
const NOBODY: u32 = 65534;

/// A directory that goes with the test.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("rejoinder-faults-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self(path.canonicalize().unwrap())
    }

    /// A data directory that exists already, so that it outlives its server.
    pub(crate) fn data_dir(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o711)).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn options(data_dir: &Path, durability: Durability) -> Options {
    Options {
        data_dir: data_dir.to_owned(),
        programs: None,
        keeper: env!("CARGO_BIN_EXE_rejoinder").into(),
        durability,
    }
}

pub(crate) async fn start(data_dir: &Path) -> Embedded {
    embedded::start(options(data_dir, Durability::Durable))
        .await
        .unwrap()
}

/// Where nothing is killed, nothing need be synced to the disk.
async fn start_quickly(data_dir: &Path) -> Embedded {
    embedded::start(options(data_dir, Durability::ForTests))
        .await
        .unwrap()
}

async fn refusal(options: Options) -> String {
    let line = embedded::start(options)
        .await
        .expect_err("it can't start")
        .to_string();
    assert!(!line.contains('\n'), "one line: {line}");
    line
}

/// Whether this is root; says so where it isn't, and something therefore isn't tried.
pub(crate) fn is_root(what: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        // Not by `eprintln!`, which the test runner swallows when a test passes.
        writeln!(std::io::stderr(), "NOT TRIED, needs root: {what}").unwrap();
    }
    root
}

/// A process that has an embedded database and can be killed.
struct Application {
    child: Child,
    /// Held open: an end would be a failure to the one who writes.
    _output: BufReader<ChildStdout>,
    /// What it said: where the data are, or why it refused.
    said: Result<PathBuf, String>,
}

impl Application {
    fn spawn(data_dir: &Path) -> Child {
        Self::command(&std::env::current_exe().unwrap(), data_dir, |_| {})
            .spawn()
            .unwrap()
    }

    fn start(data_dir: &Path) -> Self {
        Self::hear(Self::spawn(data_dir))
    }

    /// As a user without rights, to whom the directory is given; needs root.
    fn start_as_nobody(scratch: &Scratch, data_dir: &Path) -> Self {
        // The build may lie where that user can't go.
        let copy = |from: &Path, name: &str| {
            let to = scratch.0.join(name);
            fs::copy(from, &to).unwrap();
            to
        };
        let application = copy(&std::env::current_exe().unwrap(), "application");
        let keeper = copy(Path::new(env!("CARGO_BIN_EXE_rejoinder")), "keeper");
        let id = NOBODY.to_string();
        let mut command = Self::command(Path::new("setpriv"), data_dir, |command| {
            command
                .args(["--reuid", &id, "--regid", &id, "--clear-groups"])
                .arg(application);
        });
        command.env(KEEPER, keeper).current_dir("/");
        Self::hear(command.spawn().unwrap())
    }

    fn command(program: &Path, data_dir: &Path, first: impl FnOnce(&mut Command)) -> Command {
        let mut command = Command::new(program);
        first(&mut command);
        command
            .args(["--exact", "embedded::the_application_that_other_tests_kill"])
            .args(["--ignored", "--nocapture"])
            .env(DATA_DIR, data_dir)
            .env(KEEPER, env!("CARGO_BIN_EXE_rejoinder"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }

    fn hear(mut child: Child) -> Self {
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let line = output
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.split_once(MARK).map(|(_, said)| said.to_owned()))
            .expect("the application says something");
        let said = match line.split_once(' ').unwrap() {
            ("ready", at) => Ok(at.into()),
            (_, why) => Err(why.to_owned()),
        };
        if said.is_err() {
            std::io::copy(&mut output, &mut std::io::sink()).unwrap();
            child.wait().unwrap();
        }
        Self {
            child,
            _output: output,
            said,
        }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Started by other tests as a process of its own.
#[tokio::test]
#[ignore = "started by the other tests"]
#[expect(
    clippy::disallowed_methods,
    reason = "the way from the test to its process"
)]
async fn the_application_that_other_tests_kill() {
    let (Some(data_dir), Some(keeper)) = (std::env::var_os(DATA_DIR), std::env::var_os(KEEPER))
    else {
        return;
    };
    let mut options = options(Path::new(&data_dir), Durability::Durable);
    options.keeper = keeper.into();
    match embedded::start(options).await {
        Ok(running) => {
            println!("{MARK}ready {}", running.data_dir().display());
            std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
            running.stop().await.unwrap();
        }
        Err(cause) => println!("{MARK}refused {cause}"),
    }
}

/// Asks until it is so; fails the test when it isn't in time.
#[expect(
    clippy::disallowed_methods,
    reason = "between two questions, on the test's own thread"
)]
pub(crate) fn eventually(what: &str, seconds: u64, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {seconds} s: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) async fn connects_within(options: &PgConnectOptions, seconds: u64) -> PgConnection {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        match PgConnection::connect_with(options).await {
            Ok(connection) => return connection,
            Err(cause) => assert!(Instant::now() < deadline, "{cause}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn write_row(options: &PgConnectOptions) {
    let mut connection = PgConnection::connect_with(options).await.unwrap();
    connection
        .execute("create table if not exists kept (number int)")
        .await
        .unwrap();
    connection
        .execute("insert into kept values (1)")
        .await
        .unwrap();
}

async fn count_rows(options: &PgConnectOptions) -> i64 {
    let mut connection = connects_within(options, 10).await;
    connection
        .fetch_one("select count(*) from kept")
        .await
        .unwrap()
        .get(0)
}

pub(crate) fn server_pid(data_dir: &Path) -> Pid {
    find_server(data_dir).expect("the server has written its pid")
}

/// What `postmaster.pid` says; none when no server runs, or one is just beginning.
pub(crate) fn find_server(data_dir: &Path) -> Option<Pid> {
    let text = fs::read_to_string(data_dir.join("pgdata/postmaster.pid")).ok()?;
    Pid::from_raw(text.lines().next()?.trim().parse().ok()?)
}

/// A field of the system's list of processes; none when there is no such process, or only its remains.
pub(crate) fn ask_ps(pid: Pid, field: &str) -> Option<String> {
    let output = Command::new("ps")
        .args([
            "-o",
            &format!("state=,{field}="),
            "-p",
            &pid.as_raw_nonzero().to_string(),
        ])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (state, value) = text.trim().split_once(char::is_whitespace)?;
    (!state.starts_with('Z')).then(|| value.trim().to_owned())
}

pub(crate) fn keeper_of(server: Pid) -> Pid {
    Pid::from_raw(ask_ps(server, "ppid").unwrap().parse().unwrap()).unwrap()
}

pub(crate) fn is_gone(pid: Pid) -> bool {
    ask_ps(pid, "pid").is_none()
}

pub(crate) fn kill(pid: Pid) {
    kill_process(pid, Signal::KILL).unwrap();
}

/// Every file below, with what would change if it were touched.
fn picture(directory: &Path) -> Vec<(PathBuf, u64, i64, u32, u32)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let about = fs::symlink_metadata(&path).unwrap();
        all.push((
            path.clone(),
            about.len(),
            about.mtime_nsec(),
            about.mode(),
            about.uid(),
        ));
        if about.is_dir() {
            all.extend(picture(&path));
        }
    }
    all.sort();
    all
}
