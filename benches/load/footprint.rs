//! Item 6: what the program takes: memory at rest and at work, its file, its start. Must not know why.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::Bench;
use super::fill::as_f64;
use super::generators::Wrk;
use super::process::{self, Memory};
use super::program::Program;
use super::submit::Submitting;
use super::table::{Row, Wanted};

const STARTS: u32 = 10;
const REST: Duration = Duration::from_secs(5);
/// Lists of different lengths of each page, so that there are more answers than the cache may hold.
const LENGTHS: u32 = 30;
const READ_PATH: &str = "/api/v1/comments?page_url=https%3A%2F%2Fexample.org%2Fp%2F";

pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>, String> {
    let file = fs::metadata(env!("CARGO_BIN_EXE_rejoinder")).unwrap().len();
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let program = Program::start(&bench.server, &[])?;
        starts.push(program.start.as_secs_f64() * 1000.0);
    }
    let program = Program::start(&bench.server, &[])?;
    process::pause(REST);
    let rest = process::memory(program.pid());
    let work = at_work(bench, &program)?;
    process::pause(REST);
    let after = process::memory(program.pid());
    let row = |name: &str, memory: Memory, wanted| {
        let note = format!("PSS {:.1}", memory.proportional);
        Row::alone(name, "MiB", vec![memory.resident], wanted).with_note(note)
    };
    let seconds = work_seconds(bench);
    Ok(vec![
        row("memory at rest (RSS)", rest, Wanted::AtMost(40.0)),
        row("memory at work (highest RSS)", work, Wanted::AtMost(150.0)),
        row("memory 5 s after work (RSS)", after, Wanted::Nothing),
        Row::alone(
            "program's file",
            "MiB",
            vec![as_f64(file) / 1_048_576.0],
            Wanted::AtMost(40.0),
        ),
        Row::alone(
            "start on an existing database",
            "ms",
            starts,
            Wanted::AtMost(100.0),
        )
        .with_note("until /readyz answers 200"),
    ]
    .into_iter()
    .map(|row| match row.item.as_str() {
        "memory at work (highest RSS)" => {
            let note = format!("{}; {seconds} s of submissions and reads", row.note);
            row.with_note(note)
        }
        _ => row,
    })
    .collect())
}

fn work_seconds(bench: &Bench) -> u32 {
    if bench.wishes.is_quick() { 5 } else { 30 }
}

/// The most it took while both came at once.
fn at_work(bench: &Bench, program: &Program) -> Result<Memory, String> {
    let seconds = work_seconds(bench);
    let submitting = Submitting::prepare(bench, program)?;
    let read = Wrk {
        script: "read.lua",
        url: &format!("http://{}", program.host),
        connections: 64,
        seconds,
        environment: vec![
            ("REQUEST_PATH", READ_PATH.to_owned()),
            ("PAGES", "100".to_owned()),
            ("LENGTHS", LENGTHS.to_string()),
            ("HEADER", "Accept-Encoding: gzip".to_owned()),
        ],
    };
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut most = Memory::default();
            while !is_over.load(Ordering::Relaxed) {
                let now = process::memory(program.pid());
                if now.resident > most.resident {
                    most = now;
                }
                process::pause(Duration::from_millis(100));
            }
            most
        });
        let reading = scope.spawn(|| read.run()?.all_good());
        let submitted = submitting.ours(64, seconds);
        let read = reading.join().unwrap();
        is_over.store(true, Ordering::Relaxed);
        let most = watching.join().unwrap();
        submitted?;
        read?;
        Ok(most)
    })
}
