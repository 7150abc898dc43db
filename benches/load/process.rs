//! Processes that end with this one, and what they take: memory, time of processors. Must not know what they are.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Ticks of `/proc/*/stat` a second; the same on every Linux that isn't built by hand.
const TICKS: f64 = 100.0;
/// How long somebody may take to end.
const END_MAX: Duration = Duration::from_mins(2);

/// Starts "$@", says its process id, and waits for the end of its input, which comes however we end; then ends it, and
/// removes what is only of use while it runs.
const GUARD: &str = "\
    exec 3<&0 </dev/null; signal=$1 log=$2 gone=$3; shift 3; \
    \"$@\" 3<&- >>\"$log\" 2>&1 & pid=$!; echo \"$pid\"; exec >/dev/null; \
    while read -r _; do :; done <&3; kill -\"$signal\" \"$pid\"; wait \"$pid\"; [ -z \"$gone\" ] || rm -rf -- \"$gone\"";

/// A process that ends when this is dropped, and also when we are killed.
pub(super) struct Guarded {
    guard: Child,
    pub(super) pid: u32,
}

/// How to start and end one.
pub(super) struct Guarding<'a> {
    pub(super) signal: &'static str,
    pub(super) log: &'a Path,
    /// Removed at the end.
    pub(super) gone: Option<&'a Path>,
}

impl Guarded {
    /// `command` is what comes before (environment, user); `words` what is run.
    pub(super) fn start(mut command: Command, guarding: &Guarding<'_>, words: &[String]) -> Self {
        use std::os::unix::process::CommandExt as _;
        let mut guard = command
            .args(["-c", GUARD, "guard", guarding.signal])
            .arg(guarding.log)
            .arg(guarding.gone.unwrap_or_else(|| Path::new("")))
            .args(words)
            // Ctrl-C is for us; the guard sees the end of its input.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(guard.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let pid = line.trim().parse().unwrap();
        Self { guard, pid }
    }

    /// A shell for [`Self::start`], with nothing of our environment but the path.
    pub(super) fn shell() -> Command {
        let mut command = Command::new("/bin/sh");
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let begun = Instant::now();
        while matches!(self.guard.try_wait(), Ok(None)) && begun.elapsed() < END_MAX {
            pause(Duration::from_millis(10));
        }
    }
}

/// Runs to the end; what it said, or a complaint that shows it.
pub(super) fn run(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output();
    said(command, output)
}

/// What came out, if all went well.
pub(super) fn said(command: &Command, output: std::io::Result<Output>) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = output.map_err(|error| format!("{program} doesn't run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = complaint.lines().chain(text.lines()).take(6).collect();
    let lines = lines.join("\n");
    Err(format!("{program}: {}\n{lines}", output.status))
}

pub(super) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// Waits until something is there.
pub(super) fn until<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if begun.elapsed() > limit {
            return None;
        }
        pause(Duration::from_millis(1));
    }
}

/// A moment's sums of processors' time, in seconds.
pub(super) struct Busy {
    at: Instant,
    all: f64,
    ours: f64,
}

impl Busy {
    pub(super) fn now() -> Self {
        Self {
            at: Instant::now(),
            all: all_seconds(),
            ours: tree_seconds(std::process::id()),
        }
    }

    /// What everybody else on the machine has used since, in percent of one processor.
    pub(super) fn others_percent(&self) -> f64 {
        let now = Self::now();
        let others = (now.all - self.all) - (now.ours - self.ours);
        100.0 * others.max(0.0) / (now.at - self.at).as_secs_f64()
    }
}

fn all_seconds() -> f64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = text.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = first
        .split_whitespace()
        .skip(1)
        .take(8)
        .filter_map(|word| word.parse().ok())
        .collect();
    // All but idle and waiting for disks.
    (ticks.iter().sum::<f64>() - ticks.iter().skip(3).take(2).sum::<f64>()) / TICKS
}

struct Stat {
    parent: u32,
    seconds: f64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let words: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = words.get(11..15)?;
    Some(Stat {
        parent: words.get(1)?.parse().ok()?,
        // Its own, and that of children that it has waited for.
        seconds: ticks
            .iter()
            .filter_map(|word| word.parse::<f64>().ok())
            .sum::<f64>()
            / TICKS,
    })
}

/// A process and all below it.
pub(super) fn tree(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        if let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
            && let Some(stat) = stat(pid)
        {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    let (mut found, mut todo) = (Vec::new(), vec![root]);
    while let Some(pid) = todo.pop() {
        found.push(pid);
        todo.extend(children.remove(&pid).unwrap_or_default());
    }
    found
}

fn tree_seconds(root: u32) -> f64 {
    tree(root)
        .into_iter()
        .filter_map(stat)
        .map(|stat| stat.seconds)
        .sum()
}

/// Memory of one process, in MiB.
#[derive(Clone, Copy, Default)]
pub(super) struct Memory {
    /// With what it shares.
    pub(super) resident: f64,
    /// What is shared counted by part.
    pub(super) proportional: f64,
}

pub(super) fn memory(pid: u32) -> Memory {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let mib = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok())
            .unwrap_or_default()
            / 1024.0
    };
    Memory {
        resident: mib("Rss:"),
        proportional: mib("Pss:"),
    }
}

/// The file of a program in the path.
pub(super) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}
