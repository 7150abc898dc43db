//! `rejoinder backup` and `restore` by the real program: into another data directory, an external server, psql; beside
//! writers; files that are cut, damaged or of newer releases; ends in the middle. Must not know the form of the file but
//! for its lines.
#![expect(
    clippy::disallowed_methods,
    reason = "questions of tests to the server, whose words need no check against our schema; writers that are waited for"
)]

mod refusals;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection, Row as _};

use super::refusals::one_complaint;
use super::{OWNER_PASSWORD, Service, client, program, submission, submit, text};
use crate::embedded::{Scratch, connects_within, start};
use crate::support::TestDatabase;

/// Rows beside those that a service makes by itself: comments in all states, with texts that could end a copy or a section.
const FILL: &str = r"
insert into comments (id, site_id, page_id, root_id, depth, status, name, email, email_key, body, body_html, avatar, ip,
    submitted_at, published_at, idempotency_key, content_hash)
select made.id, p.site_id, p.id, made.id, 0, made.status, left(made.name, made.long), left('a@example.org', made.long),
    left('a@example.org', made.long), left(made.body, made.long), left(made.body, made.long), md5('a'), '2001:db8::1',
    now(), now(), sha256(made.status::bytea), sha256('b')
from (select gen_random_uuid() as id, status, case status when 'deleted' then 0 else 1000 end as long,
        E'Zoë\t\\N ''\\.' as name,
        E'first\n\\.\n--# end: 1 rows\ncommit;\ncopy comments (id) from stdin;\n\ttab \\ \r\x01 🦀' as body
    from unnest(array['pending', 'approved', 'rejected', 'spam', 'deleted']) status) made,
    (select * from pages limit 1) p;
insert into comments (id, site_id, page_id, parent_id, root_id, depth, status, name, email, email_key, body, body_html,
    avatar, submitted_at, content_hash)
select gen_random_uuid(), site_id, page_id, id, id, 1, 'pending', name, email, email_key, body, body_html, avatar, now(), sha256('c')
from comments where status = 'approved' and depth = 0 limit 1;
update pages set comment_count = (select count(*) from comments c where c.page_id = pages.id and c.status = 'approved');
insert into comment_history (comment_id, version, at, actor_kind, to_status)
select id, 1, now(), 'author', status from comments on conflict do nothing;
insert into comment_notes (comment_id, version, note) select comment_id, version, 'a note' from comment_history;
insert into comment_texts (comment_id, version, name, body) select comment_id, version, 'Ada', E'earlier\n' from comment_history;
insert into batches (id, moderator_id, decision, as_of, state, total, created_at)
select gen_random_uuid(), id, 'approve', now(), 'done', 1, now() from moderators;
insert into batch_items (batch_id, place, comment_id, was_status, was_version)
select b.id, 1, c.id, c.status, c.version from batches b, (select * from comments limit 1) c;
insert into claims (comment_id, moderator_id, until) select c.id, m.id, now() from comments c, moderators m;
insert into notes (id, site_id, comment_id, moderator_id, note, at)
select gen_random_uuid(), c.site_id, c.id, m.id, 'said', now() from comments c, moderators m;
insert into audit_log (id, at, actor_kind, act, subject_kind) values (gen_random_uuid(), now(), 'system', 'tests.filled', 'tests');
insert into page_aliases (site_id, url_key, url, page_id, created_at) select site_id, 'a/b', 'http://a/b', id, now() from pages;
insert into daily_waits (day, site_id, decided, median_seconds) select now(), id, 1, 2 from sites;
";

/// `rejoinder …` with this on its standard input.
fn run(
    scratch: &Scratch,
    environment: &[(&str, &str)],
    arguments: &[&str],
    input: &[u8],
) -> Output {
    let mut child = program(scratch, environment)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // It says nothing before it has read, or has stopped to read.
    let writer = std::thread::spawn(move || stdin.write_all(&input).ok());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn well(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Refused with exit code 1, in one line of what and one of what to do.
fn refused(output: &Output, words: &str) {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let line = one_complaint(&said);
    assert!(line.contains(words), "{line}");
}

async fn execute(options: &PgConnectOptions, statements: &'static str) {
    let mut connection = connects_within(options, 10).await;
    sqlx::raw_sql(statements)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// Every table with the number of its rows and a digest over all of them.
async fn tables(options: &PgConnectOptions) -> Vec<(String, i64, Option<String>)> {
    let mut connection = PgConnection::connect_with(options).await.unwrap();
    let names: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut found = Vec::new();
    for name in names {
        let question = format!(
            "select count(*), md5(string_agg(t::text, ',' order by t::text)) from {name} t"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(question))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        found.push((name, row.get(0), row.get(1)));
    }
    connection.close().await.unwrap();
    found
}

/// What a backup says of the schema. Parentheses are left out, since the server writes fewer of them the second time.
fn schema(backup: &str) -> Vec<String> {
    let mut in_rows = false;
    let mut found = Vec::new();
    for line in backup.lines().skip_while(|line| *line != "begin;") {
        if !in_rows && !line.starts_with("--# end: ") {
            found.push(line.replace(['(', ')'], ""));
        }
        in_rows = (in_rows || line.starts_with("copy ")) && line != "\\.";
    }
    found
}

/// Where psql finds a server: it doesn't know all parameters of our addresses.
struct PsqlPlace {
    host: String,
    port: String,
}

impl PsqlPlace {
    fn of(options: &PgConnectOptions) -> Self {
        Self {
            host: options
                .get_socket()
                .map_or_else(|| options.get_host().to_owned(), text),
            port: options.get_port().to_string(),
        }
    }
}

async fn tables_of_data_dir(data_dir: &Path) -> Vec<(String, i64, Option<String>)> {
    let embedded = start(data_dir).await;
    let found = tables(&embedded.connect_options()).await;
    embedded.stop().await.unwrap();
    found
}

/// A reader's token for the own comment, and a moderator's session.
struct Kept {
    id: String,
    manage: String,
    session: String,
}

impl Kept {
    async fn make(base: &str) -> Self {
        let answer = submit(&client(), base, "kept").await.unwrap();
        assert_eq!(answer.status(), 201);
        let receipt: Value = answer.json().await.unwrap();
        let credentials = json!({"email": "owner@localhost", "password": OWNER_PASSWORD});
        let sent = client()
            .post(format!("{base}/api/v1/admin/sessions"))
            .json(&credentials);
        let session: Value = sent.send().await.unwrap().json().await.unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            id: text(&receipt["comment"]["id"]),
            manage: text(&receipt["manage_token"]),
            session: text(&session["token"]),
        }
    }

    /// Both are still good for what they were.
    async fn work_at(&self, base: &str) {
        let own = format!("{base}/api/v1/comments/{}", self.id);
        let queue = format!("{base}/api/v1/admin/comments?status=pending");
        for (address, token) in [(own, &self.manage), (queue, &self.session)] {
            let answer = client().get(&address).bearer_auth(token).send();
            assert_eq!(answer.await.unwrap().status(), 200, "{address}");
        }
        let replay = client()
            .post(format!("{base}/api/v1/comments"))
            .header("Idempotency-Key", "kept")
            .json(&submission("kept"));
        let replay = replay.send().await.unwrap();
        assert!(replay.headers().contains_key("idempotency-replayed"));
    }
}

/// A filled data directory whose service has stopped, with what was handed out.
async fn filled(scratch: &Scratch) -> Kept {
    let service = Service::start(scratch).await;
    let kept = Kept::make(&service.base).await;
    execute(&service.database(), FILL).await;
    assert!(service.stop().success());
    kept
}

fn backup(scratch: &Scratch, file: &str) -> PathBuf {
    let path = scratch.0.join(file);
    well(&run(scratch, &[], &["backup", &text(&path)], b""));
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_brings_every_row_to_another_directory_to_an_external_server_and_through_psql() {
    let scratch = Scratch::new();
    let kept = filled(&scratch).await;
    let file = backup(&scratch, "backup.sql");
    let written = fs::read(&file).unwrap();
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let before = tables_of_data_dir(&scratch.0.join("data")).await;
    for table in [
        "comments",
        "comment_history",
        "comment_texts",
        "batch_items",
        "sessions",
        "installation",
    ] {
        let rows = before.iter().find(|(name, ..)| name == table);
        assert!(rows.is_some_and(|(_, count, _)| *count > 0), "{table}");
    }

    let other = text(scratch.data_dir("other"));
    let there = [("REJOINDER_DATA_DIR", other.as_str())];
    well(&run(&scratch, &there, &["restore", &text(&file)], b""));
    assert_eq!(tables_of_data_dir(Path::new(&other)).await, before);
    let again = well(&run(&scratch, &there, &["backup", "-"], b""));
    assert_eq!(schema(&again), schema(str::from_utf8(&written).unwrap()));

    let (ours, psqls) = (TestDatabase::empty().await, TestDatabase::empty().await);
    well(&run(
        &scratch,
        &[("DATABASE_URL", &ours.url())],
        &["restore", "-"],
        &written,
    ));
    assert_eq!(tables(&ours.options).await, before);
    let mut psql = Command::new("psql");
    let PsqlPlace { host, port } = PsqlPlace::of(&psqls.options);
    let psql = psql
        .args(["--no-psqlrc", "--quiet", "--host", &host, "--port", &port])
        .args(["--username", psqls.options.get_username()])
        .args(["--dbname", psqls.name(), "--file"])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(
        (well(&psql).as_str(), psql.stderr.as_slice()),
        ("", &b""[..])
    );
    assert_eq!(tables(&psqls.options).await, before);

    let service = Service::with(&scratch, &there).await;
    kept.work_at(&service.base).await;
    let mut connection = connects_within(&service.database(), 10).await;
    for statement in [
        "update comment_history set reason = 'x'",
        "delete from audit_log",
    ] {
        let error = sqlx::query(statement)
            .execute(&mut connection)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
    assert!(service.stop().success());
    let moved = Service::with(&scratch, &[("DATABASE_URL", &ours.url())]).await;
    kept.work_at(&moved.base).await;
    assert!(moved.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_beside_writers_is_one_moment() {
    let scratch = Scratch::new();
    let service = Service::start(&scratch).await;
    let base = service.base.clone();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (base, stopped) = (base.clone(), stopped.clone());
            tokio::spawn(async move {
                let client = client();
                let mut number = 0;
                while !*stopped.borrow() {
                    number += 1;
                    let answer = submit(&client, &base, &format!("{writer}-{number}")).await;
                    assert_eq!(answer.unwrap().status(), 201);
                }
                number
            })
        })
        .collect();
    let mut files = Vec::new();
    for number in 0..3 {
        let file = scratch.0.join(format!("{number}.sql"));
        let path = text(&file);
        let program = program(&scratch, &[]);
        let output = tokio::task::spawn_blocking(move || {
            let mut program = program;
            program.args(["backup", &path]).output().unwrap()
        });
        well(&output.await.unwrap());
        files.push(file);
    }
    stop.send(true).unwrap();
    let mut submitted = 0;
    for writer in writers {
        submitted += writer.await.unwrap();
    }
    assert!(service.stop().success());

    let mut counts = Vec::new();
    for file in files {
        let database = TestDatabase::empty().await;
        let url = database.url();
        well(&run(
            &scratch,
            &[("DATABASE_URL", &url)],
            &["restore", &text(&file)],
            b"",
        ));
        // A comment is written with its history and, at first, its page.
        let row = sqlx::query(
            "select (select count(*) from comments), (select count(*) from comment_history), \
             (select count(*) from comments c where not exists (select from pages p where p.id = c.page_id))",
        );
        let row = row.fetch_one(&database.pool).await.unwrap();
        let (comments, history, homeless): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
        assert_eq!((comments, homeless), (history, 0));
        counts.push(comments);
    }
    assert!(
        counts.is_sorted() && counts[0] < counts[2] && counts[2] <= submitted,
        "{counts:?} of {submitted}"
    );
}
