//! SIGKILL under load: what was answered 201 is there afterwards, once. Must not know of signals that can be answered.

use std::collections::BTreeMap;
use std::time::Duration;

use super::crowd::{Crowd, Cut, Told, ask_again, count};
use super::{Service, client, id_in, submit};
use crate::embedded::{Scratch, keeper_of, kill, server_pid};

/// In each run of the tests; a good minute.
const KILLS: usize = 20;
/// In the long form.
const KILLS_LONG: usize = 200;
/// A later start, unoptimised and with another test beside it; optimised it is a fraction of that.
const START_MAX: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_under_load_lose_nothing_and_double_nothing() {
    kill_under_load(KILLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a quarter of an hour; scripts/long runs it"]
async fn two_hundred_kills_under_load_lose_nothing_and_double_nothing() {
    kill_under_load(KILLS_LONG).await;
}

async fn kill_under_load(kills: usize) {
    let scratch = Scratch::new();
    let (mut sent, mut acknowledged) = (0, 0);
    let mut told: BTreeMap<String, Told> = BTreeMap::new();
    for round in 0..kills {
        let service = Service::start(&scratch).await;
        assert!(
            round == 0 || service.ready_after < START_MAX,
            "{:?}",
            service.ready_after
        );
        ask_again(&service.base, &told).await;
        sent += told.len();
        assert_eq!(count(&service.database()).await, (sent, sent));

        let crowd = Crowd::gather(&service.base, &format!("round-{round}"), 6, Cut::Expected);
        // Each time at another moment.
        crowd
            .stores(5 + 3 * (round % KILLS), Duration::from_secs(20))
            .await;
        let server = server_pid(&service.data_dir);
        match round % 4 {
            3 => {
                kill(keeper_of(server));
                kill(server);
            }
            2 => kill(server),
            _ => {}
        }
        service.kill();
        told = crowd.go_home().await;
        let stored = told.values().filter(|told| **told != Told::Unknown).count();
        assert!(stored >= 5, "{told:?}");
        acknowledged += stored;
    }
    let service = Service::start(&scratch).await;
    ask_again(&service.base, &told).await;
    sent += told.len();
    assert_eq!(count(&service.database()).await, (sent, sent));
    assert!(service.stop().success());
    println!(
        "{kills} kills: {acknowledged} answered 201, none of them lost; {} cut off and sent again; none twice",
        sent - acknowledged
    );
}

#[tokio::test]
async fn a_kill_during_the_first_start_leaves_nothing_in_the_way_of_the_next() {
    let scratch = Scratch::new();
    scratch.data_dir("data");
    for delay_ms in [30, 150, 300, 500, 700] {
        let mut starting = Service::spawn(&scratch, &[]);
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        starting.child.kill().unwrap();
        starting.child.wait().unwrap();
    }
    let service = Service::start(&scratch).await;
    let answer = submit(&client(), &service.base, "key").await.unwrap();
    assert_eq!(answer.status(), 201);
    id_in(answer).await;
    assert!(service.stop().success());
}
