//! SIGTERM and SIGINT under load: what is under way is finished, nothing is lost. Must not know of kills.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::crowd::{Crowd, Cut, ask_again, count};
use super::{Service, client};
use crate::embedded::{Scratch, eventually, is_gone, keeper_of, server_pid};

/// What a supervisor grants before it kills.
const GRACE: u64 = 25;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_stop_under_load_it_ends_in_time_and_loses_nothing() {
    let scratch = Scratch::new();
    let mut sent = 0;
    for (name, signal) in [("term", Signal::TERM), ("int", Signal::INT)] {
        let service = Service::start(&scratch).await;
        let (base, log) = (service.base.clone(), service.log.clone());
        let server = server_pid(&service.data_dir);
        let keeper = keeper_of(server);
        let crowd = Crowd::gather(&base, name, 8, Cut::Expected);
        crowd.stores(40, Duration::from_secs(20)).await;

        let begun = Instant::now();
        service.signal(signal);
        let status = service.wait_at_most(GRACE);

        assert_eq!(status.code(), Some(0), "{name}");
        let took = begun.elapsed();
        assert!(
            took < Duration::from_secs(5),
            "{name}: clients that stay connected don't hold it up, but it took {took:?}"
        );
        assert!(is_gone(server) && is_gone(keeper), "{name}");
        assert!(
            client()
                .get(format!("{base}/healthz"))
                .send()
                .await
                .is_err()
        );
        let told = crowd.go_home().await;
        sent += told.len();
        let said = std::fs::read_to_string(log).unwrap();
        assert!(!said.contains("\"level\":\"ERROR\""), "{said}");

        let again = Service::start(&scratch).await;
        ask_again(&again.base, &told).await;
        assert_eq!(count(&again.database()).await, (sent, sent));
        assert!(again.stop().success());
    }
}

#[tokio::test]
async fn told_to_stop_it_takes_no_new_connection_and_finishes_a_request_under_way() {
    let scratch = Scratch::new();
    let service = Service::start(&scratch).await;
    let address = service.base.strip_prefix("http://").unwrap().to_owned();
    let body = super::submission("slow").to_string();
    let (first, second) = body.split_at(20);
    let mut slow = TcpStream::connect(&address).unwrap();
    write!(
        slow,
        "POST /api/v1/comments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{first}",
        body.len()
    )
    .unwrap();
    // The head has to be read before the signal, else nothing is under way.
    tokio::time::sleep(Duration::from_millis(300)).await;

    service.signal(Signal::TERM);

    eventually("new connections are refused", 5, || {
        TcpStream::connect(&address).is_err()
    });
    slow.write_all(second.as_bytes()).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(service.wait_at_most(GRACE).code(), Some(0));
}

#[tokio::test]
async fn clients_that_stay_connected_without_asking_do_not_hold_up_the_end() {
    let took = end_beside(&[b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"]).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_client_that_never_finishes_holds_up_the_end_no_longer_than_allowed() {
    let unfinished = b"POST /api/v1/comments HTTP/1.1\r\nHost: localhost\r\n\
        Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let took = end_beside(&[b"GET /healthz HTT", unfinished]).await;
    assert!(took < Duration::from_secs(GRACE), "{took:?}");
}

/// How long the end takes while clients that have sent this stay connected.
async fn end_beside(sent: &[&[u8]]) -> Duration {
    let scratch = Scratch::new();
    let service = Service::start(&scratch).await;
    let address = service.base.strip_prefix("http://").unwrap();
    let clients: Vec<TcpStream> = sent
        .iter()
        .map(|octets| {
            let mut client = TcpStream::connect(address).unwrap();
            client.write_all(octets).unwrap();
            client
        })
        .collect();
    // What was sent has to be read before the signal, else nothing is under way.
    tokio::time::sleep(Duration::from_millis(300)).await;

    let begun = Instant::now();
    service.signal(Signal::TERM);
    let status = service.wait_at_most(GRACE);

    assert_eq!(status.code(), Some(0));
    drop(clients);
    println!("ended after {:?}", begun.elapsed());
    begun.elapsed()
}

#[tokio::test]
async fn told_to_stop_during_its_start_it_leaves_no_database_behind() {
    let scratch = Scratch::new();
    let service = Service::start(&scratch).await;
    let data_dir = service.data_dir.clone();
    assert!(service.stop().success());

    let mut starting = Service::spawn(&scratch, &[]);
    eventually("the database begins", 10, || {
        data_dir.join("pgdata/postmaster.pid").exists()
    });
    let pid = i32::try_from(starting.child.id()).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), Signal::TERM)
        .unwrap();

    eventually("the program has ended", GRACE, || {
        starting.child.try_wait().unwrap().is_some()
    });
    eventually("the database has ended", GRACE, || {
        !data_dir.join("pgdata/postmaster.pid").exists()
    });
}
