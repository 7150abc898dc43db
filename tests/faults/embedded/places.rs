//! Odd places for the data, and odd users. Must not know what happens to a running server.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use rejoinder::database::embedded;

use super::{
    Application, NOBODY, Scratch, ask_ps, connects_within, is_root, server_pid, start,
    start_quickly,
};

#[tokio::test]
async fn spaces_quotes_commas_and_long_paths_are_no_trouble() {
    let scratch = Scratch::new();
    let long = format!("{}/{}", "long".repeat(40), "path".repeat(40));
    for name in [
        "two  words ",
        "it's \"quoted\"",
        "a,b, c",
        "back\\slash $HOME %d ü",
        &long,
    ] {
        let data_dir = scratch.data_dir(name);
        let running = start_quickly(&data_dir).await;
        assert_eq!(running.data_dir(), data_dir);
        connects_within(&running.connect_options(), 1).await;
        let by_command = embedded::find_running(&data_dir).unwrap().expect("it runs");
        let socket = by_command.get_socket().unwrap().clone();
        assert_eq!(
            fs::metadata(&socket).unwrap().mode() & 0o777,
            0o700,
            "{name}"
        );
        connects_within(&by_command, 1).await;
        running.stop().await.unwrap();
        assert_eq!(
            socket.exists(),
            socket.starts_with(&data_dir),
            "a short one elsewhere goes"
        );
    }
}

#[tokio::test]
async fn as_root_the_server_is_somebody_else() {
    if !is_root("the server's user") {
        return;
    }
    let scratch = Scratch::new();
    let data_dir = scratch.0.join("new/one");
    let running = start_quickly(&data_dir).await;
    let cluster = fs::metadata(data_dir.join("pgdata")).unwrap();
    let server = ask_ps(server_pid(&data_dir), "uid").unwrap();
    assert_ne!(server, "0");
    assert_eq!(server, cluster.uid().to_string());
    assert_eq!(
        fs::metadata(&data_dir).unwrap().uid(),
        0,
        "only the cluster is the server's"
    );
    running.stop().await.unwrap();
}

#[tokio::test]
async fn as_root_a_cluster_keeps_the_user_it_has() {
    if !is_root("a cluster of another user, taken over by root") {
        return;
    }
    let scratch = Scratch::new();
    let data_dir = scratch.data_dir("data");
    chown(&data_dir, Some(NOBODY), Some(NOBODY)).unwrap();
    let unprivileged = Application::start_as_nobody(&scratch, &data_dir);
    assert_eq!(unprivileged.said.as_ref(), Ok(&data_dir));
    let pid = server_pid(&data_dir);
    assert_eq!(ask_ps(pid, "uid"), Some(NOBODY.to_string()));
    unprivileged.kill();

    let running = start_quickly(&data_dir).await;
    assert_eq!(
        ask_ps(server_pid(&data_dir), "uid"),
        Some(NOBODY.to_string())
    );
    running.stop().await.unwrap();
}

#[tokio::test]
async fn as_root_a_home_that_nobody_may_enter_is_left_for_another_place() {
    if !is_root("the place instead of a closed home") {
        return;
    }
    let scratch = Scratch::new();
    let home = scratch.data_dir("home");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    let wanted = home.join("data");
    let running = start(&wanted).await;
    let instead = running.data_dir().to_owned();
    assert!(
        instead.starts_with("/var/lib/rejoinder"),
        "{}",
        instead.display()
    );
    assert!(!wanted.exists(), "nothing is touched there");
    connects_within(&embedded::find_running(&wanted).unwrap().unwrap(), 1).await;
    running.stop().await.unwrap();

    // The data must not seem to have gone when the home is opened later.
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
    let again = start(&wanted).await;
    assert_eq!(again.data_dir(), instead);
    again.stop().await.unwrap();
    fs::remove_dir_all(&instead).unwrap();
}

#[tokio::test]
async fn as_root_a_cluster_that_root_restored_is_handed_over() {
    if !is_root("a cluster whose files belong to root") {
        return;
    }
    let scratch = Scratch::new();
    let data_dir = scratch.data_dir("data");
    start_quickly(&data_dir).await.stop().await.unwrap();
    let status = std::process::Command::new("chown")
        .arg("-R")
        .arg("0:0")
        .arg(data_dir.join("pgdata"))
        .status();
    assert!(status.unwrap().success());

    let running = start_quickly(&data_dir).await;
    assert_ne!(ask_ps(server_pid(&data_dir), "uid").unwrap(), "0");
    running.stop().await.unwrap();
}
