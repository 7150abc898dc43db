//! `/admin/jobs`: what was given up is seen, retried and dropped by those who see all sites.

use reqwest::header::AUTHORIZATION;

use super::NOBODYS_ID;
use crate::backstage::{change, hire, hire_for_gazette, number, texts, two_sites};
use crate::support::app::{Answer, Desk, TestApp};
use crate::support::eventually;

const JOBS: &str = "/api/v1/admin/jobs";

/// Jobs that were given up, numbered from 1, the later the newer; of a kind that there is.
async fn given_up(app: &TestApp, count: usize) {
    let statement = format!(
        "insert into jobs (id, kind, run_at, attempts, last_error, dead_at, created_at)
        select ('0198c000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'accounts.forget_sessions', '2026-01-01',
            8, 'unavailable', '2026-01-02', '2026-01-01'
        from generate_series(1, {count}) as n"
    );
    change(app, statement).await;
}

fn id(number: usize) -> String {
    format!("0198c000-0000-7000-8000-{number:0>12}")
}

fn ids(answer: &Answer) -> Vec<String> {
    let jobs = answer.at("/jobs");
    let jobs = jobs.as_array().unwrap().iter();
    jobs.map(|job| job["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn act(app: &TestApp, desk: &Desk, method: &str, path: &str) -> Answer {
    let request = app
        .request(method, &format!("{JOBS}/{path}"))
        .header(AUTHORIZATION, format!("Bearer {}", desk.token));
    app.send(request).await
}

#[tokio::test]
async fn given_up_jobs_are_listed_newest_first_page_by_page() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    desk.get(&app, JOBS)
        .await
        .is(200)
        .has("/jobs", serde_json::json!([]))
        .has("/next_cursor", serde_json::Value::Null);
    given_up(&app, 5).await;
    let first = desk.get(&app, &format!("{JOBS}?limit=3")).await.is(200);
    assert_eq!(ids(&first), [id(5), id(4), id(3)]);
    let cursor = first.at("/next_cursor");
    let second = desk
        .get(
            &app,
            &format!("{JOBS}?limit=3&cursor={}", cursor.as_str().unwrap()),
        )
        .await
        .is(200)
        .has("/next_cursor", serde_json::Value::Null);
    assert_eq!(ids(&second), [id(2), id(1)]);
    second
        .has("/jobs/0/kind", "accounts.forget_sessions")
        .has("/jobs/0/attempts", 8)
        .has("/jobs/0/last_error", "unavailable")
        .has("/jobs/0/created_at", "2026-01-01T00:00:00.000000Z")
        .has("/jobs/0/dead_at", "2026-01-02T00:00:00.000000Z");
    for (query, code) in [
        ("cursor=x", "invalid_cursor"),
        ("state=dead", "invalid_query"),
    ] {
        let answer = desk.get(&app, &format!("{JOBS}?{query}")).await;
        answer.is_problem(400, code);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_given_up_job_is_retried_or_dropped_and_the_log_says_who_did_it() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    given_up(&app, 2).await;
    let answer = act(&app, &desk, "POST", &format!("{}/retry", id(1))).await;
    assert_eq!(answer.is(202).text, "");
    let there = "select count(*) from jobs where id = '0198c000-0000-7000-8000-000000000001'";
    eventually("it is done", async || {
        number(&app.database.pool, there).await == 0
    })
    .await;
    act(&app, &desk, "DELETE", &id(2)).await.is(204);
    let list = desk.get(&app, JOBS).await.is(200);
    assert_eq!(ids(&list), [""; 0]);
    let log = "select act || ' ' || subject_kind || ' ' || subject_id || ' ' || (details->>'kind') || ' ' || m.name
        from audit_log a join moderators m on m.id = a.actor_id order by a.id";
    assert_eq!(
        texts(&app.database.pool, log).await,
        [
            format!("job.retried job {} accounts.forget_sessions Owner", id(1)),
            format!("job.dropped job {} accounts.forget_sessions Owner", id(2)),
        ]
    );
    for (method, path) in [
        ("POST", format!("{}/retry", id(1))),
        ("DELETE", id(2)),
        ("DELETE", NOBODYS_ID.to_owned()),
        ("DELETE", "x".to_owned()),
    ] {
        act(&app, &desk, method, &path)
            .await
            .is_problem(404, "job_not_found");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_job_that_lives_is_nobodys_to_retry_or_drop() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let statement = format!(
        "insert into jobs (id, kind, run_at, created_at) values ('{}', 'test.later', '2100-01-01', '2026-01-01')",
        id(1)
    );
    change(&app, statement).await;
    act(&app, &desk, "POST", &format!("{}/retry", id(1)))
        .await
        .is_problem(404, "job_not_found");
    act(&app, &desk, "DELETE", &id(1))
        .await
        .is_problem(404, "job_not_found");
    app.stop().await;
}

#[tokio::test]
async fn only_admins_who_see_all_sites_get_there() {
    let app = TestApp::on(two_sites().await, &[]).await;
    given_up(&app, 1).await;
    let admin = hire(&app, "admin", "Al").await;
    admin.get(&app, JOBS).await.is(200);
    for desk in [
        hire(&app, "moderator", "Mo").await,
        hire_for_gazette(&app, "admin", "Ed").await,
    ] {
        desk.get(&app, JOBS).await.is_problem(403, "forbidden");
        act(&app, &desk, "POST", &format!("{}/retry", id(1)))
            .await
            .is_problem(403, "forbidden");
        act(&app, &desk, "DELETE", &id(1))
            .await
            .is_problem(403, "forbidden");
    }
    app.stop().await;
}
