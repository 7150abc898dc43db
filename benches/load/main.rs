//! How fast it is, against what the machine could do: `cargo bench --bench load`. docs/performance.md says how to read it.
//!
//! `-- [--quick] [--only ITEM…] [--rows N] [--json FILE] [--compare FILE] [--postgres-bin DIR] [--keep DIR]`
//!
//! One command: starts a Postgres of its own, which syncs to disk, and the program beside it; fills both; runs each item in
//! turns with its limit (pgbench, or a server that answers the same octets from memory); prints a table. Exit code 1 when
//! something went wrong: a wrong status, a row too few. A ratio that is missed is said, and fails nothing.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::map_err_ignore,
    reason = "a benchmark may stop, waits, and prints its figures"
)]

mod cached;
mod decide;
mod fill;
mod footprint;
mod generators;
mod hello;
mod http;
mod machine;
mod open_loop;
mod overload;
mod process;
mod program;
mod scale;
mod server;
mod submit;
mod table;
mod texts;
mod uncached;
mod vacuum;
mod wishes;

use std::cell::RefCell;
use std::process::ExitCode;

use process::Busy;
use program::Program;
use server::Server;
use table::{Row, Table};
use wishes::{Item, Wishes};

/// What items have in common.
struct Bench {
    wishes: Wishes,
    server: Server,
    /// What was wrong, though it could be measured.
    complaints: RefCell<Vec<String>>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|word| word == hello::WORD) {
        hello::serve(&arguments[1..]);
        return ExitCode::SUCCESS;
    }
    match Wishes::parse(&arguments).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(complaint) => {
            eprintln!("WRONG: {complaint}");
            ExitCode::FAILURE
        }
    }
}

fn run(wishes: Wishes) -> Result<(), String> {
    generators::check()?;
    let server = Server::start("main", wishes.postgres_bin.as_deref(), None)?;
    let bench = Bench {
        wishes,
        server,
        complaints: RefCell::default(),
    };
    let mut table = Table {
        about: machine::about(&bench)?,
        rows: Vec::new(),
    };
    eprintln!("filling");
    bench.fill()?;
    for item in bench.wishes.items() {
        eprintln!("{}", item.name());
        bench.server.settle()?;
        let busy = Busy::now();
        match bench.measure(item) {
            Ok(rows) => table.rows.extend(rows),
            Err(complaint) => bench.complain(format!("{}: {complaint}", item.name())),
        }
        let others = format!("{:.0} % of a processor", busy.others_percent());
        table
            .about
            .push((format!("used by others during {}", item.name()), others));
    }
    println!("{}", table.text());
    if let Some(earlier) = &bench.wishes.compare {
        let text = std::fs::read_to_string(earlier).map_err(|error| error.to_string())?;
        let earlier = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        println!("{}", table.compare(&earlier));
    }
    if let Some(path) = &bench.wishes.json {
        let text = serde_json::to_string_pretty(&table).map_err(|error| error.to_string())?;
        std::fs::write(path, text).map_err(|error| error.to_string())?;
    }
    let complaints = bench.complaints.take();
    if complaints.is_empty() {
        return Ok(());
    }
    Err(complaints.join("\nWRONG: "))
}

impl Bench {
    /// The tables, and in them what the items need.
    fn fill(&self) -> Result<(), String> {
        // It makes the tables, the site and the owner.
        drop(Program::start(&self.server, &[])?);
        fill::fill(&self.server, self.wishes.filling())
    }

    fn complain(&self, complaint: String) {
        self.complaints.borrow_mut().push(complaint);
    }

    /// A program whose log has a warning did something that it shouldn't.
    fn listen(&self, program: &Program) {
        let said = program.said();
        if let Some(first) = said.lines().next() {
            let lines = said.lines().count();
            self.complain(format!("the program said {lines} line(s): {first}"));
        }
    }

    fn measure(&self, item: Item) -> Result<Vec<Row>, String> {
        match item {
            Item::Submit => submit::measure(self),
            Item::Cached => cached::measure(self),
            Item::Uncached => uncached::measure(self),
            Item::Decide => decide::measure(self),
            Item::Footprint => footprint::measure(self),
            Item::Overload => overload::measure(self),
            Item::Scale => scale::measure(self),
        }
    }

    /// Runs ours and the limit in turns, each once more beforehand to warm up; the figures of each.
    fn alternate(
        &self,
        mut ours: impl FnMut(u32) -> Result<f64, String>,
        mut limit: impl FnMut(u32) -> Result<f64, String>,
    ) -> Result<(Vec<f64>, Vec<f64>), String> {
        let seconds = self.wishes.seconds();
        ours(self.wishes.warm_up())?;
        limit(self.wishes.warm_up())?;
        let mut figures = (Vec::new(), Vec::new());
        for _ in 0..self.wishes.repeats() {
            figures.0.push(ours(seconds)?);
            figures.1.push(limit(seconds)?);
        }
        Ok(figures)
    }
}
