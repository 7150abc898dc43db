//! The end of an instance while a long job runs: nothing of it is lost, and it goes on at the next start. Must not know
//! what is done by requests.

use rustix::process::Signal;
use sqlx::{ConnectOptions, PgConnection};

use super::{Service, client, submit};
use crate::embedded::Scratch;
use crate::support::eventually;

/// Comments whose addresses are to be dropped: many pieces of the job.
const COMMENTS: i64 = 30_000;

async fn number(connection: &mut PgConnection, statement: &'static str) -> i64 {
    use sqlx::Row;
    sqlx::raw_sql(statement)
        .fetch_one(connection)
        .await
        .unwrap()
        .get(0)
}

const LEFT: &str =
    "select count(*) from comments where ip is not null and submitted_at < '2026-01-02'";

/// A service with a long job that has begun.
async fn amid_a_job(scratch: &Scratch) -> (Service, PgConnection) {
    let service = Service::start(scratch).await;
    assert_eq!(
        submit(&client(), &service.base, "key")
            .await
            .unwrap()
            .status(),
        201
    );
    let mut connection = service.database().connect().await.unwrap();
    // The schedule is due anew only when all is there.
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "insert into comments (id, site_id, page_id, root_id, depth, status, name, email, email_key, body, body_html,
            avatar, ip, submitted_at, content_hash)
        select ids.id, c.site_id, c.page_id, ids.id, 0, 'rejected', 'Ada', 'a@example.org', 'a@example.org', 'x', 'x',
            c.avatar, '192.0.2.7', '2026-01-01', c.content_hash
        from comments c, generate_series(1, {COMMENTS}) n, lateral (select gen_random_uuid() as id, n) ids;
        update sites set addresses_dropped_until = null;
        update schedules set next_run_at = '2026-01-01' where name = 'comments.drop_addresses';
        select pg_notify('rejoinder', E'-\\njobs due')"
    )))
    .execute(&mut connection)
    .await
    .unwrap();
    eventually("the job is at work", async || {
        number(&mut connection, LEFT).await < COMMENTS
    })
    .await;
    (service, connection)
}

async fn is_finished_after_the_next_start(scratch: &Scratch) {
    let service = Service::start(scratch).await;
    let mut connection = service.database().connect().await.unwrap();
    eventually("the job is done", async || {
        number(&mut connection, LEFT).await == 0
    })
    .await;
    assert!(service.stop().success());
}

#[tokio::test]
async fn told_to_stop_during_a_long_job_it_gives_it_back_and_the_next_start_finishes_it() {
    let scratch = Scratch::new();
    let (service, mut connection) = amid_a_job(&scratch).await;
    service.signal(Signal::STOP);
    assert!(
        number(&mut connection, LEFT).await > 0,
        "it was too fast for this test"
    );
    service.signal(Signal::TERM);
    service.signal(Signal::CONT);
    drop(connection);
    assert_eq!(service.wait_at_most(25).code(), Some(0));
    is_finished_after_the_next_start(&scratch).await;
}

#[tokio::test]
async fn a_job_of_a_killed_instance_is_taken_over_when_its_lease_has_run_out() {
    let scratch = Scratch::new();
    let (service, connection) = amid_a_job(&scratch).await;
    drop(connection);
    service.kill();
    let service = Service::start(&scratch).await;
    let mut connection = service.database().connect().await.unwrap();
    // Instead of a minute's wait.
    sqlx::raw_sql("update jobs set leased_until = '2026-01-01' where leased_until is not null")
        .execute(&mut connection)
        .await
        .unwrap();
    eventually("the job is done", async || {
        number(&mut connection, LEFT).await == 0
    })
    .await;
    assert!(service.stop().success());
}
