//! What is refused, and what is left after that: nothing. Must not know how a good backup is told.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use rejoinder::database::embedded;
use sqlx::postgres::PgConnectOptions;

use super::{backup, execute, filled, refused, run, start, tables, well};
use crate::embedded::{Scratch, connects_within, eventually};
use crate::service::full_disk::SmallDisk;
use crate::service::{Program, Service, program, text};
use crate::support::{self, TestDatabase};

async fn has_tables(options: &PgConnectOptions) -> bool {
    !tables(options).await.is_empty()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_cut_damaged_foreign_or_newer_leaves_the_database_empty() {
    let scratch = Scratch::new();
    filled(&scratch).await;
    let whole = fs::read_to_string(backup(&scratch, "backup.sql")).unwrap();
    let database = TestDatabase::empty().await;
    let url = database.url();
    let restore = |input: &str| {
        let environment = [("DATABASE_URL", url.as_str())];
        run(&scratch, &environment, &["restore", "-"], input.as_bytes())
    };
    let at = |words: &str| whole.find(words).unwrap();

    let row = at("copy comments (") + 600;
    for end in [
        10,
        at("begin;"),
        at("--# table sites"),
        row,
        at("--# index"),
        at("--# end"),
        whole.len() - 8,
        whole.len() - 1,
    ] {
        let cut = restore(whole.get(..end).unwrap());
        let words = if end == 10 { "no backup" } else { "cut off" };
        refused(&cut, words);
        assert!(!has_tables(&database.options).await, "cut at {end}");
    }
    let newer = whole.replace("-- oldest binary: 2026", "-- oldest binary: 9999");
    for (input, words) in [
        (
            whole.replacen("a@example.org", "b@example.org", 1),
            "damaged",
        ),
        (
            whole.replacen("2001:db8::1", "no address", 1),
            "damaged (rows of comments, 22P02)",
        ),
        (
            whole.replacen("Rejoinder backup 1", "Rejoinder backup 2", 1),
            "no backup",
        ),
        (newer, "newer release"),
        (String::new(), "no backup"),
    ] {
        let output = restore(&input);
        refused(&output, words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !said.contains("example.org") && !said.contains("no address"),
            "{said}"
        );
        assert!(!has_tables(&database.options).await, "{words}");
    }
    well(&restore(&whole));
    let full = tables(&database.options).await;
    refused(&restore(&whole), "isn't empty");
    assert_eq!(tables(&database.options).await, full);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_overwritten_and_nothing_is_restored_under_a_running_service() {
    let scratch = Scratch::new();
    refused(&run(&scratch, &[], &["backup", "-"], b""), "no database");
    assert!(!scratch.0.join("data").exists(), "it made something");

    filled(&scratch).await;
    let file = backup(&scratch, "backup.sql");
    let first = fs::read(&file).unwrap();
    let path = text(&file);
    refused(&run(&scratch, &[], &["backup", &path], b""), "already");
    assert_eq!(fs::read(&file).unwrap(), first);
    well(&run(&scratch, &[], &["backup", &path, "--force"], b""));
    assert_ne!(fs::read(&file).unwrap(), first);
    refused(
        &run(&scratch, &[], &["backup", "no/where.sql"], b""),
        "No such file",
    );
    refused(
        &run(&scratch, &[], &["restore", "nothing.sql"], b""),
        "No such file",
    );
    refused(&run(&scratch, &[], &["restore", &path], b""), "isn't empty");
    let left: Vec<_> = fs::read_dir(&scratch.0)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !left
            .iter()
            .any(|name| name.as_encoded_bytes().starts_with(b".rejoinder")),
        "{left:?}"
    );

    let service = Service::start(&scratch).await;
    refused(
        &run(&scratch, &[], &["restore", &path], b""),
        "running rejoinder",
    );
    service.becomes_ready_within(1).await;
    assert!(service.stop().success());
    let database = TestDatabase::empty().await;
    let url = database.url();
    let service = Service::with(&scratch, &[("DATABASE_URL", &url)]).await;
    refused(
        &run(
            &scratch,
            &[("DATABASE_URL", &url)],
            &["restore", &path],
            b"",
        ),
        "running rejoinder",
    );
    assert!(service.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_without_rights_is_told_what_it_lacks() {
    let scratch = Scratch::new();
    filled(&scratch).await;
    let file = text(backup(&scratch, "backup.sql"));
    let database = TestDatabase::create().await;
    let empty = TestDatabase::empty().await;
    let role = format!("limited_{}", database.name());
    support::execute(&database.options, format!("create role {role} login")).await;
    let as_role = |database: &TestDatabase| {
        let mut url = sqlx::ConnectOptions::to_url_lossy(&database.options.clone().username(&role));
        url.set_path(database.name());
        url.to_string()
    };
    let output = run(
        &scratch,
        &[("DATABASE_URL", &as_role(&empty))],
        &["restore", &file],
        b"",
    );
    refused(&output, "permission denied for schema");
    let output = run(
        &scratch,
        &[("DATABASE_URL", &as_role(&database))],
        &["backup", "-"],
        b"",
    );
    refused(&output, "permission denied for table");
    assert!(String::from_utf8_lossy(&output.stderr).contains("use a role that"));
    assert!(output.stdout.is_empty());
    support::execute(&database.options, format!("drop role {role}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_ours_is_named_and_not_left_out() {
    let scratch = Scratch::new();
    let database = TestDatabase::create().await;
    sqlx::raw_sql("create view of_somebody as select 1 as one")
        .execute(&database.pool)
        .await
        .unwrap();
    let output = run(
        &scratch,
        &[("DATABASE_URL", &database.url())],
        &["backup", "-"],
        b"",
    );
    refused(&output, "view of_somebody");
    assert!(output.stdout.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_that_is_killed_leaves_a_database_into_which_it_can_be_done_again() {
    let scratch = Scratch::new();
    filled(&scratch).await;
    let file = backup(&scratch, "backup.sql");
    let whole = fs::read_to_string(&file).unwrap();
    let there = scratch.data_dir("other");
    let environment = [("REJOINDER_DATA_DIR", text(&there))];
    let environment = [(environment[0].0, environment[0].1.as_str())];
    let mut child = Program(
        program(&scratch, &environment)
            .args(["restore", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    // All but the end: it has made tables and rows, and waits for more.
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(&whole.as_bytes()[..whole.len() - 20])
        .unwrap();
    let mut options = None;
    eventually("the database runs", 60, || {
        options = embedded::find_running(&there).ok().flatten();
        options.is_some()
    });
    let mut connection = connects_within(&options.unwrap(), 10).await;
    let holds_tables = "select count(*) > 20 from pg_locks where mode = 'AccessExclusiveLock' and relation is not null";
    support::eventually("it is at work", async || {
        sqlx::query_scalar(holds_tables)
            .fetch_one(&mut connection)
            .await
            .unwrap()
    })
    .await;
    child.kill().unwrap();
    child.wait().unwrap();
    drop((stdin, connection));

    let embedded = start(&there).await;
    assert!(!has_tables(&embedded.connect_options()).await);
    embedded.stop().await.unwrap();
    well(&run(
        &scratch,
        &environment,
        &["restore", &text(&file)],
        b"",
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_one_clear_line_and_nothing_half_done() {
    let scratch = Scratch::new();
    let Some(disk) = SmallDisk::mount(scratch.data_dir("disk")) else {
        return;
    };
    filled(&scratch).await;
    let embedded = start(&scratch.0.join("data")).await;
    // Hexadecimal digits of digests: nothing that Postgres could pack into less than half.
    let grow = "insert into comment_texts (comment_id, version, name, body) \
        select comment_id, 100 + n, 'Ada', (select string_agg(md5(random()::text), '') from generate_series(1, 300 + n % 2)) \
        from (select * from comment_history limit 1) h, generate_series(1, 8000) n";
    let history = "insert into comment_history (comment_id, version, at, actor_kind, from_status, to_status) \
        select comment_id, 100 + n, now(), 'author', 'pending', 'pending' \
        from (select * from comment_history limit 1) h, generate_series(1, 8000) n";
    execute(&embedded.connect_options(), history).await;
    execute(&embedded.connect_options(), grow).await;
    embedded.stop().await.unwrap();
    let file = backup(&scratch, "backup.sql");

    let full = disk.0.join("backup.sql");
    let filler = disk.fill();
    let output = run(&scratch, &[], &["backup", &text(&full)], b"");
    refused(&output, "No space left");
    assert!(String::from_utf8_lossy(&output.stderr).contains("make room there"));
    fs::remove_file(filler).unwrap();
    assert_eq!(
        fs::read_dir(&disk.0).unwrap().count(),
        0,
        "it left something"
    );

    let there = text(disk.0.join("data"));
    let environment = [("REJOINDER_DATA_DIR", there.as_str())];
    let output = run(&scratch, &environment, &["restore", &text(&file)], b"");
    assert_eq!(output.status.code(), Some(1));
    crate::service::refusals::one_complaint(&String::from_utf8_lossy(&output.stderr));
    disk.grow();
    let embedded = start(Path::new(&there)).await;
    assert!(!has_tables(&embedded.connect_options()).await);
    embedded.stop().await.unwrap();
    well(&run(
        &scratch,
        &environment,
        &["restore", &text(&file)],
        b"",
    ));
}
