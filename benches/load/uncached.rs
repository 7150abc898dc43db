//! Item 3: reading pages that nobody has kept, against the same SELECT asked of Postgres by pgbench. The statement and its
//! parameters are the program's own, taken from the server's log, so that they can't go stale. Must not know them.

use std::fs;
use std::time::Duration;

use super::Bench;
use super::generators::{Pgbench, Wrk};
use super::process;
use super::program::{Program, without_cache};
use super::server::Server;
use super::table::{Row, Wanted};

/// Pages that are asked for in turn.
const PAGES: u32 = 100;
const CONNECTIONS: u32 = 16;
const PATH: &str = "/api/v1/comments?page_url=https%3A%2F%2Fexample.org%2Fp%2F";
/// Until the server writes statements into its log.
const SWITCHED_MAX: Duration = Duration::from_secs(10);
/// What a page is known by, before its number.
const KEY: &str = "example.org/p/";

pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>, String> {
    let program = Program::start(&bench.server, without_cache())?;
    let statements = watch(&bench.server, &program)?;
    let named = statements
        .iter()
        .find_map(|found| Some((found, found.script()?)));
    let (first, (script, set)) = named.ok_or("the program asked for the page without naming it")?;
    let same = statements
        .iter()
        .filter(|other| other.process == first.process);
    let asked = same.count();
    let path = bench.server.directory.join("uncached.pgbench");
    fs::write(&path, script).unwrap();
    let figures = bench.alternate(
        |seconds| {
            let wrk = Wrk {
                script: "read.lua",
                url: &format!("http://{}", program.host),
                connections: CONNECTIONS,
                seconds,
                environment: vec![
                    ("REQUEST_PATH", PATH.to_owned()),
                    ("PAGES", PAGES.to_string()),
                ],
            };
            Ok(wrk.run()?.all_good()?.a_second())
        },
        |seconds| {
            let pgbench = Pgbench {
                server: &bench.server,
                script: &path,
                clients: CONNECTIONS,
                threads: 1,
                seconds,
                set: set.clone(),
            };
            Ok(pgbench.run()?.a_second)
        },
    )?;
    let note = format!("{asked} statement(s) for each read; limit: the first");
    let name = format!("uncached read, {CONNECTIONS} connections");
    let row = Row::against(&name, "/s", figures, Wanted::AtLeast(0.8));
    bench.listen(&program);
    Ok(vec![row.with_note(note)])
}

/// A statement as the server logged it.
struct Statement {
    /// The server's process that ran it: one for each connection.
    process: String,
    text: String,
    /// None: null.
    parameters: Vec<Option<String>>,
}

/// What the program asks the database for one page.
fn watch(server: &Server, program: &Program) -> Result<Vec<Statement>, String> {
    let mut connection = program.connect()?;
    // The first time prepares, and learns what is kept for longer.
    connection.get(&format!("{PATH}6"))?.expect(200)?;
    server.sql("alter system set log_min_duration_statement = 0; select pg_reload_conf()")?;
    // The server's processes hear of it a moment later, each by itself.
    let found = process::until(SWITCHED_MAX, || {
        let before = server.log().len();
        connection.get(&format!("{PATH}7")).ok()?;
        let log = server.log();
        let found = parse(log.get(before..)?);
        let is_named = found.iter().any(|statement| statement.script().is_some());
        is_named.then_some(found)
    });
    server.sql("alter system reset log_min_duration_statement; select pg_reload_conf()")?;
    found.ok_or_else(|| "the program asks the database for no page".to_owned())
}

/// Executions with their parameters, in a log with the process before each entry.
fn parse(log: &str) -> Vec<Statement> {
    let mut found: Vec<Statement> = Vec::new();
    let mut is_open = false;
    for line in log.lines() {
        if line.starts_with('\t') {
            if is_open && let Some(last) = found.last_mut() {
                last.text += "\n";
                last.text += line;
            }
            continue;
        }
        is_open = false;
        let (process, entry) = line.split_once(' ').unwrap_or_default();
        if let Some((_, execution)) = entry.split_once(" ms  execute ")
            && let Some((_, text)) = execution.split_once(": ")
        {
            found.push(Statement {
                process: process.to_owned(),
                text: text.to_owned(),
                parameters: Vec::new(),
            });
            is_open = true;
        } else if let Some(values) = entry.strip_prefix("DETAIL:  parameters: ") {
            let last = found.last_mut().filter(|last| last.process == process);
            if let Some(last) = last {
                last.parameters = parameters(values);
            }
        }
    }
    found
}

/// `$1 = 'text with '' in it', $2 = NULL`
fn parameters(values: &str) -> Vec<Option<String>> {
    let mut found = Vec::new();
    let mut rest = values;
    while let Some((_, value)) = rest.split_once(" = ") {
        let Some(quoted) = value.strip_prefix('\'') else {
            found.push(None);
            rest = value;
            continue;
        };
        let mut text = String::new();
        let mut signs = quoted.char_indices().peekable();
        let mut end = quoted.len();
        while let Some((at, sign)) = signs.next() {
            if sign != '\'' {
                text.push(sign);
            } else if signs.next_if(|(_, next)| *next == '\'').is_some() {
                text.push('\'');
            } else {
                end = at + 1;
                break;
            }
        }
        found.push(Some(text));
        rest = quoted.get(end..).unwrap_or_default();
    }
    found
}

impl Statement {
    /// The same for pgbench, for any of the pages, with the other parameters as variables; none where no page is named.
    fn script(&self) -> Option<(String, Vec<(&'static str, String)>)> {
        const NAMES: [&str; 12] = [
            "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12",
        ];
        let asked = format!("{KEY}7");
        self.parameters
            .iter()
            .position(|value| value.as_deref() == Some(asked.as_str()))?;
        let (mut text, mut set) = (self.text.clone(), Vec::new());
        // From behind, so that $1 isn't found in $10.
        for (number, value) in self.parameters.iter().enumerate().rev() {
            let name = NAMES.get(number)?;
            let put = match value {
                None => "null".to_owned(),
                Some(value) if *value == asked => format!("('{KEY}' || :page)"),
                Some(value) => {
                    set.push((*name, value.clone()));
                    format!(":{name}")
                }
            };
            text = text.replace(&format!("${}", number + 1), &put);
        }
        Some((format!("\\set page random(1, {PAGES})\n{text};\n"), set))
    }
}
