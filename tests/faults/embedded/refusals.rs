//! Data directories that can't be used: one clear line, and nothing touched. Must not know how a start goes on.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;

use rejoinder::database::embedded::{self, Durability};

use super::{
    Application, Scratch, connects_within, is_root, options, picture, refusal, start_quickly,
};

#[tokio::test]
async fn a_second_instance_is_told_who_has_the_directory() {
    let scratch = Scratch::new();
    let data_dir = scratch.data_dir("data");
    let first = start_quickly(&data_dir).await;

    let line = refusal(options(&data_dir, Durability::Durable)).await;
    let other = Application::start(&data_dir);

    let pid = format!("(pid {})", std::process::id());
    assert!(line.contains("in use") && line.contains(&pid), "{line}");
    assert!(other.said.unwrap_err().contains(&pid));
    connects_within(&first.connect_options(), 1).await;
    first.stop().await.unwrap();
}

#[tokio::test]
async fn a_cluster_of_another_major_version_is_not_touched() {
    let scratch = Scratch::new();
    let data_dir = scratch.data_dir("data");
    for version in ["99", "9.6", "14", "rubbish\nin it"] {
        let cluster = scratch.data_dir("data/pgdata");
        fs::write(cluster.join("PG_VERSION"), format!("{version}\n")).unwrap();
        let before = picture(&scratch.0);

        let line = refusal(options(&data_dir, Durability::Durable)).await;

        let shown = version.replace('\n', "\\n");
        assert!(
            line.contains(&format!("made by PostgreSQL {shown}, but only")),
            "{line}"
        );
        assert_eq!(picture(&scratch.0), before, "{version}");
    }
}

#[tokio::test]
async fn files_that_are_no_cluster_are_not_touched() {
    let scratch = Scratch::new();
    let data_dir = scratch.data_dir("data");
    fs::write(scratch.data_dir("data/pgdata").join("letter.txt"), "dear").unwrap();
    let before = picture(&scratch.0);

    let line = refusal(options(&data_dir, Durability::Durable)).await;

    assert!(line.contains("no database"), "{line}");
    assert_eq!(picture(&scratch.0), before);
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_named() {
    let scratch = Scratch::new();
    let file = scratch.0.join("file");
    fs::write(&file, "").unwrap();
    // The system's own tree refuses even root.
    for data_dir in [file, "/proc/rejoinder/data".into()] {
        let line = refusal(options(&data_dir, Durability::Durable)).await;
        assert!(
            line.starts_with("can't write to the data directory"),
            "{line}"
        );
        assert!(line.contains(data_dir.to_str().unwrap()), "{line}");
    }
}

#[tokio::test]
async fn a_directory_of_somebody_else_is_refused_to_an_unprivileged_user() {
    if !is_root("the directory of another user") {
        return;
    }
    let scratch = Scratch::new();
    let data_dir = scratch.data_dir("data");
    fs::set_permissions(&data_dir, fs::Permissions::from_mode(0o755)).unwrap();
    let line = Application::start_as_nobody(&scratch, &data_dir)
        .said
        .unwrap_err();
    assert!(
        line.starts_with("can't write to the data directory"),
        "{line}"
    );
    assert_eq!(picture(&data_dir), []);

    // Neither root nor the one who asks.
    chown(scratch.data_dir("data/pgdata"), Some(4321), Some(4321)).unwrap();
    let line = Application::start_as_nobody(&scratch, &data_dir)
        .said
        .unwrap_err();
    assert!(line.contains("belongs to the user with uid 4321"), "{line}");
}

#[tokio::test]
async fn programs_that_are_named_but_do_not_run_are_refused() {
    let scratch = Scratch::new();
    let bin = scratch.data_dir("bin");
    for name in ["postgres", "initdb"] {
        let program = bin.join(name);
        fs::write(&program, "#!/bin/sh\necho 'postgres (PostgreSQL) 14.1'\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let data_dir = scratch.0.join("data");
    for (programs, why) in [
        (bin, "at least 15"),
        (scratch.0.join("none"), "initdb is missing"),
    ] {
        let mut options = options(&data_dir, Durability::Durable);
        options.programs = Some(programs);
        let line = refusal(options).await;
        assert!(
            line.contains(why) && line.contains("REJOINDER_POSTGRES_BIN"),
            "{line}"
        );
        assert!(!data_dir.exists(), "nothing is made");
    }
}

#[tokio::test]
async fn a_server_that_does_not_start_shows_the_end_of_its_log() {
    let scratch = Scratch::new();
    let data_dir = scratch.data_dir("data");
    start_quickly(&data_dir).await.stop().await.unwrap();
    let settings = data_dir.join("pgdata/postgresql.conf");
    fs::write(&settings, "shared_preload_libraries = 'there_is_none'\n").unwrap();

    let line = refusal(options(&data_dir, Durability::Durable)).await;

    assert!(line.contains("there_is_none"), "{line}");
    assert!(
        line.contains(data_dir.join("postgres.log").to_str().unwrap()),
        "{line}"
    );
    assert!(embedded::find_running(&data_dir).unwrap().is_none());
}

#[test]
fn where_nothing_runs_there_is_nothing_to_connect_to() {
    let scratch = Scratch::new();
    let absent: PathBuf = scratch.0.join("absent");
    assert!(embedded::find_running(&absent).unwrap().is_none());
    assert!(!absent.exists());
}
