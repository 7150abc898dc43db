//! Item 7: three times as many submissions as can be taken, while others read and moderate. Must not know how the program
//! defends itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::Bench;
use super::fill::as_f64;
use super::open_loop::{Outcome, Plan};
use super::process;
use super::program::Program;
use super::submit::{CONNECTIONS, Submitting};
use super::table::{Row, Wanted, median};
use super::texts;

const CLIENTS: u32 = 1_000;
const TIMES: f64 = 3.0;
/// Of those who come at the same time, in requests a second.
const READS: f64 = 100.0;
const DESK: f64 = 20.0;
const REFUSED: [u16; 2] = [429, 503];

pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>, String> {
    let program = Program::start(&bench.server, &[])?;
    let token = program.make_token()?;
    let submitting = Submitting::prepare(bench, &program)?;
    let duration = Duration::from_secs(if bench.wishes.is_quick() { 5 } else { 20 });
    submitting.ours(CONNECTIONS, 1)?;
    let mut peaks = Vec::new();
    for _ in 0..bench.wishes.repeats() {
        peaks.push(
            submitting
                .ours(CONNECTIONS, bench.wishes.seconds())?
                .a_second(),
        );
    }
    let offered = TIMES * median(&peaks);
    let before = bench.server.number("select count(*) from comments")?;
    let flood = Flood::run(&program, &token, offered, duration);
    let stored = bench.server.number("select count(*) from comments")? - before;
    flood.judge(&program, stored, &peaks, offered)
}

/// Who came, and what they got.
struct Flood {
    submitted: Outcome,
    read: Outcome,
    desk: Outcome,
    memory_max: f64,
}

impl Flood {
    fn run(program: &Program, token: &str, offered: f64, duration: Duration) -> Self {
        let runtime = Runtime::new().unwrap();
        let plan = |connections, a_second, request| Plan {
            host: program.host.clone(),
            connections,
            a_second,
            duration,
            request,
        };
        let path = "/api/v1/comments?page_url=https%3A%2F%2Fexample.org%2Fp%2F1";
        let read = get(&program.host, path, "");
        let authorization = format!("authorization: Bearer {token}\r\n");
        let list = get(&program.host, "/api/v1/admin/comments", &authorization);
        let submitted = plan(CLIENTS, offered, submission(&program.host)).begin(&runtime);
        let read = plan(10, READS, Arc::new(move |_| read.clone())).begin(&runtime);
        let desk = plan(4, DESK, Arc::new(move |_| list.clone())).begin(&runtime);
        let begun = Instant::now();
        let mut memory_max: f64 = 0.0;
        while begun.elapsed() < duration {
            memory_max = memory_max.max(process::memory(program.pid()).resident);
            process::pause(Duration::from_millis(100));
        }
        let end = |outcome: JoinHandle<Outcome>| runtime.block_on(outcome).unwrap();
        Self {
            submitted: end(submitted),
            read: end(read),
            desk: end(desk),
            memory_max,
        }
    }

    fn judge(
        &self,
        program: &Program,
        stored: f64,
        peaks: &[f64],
        offered: f64,
    ) -> Result<Vec<Row>, String> {
        let Self {
            submitted,
            read,
            desk,
            ..
        } = self;
        let taken = as_f64(submitted.count(201));
        let wrong = submitted.others(&[201, 429, 503]);
        if !wrong.is_empty() {
            return Err(format!("submissions were answered {wrong:?}"));
        }
        // An answer that nobody waited for any more, or a 503 whose outcome was open, may be stored too.
        if stored < taken {
            return Err(format!(
                "{taken} were answered 201, and {stored} were stored"
            ));
        }
        if !program.is_alive() {
            return Err(format!("the program ended: {}", program.said()));
        }
        let mut rows = self.submission_rows(peaks, offered);
        rows.extend(beside_rows("overload, cached reads", read));
        rows.extend(beside_rows("overload, moderators' list", desk));
        Ok(rows)
    }

    fn submission_rows(&self, peaks: &[f64], offered: f64) -> Vec<Row> {
        let submitted = &self.submitted;
        let note = format!(
            "offered {offered:.0}/s over {CLIENTS} connections, {:.0}/s answered, {} given up unsent, {} cut off",
            submitted.sent_a_second(),
            submitted.unsent,
            submitted.broken
        );
        let rate = (vec![submitted.a_second(201)], vec![median(peaks)]);
        let name = "overload, 201s, against the peak";
        let memory = vec![self.memory_max];
        let mut rows = vec![
            Row::against(name, "/s", rate, Wanted::AtLeast(0.9)).with_note(note),
            Row::alone("overload, memory", "MiB", memory, Wanted::AtMost(150.0))
                .with_note("highest RSS"),
        ];
        let refused = REFUSED.iter().map(|status| submitted.count(*status));
        let note = format!("{} with 503 or 429", refused.sum::<u64>());
        let name = "overload, refusals, p99";
        rows.extend(times_row(name, submitted, &REFUSED, &note));
        let note = "from the moment they were due";
        rows.extend(times_row("overload, 201s, p99", submitted, &[201], note));
        rows
    }
}

/// How those fared who came at the same time.
fn beside_rows(name: &str, outcome: &Outcome) -> Vec<Row> {
    let note = format!(
        "other answers: {:?}, unsent {}, cut off {}",
        outcome.others(&[200]),
        outcome.unsent,
        outcome.broken
    );
    let good = as_f64(outcome.count(200));
    let bad = outcome.unsent + outcome.broken + outcome.count_others(200);
    let share = vec![100.0 * good / (good + as_f64(bad))];
    let share = Row::alone(
        &format!("{name}, answered with 200"),
        "%",
        share,
        Wanted::AtLeast(100.0),
    );
    let times = times_row(&format!("{name}, p99"), outcome, &[200], &note);
    times.into_iter().chain([share]).collect()
}

fn times_row(name: &str, outcome: &Outcome, statuses: &[u16], note: &str) -> Option<Row> {
    let [p50, p99, max] = outcome.times(statuses)?;
    let wanted = if statuses == REFUSED {
        Wanted::AtMost(100.0)
    } else {
        Wanted::Nothing
    };
    let note = format!("p50 {p50:.1}, slowest {max:.0}; {note}");
    Some(Row::alone(name, "ms", vec![p99], wanted).with_note(note))
}

fn get(host: &str, path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n").into_bytes()
}

/// Submissions that differ in everything that must differ.
fn submission(host: &str) -> Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync> {
    let fragments = texts::fragments();
    let host = host.to_owned();
    Arc::new(move |number| {
        let fragment = |step: u64| {
            let at = usize::try_from(number.wrapping_mul(step) % 16).unwrap();
            &fragments[at]
        };
        let body = format!(
            "{{\"page_url\":\"https://example.org/p/{}\",\"name\":\"Reader flood{number}\",\"email\":\"flood{number}@example.org\",\"body\":\"{} flood{number} {} {}\"}}",
            1 + number % 100,
            fragment(7),
            fragment(13),
            fragment(29),
        );
        let length = body.len();
        format!(
            "POST /api/v1/comments HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nidempotency-key: flood{number}\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    })
}
