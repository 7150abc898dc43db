//! Migrations: two instances at once, a failed one, and schemas of newer releases. Must not know what the tables hold.
#![expect(
    clippy::disallowed_methods,
    reason = "questions of tests to the server, whose words need no check against our schema"
)]

use std::borrow::Cow;
use std::path::Path;

use rejoinder::database::{self, MigrationError};
use serde_json::Value;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{PgPool, Row};

use super::{OWNER_PASSWORD, Service, client, ends, id_in, program, submission, submit};
use crate::embedded::Scratch;
use crate::support::TestDatabase;
use crate::support::app::{TestApp, comment_on};

/// Later than any release's.
const NEXT: i64 = 99_990_101_000_000;

/// The schema of this release and what another one adds.
async fn release_with(added: &[(i64, &'static str)]) -> Migrator {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let own = Migrator::new(own).await.unwrap();
    let added = added.iter().map(|(version, statements)| {
        Migration::new(
            *version,
            Cow::Borrowed("of another release"),
            MigrationType::Simple,
            sqlx::SqlStr::from_static(statements),
            false,
        )
    });
    Migrator::with_migrations(own.iter().cloned().chain(added).collect())
}

/// What a start could change: rows of every small table, and the tables there are.
async fn state(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "select version::text || success from _sqlx_migrations \
         union all select oldest_binary::text || coalesce(encode(secret, 'hex'), '-') from installation \
         union all select slug from sites \
         union all select email from moderators \
         union all select relname::text from pg_class where relnamespace = 'public'::regnamespace \
         order by 1",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

async fn count(pool: &PgPool, table: &'static str) -> i64 {
    sqlx::query(table).fetch_one(pool).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_that_start_at_once_on_an_empty_database_share_it() {
    for _ in 0..3 {
        let (here, there) = (Scratch::new(), Scratch::new());
        let database = TestDatabase::empty().await;
        let url = database.url();
        let environment = [("DATABASE_URL", url.as_str())];
        let (first, second) = (
            Service::spawn(&here, &environment),
            Service::spawn(&there, &environment),
        );
        let (first, second) = tokio::join!(first.become_ready(), second.become_ready());

        let client = client();
        let answer = submit(&client, &first.base, "key").await.unwrap();
        assert_eq!(answer.status(), 201);
        let receipt: Value = answer.json().await.unwrap();
        // One secret: the other one knows the token and the key.
        let id = receipt["comment"]["id"].as_str().unwrap();
        let own = client
            .get(format!("{}/api/v1/comments/{id}", second.base))
            .bearer_auth(receipt["manage_token"].as_str().unwrap());
        assert_eq!(own.send().await.unwrap().status(), 200);
        let replay = submit(&client, &second.base, "key").await.unwrap();
        assert_eq!(id_in(replay).await, id);
        // One owner, one site.
        assert_eq!(
            count(&database.pool, "select count(*) from moderators").await,
            1
        );
        assert_eq!(count(&database.pool, "select count(*) from sites").await, 1);
        for service in [&first, &second] {
            let credentials =
                serde_json::json!({"email": "owner@localhost", "password": OWNER_PASSWORD});
            let session = client
                .post(format!("{}/api/v1/admin/sessions", service.base))
                .json(&credentials);
            assert_eq!(session.send().await.unwrap().status(), 201);
        }
        assert!(first.stop().success() && second.stop().success());
    }
}

#[tokio::test]
async fn a_failed_migration_is_rolled_back_and_the_old_release_works_on() {
    let app = TestApp::start().await;
    let before = state(&app.database.pool).await;
    let newer = release_with(&[(
        NEXT,
        "create table votes (id uuid primary key); \
         alter table comments add column votes integer not null default 0; \
         update installation set oldest_binary = 99990101000000; \
         alter table comments add column body text;",
    )])
    .await;

    let error = database::migrate_with(&newer, &app.database.options)
        .await
        .unwrap_err();

    let said = error.to_string();
    assert!(matches!(error, MigrationError::Failed(_)), "{said}");
    assert!(said.contains("rolled back"), "{said}");
    assert_eq!(state(&app.database.pool).await, before);
    app.get("/readyz").await.is(200);
    app.submit(&comment_on("/tides", "after", None))
        .await
        .is(201);
    // The lock has gone with its session.
    database::migrate(&app.database.options).await.unwrap();
    app.stop().await;
}

#[tokio::test]
async fn what_succeeded_before_a_failed_migration_still_serves_the_old_release() {
    let app = TestApp::start().await;
    let newer = release_with(&[
        (
            NEXT,
            "alter table comments add column votes integer not null default 0",
        ),
        (NEXT + 1, "select 1 / 0"),
    ])
    .await;
    database::migrate_with(&newer, &app.database.options)
        .await
        .unwrap_err();
    app.get("/readyz").await.is(200);
    app.submit(&comment_on("/tides", "after", None))
        .await
        .is(201);
    // The newer release, mended, goes on from there.
    let mended = release_with(&[
        (
            NEXT,
            "alter table comments add column votes integer not null default 0",
        ),
        (NEXT + 1, "select 1"),
    ])
    .await;
    database::migrate_with(&mended, &app.database.options)
        .await
        .unwrap();
    app.stop().await;
}

#[tokio::test]
async fn a_newer_schema_that_still_serves_us_is_taken() {
    let scratch = Scratch::new();
    let database = TestDatabase::create().await;
    let newer = release_with(&[(
        NEXT,
        "alter table comments add column votes integer not null default 0",
    )])
    .await;
    database::migrate_with(&newer, &database.options)
        .await
        .unwrap();
    let url = database.url();
    let service = Service::with(&scratch, &[("DATABASE_URL", &url)]).await;
    let answer = submit(&client(), &service.base, "key").await.unwrap();
    assert_eq!(answer.status(), 201, "{}", submission("key"));
    assert!(service.stop().success());
}

#[tokio::test]
async fn a_schema_that_left_us_behind_is_refused_in_one_clear_line_and_unchanged() {
    let scratch = Scratch::new();
    let database = TestDatabase::create().await;
    let newer = release_with(&[(
        NEXT,
        "update installation set oldest_binary = 99990101000000",
    )])
    .await;
    // An instance of this release runs meanwhile: it says that it is no longer of use.
    let app = TestApp::on(database, &[]).await;
    app.get("/readyz").await.is(200);
    database::migrate_with(&newer, &app.database.options)
        .await
        .unwrap();
    app.get("/readyz").await.is_problem(503, "unavailable");
    let before = state(&app.database.pool).await;

    let url = app.database.url();
    for command in ["serve", "migrate"] {
        let mut program = program(&scratch, &[("DATABASE_URL", &url)]);
        program.arg(command);
        let ended = ends(program);
        assert_eq!(ended.code, Some(1), "{}", ended.said);
        let errors: Vec<&str> = ended
            .said
            .lines()
            .filter(|line| line.starts_with("error: "))
            .collect();
        assert_eq!(errors.len(), 1, "{}", ended.said);
        assert!(errors[0].contains("a newer release"), "{}", ended.said);
        assert!(errors[0].contains("99990101000000"), "{}", ended.said);
    }

    assert_eq!(state(&app.database.pool).await, before);
    app.stop().await;
}

#[tokio::test]
async fn migrate_asks_the_service_that_holds_the_database_and_else_starts_it_itself() {
    let scratch = Scratch::new();
    let migrate = async || {
        let mut command = program(&scratch, &[]);
        command.arg("migrate");
        let ended = tokio::task::spawn_blocking(|| ends(command)).await.unwrap();
        assert_eq!(ended.code, Some(0), "{}", ended.said);
    };
    migrate().await;
    let service = Service::start(&scratch).await;
    migrate().await;
    service.becomes_ready_within(1).await;
    assert!(service.stop().success());
}
