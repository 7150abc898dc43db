//! The generators of load that are programs: wrk for HTTP, pgbench for Postgres. Must not know what is asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::fill::as_f64;
use super::process;
use super::server::Server;
use super::table::percentile;

/// What wrk counted.
#[derive(Deserialize, Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) requests: f64,
    seconds: f64,
    /// Statuses of 400 and above.
    pub(super) refused: f64,
    /// Connections that were cut, and answers that didn't come.
    pub(super) broken: f64,
    p50_us: f64,
    pub(super) octets: f64,
}

impl Asked {
    /// Good answers a second.
    pub(super) fn a_second(&self) -> f64 {
        (self.requests - self.refused) / self.seconds
    }

    pub(super) fn p50_ms(&self) -> f64 {
        self.p50_us / 1000.0
    }

    /// Itself, where every request had a good answer.
    pub(super) fn all_good(self) -> Result<Self, String> {
        if self.refused > 0.0 || self.broken > 0.0 {
            return Err(format!(
                "{} of {} requests were refused, {} were cut off",
                self.refused, self.requests, self.broken
            ));
        }
        Ok(self)
    }
}

/// One run of wrk, in one thread.
pub(super) struct Wrk<'a> {
    /// The script beside this file.
    pub(super) script: &'static str,
    pub(super) url: &'a str,
    pub(super) connections: u32,
    pub(super) seconds: u32,
    /// What the script reads from its environment.
    pub(super) environment: Vec<(&'static str, String)>,
}

impl Wrk<'_> {
    pub(super) fn run(&self) -> Result<Asked, String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("benches/load")
            .join(self.script);
        let mut command = Command::new("wrk");
        command
            .args(["-t1", "--timeout", "30s"])
            .arg(format!("-c{}", self.connections))
            .arg(format!("-d{}s", self.seconds))
            .arg("-s")
            .arg(script)
            .arg(self.url)
            .env(
                "FOLDER",
                Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/load"),
            )
            .envs(self.environment.iter().cloned());
        let said = process::run(&mut command)?;
        let figures = said.lines().find_map(|line| line.strip_prefix("FIGURES "));
        let figures = figures.ok_or_else(|| format!("wrk gave no figures: {said}"))?;
        serde_json::from_str(figures).map_err(|error| format!("{error}: {figures}"))
    }
}

/// Says what to install, if that is needed.
pub(super) fn check() -> Result<(), String> {
    if process::find_program("wrk").is_none() {
        return Err("wrk is missing: install it (Debian, Ubuntu: apt-get install wrk)".to_owned());
    }
    Ok(())
}

/// The part of a run of pgbench that isn't counted.
const PREPARING: f64 = 0.2;

/// One run of pgbench, with prepared statements.
pub(super) struct Pgbench<'a> {
    pub(super) server: &'a Server,
    pub(super) script: &'a Path,
    pub(super) clients: u32,
    pub(super) threads: u32,
    pub(super) seconds: u32,
    pub(super) set: Vec<(&'static str, String)>,
}

/// What pgbench counted.
#[derive(Clone, Copy)]
pub(super) struct Transacted {
    pub(super) a_second: f64,
    pub(super) p50_ms: f64,
}

impl Pgbench<'_> {
    pub(super) fn run(&self) -> Result<Transacted, String> {
        let prefix = self.server.directory.join("pgbench-log");
        let mut command = self.server.client("pgbench");
        command
            .args(["-n", "-M", "prepared", "-l", "--log-prefix"])
            .arg(&prefix)
            .arg("-f")
            .arg(self.script)
            .arg(format!("-c{}", self.clients))
            .arg(format!("-j{}", self.threads.min(self.clients)))
            .arg(format!("-T{}", self.seconds));
        for (name, value) in &self.set {
            command.arg("-D").arg(format!("{name}={value}"));
        }
        let said = process::run(&mut command);
        let log = self.take_log();
        let said = said?;
        let failed = "number of failed transactions: ";
        let failed = said.lines().find_map(|line| line.strip_prefix(failed));
        if failed.is_none_or(|count| !count.starts_with("0 ")) {
            return Err(format!("transactions of pgbench failed: {said}"));
        }
        Ok(count(&log))
    }

    /// When each began, and how long it took, in seconds; the files go.
    fn take_log(&self) -> Vec<(f64, f64)> {
        let mut log = Vec::new();
        for path in self.logs() {
            let text = fs::read_to_string(&path).unwrap_or_default();
            log.extend(text.lines().filter_map(|line| {
                let words: Vec<f64> = line
                    .split(' ')
                    .filter_map(|word| word.parse().ok())
                    .collect();
                let [_, _, took, _, end_seconds, end_us] = words.get(..6)? else {
                    return None;
                };
                let took = took / 1e6;
                Some((end_seconds + end_us / 1e6 - took, took))
            }));
            drop(fs::remove_file(path));
        }
        log
    }

    fn logs(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.server.directory).into_iter().flatten();
        entries
            .flatten()
            .filter(|entry| {
                entry
                    .file_name()
                    .to_string_lossy()
                    .starts_with("pgbench-log")
            })
            .map(|entry| entry.path())
            .collect()
    }
}

/// Leaves the first moments out, in which each client prepares its statements.
fn count(log: &[(f64, f64)]) -> Transacted {
    let first = log
        .iter()
        .map(|(begun, _)| *begun)
        .fold(f64::INFINITY, f64::min);
    let ends = log.iter().map(|(begun, took)| begun + took);
    let last = ends.clone().fold(f64::NEG_INFINITY, f64::max);
    let from = first + (last - first) * PREPARING;
    let counted = ends.filter(|end| *end > from).count();
    let mut times: Vec<f64> = log.iter().map(|(_, took)| took * 1000.0).collect();
    times.sort_by(f64::total_cmp);
    Transacted {
        a_second: as_f64(counted.try_into().unwrap()) / (last - from),
        p50_ms: percentile(&times, 50),
    }
}
