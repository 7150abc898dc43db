//! Hours of traffic in minutes, and whether anything grows: `cargo bench --bench soak -- --minutes 30`. Not a test of
//! speed: the load is steady, and what is watched is memory, files, threads, connections, and tables that must stay small.
//!
//! The real program runs on its embedded database, which syncs to disk. A comment comes 5 times a second all day on a busy
//! site; here up to 80 come, so that 30 minutes are worth eight hours, and with them readers who correct, withdraw, vote and
//! report, moderators, batches and their undo, searches, sign-ins, tokens, erasures, exports, streams of events that come and
//! go, retries, and clients that leave in the middle. Fails (exit code 1) when an answer is not what it should be, when the
//! log has an error, or when something still grows after the first third, by more than stands below.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark may stop, and prints its figures"
)]

mod load;
mod moderators;
mod readers;
mod watch;

use std::time::{Duration, Instant};

use load::Load;
use watch::{Program, Sample};

/// How often is looked, in all.
const SAMPLES: u32 = 30;
/// What is looked at while caches fill counts for nothing.
const WARM_UP: usize = 10;

fn main() {
    let minutes = minutes(std::env::args().skip(1));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let good = runtime.block_on(soak(Duration::from_secs_f64(minutes * 60.0)));
    if !good {
        std::process::exit(1);
    }
}

/// `--minutes N`; cargo adds flags of its own.
fn minutes(mut arguments: impl Iterator<Item = String>) -> f64 {
    while let Some(argument) = arguments.next() {
        if argument == "--minutes" {
            return arguments.next().and_then(|text| text.parse().ok()).unwrap();
        }
    }
    30.0
}

async fn soak(duration: Duration) -> bool {
    let program = Program::start().await;
    let load = Load::begin(&program.base).await;
    println!("{}", Sample::HEAD);
    let begun = Instant::now();
    let mut samples = Vec::new();
    for number in 1..=SAMPLES {
        tokio::time::sleep_until((begun + duration / SAMPLES * number).into()).await;
        let sample = program.sample(begun.elapsed()).await;
        println!("{sample}  {}", load.line());
        samples.push(sample);
    }
    let mut wrong = load.end().await;
    wrong.extend(watch::growth(&samples[WARM_UP..]));
    wrong.extend(program.errors());
    for complaint in &wrong {
        println!("WRONG: {complaint}");
    }
    let stopped = program.stop().await;
    println!("stopped by SIGTERM: {stopped}");
    wrong.is_empty() && stopped
}
