//! What a run ran on: machine, versions, date. Must not know what is measured.

use std::fs;
use std::process::Command;

use super::Bench;
use super::process;

/// In the order in which one reads it.
pub(super) fn about(bench: &Bench) -> Result<Vec<(String, String)>, String> {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models = cpus.lines().filter(|line| line.starts_with("model name"));
    let model = models.clone().next().and_then(|line| line.split_once(": "));
    let model = model.map_or("unknown", |(_, model)| model);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory
        .split_whitespace()
        .nth(1)
        .and_then(|word| word.parse::<u64>().ok());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let lines = [
        ("processors", format!("{} × {model}", models.count())),
        ("memory", format!("{} MiB", kib.unwrap_or_default() / 1024)),
        ("kernel", kernel.trim().to_owned()),
        ("Rejoinder", revision()),
        ("Postgres", bench.server.sql("show server_version")?),
        (
            "compiler",
            first_line(Command::new("rustc").arg("--version")),
        ),
        (
            "date",
            bench
                .server
                .sql("select to_char(now(), 'YYYY-MM-DD HH24:MI \"UTC\"')")?,
        ),
        (
            "runs",
            format!(
                "{} of {} s each, in turns with the limit",
                bench.wishes.repeats(),
                bench.wishes.seconds()
            ),
        ),
    ];
    Ok(lines
        .into_iter()
        .map(|(what, value)| (what.to_owned(), value))
        .collect())
}

fn revision() -> String {
    let git = |words: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-C", env!("CARGO_MANIFEST_DIR")]).args(words);
        process::run(&mut command).ok()
    };
    match git(&["rev-parse", "--short=12", "HEAD"]) {
        Some(revision) => {
            let changed = git(&["status", "--porcelain"]).is_none_or(|text| !text.is_empty());
            let changed = if changed { " with changes" } else { "" };
            format!("{}{changed}", revision.trim())
        }
        None => env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn first_line(command: &mut Command) -> String {
    let said = process::run(command).unwrap_or_default();
    said.lines().next().unwrap_or("unknown").to_owned()
}
