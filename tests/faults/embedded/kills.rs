//! SIGKILL at every process and moment. Must not know the odd places of the data.

use std::fs;
use std::time::Duration;

use rejoinder::database::embedded::{self, Durability};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Executor, Row};

use super::{
    Application, Scratch, connects_within, count_rows, eventually, is_gone, keeper_of, kill,
    options, server_pid, start, write_row,
};

#[tokio::test]
async fn a_killed_application_takes_its_server_along_and_keeps_its_rows() {
    let scratch = Scratch::new();
    let data_dir = scratch.data_dir("data");
    let application = Application::start(&data_dir);
    assert_eq!(application.said.as_ref(), Ok(&data_dir));
    write_row(&embedded::find_running(&data_dir).unwrap().unwrap()).await;
    let server = server_pid(&data_dir);

    application.kill();

    eventually("the server is gone", 10, || is_gone(server));
    eventually("it was shut down in order", 5, || {
        !data_dir.join("pgdata/postmaster.pid").exists()
    });
    assert!(embedded::find_running(&data_dir).unwrap().is_none());
    let again = start(&data_dir).await;
    assert_eq!(count_rows(&again.connect_options()).await, 1);
    again.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_server_is_back_within_five_seconds_with_its_rows() {
    let scratch = Scratch::new();
    let data_dir = scratch.data_dir("data");
    let running = start(&data_dir).await;
    let options = running.connect_options();
    for kills in 1..=3 {
        write_row(&options).await;
        let server = server_pid(&data_dir);
        kill(server);
        eventually("the server is gone", 5, || is_gone(server));
        connects_within(&options, 5).await;
        assert_eq!(count_rows(&options).await, kills);
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn application_and_server_killed_together_lose_nothing() {
    let scratch = Scratch::new();
    let data_dir = scratch.data_dir("data");
    let application = Application::start(&data_dir);
    write_row(&embedded::find_running(&data_dir).unwrap().unwrap()).await;
    let server = server_pid(&data_dir);

    kill(server);
    application.kill();

    let again = start(&data_dir).await;
    assert_eq!(count_rows(&again.connect_options()).await, 1);
    again.stop().await.unwrap();
}

#[tokio::test]
async fn application_keeper_and_server_killed_together_lose_nothing() {
    let scratch = Scratch::new();
    let data_dir = scratch.data_dir("data");
    let application = Application::start(&data_dir);
    write_row(&embedded::find_running(&data_dir).unwrap().unwrap()).await;
    let server = server_pid(&data_dir);

    kill(keeper_of(server));
    kill(server);
    application.kill();

    let again = start(&data_dir).await;
    assert_eq!(count_rows(&again.connect_options()).await, 1);
    again.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_outlived_its_keeper_is_replaced() {
    let scratch = Scratch::new();
    let data_dir = scratch.data_dir("data");
    let application = Application::start(&data_dir);
    write_row(&embedded::find_running(&data_dir).unwrap().unwrap()).await;
    let server = server_pid(&data_dir);

    kill(keeper_of(server));
    application.kill();
    assert!(!is_gone(server), "nobody has told it to stop");

    let again = start(&data_dir).await;
    assert!(is_gone(server));
    assert_ne!(server_pid(&data_dir), server);
    assert_eq!(count_rows(&again.connect_options()).await, 1);
    again.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_without_keeper_stops_the_server_all_the_same() {
    let scratch = Scratch::new();
    let data_dir = scratch.data_dir("data");
    let running = start(&data_dir).await;
    let server = server_pid(&data_dir);

    kill(keeper_of(server));
    running.stop().await.unwrap();

    assert!(is_gone(server));
}

#[tokio::test]
async fn the_next_start_waits_for_a_keeper_that_is_still_stopping() {
    let scratch = Scratch::new();
    let data_dir = scratch.data_dir("data");
    let application = Application::start(&data_dir);
    let (server, keeper) = (server_pid(&data_dir), keeper_of(server_pid(&data_dir)));
    let options = embedded::find_running(&data_dir).unwrap().unwrap();
    let mut client = connects_within(&options, 1).await;
    let row = client.fetch_one("select pg_backend_pid()").await.unwrap();
    let backend = Pid::from_raw(row.get(0)).unwrap();
    // A server with a client that doesn't let go takes its time to shut down.
    kill_process(backend, Signal::STOP).unwrap();
    application.kill();

    let next = start(&data_dir);
    let let_go = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!is_gone(keeper) && !is_gone(server), "the client is held");
        kill_process(backend, Signal::CONT).unwrap();
    };
    let (again, ()) = tokio::join!(next, let_go);

    assert!(is_gone(keeper) && is_gone(server));
    again.stop().await.unwrap();
}

#[tokio::test]
async fn a_kill_during_initdb_leaves_nothing_half_made() {
    let scratch = Scratch::new();
    let data_dir = scratch.data_dir("data");
    let mut application = Application::spawn(&data_dir);
    let unfinished = data_dir.join(format!("pgdata.new.{}", application.id()));
    eventually("initdb is at work", 10, || {
        unfinished.join("PG_VERSION").exists()
    });

    application.kill().unwrap();
    application.wait().unwrap();
    assert!(
        !data_dir.join("pgdata").exists(),
        "it was killed too late to show anything"
    );

    let again = start(&data_dir).await;
    connects_within(&again.connect_options(), 1).await;
    again.stop().await.unwrap();
    let left: Vec<_> = fs::read_dir(&data_dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(!left.contains(&unfinished), "{left:?}");
}

#[tokio::test]
async fn a_directory_made_for_tests_goes_with_its_server_and_no_other_does() {
    let scratch = Scratch::new();
    let [made, found] = [scratch.0.join("made"), scratch.data_dir("found")];
    for path in [&made, &found] {
        let running = embedded::start(options(path, Durability::ForTests))
            .await
            .unwrap();
        let text = fs::read_to_string(running.log_file()).unwrap();
        assert!(
            text.contains("rejoinder "),
            "lines begin with the database: {text}"
        );
        // Without a word of goodbye: what a test binary does at its end.
        drop(running);
    }
    eventually("the directory is gone", 10, || !made.exists());
    eventually("the other server is gone", 10, || {
        !found.join("pgdata/postmaster.pid").exists()
    });
    assert!(found.join("pgdata/PG_VERSION").exists());
}
