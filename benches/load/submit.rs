//! Item 1: taking in comments, against one-row INSERTs of pgbench into a copy of the table with all its indexes. Must not
//! know how they are taken in.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;

use serde_json::json;

use super::Bench;
use super::generators::{Asked, Pgbench, Transacted, Wrk};
use super::program::{ORIGIN, Program};
use super::table::{Row, Wanted};
use super::texts;

/// Comments go to so many pages in turn.
const PAGES: u32 = 100;
pub(super) const CONNECTIONS: u32 = 64;

/// Comments and history lines, from nowhere to here.
const COUNTS: &str =
    "select (select count(*) from comments) || ' ' || (select count(*) from comment_history)";

pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>, String> {
    let program = Program::start(&bench.server, &[])?;
    let submitting = Submitting::prepare(bench, &program)?;
    let threads = submitting.choose_threads()?;
    let rates = bench.alternate(
        |seconds| Ok(submitting.ours(CONNECTIONS, seconds)?.a_second()),
        |seconds| Ok(submitting.limit(CONNECTIONS, threads, seconds)?.a_second),
    )?;
    let times = bench.alternate(
        |seconds| Ok(submitting.ours(1, seconds)?.p50_ms()),
        |seconds| Ok(submitting.limit(1, 1, seconds)?.p50_ms),
    )?;
    let rows = vec![
        Row::against("submit, 64 connections", "/s", rates, Wanted::AtLeast(1.25))
            .with_note(format!("limit: one-row INSERTs, pgbench -j {threads}")),
        Row::against(
            "submit, 1 connection, p50",
            "ms",
            times,
            Wanted::AtMost(2.5),
        ),
    ];
    bench.listen(&program);
    Ok(rows)
}

/// What both sides need.
pub(super) struct Submitting<'a> {
    bench: &'a Bench,
    host: String,
    fragments: PathBuf,
    script: PathBuf,
    chapter: f64,
    run: Cell<u32>,
}

impl<'a> Submitting<'a> {
    /// Texts, a first submission as the template, the copy of the table, and the script of the limit.
    pub(super) fn prepare(bench: &'a Bench, program: &Program) -> Result<Self, String> {
        let folder = &bench.server.directory;
        let texts = texts::fragments();
        let fragments = folder.join("fragments.txt");
        fs::write(&fragments, texts.join("\n")).unwrap();
        let body = format!("{} {} {}", texts[0], texts[1], texts[2]);
        // Every chapter of a run submits something else.
        let chapter = bench.server.number("select count(*) from comments")?;
        let first = json!({
            "page_url": format!("{ORIGIN}/p/1"),
            "name": "Ebb",
            "email": "ebb@example.org",
            "body": format!("{body} {chapter}"),
        });
        let first = program.connect()?.post("/api/v1/comments", &first)?;
        let first = first.expect(201)?.json()?;
        let id = first["comment"]["id"].as_str().unwrap_or_default();
        let array = texts.join("','");
        let pages = PAGES.to_string();
        let count = texts.len().to_string();
        let set = [
            ("template", id),
            ("pages", pages.as_str()),
            ("fragments", array.as_str()),
            ("count", count.as_str()),
        ];
        let statement = bench.server.sql_with(include_str!("submit.sql"), &set)?;
        let script = folder.join("submit.pgbench");
        fs::write(&script, statement).unwrap();
        Ok(Self {
            bench,
            host: program.host.clone(),
            fragments,
            script,
            chapter,
            run: Cell::new(0),
        })
    }

    /// Submits over HTTP; every 201 must have a comment and a line of history.
    pub(super) fn ours(&self, connections: u32, seconds: u32) -> Result<Asked, String> {
        let run = self.run.replace(self.run.get() + 1);
        let wrk = Wrk {
            script: "submit.lua",
            url: &format!("http://{}", self.host),
            connections,
            seconds,
            environment: vec![
                ("RUN", format!("c{}r{run}", self.chapter)),
                ("PAGES", PAGES.to_string()),
                ("FRAGMENTS", self.fragments.to_str().unwrap().to_owned()),
            ],
        };
        let before = self.counts()?;
        let asked = wrk.run()?.all_good()?;
        // What was under way when the time was over may be stored a moment later, and isn't counted by wrk.
        let at_most = asked.requests + f64::from(connections);
        for (what, was, is) in ["comments", "history"]
            .into_iter()
            .zip(before)
            .zip(self.counts()?)
            .map(|((what, was), is)| (what, was, is))
        {
            let new = is - was;
            if new < asked.requests || new > at_most {
                let requests = asked.requests;
                return Err(format!(
                    "{requests} were answered 201, and {new} rows are new in {what}"
                ));
            }
        }
        Ok(asked)
    }

    fn counts(&self) -> Result<[f64; 2], String> {
        let said = self.bench.server.sql(COUNTS)?;
        let mut words = said.split(' ').map(|word| word.parse().unwrap_or(f64::NAN));
        Ok([
            words.next().unwrap_or(f64::NAN),
            words.next().unwrap_or(f64::NAN),
        ])
    }

    fn limit(&self, clients: u32, threads: u32, seconds: u32) -> Result<Transacted, String> {
        Pgbench {
            server: &self.bench.server,
            script: &self.script,
            clients,
            threads,
            seconds,
            set: Vec::new(),
        }
        .run()
    }

    /// The better of one and two threads of pgbench.
    fn choose_threads(&self) -> Result<u32, String> {
        let one = self.limit(CONNECTIONS, 1, 2)?.a_second;
        let two = self.limit(CONNECTIONS, 2, 2)?.a_second;
        Ok(if two > one { 2 } else { 1 })
    }
}
