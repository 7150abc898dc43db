//! Readers who submit all at once and remember what they were told. Must not know what happens to the service.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection, Row};
use tokio::task::JoinSet;

use super::{ANSWER_MAX, client, id_in, submit, unavailable};

/// What a reader was told about one submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// 201, with this id: on disk.
    Stored(String),
    /// 503, or no answer at all: it may be there or not.
    Unknown,
}

/// Readers at work.
pub(super) struct Crowd {
    readers: JoinSet<()>,
    memory: Arc<Memory>,
}

#[derive(Default)]
struct Memory {
    told: Mutex<BTreeMap<String, Told>>,
    stored: AtomicUsize,
    refused: AtomicUsize,
    slowest: Mutex<Duration>,
    home_time: AtomicBool,
}

/// What the readers do when the service doesn't answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// They go home: it was killed.
    Expected,
    /// It may not happen.
    Failure,
}

impl Crowd {
    /// So many readers, each with one submission after the other; `name` makes their keys their own.
    pub(super) fn gather(base: &str, name: &str, readers: usize, cut: Cut) -> Self {
        let memory = Arc::new(Memory::default());
        let mut all = JoinSet::new();
        for reader in 0..readers {
            let (memory, base) = (Arc::clone(&memory), base.to_owned());
            let name = format!("{name}-{reader}");
            all.spawn(async move { memory.send(&base, &name, cut).await });
        }
        Self {
            readers: all,
            memory,
        }
    }

    /// How many submissions were answered 201 by now.
    pub(super) fn stored(&self) -> usize {
        self.memory.stored.load(Ordering::Relaxed)
    }

    /// How many were answered 503 by now.
    pub(super) fn refused(&self) -> usize {
        self.memory.refused.load(Ordering::Relaxed)
    }

    /// Waits until so many more were answered 201.
    pub(super) async fn stores(&self, more: usize, within: Duration) -> Duration {
        let wanted = self.stored() + more;
        reaches(within, || self.stored() >= wanted).await
    }

    /// Waits until so many more were answered 503.
    pub(super) async fn are_refused(&self, more: usize, within: Duration) {
        let wanted = self.refused() + more;
        reaches(within, || self.refused() >= wanted).await;
    }

    /// Lets all finish what they have begun.
    pub(super) async fn go_home(mut self) -> BTreeMap<String, Told> {
        self.memory.home_time.store(true, Ordering::Relaxed);
        while let Some(reader) = self.readers.join_next().await {
            reader.unwrap();
        }
        let slowest = *self.memory.slowest.lock().unwrap();
        assert!(slowest <= ANSWER_MAX, "an answer took {slowest:?}");
        self.memory.told.lock().unwrap().clone()
    }
}

async fn reaches(within: Duration, mut is_so: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < within, "not within {within:?}");
        super::pause().await;
    }
    begun.elapsed()
}

impl Memory {
    async fn send(&self, base: &str, name: &str, cut: Cut) {
        let client = client();
        for number in 0.. {
            if self.home_time.load(Ordering::Relaxed) {
                return;
            }
            let key = format!("{name}-{number}");
            self.tell(&key, Told::Unknown);
            let begun = Instant::now();
            match submit(&client, base, &key).await {
                Ok(answer) if answer.status() == 201 => {
                    self.tell(&key, Told::Stored(id_in(answer).await));
                    self.stored.fetch_add(1, Ordering::Relaxed);
                }
                Ok(answer) => {
                    unavailable(answer).await;
                    self.refused.fetch_add(1, Ordering::Relaxed);
                }
                Err(_) if cut == Cut::Expected => return,
                Err(error) => panic!("{error:?}"),
            }
            let mut slowest = self.slowest.lock().unwrap();
            *slowest = begun.elapsed().max(*slowest);
        }
    }

    fn tell(&self, key: &str, told: Told) {
        self.told.lock().unwrap().insert(key.to_owned(), told);
    }
}

/// Every reader asks again with the same key: who was told an id hears the same one. Afterwards each submission is in
/// the database exactly once, and nothing else is.
pub(super) async fn ask_again(base: &str, told: &BTreeMap<String, Told>) {
    let client = client();
    for (key, told) in told {
        let answer = submit(&client, base, key).await.unwrap();
        assert_eq!(answer.status(), 201, "{key}");
        let replayed = answer.headers().contains_key("idempotency-replayed");
        let id = id_in(answer).await;
        if let Told::Stored(stored) = told {
            assert!(replayed, "{key} was forgotten");
            assert_eq!(&id, stored, "{key}");
        }
    }
}

/// How many comments there are, and how many different ones.
pub(super) async fn count(options: &PgConnectOptions) -> (usize, usize) {
    let mut connection = PgConnection::connect_with(options).await.unwrap();
    let row = connection
        .fetch_one("select count(*), count(distinct body) from comments")
        .await
        .unwrap();
    let number = |index| usize::try_from(row.get::<i64, _>(index)).unwrap();
    (number(0), number(1))
}
