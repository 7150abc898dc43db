//! A database that is slow or held: every request ends in time, the other lane works on, no connection is returned in
//! doubt, and none is lost for good. Must not know of servers that are gone.
#![expect(
    clippy::disallowed_methods,
    reason = "questions of tests to the server, whose words need no check against our schema"
)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use metrics_exporter_prometheus::PrometheusBuilder;
use rejoinder::database::{Capacity, Database, Error, Lane};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection, PgConnection, PgPool, Postgres, Transaction};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::ANSWER_MAX;
use crate::embedded::Scratch;
use crate::support::app::{Answer, TestApp, comment_on};
use crate::support::{TestDatabase, eventually};

/// Another session has the comments for itself until this is dropped or rolled back.
async fn lock_comments(pool: &PgPool) -> Transaction<'static, Postgres> {
    let mut holder = pool.begin().await.unwrap();
    sqlx::raw_sql("lock table comments in access exclusive mode")
        .execute(&mut *holder)
        .await
        .unwrap();
    holder
}

/// The answer, which came in time.
async fn in_time(asking: impl Future<Output = Answer>) -> Answer {
    let begun = Instant::now();
    let answer = asking.await;
    let took = begun.elapsed();
    assert!(took <= ANSWER_MAX, "{took:?}: {answer:?}");
    answer
}

/// The server processes of the service that are in this state.
async fn backends(pool: &PgPool, condition: &'static str) -> Vec<i32> {
    sqlx::query_scalar::<_, i32>(condition)
        .fetch_all(pool)
        .await
        .unwrap()
}

const WAITING: &str = "select pid from pg_stat_activity where datname = current_database() \
    and application_name = 'rejoinder' and wait_event_type = 'Lock'";
/// All but our own, whatever they are doing.
const OTHERS: &str = "select pid from pg_stat_activity where datname = current_database() \
    and backend_type = 'client backend' and pid <> pg_backend_pid()";

#[tokio::test]
async fn while_a_lock_is_held_requests_end_in_time_and_afterwards_they_succeed() {
    let app = TestApp::start().await;
    app.submit(&comment_on("/tides", "before", None))
        .await
        .is(201);

    let holder = lock_comments(&app.database.pool).await;
    let body = comment_on("/tides", "during", None);
    for _ in 0..2 {
        let (submitted, read) = tokio::join!(
            in_time(app.submit(&body)),
            in_time(app.thread("/tides", ""))
        );
        for answer in [submitted, read] {
            let answer = answer.is_problem(503, "unavailable");
            assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
        }
    }
    // A regular job may have come to the lock a moment ago: it is given up as well, while the lock is held on.
    eventually("the server has given up, too", async || {
        backends(&app.database.pool, WAITING).await.is_empty()
    })
    .await;
    holder.rollback().await.unwrap();

    app.submit(&body).await.is(201);
    app.thread("/tides", "").await.is(200);
    app.stop().await;
}

#[tokio::test]
async fn while_readers_flood_a_locked_table_moderators_work_on() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let holder = lock_comments(&app.database.pool).await;
    // More than the connections of readers, and than the writers' ones.
    let flood = futures_util::future::join_all((0..64).map(|number| {
        let app = &app;
        async move {
            let body = comment_on("/tides", &format!("flood {number}"), None);
            let page = format!("/tides/{number}");
            let (submitted, read) =
                tokio::join!(in_time(app.submit(&body)), in_time(app.thread(&page, "")));
            submitted.is_problem(503, "unavailable");
            read.is_problem(503, "unavailable");
        }
    }));
    let each = Capacity::default();
    let held = each.readers + each.submissions;
    let moderator = async {
        // All of these connections are in the queue for the lock by then.
        let deadline = Instant::now() + Duration::from_millis(1500);
        while backends(&app.database.pool, WAITING).await.len() < usize::try_from(held).unwrap() {
            assert!(Instant::now() < deadline, "the flood doesn't come");
            super::pause().await;
        }
        let begun = Instant::now();
        for path in ["/api/v1/admin/sessions/current", "/readyz"] {
            desk.get(&app, path).await.is(200);
        }
        begun.elapsed()
    };
    let (_, took) = tokio::join!(flood, moderator);
    assert!(took < Duration::from_secs(1), "{took:?}");
    holder.rollback().await.unwrap();
    app.submit(&comment_on("/tides", "after", None))
        .await
        .is(201);
    app.stop().await;
}

#[tokio::test]
async fn a_connection_whose_call_timed_out_is_closed_instead_of_returned() {
    let app = TestApp::start().await;
    app.submit(&comment_on("/tides", "before", None))
        .await
        .is(201);

    // The server process of the only readers' connection, and those of the moderators, don't answer any more.
    let stopped = backends(&app.database.pool, OTHERS).await;
    assert!(!stopped.is_empty());
    let pids = stopped.iter().map(|pid| Pid::from_raw(*pid).unwrap());
    for pid in pids.clone() {
        kill_process(pid, Signal::STOP).unwrap();
    }
    let body = comment_on("/tides", "during", None);
    let refused = in_time(app.submit(&body)).await;
    // The next one doesn't meet the stopped process again.
    let stored = in_time(app.submit(&body)).await;
    for pid in pids {
        kill_process(pid, Signal::CONT).unwrap();
    }

    refused.is_problem(503, "unavailable");
    stored.is(201);
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let left = backends(&app.database.pool, OTHERS).await;
        // The moderators' idle connections go on; that of the refused submission has gone.
        if stopped.iter().any(|pid| !left.contains(pid)) {
            break;
        }
        assert!(Instant::now() < deadline, "{stopped:?} are all there");
        super::pause().await;
    }
    app.stop().await;
}

/// A way to the server that can be made to swallow everything.
struct Way {
    scratch: Scratch,
    open: watch::Sender<bool>,
    _traffic: JoinSet<()>,
}

impl Way {
    fn to(database: &TestDatabase) -> Self {
        let scratch = Scratch::new();
        let listener = UnixListener::bind(scratch.0.join(".s.PGSQL.5432")).unwrap();
        let (open, is_open) = watch::channel(true);
        let (socket, address) = (
            database.options.get_socket().cloned(),
            (
                database.options.get_host().to_owned(),
                database.options.get_port(),
            ),
        );
        let mut traffic = JoinSet::new();
        traffic.spawn(async move {
            let mut pipes = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (is_open, socket, address) = (is_open.clone(), socket.clone(), address.clone());
                pipes.spawn(carry(client, is_open, socket, address));
            }
        });
        Self {
            scratch,
            open,
            _traffic: traffic,
        }
    }

    fn database(&self, database: &TestDatabase, capacity: Capacity) -> Database {
        let options = database.options.clone().socket(&self.scratch.0).port(5432);
        Database::new(options, capacity)
    }
}

async fn carry(
    mut client: UnixStream,
    mut is_open: watch::Receiver<bool>,
    socket: Option<PathBuf>,
    (host, port): (String, u16),
) {
    if is_open.wait_for(|open| *open).await.is_err() {
        return;
    }
    if let Some(directory) = socket {
        let path = directory.join(format!(".s.PGSQL.{port}"));
        let mut server = UnixStream::connect(path).await.unwrap();
        tokio::io::copy_bidirectional(&mut client, &mut server)
            .await
            .ok();
    } else {
        let mut server = TcpStream::connect((host, port)).await.unwrap();
        tokio::io::copy_bidirectional(&mut client, &mut server)
            .await
            .ok();
    }
}

async fn ping(database: &Database) -> Result<(), Error> {
    database
        .run(Lane::Readers, async |connection: &mut PgConnection| {
            connection.ping().await.map_err(Error::from)
        })
        .await
}

#[tokio::test]
async fn a_pool_whose_permits_have_leaked_is_rebuilt_and_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let figures = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let test = TestDatabase::create().await;
    let way = Way::to(&test);
    let database = way.database(
        &test,
        Capacity {
            readers: 2,
            ..Capacity::ONE_EACH
        },
    );
    way.open.send(false).unwrap();
    for _ in 0..2 {
        let mut leaked = Box::pin(ping(&database));
        tokio::time::timeout(Duration::from_millis(200), &mut leaked)
            .await
            .unwrap_err();
        // Never polled again and never dropped: what it holds of the pool is gone.
        std::mem::forget(leaked);
    }
    way.open.send(true).unwrap();

    let begun = Instant::now();
    ping(&database).await.unwrap_err();
    assert!(begun.elapsed() <= ANSWER_MAX, "{:?}", begun.elapsed());
    ping(&database).await.unwrap();

    let shown = figures.render();
    assert!(
        shown.contains("rejoinder_database_pool_rebuilt_total 1"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_server_that_swallows_everything_is_waited_for_no_longer_than_the_budget() {
    let test = TestDatabase::create().await;
    let way = Way::to(&test);
    let database = way.database(&test, Capacity::default());
    way.open.send(false).unwrap();
    for _ in 0..2 {
        let begun = Instant::now();
        ping(&database).await.unwrap_err();
        assert!(begun.elapsed() <= ANSWER_MAX, "{:?}", begun.elapsed());
    }
    way.open.send(true).unwrap();
    ping(&database).await.unwrap();
}
