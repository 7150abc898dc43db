//! Clients that go away in the middle, and come again with the same key; and retries that race. Must not know of
//! failures on our side.
#![expect(
    clippy::disallowed_methods,
    reason = "questions of tests to the server, whose words need no check against our schema"
)]

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{client, id_in, submission, submit};
use crate::support::app::TestApp;

/// The octets of a submission, its head and its body.
fn octets(key: &str) -> (String, String) {
    let body = submission(key).to_string();
    let length = body.len();
    let head = format!(
        "POST /api/v1/comments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Idempotency-Key: {key}\r\nContent-Length: {length}\r\n\r\n"
    );
    (head, body)
}

async fn app() -> TestApp {
    TestApp::with(&[("REJOINDER_SITE_ORIGINS", "http://localhost:4321")]).await
}

async fn connect(app: &TestApp) -> TcpStream {
    let address = app.base.strip_prefix("http://").unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

async fn count(app: &TestApp, key: &str) -> i64 {
    sqlx::query_scalar("select count(*) from comments where body = $1")
        .bind(submission(key)["body"].as_str().unwrap())
        .fetch_one(&app.database.pool)
        .await
        .unwrap()
}

/// The retry is answered, and there is one comment.
async fn comes_again(app: &TestApp, key: &str) {
    let answer = submit(&client(), &app.base, key).await.unwrap();
    assert_eq!(answer.status(), 201, "{key}");
    assert_eq!(count(app, key).await, 1, "{key}");
}

#[tokio::test]
async fn a_client_that_leaves_without_reading_and_retries_has_one_comment() {
    let app = app().await;
    for number in 0..40_u64 {
        let key = format!("left-{number}");
        let (head, body) = octets(&key);
        let mut stream = connect(&app).await;
        stream
            .write_all(format!("{head}{body}").as_bytes())
            .await
            .unwrap();
        // Each time at another moment of the request.
        tokio::time::sleep(Duration::from_micros(number * 250)).await;
        drop(stream);
        comes_again(&app, &key).await;
    }
    app.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_while_the_database_works_and_retries_has_one_comment() {
    let app = app().await;
    comes_again(&app, "first").await;
    for number in 0..3 {
        let key = format!("waiting-{number}");
        let mut holder = app.database.pool.begin().await.unwrap();
        sqlx::raw_sql("lock table comments in share mode")
            .execute(&mut *holder)
            .await
            .unwrap();
        let (head, body) = octets(&key);
        let mut stream = connect(&app).await;
        stream
            .write_all(format!("{head}{body}").as_bytes())
            .await
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(2);
        while waiting(&app).await == 0 {
            assert!(Instant::now() < deadline, "it doesn't get to the lock");
            super::pause().await;
        }
        drop(stream);
        holder.rollback().await.unwrap();
        comes_again(&app, &key).await;
    }
    app.stop().await;
}

async fn waiting(app: &TestApp) -> i64 {
    sqlx::query_scalar(
        "select count(*) from pg_stat_activity where datname = current_database() \
         and wait_event_type = 'Lock'",
    )
    .fetch_one(&app.database.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn half_a_body_makes_no_comment_and_the_whole_one_later_does() {
    let app = app().await;
    for number in 0..10 {
        let key = format!("half-{number}");
        let (head, body) = octets(&key);
        let (half, _) = body.split_at(body.len() * number / 10);
        let mut stream = connect(&app).await;
        stream
            .write_all(format!("{head}{half}").as_bytes())
            .await
            .unwrap();
        drop(stream);
        assert_eq!(count(&app, &key).await, 0);
        comes_again(&app, &key).await;
    }
    app.stop().await;
}

#[tokio::test]
async fn retries_that_race_are_all_answered_with_the_one_comment() {
    let app = app().await;
    for number in 0..10 {
        let key = format!("race-{number}");
        let racers = (0..8).map(|_| async {
            let answer = submit(&client(), &app.base, &key).await.unwrap();
            assert_eq!(answer.status(), 201);
            let replayed = answer.headers().contains_key("idempotency-replayed");
            (id_in(answer).await, replayed)
        });
        let told = futures_util::future::join_all(racers).await;
        let (first, _) = &told[0];
        assert!(told.iter().all(|(id, _)| id == first), "{told:?}");
        let made = told.iter().filter(|(_, replayed)| !replayed).count();
        assert_eq!(made, 1, "{told:?}");
        assert_eq!(count(&app, &key).await, 1);
    }
    let history: Value = sqlx::query_scalar("select to_json(count(*)) from comment_history")
        .fetch_one(&app.database.pool)
        .await
        .unwrap();
    assert_eq!(history, 10);
    app.stop().await;
}
