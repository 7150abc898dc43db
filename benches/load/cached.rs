//! Item 2: reading a page's comments again and again, against a server that has the same octets ready. Must not know how
//! the program keeps them.

use std::cell::Cell;

use super::Bench;
use super::generators::{Asked, Wrk};
use super::hello::Hello;
use super::http::Answer;
use super::program::Program;
use super::table::{Row, Wanted};

/// The page with fifty comments on its first page of the list, and answers to them.
const PATH: &str = "/api/v1/comments?page_url=https%3A%2F%2Fexample.org%2Fp%2F1";
const WANTED: f64 = 0.8;
/// What both sides sent for each request may differ by no more than headers whose length varies.
const OCTETS_APART_MAX: f64 = 0.01;

pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>, String> {
    let program = Program::start(&bench.server, &[])?;
    let plain = program.connect()?.get(PATH)?.expect(200)?;
    let shown = plain.json()?["comments"].as_array().map_or(0, Vec::len);
    if shown != 50 {
        return Err(format!("{shown} comments are shown instead of 50"));
    }
    let gzip = "accept-encoding: gzip".to_owned();
    let packed = get_with(&program, &gzip)?.expect(200)?;
    let etag = plain.header("etag").ok_or("no ETag")?;
    let unchanged = format!("if-none-match: {etag}");
    let same = get_with(&program, &unchanged)?.expect(304)?;
    let cases = [
        ("cached read", &plain, None),
        ("cached read, gzip", &packed, Some(gzip)),
        ("cached read, 304", &same, Some(unchanged)),
    ];
    let mut rows = Vec::new();
    for (name, answer, header) in cases {
        let hello = Hello::start(&bench.server, answer)?;
        // The coded ones at one number of connections: the table is long enough.
        let connections: &[u32] = if header.is_none() { &[16, 64] } else { &[16] };
        for connections in connections {
            let reading = Reading {
                header: header.clone(),
                connections: *connections,
            };
            let figures = reading.compare(bench, &program, &hello)?;
            let name = format!("{name}, {connections} connections");
            let note = format!("{} octets", answer.body.len());
            rows.push(Row::against(&name, "/s", figures, Wanted::AtLeast(WANTED)).with_note(note));
        }
    }
    bench.listen(&program);
    Ok(rows)
}

fn get_with(program: &Program, header: &str) -> Result<Answer, String> {
    let header = header.split_once(": ").unwrap();
    program.connect()?.get_with(PATH, &[header])
}

struct Reading {
    header: Option<String>,
    connections: u32,
}

impl Reading {
    fn compare(
        &self,
        bench: &Bench,
        program: &Program,
        hello: &Hello,
    ) -> Result<(Vec<f64>, Vec<f64>), String> {
        let octets = [Cell::new(0.0), Cell::new(0.0)];
        let figures = bench.alternate(
            |seconds| {
                let asked = self.ask(&program.host, seconds)?;
                octets[0].set(asked.octets / asked.requests);
                Ok(asked.a_second())
            },
            |seconds| {
                let asked = self.ask(&hello.host, seconds)?;
                octets[1].set(asked.octets / asked.requests);
                Ok(asked.a_second())
            },
        )?;
        if (octets[0].get() / octets[1].get() - 1.0).abs() > OCTETS_APART_MAX {
            return Err(format!("the answers are not as long: {octets:?}"));
        }
        Ok(figures)
    }

    fn ask(&self, host: &str, seconds: u32) -> Result<Asked, String> {
        let mut environment = vec![("REQUEST_PATH", PATH.to_owned())];
        environment.extend(self.header.clone().map(|header| ("HEADER", header)));
        Wrk {
            script: "read.lua",
            url: &format!("http://{host}"),
            connections: self.connections,
            seconds,
            environment,
        }
        .run()?
        .all_good()
    }
}
