//! A generator that keeps its pace whatever the answers do: each request is due at a moment of its own, and what it takes is
//! counted from that moment, so that a slow answer doesn't excuse the requests behind it. Must not know what is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::fill::as_f64;
use super::http;
use super::table::percentile;

/// Nobody waits longer for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A request that no connection was free for within this is given up unsent, as a visitor gives up.
const LATE_MAX: Duration = Duration::from_millis(50);

/// What is asked, and how fast.
pub(super) struct Plan {
    pub(super) host: String,
    pub(super) connections: u32,
    pub(super) a_second: f64,
    pub(super) duration: Duration,
    /// The whole request with this number.
    pub(super) request: Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync>,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Outcome {
    /// Statuses, and milliseconds from the moment that each request was due.
    answers: Vec<(u16, f64)>,
    /// Requests that were due, and no connection was free.
    pub(super) unsent: u64,
    /// Connections that broke, answers that never came.
    pub(super) broken: u64,
    seconds: f64,
}

impl Outcome {
    /// How many had this status.
    pub(super) fn count(&self, status: u16) -> u64 {
        let answers = self.answers.iter();
        answers
            .filter(|(found, _)| *found == status)
            .count()
            .try_into()
            .unwrap()
    }

    /// How many had another one.
    pub(super) fn count_others(&self, status: u16) -> u64 {
        u64::try_from(self.answers.len()).unwrap() - self.count(status)
    }

    pub(super) fn a_second(&self, status: u16) -> f64 {
        as_f64(self.count(status)) / self.seconds
    }

    pub(super) fn sent_a_second(&self) -> f64 {
        as_f64(self.answers.len().try_into().unwrap()) / self.seconds
    }

    /// Statuses other than these.
    pub(super) fn others(&self, expected: &[u16]) -> Vec<u16> {
        let answers = self.answers.iter().map(|(status, _)| *status);
        let mut others: Vec<u16> = answers
            .filter(|status| !expected.contains(status))
            .collect();
        others.sort_unstable();
        others.dedup();
        others
    }

    /// Median, the slowest percent, the slowest; of answers with these statuses.
    pub(super) fn times(&self, statuses: &[u16]) -> Option<[f64; 3]> {
        let answers = self.answers.iter();
        let mut times: Vec<f64> = answers
            .filter(|(status, _)| statuses.contains(status))
            .map(|(_, milliseconds)| *milliseconds)
            .collect();
        times.sort_by(f64::total_cmp);
        let slowest = *times.last()?;
        Some([percentile(&times, 50), percentile(&times, 99), slowest])
    }
}

impl Plan {
    /// Begins; it goes on beside the caller.
    pub(super) fn begin(self, runtime: &Runtime) -> tokio::task::JoinHandle<Outcome> {
        runtime.spawn(self.run())
    }

    async fn run(self) -> Outcome {
        let plan = Arc::new(self);
        let next = Arc::new(AtomicU64::new(0));
        // All connect first: connecting isn't what is measured.
        let begin = Instant::now() + Duration::from_millis(500);
        let mut tasks = JoinSet::new();
        for _ in 0..plan.connections {
            tasks.spawn(Arc::clone(&plan).use_one(Arc::clone(&next), begin));
        }
        let mut all = Outcome::default();
        for one in tasks.join_all().await {
            all.answers.extend(one.answers);
            all.unsent += one.unsent;
            all.broken += one.broken;
        }
        all.seconds = plan.duration.as_secs_f64();
        all
    }

    async fn use_one(self: Arc<Self>, next: Arc<AtomicU64>, begin: Instant) -> Outcome {
        let mut outcome = Outcome::default();
        let mut stream = TcpStream::connect(&self.host).await.ok();
        let mut read = Vec::with_capacity(64 * 1024);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let since = Duration::from_secs_f64(as_f64(number) / self.a_second);
            if since >= self.duration {
                return outcome;
            }
            let due = begin + since;
            if Instant::now() > due + LATE_MAX {
                outcome.unsent += 1;
                continue;
            }
            sleep_until(due).await;
            let request = (self.request)(number);
            let answer = match &mut stream {
                Some(stream) => timeout(PATIENCE, ask(stream, &request, &mut read)).await,
                None => Ok(None),
            };
            if let Ok(Some(status)) = answer {
                let milliseconds = due.elapsed().as_secs_f64() * 1000.0;
                outcome.answers.push((status, milliseconds));
            } else {
                outcome.broken += 1;
                read.clear();
                stream = TcpStream::connect(&self.host).await.ok();
            }
        }
    }
}

/// The status of the answer; none where the connection broke.
async fn ask(stream: &mut TcpStream, request: &[u8], read: &mut Vec<u8>) -> Option<u16> {
    stream.write_all(request).await.ok()?;
    loop {
        if let Some((answer, used)) = http::parse(read).ok()? {
            read.drain(..used);
            return Some(answer.status);
        }
        if stream.read_buf(read).await.ok()? == 0 {
            return None;
        }
    }
}
