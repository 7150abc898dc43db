//! The database goes away or refuses, and comes back: 503 in time meanwhile, service by itself afterwards. Must not
//! know how the database is started.

use std::time::{Duration, Instant};

use sqlx::PgPool;

use super::crowd::{Crowd, Cut, ask_again, count};
use super::{ANSWER_MAX, Held, Service, client, submit, unavailable};
use crate::embedded::{
    Scratch, ask_ps, eventually, find_server, is_gone, keeper_of, kill, server_pid,
};
use crate::support::{TestDatabase, execute};

/// What nobody promised a time for: as long as it takes while other tests have the processors.
const BESIDE_OTHERS: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_means_503_in_time_and_service_again_within_five_seconds() {
    let scratch = Scratch::new();
    let service = Service::start(&scratch).await;
    let crowd = Crowd::gather(&service.base, "killed", 6, Cut::Failure);
    crowd.stores(20, Duration::from_secs(20)).await;

    // It comes back at once.
    kill(server_pid(&service.data_dir));
    tokio::time::sleep(Duration::from_millis(100)).await;
    crowd.stores(1, Duration::from_secs(5)).await;

    // The keeper is held, so that it stays away.
    let server = server_pid(&service.data_dir);
    let keeper = keeper_of(server);
    let held = Held::hold(keeper);
    kill(server);
    crowd.are_refused(12, Duration::from_secs(10)).await;
    // Said every five seconds; the first time may have been before it was back.
    eventually("the log says why", 10, || {
        service.log().contains("the database takes no connection")
    });
    drop(held);
    let back = crowd.stores(1, Duration::from_secs(5)).await;

    println!("service again after {back:?}");
    let told = crowd.go_home().await;
    ask_again(&service.base, &told).await;
    assert_eq!(count(&service.database()).await, (told.len(), told.len()));
    assert!(service.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_keeper_is_replaced_with_its_server_alive_or_not() {
    let scratch = Scratch::new();
    let service = Service::start(&scratch).await;
    let crowd = Crowd::gather(&service.base, "keeper", 4, Cut::Failure);
    crowd.stores(10, BESIDE_OTHERS).await;
    for dies_too in [false, true] {
        let server = server_pid(&service.data_dir);
        let keeper = keeper_of(server);
        kill(keeper);
        if dies_too {
            kill(server);
        }
        eventually("another server runs under another keeper", 10, || {
            is_gone(server)
                && find_server(&service.data_dir)
                    .is_some_and(|other| other != server && ask_ps(other, "comm").is_some())
        });
        crowd.stores(1, BESIDE_OTHERS).await;
    }
    // The new keeper keeps its server as the old one did.
    kill(server_pid(&service.data_dir));
    tokio::time::sleep(Duration::from_millis(100)).await;
    crowd.stores(1, BESIDE_OTHERS).await;
    let told = crowd.go_home().await;
    ask_again(&service.base, &told).await;
    assert_eq!(count(&service.database()).await, (told.len(), told.len()));
    let server = server_pid(&service.data_dir);
    assert!(service.stop().success());
    assert!(is_gone(server));
}

/// A role that isn't the superuser's, whom no limit holds.
async fn tenant(database: &TestDatabase) -> (String, String) {
    let role = format!("tenant_of_{}", database.name());
    for statement in [
        format!("create role {role} login"),
        format!("grant all on schema public to {role}"),
        format!("grant all on all tables in schema public to {role}"),
    ] {
        execute(&database.options, statement).await;
    }
    let mut url: reqwest::Url = database.url().parse().unwrap();
    url.set_username(&role).unwrap();
    (role, url.into())
}

async fn cut_off(pool: &PgPool, role: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = '{role}'"
    )))
    .execute(pool)
    .await
    .unwrap();
}

async fn refused_in_time(service: &Service, key: &str) {
    let begun = Instant::now();
    let answer = submit(&client(), &service.base, key).await.unwrap();
    let took = begun.elapsed();
    assert!(took <= ANSWER_MAX, "{took:?}");
    unavailable(answer).await;
}

async fn stored_within(service: &Service, key: &str, seconds: u64) {
    let begun = Instant::now();
    loop {
        let answer = submit(&client(), &service.base, key).await.unwrap();
        if answer.status() == 201 {
            return;
        }
        unavailable(answer).await;
        assert!(begun.elapsed() < Duration::from_secs(seconds), "{key}");
        super::pause().await;
    }
}

#[tokio::test]
async fn too_many_connections_mean_503_with_the_reason_in_the_log_and_pass() {
    let scratch = Scratch::new();
    let database = TestDatabase::create().await;
    let (role, url) = tenant(&database).await;
    let service = Service::with(&scratch, &[("DATABASE_URL", &url)]).await;
    stored_within(&service, "before", 1).await;

    execute(
        &database.options,
        format!("alter role {role} connection limit 0"),
    )
    .await;
    cut_off(&database.pool, &role).await;
    // The first may meet the connection that was cut off, the second finds no other.
    refused_in_time(&service, "during").await;
    refused_in_time(&service, "during").await;
    let log = service.log();
    assert!(log.contains("too many connections for role"), "{log}");

    execute(
        &database.options,
        format!("alter role {role} connection limit -1"),
    )
    .await;
    stored_within(&service, "during", 5).await;
    assert!(service.stop().success());
}

#[tokio::test]
async fn a_database_that_takes_nobody_at_the_start_is_waited_for() {
    let scratch = Scratch::new();
    let database = TestDatabase::create().await;
    let (role, url) = tenant(&database).await;
    execute(
        &database.options,
        format!("alter role {role} connection limit 0"),
    )
    .await;
    let starting = Service::spawn(&scratch, &[("DATABASE_URL", &url)]);
    eventually("it says that it waits", 10, || {
        let said = std::fs::read_to_string(&starting.log).unwrap();
        said.contains("the database can't be reached yet") && said.contains("too many connections")
    });
    execute(
        &database.options,
        format!("alter role {role} connection limit -1"),
    )
    .await;
    let service = starting.become_ready().await;
    assert!(service.stop().success());
}

#[tokio::test]
async fn a_database_that_only_reads_means_503_and_is_left_when_it_writes_again() {
    let scratch = Scratch::new();
    let database = TestDatabase::create().await;
    let (role, url) = tenant(&database).await;
    let service = Service::with(&scratch, &[("DATABASE_URL", &url)]).await;
    stored_within(&service, "before", 1).await;

    let name = database.name();
    execute(
        &database.options,
        format!("alter role {role} in database {name} set default_transaction_read_only = on"),
    )
    .await;
    cut_off(&database.pool, &role).await;
    refused_in_time(&service, "during").await;
    refused_in_time(&service, "during").await;
    let log = service.log();
    assert!(log.contains("read-only transaction"), "{log}");
    // Readers notice nothing.
    let thread = format!(
        "{}/api/v1/comments?page_url=http://localhost:4321/tides",
        service.base
    );
    assert_eq!(client().get(thread).send().await.unwrap().status(), 200);

    // What reads only stays so on the connections that are there: they have to be given up.
    execute(
        &database.options,
        format!("alter role {role} in database {name} reset default_transaction_read_only"),
    )
    .await;
    stored_within(&service, "during", 5).await;
    for number in 0..20 {
        stored_within(&service, &format!("after-{number}"), 5).await;
    }
    assert!(service.stop().success());
}
