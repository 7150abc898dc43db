//! The program under test as a process of its own, and a moderator's token for it. Must not know what is measured.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use super::http::Connection;
use super::process::{self, Guarded, Guarding};
use super::server::Server;

/// The site's origin; its pages are `/p/1`, `/p/2` and so on.
pub(super) const ORIGIN: &str = "https://example.org";
const OWNER: &str = "owner@example.org";
const PASSWORD: &str = "correct horse battery";
const START_MAX: Duration = Duration::from_mins(2);

/// Settings with which no answer is kept; none for a revision that keeps none anyway.
pub(super) fn without_cache() -> &'static [(&'static str, &'static str)] {
    let help = process::run(Command::new(env!("CARGO_BIN_EXE_rejoinder")).arg("--help"));
    if help.is_ok_and(|text| text.contains("--list-cache-mb")) {
        &[("REJOINDER_LIST_CACHE_MB", "0")]
    } else {
        &[]
    }
}

/// The running program.
pub(super) struct Program {
    guard: Guarded,
    log: PathBuf,
    /// Address and port.
    pub(super) host: String,
    /// From its start until it was ready.
    pub(super) start: Duration,
}

impl Program {
    /// Starts it on the server's database, with these settings besides.
    pub(super) fn start(server: &Server, settings: &[(&str, &str)]) -> Result<Self, String> {
        let log = server.directory.join("program.log");
        drop(fs::remove_file(&log));
        let mut shell = Guarded::shell();
        // A port of the system's choice that was free a moment ago: with 0 nobody would know when to ask.
        let (port, metrics) = (free_port(), free_port());
        let host = format!("127.0.0.1:{port}");
        shell
            .env("DATABASE_URL", server.url())
            .env("REJOINDER_LISTEN", &host)
            .env("REJOINDER_METRICS_LISTEN", format!("127.0.0.1:{metrics}"))
            .env("REJOINDER_DATA_DIR", server.directory.join("unused"))
            .env("REJOINDER_SITE_ORIGINS", ORIGIN)
            .env("REJOINDER_ADMIN_EMAIL", OWNER)
            .env("REJOINDER_ADMIN_PASSWORD", PASSWORD)
            .env("REJOINDER_RATE_LIMIT", "off")
            // The command line warns of what is meant here.
            .env("REJOINDER_LOG", "warn,rejoinder::cli=error")
            .envs(settings.iter().copied());
        let begun = Instant::now();
        let guarding = Guarding {
            signal: "TERM",
            log: &log,
            gone: None,
        };
        let words = [env!("CARGO_BIN_EXE_rejoinder").to_owned()];
        let guard = Guarded::start(shell, &guarding, &words);
        let ready = process::until(START_MAX, || {
            let answer = Connection::open(&host).ok()?.get("/readyz").ok()?;
            (answer.status == 200).then_some(())
        });
        let program = Self {
            guard,
            log,
            host,
            start: begun.elapsed(),
        };
        match ready {
            Some(()) => Ok(program),
            None => Err(format!("the program didn't start: {}", program.said())),
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.guard.pid
    }

    /// Whether it still takes connections.
    pub(super) fn is_alive(&self) -> bool {
        self.connect().is_ok()
    }

    /// Its log: nothing, unless something was wrong.
    pub(super) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(super) fn connect(&self) -> Result<Connection, String> {
        Connection::open(&self.host)
    }

    /// An API token that may read and decide all.
    pub(super) fn make_token(&self) -> Result<String, String> {
        let sign_in = json!({"email": OWNER, "password": PASSWORD});
        let session = self.connect()?.post("/api/v1/admin/sessions", &sign_in)?;
        let session = session.expect(201)?.json()?;
        let token = session["token"].as_str().unwrap_or_default();
        let scopes = ["comments:read", "comments:personal", "comments:decide"];
        let wanted = json!({"name": "load", "scopes": scopes});
        let made = self.connect()?.with_token(token);
        let made = { made }.post("/api/v1/admin/tokens", &wanted)?;
        let made = made.expect(201)?.json()?;
        Ok(made["token"].as_str().unwrap_or_default().to_owned())
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
