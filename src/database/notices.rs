//! Notices between instances: short lines by LISTEN and NOTIFY, on one connection apart from the pools.
//! Must not know what the lines mean.
//!
//! A notice is a hint, never the truth: it may be lost (no connection, too many at once), and then each subscriber is told
//! [`Notice::Missed`] and looks for itself. Own subscribers get a line at once, those of other instances within some
//! 50 ms: lines are collected, since each NOTIFY takes a lock that serialises commits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::{PgConnection, PgPool};
use tokio::sync::{Notify, broadcast};
use tokio::time::{sleep, timeout};

use super::error::Error;
use super::pool::{Database, Lane};
use crate::base::random;

/// The channel of the server that all lines go through.
const SERVER_CHANNEL: &str = "rejoinder";
/// What stands for "any of your lines may be missing".
const MISSED: &str = "*";
/// In place of the sender's name: the line is for all, the sender too.
const FROM_A_TRANSACTION: &str = "-";
/// Postgres takes less than 8,000 bytes.
const PAYLOAD_BYTES_MAX: usize = 7_900;
/// A longer line isn't sent.
const LINE_BYTES_MAX: usize = 1_000;
/// Payloads of one statement.
const PAYLOADS_MAX: usize = 64;
/// Lines that wait to be sent; with more, subscribers elsewhere are told that they missed some.
const OUTGOING_MAX: usize = 10_000;
/// Lines that a subscriber may be behind; with more, its receiver lags.
const BEHIND_MAX: usize = 1_024;
/// Between two statements that send.
const SEND_PAUSE: Duration = Duration::from_millis(50);
/// After one that failed.
const SEND_RETRY: Duration = Duration::from_secs(1);
/// A silent connection is tried after this time: the server may have gone without a word.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// How long connecting, and an answer to that trial, may take.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// Before the first try to connect again; doubles up to the next one.
const RECONNECT_MIN: Duration = Duration::from_millis(100);
const RECONNECT_MAX: Duration = Duration::from_secs(5);

/// What lines are about. One word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Channel(&'static str);

impl Channel {
    /// The channel of this name, the same in every instance and release.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }
}

/// What a subscriber is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A line, as it was published.
    Line(Arc<str>),
    /// Lines may have been lost.
    Missed,
}

/// The handle; cheap to clone. One for the process.
#[derive(Clone)]
pub struct Notices(Arc<Inner>);

struct Inner {
    database: Database,
    /// By which we know our own lines when they come back.
    name: String,
    subscribers: Mutex<BTreeMap<Channel, broadcast::Sender<Notice>>>,
    outgoing: Mutex<Outgoing>,
    waiting: Notify,
    /// What the listening connection belongs to, to be closed at the end.
    listening: Mutex<Option<PgPool>>,
}

#[derive(Default)]
struct Outgoing {
    lines: VecDeque<String>,
    missed: bool,
}

impl Notices {
    /// Neither sends nor listens until [`Self::send`] and [`Self::listen`] run.
    pub fn new(database: Database) -> Self {
        Self(Arc::new(Inner {
            database,
            name: random::id(),
            subscribers: Mutex::default(),
            outgoing: Mutex::default(),
            waiting: Notify::new(),
            listening: Mutex::default(),
        }))
    }

    /// From now on. Whoever is more than 1,024 notices behind loses the oldest, and is told so by the receiver.
    pub fn subscribe(&self, channel: Channel) -> broadcast::Receiver<Notice> {
        lock(&self.0.subscribers)
            .entry(channel)
            .or_insert_with(|| broadcast::Sender::new(BEHIND_MAX))
            .subscribe()
    }

    /// Tells all subscribers here and elsewhere. To be called after the commit of what it is about. Never waits. The line
    /// holds ids and codes only, at most 1,000 bytes, no line break.
    pub fn publish(&self, channel: Channel, line: &str) {
        self.deliver(channel.0, &Notice::Line(line.into()));
        self.publish_elsewhere(channel, line);
    }

    /// The same for what this instance knows already.
    pub fn publish_elsewhere(&self, channel: Channel, line: &str) {
        let fits = line.len() <= LINE_BYTES_MAX && !line.contains('\n');
        let mut outgoing = lock(&self.0.outgoing);
        if fits && outgoing.lines.len() < OUTGOING_MAX {
            outgoing.lines.push_back(format!("{} {line}", channel.0));
        } else {
            // Those who are told that lines are missing don't need the ones that wait.
            outgoing.lines.clear();
            outgoing.missed = true;
            metrics::counter!("rejoinder_notices_dropped_total").increment(1);
        }
        drop(outgoing);
        self.0.waiting.notify_one();
    }

    /// Sends what is published, for ever.
    pub async fn send(&self) {
        loop {
            self.0.waiting.notified().await;
            let pause = match self.flush().await {
                Ok(()) => SEND_PAUSE,
                Err(error) => {
                    tracing::debug!(%error, "sending notices failed");
                    lock(&self.0.outgoing).missed = true;
                    self.0.waiting.notify_one();
                    SEND_RETRY
                }
            };
            sleep(pause).await;
        }
    }

    /// Sends what waits. None or a few round trips. What can't be sent is gone.
    pub async fn flush(&self) -> Result<(), Error> {
        let outgoing = std::mem::take(&mut *lock(&self.0.outgoing));
        let missed = outgoing.missed.then(|| MISSED.to_owned());
        let payloads = payloads(&self.0.name, missed.into_iter().chain(outgoing.lines));
        for payloads in payloads.chunks(PAYLOADS_MAX) {
            let send = async |connection: &mut PgConnection| notify(connection, payloads).await;
            self.0.database.run(Lane::Moderators, send).await?;
            count_lines("sent", payloads.iter().map(String::as_str));
        }
        Ok(())
    }

    /// Listens to other instances, for ever; connects again by itself.
    pub async fn listen(&self) {
        let mut wait = RECONNECT_MIN;
        loop {
            match self.connect().await {
                Ok(listener) => {
                    wait = RECONNECT_MIN;
                    // What was sent before is not to be had any more.
                    self.deliver_to_all(&Notice::Missed);
                    let lost = self.receive(listener).await;
                    metrics::counter!("rejoinder_notices_connection_lost_total").increment(1);
                    tracing::warn!(
                        error = lost.as_ref().map(tracing::field::display),
                        "lost the connection that brings notices, connecting again"
                    );
                }
                Err(error) => {
                    tracing::debug!(%error, "can't listen for notices, trying again");
                }
            }
            sleep(wait).await;
            wait = RECONNECT_MAX.min(wait * 2);
        }
    }

    /// Closes the connection that [`Self::listen`] used; after that one has ended, and before the server does.
    pub async fn close(&self) {
        let listening = lock(&self.0.listening).take();
        if let Some(pool) = listening
            && let Err(elapsed) = timeout(ANSWER_MAX, pool.close()).await
        {
            tracing::debug!(%elapsed, "closing the connection for notices took too long");
        }
    }

    /// A connection of its own: those of the pools go back and forth.
    async fn connect(&self) -> Result<PgListener, Error> {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(ANSWER_MAX)
            .connect_lazy_with(
                self.0
                    .database
                    .options()
                    .application_name("rejoinder notices"),
            );
        *lock(&self.0.listening) = Some(pool.clone());
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.ignore_pool_close_event(true);
        listener.eager_reconnect(false);
        listener.listen(SERVER_CHANNEL).await?;
        Ok(listener)
    }

    /// Until the connection is lost; why, where that is known.
    async fn receive(&self, mut listener: PgListener) -> Option<Error> {
        loop {
            match timeout(SILENCE_MAX, listener.try_recv()).await {
                Ok(Ok(Some(notification))) => self.take(notification.payload()),
                Ok(Ok(None)) => return None,
                Ok(Err(error)) => return Some(error.into()),
                Err(_silence) => {
                    let trial =
                        sqlx::query_scalar!(r#"select true as "alive!""#).fetch_one(&mut listener);
                    match timeout(ANSWER_MAX, trial).await {
                        Ok(Ok(_)) => {}
                        Ok(Err(error)) => return Some(error.into()),
                        Err(_elapsed) => return Some(Error::Timeout),
                    }
                }
            }
        }
    }

    fn take(&self, payload: &str) {
        let mut lines = payload.lines();
        // Our own subscribers have had our own lines.
        if lines.next() == Some(&self.0.name) {
            return;
        }
        count_lines("received", std::iter::once(payload));
        for line in lines {
            if line == MISSED {
                self.deliver_to_all(&Notice::Missed);
            } else if let Some((channel, line)) = line.split_once(' ') {
                self.deliver(channel, &Notice::Line(line.into()));
            }
        }
    }

    /// Channels that nobody here has asked for are those of other releases, or not needed.
    fn deliver(&self, channel: &str, notice: &Notice) {
        let subscribers = lock(&self.0.subscribers);
        let found = subscribers.iter().find(|(known, _)| known.0 == channel);
        if let Some((_, subscribers)) = found {
            // An error means that nobody listens at the moment.
            subscribers.send(notice.clone()).ok();
        }
    }

    fn deliver_to_all(&self, notice: &Notice) {
        for subscribers in lock(&self.0.subscribers).values() {
            subscribers.send(notice.clone()).ok();
        }
    }
}

/// A notice that is sent with the commit of the transaction, to every instance, this one too. For rare ones only: the
/// commit takes a lock that all senders share. One round trip.
pub async fn notify_with_commit(
    connection: &mut PgConnection,
    channel: Channel,
    line: &str,
) -> Result<(), Error> {
    let line = format!("{} {line}", channel.0);
    notify(
        connection,
        &payloads(FROM_A_TRANSACTION, std::iter::once(line)),
    )
    .await
}

async fn notify(connection: &mut PgConnection, payloads: &[String]) -> Result<(), Error> {
    sqlx::query!(
        "select pg_notify($1, payload) from unnest($2::text[]) as payload",
        SERVER_CHANNEL,
        payloads
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts the lines of payloads, each of which begins with one that names the sender.
fn count_lines<'a>(direction: &'static str, payloads: impl Iterator<Item = &'a str>) {
    let lines: usize = payloads
        .map(|payload| payload.lines().count().saturating_sub(1))
        .sum();
    metrics::counter!("rejoinder_notices_total", "direction" => direction)
        .increment(u64::try_from(lines).unwrap_or(u64::MAX));
}

/// The lines behind the sender's name, as few payloads as they fit into.
fn payloads(sender: &str, lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    for line in lines {
        match payloads.last_mut() {
            Some(last) if last.len() + 1 + line.len() <= PAYLOAD_BYTES_MAX => {
                last.push('\n');
                last.push_str(&line);
            }
            _ => payloads.push(format!("{sender}\n{line}")),
        }
    }
    payloads
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_share_payloads_and_none_is_too_long() {
        let lines: Vec<String> = (0..500)
            .map(|number| format!("comments {number:0>90}"))
            .collect();
        let payloads = payloads("me", lines.iter().cloned());
        assert_eq!(payloads.len(), 7);
        assert!(
            payloads
                .iter()
                .all(|payload| payload.len() <= PAYLOAD_BYTES_MAX)
        );
        let read: Vec<&str> = payloads
            .iter()
            .flat_map(|payload| payload.strip_prefix("me\n").unwrap().lines())
            .collect();
        assert_eq!(read, lines);
    }
}
