//! Item 4: whether a site of ten million comments is as fast as one of ten thousand. Both run side by side and are asked in
//! turns, so that a noisy machine is noisy for both. Must not know how they are kept.

use std::time::Duration;

use serde_json::{Value, json};

use super::Bench;
use super::decide::pending_ids;
use super::fill::{self, Filling};
use super::http::{Answer, Connection};
use super::process;
use super::program::{ORIGIN, Program, without_cache};
use super::server::Server;
use super::table::{Row, Wanted, median};
use super::wishes::FEW;

const ROUNDS: usize = 3;
/// Requests of a kind in a round.
const EACH: usize = 50;
/// And of decisions in bulk, which take many comments each.
const BULKS: usize = 5;
const BULK: usize = 500;
/// How deep a list is read.
const DEEP: usize = 1_000;
/// How long the program may be busy with itself.
const JOBS_MAX: Duration = Duration::from_mins(10);
const TIMES_MAX: f64 = 1.5;
const BUFFERS_MAX: f64 = 2.0;
const SEARCH_MAX_MS: f64 = 200.0;
const BULK_MAX_MS: f64 = 50.0;

pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>, String> {
    let wishes = &bench.wishes;
    let open = |name: &str, rows: u64, keep| {
        let server = Server::start(name, wishes.postgres_bin.as_deref(), keep)?;
        drop(Program::start(&server, &[])?);
        eprintln!("  {name}: {rows} comments");
        fill::fill(&server, Filling { rows, pending: 0 })?;
        Site::open(server)
    };
    let mut few = open("few", FEW, None)?;
    let mut many = open("many", wishes.rows, wishes.keep.as_deref())?;
    let mut rows = Vec::new();
    for ask in ASKS {
        let (mut times, mut buffers) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
        for round in 0..ROUNDS {
            for (site, times, buffers) in [
                (&mut many, &mut times.0, &mut buffers.0),
                (&mut few, &mut times.1, &mut buffers.1),
            ] {
                let figures = site.time(ask, round);
                let (time, blocks) = figures.map_err(|error| format!("{}: {error}", ask.name))?;
                times.push(time);
                buffers.push(blocks);
            }
        }
        let bound = match ask.kind {
            Kind::Search(_) | Kind::Summary => Some(SEARCH_MAX_MS),
            Kind::Bulk => Some(BULK_MAX_MS),
            _ => None,
        };
        let note = format!(
            "buffers {:.0} / {:.0}",
            median(&buffers.0),
            median(&buffers.1)
        );
        rows.push(match bound {
            Some(bound) => {
                let note = format!("{:.2} ms with {FEW}; {note}", median(&times.1));
                Row::alone(ask.name, "ms", times.0, Wanted::AtMost(bound)).with_note(note)
            }
            None => Row::against(ask.name, "ms", times, Wanted::AtMost(TIMES_MAX)).with_note(note),
        });
        if bound.is_none() && many.server.has_statements {
            let name = format!("{}, buffers", ask.name);
            rows.push(Row::against(
                &name,
                "blocks",
                buffers,
                Wanted::AtMost(BUFFERS_MAX),
            ));
        }
    }
    Ok(rows)
}

#[derive(Clone, Copy)]
struct Ask {
    name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Submit,
    List,
    DeepList,
    Queue,
    DeepQueue,
    Approve,
    Counts,
    Search(&'static str),
    Summary,
    Bulk,
}

/// Words of `fill.sql`: the most frequent, one that is rare, and one that isn't there.
const ASKS: [Ask; 12] = [
    Ask {
        name: "scale, submit",
        kind: Kind::Submit,
    },
    Ask {
        name: "scale, list",
        kind: Kind::List,
    },
    Ask {
        name: "scale, list, 1000th page",
        kind: Kind::DeepList,
    },
    Ask {
        name: "scale, queue",
        kind: Kind::Queue,
    },
    Ask {
        name: "scale, queue, 1000th page",
        kind: Kind::DeepQueue,
    },
    Ask {
        name: "scale, approve",
        kind: Kind::Approve,
    },
    Ask {
        name: "scale, counts of 100 pages",
        kind: Kind::Counts,
    },
    Ask {
        name: "scale, search, common word",
        kind: Kind::Search("common"),
    },
    Ask {
        name: "scale, search, rare word",
        kind: Kind::Search("rare"),
    },
    Ask {
        name: "scale, search, no such word",
        kind: Kind::Search("none"),
    },
    Ask {
        name: "scale, summary",
        kind: Kind::Summary,
    },
    Ask {
        name: "scale, 500 decisions in one call",
        kind: Kind::Bulk,
    },
];

const LIST: &str = "/api/v1/comments?page_url=https%3A%2F%2Fexample.org%2Fp%2F1";
const QUEUE: &str = "/api/v1/admin/comments?status=pending";

/// A filled database with the program on it.
struct Site {
    // Before the server, so that it ends first.
    program: Program,
    token: String,
    /// Anew for each round: the program closes what lies idle.
    connection: Connection,
    server: Server,
    pages: u64,
    deep_list: String,
    deep_queue: String,
    common: String,
    rare: String,
    pending: Vec<String>,
    number: usize,
}

impl Site {
    fn open(server: Server) -> Result<Self, String> {
        if server.has_statements {
            server.sql("alter database rejoinder set pg_stat_statements.track = 'top'")?;
        }
        let program = Program::start(&server, without_cache())?;
        let token = program.make_token()?;
        // What comes by itself (figures of past days, say) comes first.
        let working = "select count(*) from jobs where leased_until > now()";
        let quiet = || server.number(working).ok().filter(|jobs| *jobs < 1.0);
        let quiet = process::until(JOBS_MAX, quiet);
        quiet.ok_or("the program's own jobs don't come to an end")?;
        let mut connection = program.connect()?.with_token(&token);
        let deep_list = walk(&mut connection, LIST)?;
        let deep_queue = walk(&mut connection, QUEUE)?;
        let word = |n: u32| server.sql(&format!("select word from load.words where n = {n}"));
        let (common, rare) = (word(1)?, word(15_000)?);
        server.sql("checkpoint")?;
        Ok(Self {
            pages: format!("{:.0}", server.number("select pages from load.wish")?)
                .parse()
                .unwrap(),
            pending: pending_ids(&server)?,
            program,
            token,
            connection,
            server,
            deep_list,
            deep_queue,
            common,
            rare,
            number: 0,
        })
    }

    /// The median of a round, and the blocks that a request touched.
    fn time(&mut self, ask: Ask, round: usize) -> Result<(f64, f64), String> {
        self.connection = self.program.connect()?.with_token(&self.token);
        let asks = match ask.kind {
            // The small site hasn't so many that wait.
            Kind::Bulk if self.pending.len() < 2 * BULKS * BULK => 1,
            Kind::Bulk => BULKS,
            _ => EACH,
        };
        if round == 0 && !matches!(ask.kind, Kind::Bulk) {
            // Statements are prepared, and their plans made.
            for _ in 0..10 {
                self.ask(ask.kind)?;
            }
        }
        if self.server.has_statements {
            self.server.sql("select pg_stat_statements_reset()")?;
        }
        let mut times = Vec::new();
        for _ in 0..asks {
            times.push(self.ask(ask.kind)?.took.as_secs_f64() * 1000.0);
        }
        let blocks = if self.server.has_statements {
            // What our own psql asks isn't the program's.
            let sum = "select coalesce(sum(shared_blks_hit + shared_blks_read), 0) from pg_stat_statements \
                where query not like '%pg_stat_statements%'";
            self.server.number(sum)? / fill::as_f64(asks.try_into().unwrap())
        } else {
            0.0
        };
        Ok((median(&times), blocks))
    }

    fn ask(&mut self, kind: Kind) -> Result<Answer, String> {
        self.number += 1;
        let number = self.number;
        let path;
        let answer = match kind {
            Kind::Submit => {
                let body = self.submission();
                return self.connection.post("/api/v1/comments", &body)?.expect(201);
            }
            Kind::Approve => {
                let id = self.next_pending()?;
                path = format!("/api/v1/admin/comments/{id}/approve");
                self.connection.post(&path, &json!({}))
            }
            Kind::Bulk => {
                let ids = (0..BULK).map(|_| self.next_pending());
                let decisions = ids
                    .map(|id| Ok(json!({"id": id?, "decision": "approve"})))
                    .collect::<Result<Vec<Value>, String>>()?;
                let body = json!({"decisions": decisions});
                self.connection.post("/api/v1/admin/decisions", &body)
            }
            Kind::Counts => {
                let urls: Vec<String> = (0..100)
                    .map(|step| self.page(number * 100 + step))
                    .collect();
                self.connection
                    .post("/api/v1/pages/counts", &json!({"urls": urls}))
            }
            Kind::List => self.connection.get(LIST),
            Kind::DeepList => self.connection.get(&self.deep_list),
            Kind::Queue => self.connection.get(QUEUE),
            Kind::DeepQueue => self.connection.get(&self.deep_queue),
            Kind::Summary => self.connection.get("/api/v1/admin/summary"),
            Kind::Search(which) => {
                let word = match which {
                    "common" => self.common.as_str(),
                    "rare" => self.rare.as_str(),
                    _ => "xyzzyplugh",
                };
                path = format!("/api/v1/admin/comments?q={word}");
                self.connection.get(&path)
            }
        };
        answer?.expect(200)
    }

    fn submission(&self) -> Value {
        let number = self.number;
        json!({
            "page_url": self.page(number),
            "name": format!("Reader {number}"),
            "email": format!("new{number}@example.org"),
            "body": format!("The tide of {number} came in later than the tables said, and so did we. {}", self.rare),
        })
    }

    /// The address of some page.
    fn page(&self, number: usize) -> String {
        let number = u64::try_from(number).unwrap();
        format!("{ORIGIN}/p/{}", 1 + number.wrapping_mul(7_919) % self.pages)
    }

    /// Pending comments from all over the queue.
    fn next_pending(&mut self) -> Result<String, String> {
        self.pending
            .pop()
            .ok_or_else(|| "no comment is pending any more".to_owned())
    }
}

/// The address of a list's thousandth page, or of its last one where there are fewer.
fn walk(connection: &mut Connection, path: &str) -> Result<String, String> {
    let mut at = path.to_owned();
    for _ in 1..DEEP {
        let answer = connection.get(&at)?.expect(200)?.json()?;
        let Some(cursor) = answer["next_cursor"].as_str() else {
            break;
        };
        let cursor = cursor.replace('+', "%2B").replace('=', "%3D");
        at = format!("{path}&cursor={cursor}");
    }
    Ok(at)
}
