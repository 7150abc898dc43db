//! `rejoinder doctor`: what it finds with the service running, stopped, without a database, with wrong settings; that it
//! changes nothing and tells no secret.

use std::process::Output;

use serde_json::Value;

use super::{OWNER_PASSWORD, Service, path_variable, program};
use crate::embedded::{Scratch, connects_within};
use crate::support::{TestDatabase, execute};

const PASSWORD: &str = "database-0e9b1c";

/// What it found: exit code, and the level and words of each check, in their order.
struct Report {
    code: i32,
    level: String,
    findings: Vec<(String, String, String)>,
    said: String,
}

impl Report {
    fn of(output: &Output) -> Self {
        let said = String::from_utf8(output.stdout.clone()).unwrap();
        assert!(
            output.stderr.is_empty(),
            "{:?}",
            String::from_utf8_lossy(&output.stderr)
        );
        let json: Value = serde_json::from_str(&said).unwrap();
        let findings = json["findings"].as_array().unwrap().iter().map(|finding| {
            let text = |name: &str| finding[name].as_str().unwrap().to_owned();
            // Whatever isn't right says what to do.
            assert_eq!(
                finding["level"] == "ok",
                finding["remedy"].is_null(),
                "{finding}"
            );
            (text("check"), text("level"), text("message"))
        });
        Self {
            code: output.status.code().unwrap(),
            level: json["level"].as_str().unwrap().to_owned(),
            findings: findings.collect(),
            said,
        }
    }

    /// The one finding of a check that has these words.
    fn has(&self, check: &str, level: &str, words: &str) -> &Self {
        let is_it = |(found, is, message): &&(String, String, String)| {
            found == check && is == level && message.contains(words)
        };
        let matching = self.findings.iter().filter(is_it).count();
        assert_eq!(matching, 1, "{check} {level} {words}: {:#?}", self.findings);
        self
    }

    fn says_nothing_of(&self, check: &str) -> &Self {
        let found = self.findings.iter().find(|(found, ..)| found == check);
        assert!(found.is_none(), "{found:?}");
        self
    }
}

async fn doctor(scratch: &Scratch, environment: &[(&str, &str)]) -> Report {
    let mut command = program(scratch, environment);
    command.args(["doctor", "--format", "json"]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let report = Report::of(&output.await.unwrap());
    assert!(!report.said.contains(OWNER_PASSWORD) && !report.said.contains(PASSWORD));
    report
}

#[tokio::test]
async fn it_looks_at_the_embedded_database_before_the_first_start_while_it_runs_and_when_it_has_stopped()
 {
    let scratch = Scratch::new();
    let fresh = doctor(&scratch, &[]).await;
    fresh
        .has("service", "warning", "not running")
        .has("database", "ok", "the first start makes")
        .says_nothing_of("migrations");
    assert_eq!((fresh.code, fresh.level.as_str()), (0, "warning"));
    assert!(!scratch.0.join("data").exists(), "it made something");

    let service = Service::start(&scratch).await;
    let running = doctor(&scratch, &[]).await;
    running
        .has("settings", "ok", "")
        .has("service", "ok", "running")
        .has("database", "ok", "the embedded one")
        .has("database", "ok", "Postgres 1")
        .has("migrations", "ok", "")
        .has("indexes", "ok", "")
        .has("rights", "ok", "")
        .has("disk", "ok", "are free")
        .has("connections", "ok", " of ")
        .has("clock", "ok", "")
        .has("owner", "ok", "1 can sign in")
        .has("jobs", "ok", "")
        .has("origins", "warning", "only pages on this machine")
        .has("public_url", "warning", "not set")
        .has("proxies", "ok", "REJOINDER_TRUSTED_PROXIES is empty")
        .has("secret", "warning", "in the database")
        .has("limits", "warning", "not limited");
    assert_eq!((running.code, running.level.as_str()), (0, "warning"));
    service.becomes_ready_within(1).await;
    assert!(service.stop().success());

    let stopped = doctor(&scratch, &[]).await;
    stopped
        .has("service", "warning", "not running")
        .has("database", "ok", "Postgres 1")
        .has("migrations", "ok", "")
        .has("owner", "ok", "1 can sign in");
    assert_eq!(stopped.code, 0);
    // It has stopped what it started.
    let again = Service::start(&scratch).await;
    assert!(again.stop().success());
}

#[tokio::test]
async fn what_is_wrong_in_the_database_is_found_while_the_service_runs() {
    let scratch = Scratch::new();
    let service = Service::start(&scratch).await;
    let mut connection = connects_within(&service.database(), 10).await;
    sqlx::raw_sql(
        "update moderators set disabled_at = now();
        insert into jobs (id, kind, run_at, dead_at, created_at)
            values (gen_random_uuid(), 'tests.fail', now(), now(), now());
        update pg_index set indisvalid = false where indexrelid = 'jobs_due'::regclass;",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    let found = doctor(&scratch, &[]).await;
    found
        .has("owner", "problem", "none can sign in")
        .has("jobs", "warning", "1 were given up")
        .has("indexes", "warning", "jobs_due");
    assert_eq!((found.code, found.level.as_str()), (1, "problem"));
    sqlx::raw_sql("update pg_index set indisvalid = true where indexrelid = 'jobs_due'::regclass")
        .execute(&mut connection)
        .await
        .unwrap();
    drop(connection);
    assert!(service.stop().success());
}

#[tokio::test]
async fn an_external_database_is_looked_at_with_and_without_a_schema() {
    let scratch = Scratch::new();
    let (empty, full) = (TestDatabase::empty().await, TestDatabase::create().await);
    let pending = doctor(&scratch, &[("DATABASE_URL", &empty.url())]).await;
    pending
        .has("database", "ok", "external")
        .has("service", "warning", "none is connected")
        .has("migrations", "warning", "still to be applied")
        .says_nothing_of("owner");
    assert_eq!(pending.code, 0);
    let url = full.url();
    let environment = [
        ("DATABASE_URL", url.as_str()),
        ("REJOINDER_PUBLIC_URL", "https://comments.example.org"),
        ("REJOINDER_SITE_ORIGINS", "https://example.org"),
        ("REJOINDER_SECRET", "0123456789abcdef0123456789abcdef"),
        ("REJOINDER_RATE_LIMIT", "on"),
    ];
    let unused = doctor(&scratch, &environment).await;
    unused
        .has("migrations", "ok", "")
        .has("owner", "warning", "there is none yet")
        .has("origins", "ok", "https://example.org")
        .has("public_url", "ok", "https://comments.example.org")
        .has("proxies", "warning", "REJOINDER_TRUSTED_PROXIES is empty")
        .has("secret", "ok", "given")
        .has("limits", "ok", "");
    assert!(!unused.said.contains("0123456789abcdef"));
    // Without the public address, at which this test couldn't reach it.
    let set = [environment[0], environment[2], environment[3]];
    let service = Service::with(&scratch, &set).await;
    let mut environment = environment.to_vec();
    environment.push(("REJOINDER_TRUSTED_PROXIES", "10.0.0.0/8"));
    let used = doctor(&scratch, &environment).await;
    used.has("service", "ok", "it is running")
        .has("owner", "ok", "1 can sign in")
        .has("proxies", "ok", "from 10.0.0.0/8")
        .has("proxies", "ok", "x-forwarded-for");
    assert!(service.stop().success());
    // Sites are in the database, too: without the setting they keep their origins.
    let kept = doctor(&scratch, &[("DATABASE_URL", &url)]).await;
    kept.has("origins", "ok", "kept in the database");
}

#[tokio::test]
async fn rights_that_the_account_lacks_are_named() {
    let (scratch, database) = (Scratch::new(), TestDatabase::create().await);
    let role = format!("{}_reader", database.name());
    let grants = format!(
        "create role {role} login;
        grant usage on schema public to {role};
        grant select, insert, update, delete on all tables in schema public to {role};
        revoke update on comments from {role};
        revoke update, delete on comment_history from {role};"
    );
    execute(&database.options, grants).await;
    let url = database
        .url()
        .replacen("rejoinder@", &format!("{role}@"), 1);
    let found = doctor(&scratch, &[("DATABASE_URL", &url)]).await;
    let gone = format!("drop owned by {role}; drop role {role}");
    execute(&database.options, gone).await;
    // The history is never changed, so that right may be missing.
    found.has("rights", "problem", "read or change: comments");
    assert_eq!(found.code, 1);
    assert!(!found.said.contains("comment_history"), "{}", found.said);
}

#[tokio::test]
async fn a_schema_that_left_us_behind_and_a_database_that_only_reads_are_problems() {
    let scratch = Scratch::new();
    let newer = TestDatabase::create().await;
    execute(
        &newer.options,
        "update installation set oldest_binary = 99990101000000".to_owned(),
    )
    .await;
    let left = doctor(&scratch, &[("DATABASE_URL", &newer.url())]).await;
    left.has("migrations", "problem", "99990101000000")
        .says_nothing_of("owner");
    assert_eq!(left.code, 1);
    let standby = TestDatabase::create().await;
    let read_only = format!(
        "alter database {} set default_transaction_read_only = on",
        standby.name()
    );
    execute(&standby.options, read_only).await;
    let found = doctor(&scratch, &[("DATABASE_URL", &standby.url())]).await;
    found.has("database", "problem", "takes no writes");
    assert_eq!(found.code, 1);
}

#[tokio::test]
async fn without_a_database_it_says_so_and_goes_on() {
    let scratch = Scratch::new();
    let url = format!("postgres://rejoinder:{PASSWORD}@127.0.0.1:1/rejoinder");
    let nowhere = doctor(&scratch, &[("DATABASE_URL", &url)]).await;
    nowhere
        .has("database", "problem", "can't be reached")
        .says_nothing_of("migrations")
        .has("proxies", "ok", "")
        .has("secret", "warning", "")
        .has("origins", "warning", "");
    assert_eq!((nowhere.code, nowhere.level.as_str()), (1, "problem"));
}

#[tokio::test]
async fn every_wrong_setting_is_a_problem_and_no_value_is_told() {
    let scratch = Scratch::new();
    let wrong = [
        ("REJOINDER_LISTEN", "hidden words"),
        ("REJOINDER_SECRET", "hidden words"),
        ("REJOINDER_LISTN", "hidden words"),
    ];
    let found = doctor(&scratch, &wrong).await;
    found
        .has("settings", "problem", "REJOINDER_LISTEN (environment)")
        .has("settings", "problem", "REJOINDER_SECRET (environment)")
        .has("settings", "problem", "REJOINDER_LISTN (environment)")
        .has("settings", "warning", "nothing else was looked at");
    assert_eq!(found.code, 1);
    assert!(!found.said.contains("hidden words"));
}

#[tokio::test]
async fn people_get_a_line_for_each_finding_and_what_to_do_below() {
    let scratch = Scratch::new();
    let mut command = program(&scratch, &[]);
    command.env("PATH", path_variable()).arg("doctor");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let said = String::from_utf8(output.await.unwrap().stdout).unwrap();
    for line in [
        "ok       settings     all settings can be read\n",
        "warning  service      it is not running on this data directory\n                      try: start it: rejoinder serve\n",
        " 0 problems\n",
    ] {
        assert!(said.contains(line), "{line:?} in {said}");
    }
}
