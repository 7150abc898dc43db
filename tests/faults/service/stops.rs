//! SIGTERM and SIGINT under load: what is under way is finished, nothing is lost. Must not know of kills.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::crowd::{Crowd, Cut, ask_again, count};
use super::{Service, client};
use crate::embedded::{Scratch, is_gone, keeper_of, server_pid};

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
    use std::io::{Read, Write};
    let scratch = Scratch::new();
    let service = Service::start(&scratch).await;
    let address = service.base.strip_prefix("http://").unwrap().to_owned();
    let body = super::submission("slow").to_string();
    let (first, second) = body.split_at(20);
    let mut slow = std::net::TcpStream::connect(&address).unwrap();
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

    crate::embedded::eventually("new connections are refused", 5, || {
        std::net::TcpStream::connect(&address).is_err()
    });
    slow.write_all(second.as_bytes()).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(service.wait_at_most(GRACE).code(), Some(0));
}

#[tokio::test]
async fn told_to_stop_during_its_start_it_leaves_no_database_behind() {
    let scratch = Scratch::new();
    let service = Service::start(&scratch).await;
    let data_dir = service.data_dir.clone();
    assert!(service.stop().success());

    let mut starting = Service::spawn(&scratch, &[]);
    crate::embedded::eventually("the database begins", 10, || {
        data_dir.join("pgdata/postmaster.pid").exists()
    });
    let pid = i32::try_from(starting.child.id()).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), Signal::TERM)
        .unwrap();

    crate::embedded::eventually("the program has ended", GRACE, || {
        starting.child.try_wait().unwrap().is_some()
    });
    crate::embedded::eventually("the database has ended", GRACE, || {
        !data_dir.join("pgdata/postmaster.pid").exists()
    });
}
