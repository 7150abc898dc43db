//! Starts that are refused by the real program: what it says, how it ends, and that nothing was begun. Must not know
//! of services that run.

use std::fs;
use std::os::unix::fs::chown;

use super::{Service, ends, program, text};
use crate::embedded::{Scratch, server_pid};

/// The one line that says what is wrong; the next one says what to do.
pub(super) fn one_complaint(said: &str) -> &str {
    let complaints: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(complaints.len(), 1, "{said}");
    assert!(
        said.lines().any(|line| line.starts_with("  try: ")),
        "{said}"
    );
    complaints[0]
}

#[test]
fn all_wrong_settings_are_named_at_once_one_line_each_and_nothing_is_started() {
    let scratch = Scratch::new();
    fs::write(
        scratch.0.join("settings.toml"),
        "public_url = \"ftp://example.org\"\nlisen = \"127.0.0.1:1\"\n",
    )
    .unwrap();
    let mut command = program(
        &scratch,
        &[
            ("REJOINDER_CONFIG", "settings.toml"),
            ("REJOINDER_LISTEN", "localhost"),
            ("REJOINDER_TRUSTED_PROXIES", "10.0.0.0/8,0.0.0.0/0"),
            ("REJOINDER_RATE_LIMIT", "sometimes"),
            ("REJOINDER_SECRET", "hunter2"),
            ("REJOINDER_RATELIMIT", "off"),
            ("DATABASE_URL", "mysql://root:hunter2@db/x"),
        ],
    );
    command.args(["--log-format", "xml"]);
    let ended = ends(command);

    assert_eq!(ended.code, Some(2), "{}", ended.said);
    let mut lines = ended.said.lines();
    assert_eq!(
        lines.next(),
        Some("error: these settings are wrong, nothing was started:")
    );
    let lines: Vec<&str> = lines.collect();
    for name in [
        "public_url (settings.toml, line 1)",
        "lisen (settings.toml, line 2)",
        "REJOINDER_LISTEN (environment)",
        "REJOINDER_TRUSTED_PROXIES (environment)",
        "REJOINDER_RATE_LIMIT (environment)",
        "REJOINDER_SECRET (environment)",
        "REJOINDER_RATELIMIT (environment)",
        "DATABASE_URL (environment)",
        "--log-format (flag)",
    ] {
        let own = lines
            .iter()
            .filter(|line| line.trim_start().starts_with(name));
        assert_eq!(own.count(), 1, "{name} in {}", ended.said);
    }
    assert_eq!(lines.len(), 9, "{}", ended.said);
    assert!(!ended.said.contains("hunter2"), "{}", ended.said);
    assert!(!scratch.0.join("data").exists());
}

#[test]
fn a_wrong_command_line_is_refused_with_a_way_out() {
    let scratch = Scratch::new();
    for argument in ["--lisen=127.0.0.1:1", "sreve", "--secret=hunter2"] {
        let mut command = program(&scratch, &[]);
        command.arg(argument);
        let ended = ends(command);
        assert_eq!(ended.code, Some(2), "{argument}");
        one_complaint(&ended.said);
        assert!(!ended.said.contains("hunter2"), "{}", ended.said);
    }
    assert!(!scratch.0.join("data").exists());
}

#[test]
fn a_taken_port_is_one_clear_line_and_nothing_is_started() {
    let scratch = Scratch::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = ends(program(&scratch, &[("REJOINDER_LISTEN", &address)]));
    assert_eq!(ended.code, Some(1));
    let line = one_complaint(&ended.said);
    assert!(line.contains(&format!("listening on {address}")), "{line}");
    assert!(!scratch.0.join("data").exists());
}

#[tokio::test]
async fn a_data_directory_in_use_is_refused_and_its_owner_undisturbed() {
    let scratch = Scratch::new();
    let first = Service::start(&scratch).await;
    let server = server_pid(&first.data_dir);

    let ended = ends(program(&scratch, &[]));

    assert_eq!(ended.code, Some(1), "{}", ended.said);
    let line = one_complaint(&ended.said);
    let pid = format!("(pid {})", first.child.id());
    assert!(
        line.contains("is in use by a running rejoinder") && line.contains(&pid),
        "{line}"
    );
    assert_eq!(server_pid(&first.data_dir), server);
    first.becomes_ready_within(1).await;
    assert!(first.stop().success());
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_used_is_one_clear_line() {
    let scratch = Scratch::new();
    let file = scratch.0.join("file");
    fs::write(&file, "").unwrap();
    let newer = scratch.data_dir("newer");
    fs::write(scratch.data_dir("newer/pgdata").join("PG_VERSION"), "99\n").unwrap();
    for (data_dir, says) in [
        (text(&file), "can't write to the data directory"),
        (
            "/proc/rejoinder/data".to_owned(),
            "can't write to the data directory",
        ),
        (text(&newer), "was made by PostgreSQL 99, but only"),
    ] {
        let ended = ends(program(&scratch, &[("REJOINDER_DATA_DIR", &data_dir)]));
        assert_eq!(ended.code, Some(1), "{}", ended.said);
        let line = one_complaint(&ended.said);
        assert!(line.contains(says) && line.contains(&data_dir), "{line}");
    }
}

#[tokio::test]
async fn a_directory_of_somebody_else_is_refused_to_an_unprivileged_user() {
    if !crate::embedded::is_root("the data directory of another user, by the real program") {
        return;
    }
    let scratch = Scratch::new();
    let data_dir = scratch.data_dir("data");
    chown(&data_dir, Some(4321), Some(4321)).unwrap();
    let copy = scratch.0.join("rejoinder");
    fs::copy(env!("CARGO_BIN_EXE_rejoinder"), &copy).unwrap();
    let mut command = std::process::Command::new("setpriv");
    command
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(copy)
        .env_clear()
        .env("PATH", super::path_variable())
        .env("REJOINDER_LISTEN", "127.0.0.1:0")
        .env("REJOINDER_DATA_DIR", &data_dir)
        .current_dir("/");
    let ended = ends(command);
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    let line = one_complaint(&ended.said);
    assert!(line.contains("can't write to the data directory"), "{line}");
}

#[tokio::test]
async fn a_database_that_is_nowhere_or_refuses_us_is_one_clear_line() {
    let scratch = Scratch::new();
    let database = crate::support::TestDatabase::create().await;
    let mut url: reqwest::Url = database.url().parse().unwrap();
    url.set_path("there_is_none");
    let ended = ends(program(&scratch, &[("DATABASE_URL", url.as_str())]));
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    let line = one_complaint(&ended.said);
    assert!(
        line.contains("DATABASE_URL") && line.contains("there_is_none"),
        "{line}"
    );
}
