//! The queue of jobs: each run by one worker, taken over when it is lost, given up after too many failures.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use rejoinder::base::clock::Clock;
use rejoinder::base::ids::JobId;
use rejoinder::base::paging::Limit;
use rejoinder::database::{Database, Error, Lane, Notices};
use rejoinder::jobs::model::{Failure, NewJob, Progress, Run, Since};
use rejoinder::jobs::{Handlers, Jobs, drop_dead, enqueue, list_dead, retry};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::seed::{self, TestDatabase};
use crate::support::eventually;

/// Workers on the queue, as of one instance.
struct Instance {
    stop: watch::Sender<bool>,
    workers: JoinSet<()>,
    notices: JoinSet<()>,
}

impl Instance {
    async fn start(database: &Database, clock: &Clock, workers: usize, handlers: Handlers) -> Self {
        let notices = Notices::new(database.clone());
        let jobs = Jobs::new(database.clone(), clock.clone(), notices.clone(), handlers);
        jobs.set_up().await.unwrap();
        let (stop, stopping) = watch::channel(false);
        let mut instance = Self {
            stop,
            workers: JoinSet::new(),
            notices: JoinSet::new(),
        };
        for _ in 0..workers {
            let (jobs, stopping) = (jobs.clone(), stopping.clone());
            instance
                .workers
                .spawn(async move { jobs.work(stopping).await });
        }
        instance
            .workers
            .spawn(async move { jobs.keep_schedules(stopping).await });
        instance
            .notices
            .spawn(async move { notices.listen().await });
        instance
    }

    async fn stop(mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.workers.join_next().await {
            ended.unwrap();
        }
    }

    /// As by SIGKILL: nothing is given back.
    fn kill(mut self) {
        self.workers.abort_all();
        self.notices.abort_all();
    }
}

async fn add(
    test: &TestDatabase,
    clock: &Clock,
    kind: &'static str,
    key: Option<&str>,
    payload: Value,
) {
    let now = clock.now();
    let job = NewJob {
        kind,
        payload,
        unique_key: key,
        run_at: now,
    };
    let add = async |connection: &mut PgConnection| enqueue(connection, &job, now).await;
    test.database.transact(Lane::Moderators, add).await.unwrap();
}

/// Has all workers look.
async fn wake(test: &TestDatabase) {
    sqlx::query!("select pg_notify('rejoinder', E'-\njobs due')")
        .execute(&test.pool)
        .await
        .unwrap();
}

struct Row {
    attempts: i16,
    last_error: Option<String>,
    run_at: OffsetDateTime,
    is_leased: bool,
    is_dead: bool,
}

async fn rows(test: &TestDatabase) -> Vec<Row> {
    sqlx::query_as!(
        Row,
        r#"select attempts, last_error, run_at, leased_by is not null as "is_leased!", dead_at is not null as "is_dead!"
        from jobs order by id"#
    )
    .fetch_all(&test.pool)
    .await
    .unwrap()
}

async fn the_row(test: &TestDatabase) -> Row {
    let mut rows = rows(test).await;
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

/// Counts the runs of each numbered job.
#[derive(Clone, Default)]
struct Runs(Arc<Mutex<BTreeMap<u64, u32>>>);

impl Runs {
    fn count(&self, run: &Run) {
        let payload: Value = run.payload().unwrap();
        *self
            .0
            .lock()
            .unwrap()
            .entry(payload["number"].as_u64().unwrap())
            .or_default() += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_workers_run_each_of_five_hundred_jobs_once() {
    let test = seed::database().await;
    let clock = Clock::movable();
    for number in 0..500 {
        add(&test, &clock, "test.count", None, json!({"number": number})).await;
    }
    let runs = Runs::default();
    let handlers = || {
        let runs = runs.clone();
        Handlers::new().on("test.count", move |run| {
            runs.count(&run);
            async { Ok(Progress::Done) }
        })
    };
    let first = Instance::start(&test.database, &clock, 4, handlers()).await;
    let second = Instance::start(&test.database, &clock, 4, handlers()).await;
    eventually("all jobs are done", async || rows(&test).await.is_empty()).await;
    let runs = runs.0.lock().unwrap().clone();
    assert_eq!(runs.len(), 500);
    assert!(runs.values().all(|times| *times == 1), "{runs:?}");
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn of_jobs_with_the_same_kind_and_key_one_lives() {
    let test = seed::database().await;
    let clock = Clock::movable();
    join_all((0..8).map(|_| add(&test, &clock, "test.key", Some("a"), json!({})))).await;
    add(&test, &clock, "test.key", Some("b"), json!({})).await;
    add(&test, &clock, "test.other", Some("a"), json!({})).await;
    for _ in 0..2 {
        add(&test, &clock, "test.key", None, json!({})).await;
    }
    assert_eq!(rows(&test).await.len(), 5);
}

#[tokio::test]
async fn a_job_of_a_kind_that_nobody_here_knows_is_left_alone() {
    let test = seed::database().await;
    let clock = Clock::movable();
    add(&test, &clock, "test.later_release", None, json!({})).await;
    add(&test, &clock, "test.known", None, json!({})).await;
    let handlers = Handlers::new().on("test.known", async |_| Ok(Progress::Done));
    let instance = Instance::start(&test.database, &clock, 2, handlers).await;
    eventually("the known one is done", async || {
        rows(&test).await.len() == 1
    })
    .await;
    instance.stop().await;
    let left = the_row(&test).await;
    assert_eq!((left.attempts, left.is_leased), (0, false));
}

#[tokio::test]
async fn a_job_that_fails_waits_longer_each_time_and_is_given_up_after_eight_times() {
    let test = seed::database().await;
    let clock = Clock::movable();
    let handlers = Handlers::new().on("test.fail", async |run: Run| {
        // The first way to fail is as good as the second.
        assert!(run.attempt != 3, "a panic");
        Err(Failure::because("it never works"))
    });
    let instance = Instance::start(&test.database, &clock, 2, handlers).await;
    add(&test, &clock, "test.fail", Some("one"), json!({})).await;
    let mut last_wait = Duration::ZERO;
    for attempts in 1..=8_i16 {
        eventually("it has failed once more", async || {
            let row = the_row(&test).await;
            row.attempts == attempts && !row.is_leased
        })
        .await;
        let row = the_row(&test).await;
        let words = if attempts == 3 {
            "the handler broke off"
        } else {
            "it never works"
        };
        assert_eq!(row.last_error.as_deref(), Some(words));
        assert_eq!(row.is_dead, attempts == 8);
        let wait = row.run_at - clock.now();
        assert!(wait > last_wait && wait < Duration::minutes(30), "{wait}");
        last_wait = wait;
        clock.advance(wait + Duration::seconds(1));
        wake(&test).await;
    }

    let run = async |connection: &mut PgConnection| {
        let dead = list_dead(connection, None, Limit::default()).await?;
        let (id, now) = (dead[0].id, clock.now());
        assert_eq!((dead.len(), dead[0].attempts), (1, 8));
        let unknown = JobId::new(now);
        assert_eq!(retry(connection, unknown, now).await?, None);
        assert_eq!(drop_dead(connection, unknown).await?, None);
        // Another one that does the same has been made meanwhile: that one stands for it.
        sqlx::query!(
            "insert into jobs (id, kind, unique_key, run_at, created_at)
            values (gen_random_uuid(), 'test.fail', 'one', '2100-01-01', '2026-01-01')"
        )
        .execute(&mut *connection)
        .await?;
        assert!(retry(connection, id, now).await?.is_some());
        Ok::<_, Error>(())
    };
    test.database.transact(Lane::Moderators, run).await.unwrap();
    assert!(!the_row(&test).await.is_dead);
    instance.stop().await;
}

#[derive(Serialize, Deserialize)]
struct Steps {
    left: u32,
}

#[tokio::test]
async fn a_long_job_goes_on_where_it_came_to_and_lets_others_have_their_turn() {
    let test = seed::database().await;
    let clock = Clock::movable();
    add(&test, &clock, "test.long", None, json!({"left": 50})).await;
    add(&test, &clock, "test.short", None, json!({})).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let (of_long, of_short) = (Arc::clone(&order), Arc::clone(&order));
    let handlers = Handlers::new()
        .on("test.long", move |run: Run| {
            let order = Arc::clone(&of_long);
            async move {
                let steps: Steps = run.payload()?;
                order.lock().unwrap().push(steps.left);
                if steps.left == 0 {
                    return Ok(Progress::Done);
                }
                let further = Steps {
                    left: steps.left - 1,
                };
                Ok(Progress::MoreFrom(serde_json::to_value(further).unwrap()))
            }
        })
        .on("test.short", move |_| {
            of_short.lock().unwrap().push(1_000);
            async { Ok(Progress::Done) }
        });
    let instance = Instance::start(&test.database, &clock, 1, handlers).await;
    eventually("both are done", async || rows(&test).await.is_empty()).await;
    instance.stop().await;
    let mut order = order.lock().unwrap().clone();
    assert_eq!(order.remove(1), 1_000);
    assert_eq!(order, (0..=50).rev().collect::<Vec<_>>());
}

/// A handler that hangs until it is let go; counts who is in it.
fn hanging(inside: &Arc<AtomicUsize>, go: &Arc<Notify>) -> Handlers {
    let (inside, go) = (Arc::clone(inside), Arc::clone(go));
    Handlers::new().on("test.hang", move |_| {
        let (inside, go) = (Arc::clone(&inside), Arc::clone(&go));
        async move {
            inside.fetch_add(1, Ordering::SeqCst);
            go.notified().await;
            Ok(Progress::Done)
        }
    })
}

#[tokio::test]
async fn a_killed_run_is_taken_over_after_its_lease_and_counts_as_an_attempt() {
    let test = seed::database().await;
    let clock = Clock::movable();
    let (inside, go) = (Arc::default(), Arc::new(Notify::new()));
    add(&test, &clock, "test.hang", None, json!({})).await;
    let killed = Instance::start(&test.database, &clock, 1, hanging(&inside, &go)).await;
    eventually("it runs", async || inside.load(Ordering::SeqCst) == 1).await;
    killed.kill();

    let attempts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&attempts);
    let handlers = Handlers::new().on("test.hang", move |run: Run| {
        seen.lock().unwrap().push(run.attempt);
        async { Ok(Progress::Done) }
    });
    let other = Instance::start(&test.database, &clock, 2, handlers).await;
    clock.advance(Duration::seconds(50));
    wake(&test).await;
    add(&test, &clock, "test.hang", Some("another"), json!({})).await;
    eventually("the other job is done", async || {
        rows(&test).await.len() == 1
    })
    .await;
    assert!(the_row(&test).await.is_leased, "the lease still holds");
    clock.advance(Duration::seconds(11));
    wake(&test).await;
    eventually("it is taken over", async || rows(&test).await.is_empty()).await;
    assert_eq!(*attempts.lock().unwrap(), [1, 2]);
    other.stop().await;
}

#[tokio::test]
async fn a_run_that_lost_its_lease_does_not_finish_the_job_of_another() {
    let test = seed::database().await;
    let clock = Clock::movable();
    let (inside, go) = (Arc::default(), Arc::new(Notify::new()));
    add(&test, &clock, "test.hang", None, json!({})).await;
    let first = Instance::start(&test.database, &clock, 1, hanging(&inside, &go)).await;
    eventually("it runs", async || inside.load(Ordering::SeqCst) == 1).await;
    clock.advance(Duration::seconds(61));
    let (inside_other, go_other) = (Arc::default(), Arc::new(Notify::new()));
    let second =
        Instance::start(&test.database, &clock, 1, hanging(&inside_other, &go_other)).await;
    eventually("another took it", async || {
        inside_other.load(Ordering::SeqCst) == 1
    })
    .await;
    go.notify_one();
    first.stop().await;
    let row = the_row(&test).await;
    assert_eq!((row.is_leased, row.attempts), (true, 1));
    go_other.notify_one();
    eventually("it is done", async || rows(&test).await.is_empty()).await;
    second.stop().await;
}

#[tokio::test]
async fn told_to_stop_a_run_is_given_back_without_counting() {
    let test = seed::database().await;
    let clock = Clock::movable();
    add(&test, &clock, "test.steps", None, json!({})).await;
    let (inside, go) = (Arc::<AtomicUsize>::default(), Arc::new(Notify::new()));
    let (entered, gone) = (Arc::clone(&inside), Arc::clone(&go));
    let handlers = Handlers::new().on("test.steps", move |run: Run| {
        let (entered, gone) = (Arc::clone(&entered), Arc::clone(&gone));
        async move {
            entered.fetch_add(1, Ordering::SeqCst);
            gone.notified().await;
            Ok(if run.stopping() {
                Progress::More
            } else {
                Progress::Done
            })
        }
    });
    let instance = Instance::start(&test.database, &clock, 1, handlers).await;
    eventually("it runs", async || inside.load(Ordering::SeqCst) == 1).await;
    instance.stop.send_replace(true);
    go.notify_one();
    instance.stop().await;
    let row = the_row(&test).await;
    assert_eq!((row.is_leased, row.attempts), (false, 0));
    assert_eq!(inside.load(Ordering::SeqCst), 1);

    // One that doesn't listen is broken off.
    sqlx::query!("update jobs set kind = 'test.hang'")
        .execute(&test.pool)
        .await
        .unwrap();
    let deaf = Instance::start(&test.database, &clock, 1, hanging(&inside, &go)).await;
    eventually("it runs", async || inside.load(Ordering::SeqCst) == 2).await;
    deaf.stop().await;
    let row = the_row(&test).await;
    assert_eq!((row.is_leased, row.attempts), (false, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_instances_one_runs_what_a_schedule_asks_for() {
    let test = seed::database().await;
    let clock = Clock::movable();
    let told = Arc::new(Mutex::new(Vec::new()));
    let handlers = || {
        let told = Arc::clone(&told);
        Handlers::new().every(Duration::hours(1), "test.hourly", move |run: Run| {
            let told = Arc::clone(&told);
            async move {
                told.lock().unwrap().push(run.payload::<Since>()?.since);
                Ok(Progress::Done)
            }
        })
    };
    let number = || told.lock().unwrap().len();
    let first = Instance::start(&test.database, &clock, 2, handlers()).await;
    let second = Instance::start(&test.database, &clock, 2, handlers()).await;
    eventually("the first has run", async || number() == 1).await;
    for hour in 2..=6 {
        let before = clock.now();
        clock.advance(Duration::minutes(59));
        wake(&test).await;
        clock.advance(Duration::minutes(2));
        join_all((0..4).map(|_| wake(&test))).await;
        eventually("another has run", async || {
            number() == hour && rows(&test).await.is_empty()
        })
        .await;
        let since = told.lock().unwrap()[hour - 1];
        assert!(
            since <= before && since > before - Duration::hours(1),
            "{since} {before}"
        );
    }
    first.stop().await;
    second.stop().await;
    assert_eq!(number(), 6);
}
