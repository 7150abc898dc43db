//! Fills the database, by the database itself: indexes and foreign keys are put aside first and made again from their own
//! definitions. Must not know what is measured on it.

use std::io::Write as _;
use std::time::Instant;

use super::server::Server;

/// Comments that one statement stores.
const PIECE: u64 = 20_000;
/// Fewer than these are stored with the indexes in place.
const ASIDE_MIN: u64 = 50_000;
const WRITERS: u64 = 2;

/// How much is wanted.
#[derive(Clone, Copy)]
pub(super) struct Filling {
    /// Comments in every state, as on a site that has been there for long.
    pub(super) rows: u64,
    /// And so many more that are pending.
    pub(super) pending: u64,
}

impl Filling {
    pub(super) fn pages(&self) -> u64 {
        (self.rows / 100).max(100)
    }
}

/// Fills an empty database; one that is filled like this is left as it is.
pub(super) fn fill(server: &Server, wanted: Filling) -> Result<(), String> {
    server.sql(include_str!("fill.sql"))?;
    let (rows, pages) = (wanted.rows, wanted.pages());
    let there = server.sql("select rows || ' ' || filled from load.wish")?;
    if there == format!("{rows} true") {
        return Ok(());
    }
    if !there.is_empty() || server.number("select count(*) from comments")? > 0.0 {
        return Err(format!(
            "the kept database isn't one of {rows} comments, or wasn't filled to the end: remove it"
        ));
    }
    let begun = Instant::now();
    let numbers = rows + wanted.pending;
    server.sql(&format!(
        "alter database rejoinder set maintenance_work_mem = '1GB';
        call load.prepare({rows}, {numbers}, {pages});
        call load.fill_pages(1, {pages})"
    ))?;
    let aside = if numbers < ASIDE_MIN {
        String::new()
    } else {
        server.sql(include_str!("aside.sql"))?
    };
    let ranges = [(0, rows, "null"), (rows, numbers, "'pending'")];
    let pieces = ranges
        .into_iter()
        .flat_map(|(from, to, state)| pieces(from, to).map(move |(a, b)| (a, b, state)));
    write(server, &pieces.collect::<Vec<_>>())?;
    eprintln!(
        "  rows after {:.0} s; indexes",
        begun.elapsed().as_secs_f64()
    );
    for definition in aside.lines() {
        server.sql(definition)?;
        eprintln!(
            "  {:.0} s: {}",
            begun.elapsed().as_secs_f64(),
            shorten(definition)
        );
    }
    server.sql("call load.count_pages(); update load.wish set filled = true")?;
    server.sql("vacuum analyze; checkpoint")?;
    let size = server.sql("select pg_size_pretty(pg_database_size('rejoinder'))")?;
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!("  filled after {seconds:.0} s: {size}");
    Ok(())
}

fn shorten(definition: &str) -> String {
    definition.chars().take(90).collect()
}

fn pieces(from: u64, to: u64) -> impl Iterator<Item = (u64, u64)> {
    let starts = (from..to).step_by(usize::try_from(PIECE).unwrap());
    starts.map(move |start| (start + 1, (start + PIECE).min(to)))
}

/// Several at once, each every so-manieth piece.
fn write(server: &Server, pieces: &[(u64, u64, &str)]) -> Result<(), String> {
    let begun = Instant::now();
    let done = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (begun, done) = (&begun, &done);
                scope.spawn(move || {
                    for (number, (from, to, state)) in (0..).zip(pieces) {
                        if number % WRITERS != writer {
                            continue;
                        }
                        server.sql(&format!(
                            "set synchronous_commit = off; call load.fill({from}, {to}, {state})"
                        ))?;
                        let rows = to - from + 1;
                        let all = rows + done.fetch_add(rows, std::sync::atomic::Ordering::Relaxed);
                        let rate = as_f64(all) / begun.elapsed().as_secs_f64();
                        eprint!("\r  {all} rows, {rate:.0} a second ");
                        std::io::stderr().flush().ok();
                    }
                    Ok(())
                })
            })
            .collect();
        let outcomes = writers.into_iter().map(|writer| writer.join().unwrap());
        let outcome = outcomes.collect::<Result<Vec<()>, String>>();
        eprintln!();
        outcome.map(drop)
    })
}

#[expect(
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "counts of rows, far below 2^52"
)]
pub(super) fn as_f64(number: u64) -> f64 {
    number as f64
}
