//! Item 5: approving, against pgbench's rate of a transaction that updates one row and inserts one. Must not know how a
//! decision is made.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;

use super::Bench;
use super::generators::{Asked, Pgbench, Transacted, Wrk};
use super::program::Program;
use super::server::Server;
use super::table::{Row, Wanted};

const WANTED: f64 = 0.7;

pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>, String> {
    let program = Program::start(&bench.server, &[])?;
    let deciding = Deciding::prepare(bench, &program)?;
    let mut rows = Vec::new();
    for connections in [16, 64] {
        let figures = bench.alternate(
            |seconds| Ok(deciding.ours(connections, seconds)?.a_second()),
            |seconds| Ok(deciding.limit(connections, seconds)?.a_second),
        )?;
        let name = format!("approve, {connections} connections");
        let note = "limit: begin, update, insert, commit";
        rows.push(Row::against(&name, "/s", figures, Wanted::AtLeast(WANTED)).with_note(note));
    }
    if !bench.wishes.is_quick() {
        rows.extend(super::vacuum::measure(bench, &program)?);
    }
    bench.listen(&program);
    Ok(rows)
}

/// All that wait, in the order in which they came.
pub(super) fn pending_ids(server: &Server) -> Result<Vec<String>, String> {
    let said = server.sql("select id from comments where status = 'pending' order by id")?;
    Ok(said.lines().map(str::to_owned).collect())
}

struct Deciding<'a> {
    bench: &'a Bench,
    host: String,
    token: String,
    ids: PathBuf,
    pending: usize,
    /// Comments of the list that have been asked for.
    used: Cell<usize>,
    script: PathBuf,
    /// Rows of the copy for each client.
    each: usize,
    run: Cell<u32>,
}

impl<'a> Deciding<'a> {
    fn prepare(bench: &'a Bench, program: &Program) -> Result<Self, String> {
        let folder = &bench.server.directory;
        let pending = pending_ids(&bench.server)?;
        let ids = folder.join("pending.txt");
        fs::write(&ids, pending.join("\n")).unwrap();
        let rows = bench.server.number(include_str!("decide.sql"))?;
        let script = folder.join("decide.pgbench");
        fs::write(&script, include_str!("decide.pgbench")).unwrap();
        Ok(Self {
            bench,
            host: program.host.clone(),
            token: program.make_token()?,
            ids,
            pending: pending.len(),
            used: Cell::new(0),
            script,
            each: format!("{:.0}", (rows / 64.0).floor()).parse().unwrap(),
            run: Cell::new(0),
        })
    }

    /// Approves over HTTP, each time another comment.
    fn ours(&self, connections: u32, seconds: u32) -> Result<Asked, String> {
        let wrk = Wrk {
            script: "approve.lua",
            url: &format!("http://{}", self.host),
            connections,
            seconds,
            environment: vec![
                ("TOKEN", self.token.clone()),
                ("IDS", self.ids.to_str().unwrap().to_owned()),
                ("OFFSET", self.used.get().to_string()),
            ],
        };
        let decisions = "select count(*) from comment_history where actor_kind = 'moderator'";
        let before = self.bench.server.number(decisions)?;
        let asked = wrk.run()?.all_good()?;
        let new = self.bench.server.number(decisions)? - before;
        let requests: usize = format!("{:.0}", asked.requests).parse().unwrap();
        let at_most = requests + usize::try_from(connections).unwrap();
        self.used.set(self.used.get() + at_most);
        if self.used.get() > self.pending {
            return Err(format!("{} pending comments were too few", self.pending));
        }
        if new < asked.requests || new > asked.requests + f64::from(connections) {
            return Err(format!(
                "{requests} were approved, and the history has {new} lines more"
            ));
        }
        Ok(asked)
    }

    fn limit(&self, clients: u32, seconds: u32) -> Result<Transacted, String> {
        let run = self.run.replace(self.run.get() + 1);
        Pgbench {
            server: &self.bench.server,
            script: &self.script,
            clients,
            threads: 1,
            seconds,
            set: vec![
                ("n", "0".to_owned()),
                ("each", self.each.to_string()),
                ("base", (2 + run * 10_000).to_string()),
            ],
        }
        .run()
    }
}
