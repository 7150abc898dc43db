//! `rejoinder export`: the same lines, on standard output or in a file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::{add_many, exported, lines};
use crate::backstage::number;
use crate::support::TestDatabase;
use crate::support::app::TestApp;

fn export(database: &TestDatabase, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rejoinder"))
        .env_clear()
        .env("DATABASE_URL", database.url())
        .arg("export")
        .args(arguments)
        .output()
        .unwrap()
}

/// The lines without the time of the export.
fn timeless(mut lines: Vec<Value>) -> Vec<Value> {
    lines[0]["exported_at"] = Value::Null;
    lines
}

fn file(name: &str) -> String {
    let name = format!("rejoinder-{}-{name}", std::process::id());
    let path = std::env::temp_dir().join(name);
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_command_writes_what_the_api_answers() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    add_many(&app.database, 40).await;
    let (_, expected) = exported(&app, &desk).await;
    let expected = timeless(expected);
    for arguments in [&["--site", "default"][..], &["-", "--site=default"]] {
        let output = export(&app.database, arguments);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(timeless(lines(&text)) == expected, "{arguments:?}");
    }
    let path = file("export.jsonl");
    let output = export(&app.database, &["--site", "default", &path]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        said,
        format!("exported 5000 comments on 50 pages to {path}\n")
    );
    assert!(timeless(lines(&fs::read_to_string(&path).unwrap())) == expected);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    // What is there isn't written over.
    let output = export(&app.database, &["--site", "default", &path]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(fs::metadata(&path).unwrap().len() > 100);
    fs::remove_file(&path).unwrap();
    let recorded =
        "select count(*) from audit_log where act = 'site.exported' and actor_kind = 'operator'";
    assert_eq!(number(&app.database.pool, recorded).await, 3);
    app.stop().await;
}

#[tokio::test]
async fn a_site_that_is_not_there_leaves_no_file() {
    let app = TestApp::start().await;
    let path = file("nothing.jsonl");
    let output = export(&app.database, &["--site", "nobody", &path]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("there is no site of this slug") && said.contains("try: "),
        "{said}"
    );
    assert!(!Path::new(&path).exists());
    app.stop().await;
}
