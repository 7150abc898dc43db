//! The program itself, as an operator starts it, with secrets in its settings. Must not know what is asked of it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};

use rustix::process::{Pid, Signal, kill_process};

use super::{DATABASE_PASSWORD, SERVER_SECRET};
pub(crate) use super::{OWNER, OWNER_PASSWORD};
use crate::support::TestDatabase;

/// Any free port.
const PUBLIC: &str = "127.0.0.1:0";

/// The running program and what it says.
pub(crate) struct Program {
    pub(crate) child: Child,
    lines: Receiver<String>,
    heard: Vec<String>,
    pub(crate) database: TestDatabase,
}

impl Program {
    /// With settings more than the usual ones.
    pub(crate) fn start(database: TestDatabase, more: &[(&str, &str)]) -> Self {
        let with_password = {
            let mut url = url::Url::parse(&database.url()).unwrap();
            url.set_password(Some(DATABASE_PASSWORD)).unwrap();
            url.to_string()
        };
        let mut child = Command::new(env!("CARGO_BIN_EXE_rejoinder"))
            .env_clear()
            .envs([
                ("DATABASE_URL", with_password.as_str()),
                ("REJOINDER_SECRET", SERVER_SECRET),
                ("REJOINDER_ADMIN_EMAIL", OWNER),
                ("REJOINDER_ADMIN_PASSWORD", OWNER_PASSWORD),
                ("REJOINDER_LISTEN", PUBLIC),
                ("REJOINDER_METRICS_LISTEN", PUBLIC),
                ("REJOINDER_SITE_ORIGINS", "https://example.org"),
                ("REJOINDER_TRUSTED_PROXIES", "127.0.0.0/8"),
                ("REJOINDER_LOG", "trace"),
                ("REJOINDER_LOG_FORMAT", "json"),
                ("RUST_BACKTRACE", "full"),
            ])
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let outputs: [Box<dyn std::io::Read + Send>; 2] = [
            Box::new(child.stdout.take().unwrap()),
            Box::new(child.stderr.take().unwrap()),
        ];
        for output in outputs {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines() {
                    sender.send(line.unwrap()).unwrap();
                }
            });
        }
        Self {
            child,
            lines,
            heard: Vec::new(),
            database,
        }
    }

    /// Waits for a line with an address behind these words.
    pub(crate) fn await_address(&mut self, words: &str) -> String {
        loop {
            let line = self.lines.recv().unwrap();
            let found = line.split_once(words).and_then(|(_, rest)| {
                let rest = rest.strip_prefix("http://")?;
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || ".:".contains(c)));
                Some(format!("http://{}", &rest[..end.unwrap_or(rest.len())]))
            });
            self.heard.push(line);
            if let Some(found) = found {
                return found;
            }
        }
    }

    /// Ends it as an operator would, and returns all that it said.
    pub(crate) fn stop(mut self) -> Vec<String> {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
        self.heard.extend(self.lines.iter());
        std::mem::take(&mut self.heard)
    }
}

impl Drop for Program {
    /// For a test that fails midway; what has ended can't be killed again.
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
