//! Item 5, second half: what decisions leave behind in the tables, and whether Postgres' own cleaning keeps up with it.
//! Must not know how a decision is made.

use std::time::Duration;

use super::Bench;
use super::generators::Wrk;
use super::process;
use super::program::Program;
use super::table::{Row, Wanted};

/// What a busy desk decides in an hour: ten a second.
const DECISIONS: f64 = 36_000.0;
/// Comments that are decided again and again.
const COMMENTS: u32 = 12_000;
/// Postgres looks at its tables once a minute.
const REST: Duration = Duration::from_secs(75);
/// Of the living: Postgres cleans from a fifth on.
const DEAD_MAX_PERCENT: f64 = 25.0;

/// Dead rows in percent of the living, and the size with indexes in MiB; of each table.
const STATE: &str = "\
    select relname, 100.0 * n_dead_tup / greatest(n_live_tup, 1), pg_total_relation_size(relid) / 1048576.0, autovacuum_count \
    from pg_stat_user_tables where schemaname = 'public' and relname in ('comments', 'comment_history', 'pages') \
    order by relname";

pub(super) fn measure(bench: &Bench, program: &Program) -> Result<Vec<Row>, String> {
    let ids = bench.server.directory.join("decided.txt");
    let some =
        format!("select id from comments where status <> 'deleted' order by id limit {COMMENTS}");
    std::fs::write(&ids, bench.server.sql(&some)?).unwrap();
    let before = state(bench)?;
    let token = program.make_token()?;
    let mut decided = 0.0;
    let mut offset = 0.0;
    while decided < DECISIONS {
        let asked = Wrk {
            script: "redecide.lua",
            url: &format!("http://{}", program.host),
            connections: 4,
            seconds: 5,
            environment: vec![
                ("TOKEN", token.clone()),
                ("IDS", ids.to_str().unwrap().to_owned()),
                ("OFFSET", format!("{offset:.0}")),
            ],
        }
        .run()?
        .all_good()?;
        decided += asked.requests;
        offset += asked.requests + 4.0;
    }
    let at_once = state(bench)?;
    process::pause(REST);
    let later = state(bench)?;
    let mut rows = Vec::new();
    for ((was, once), is) in before.iter().zip(&at_once).zip(&later) {
        let name = format!("dead rows of {} after {decided:.0} decisions", was.table);
        let note = format!(
            "{:.1} % before, {:.1} % at once; size {:.0} → {:.0} MiB; cleaned {:.0} times",
            was.dead,
            once.dead,
            was.size,
            is.size,
            is.cleaned - was.cleaned
        );
        let row = Row::alone(
            &name,
            "% of living",
            vec![is.dead],
            Wanted::AtMost(DEAD_MAX_PERCENT),
        );
        rows.push(row.with_note(note));
    }
    Ok(rows)
}

struct State {
    table: String,
    dead: f64,
    size: f64,
    cleaned: f64,
}

fn state(bench: &Bench) -> Result<Vec<State>, String> {
    let said = bench.server.sql(STATE)?;
    let states = said.lines().map(|line| {
        let mut words = line.split('\t');
        let table = words.next().unwrap_or_default().to_owned();
        let mut number = || words.next().and_then(|word| word.parse().ok());
        Some(State {
            table,
            dead: number()?,
            size: number()?,
            cleaned: number()?,
        })
    });
    let states: Option<Vec<State>> = states.collect();
    states.ok_or_else(|| format!("no figures of the tables: {said}"))
}
