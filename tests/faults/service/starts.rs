//! How long a start takes and what a service at rest holds. Bounds are loose here, since other tests run beside;
//! `--nocapture` shows the figures. Must not know of failures.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use super::{Service, address_in, client, text};
use crate::embedded::{Scratch, ask_ps};
use crate::support::TestDatabase;

/// Twice the promised 5 s and 2 s.
const FIRST_MAX: Duration = Duration::from_secs(10);
const LATER_MAX: Duration = Duration::from_secs(4);
/// Twice the promised 40 MB: unoptimised code is larger.
const RESIDENT_KB_MAX: u64 = 80 * 1024;

fn resident_kb(service: &Service) -> u64 {
    ask_ps(service.pid(), "rss").unwrap().parse().unwrap()
}

#[tokio::test]
async fn starts_are_quick_and_a_service_at_rest_is_small() {
    let scratch = Scratch::new();
    let first = Service::start(&scratch).await;
    let (first_after, resident) = (first.ready_after, resident_kb(&first));
    assert!(first.stop().success());
    let mut later = Duration::ZERO;
    for _ in 0..3 {
        let service = Service::start(&scratch).await;
        later = later.max(service.ready_after);
        assert!(service.stop().success());
    }
    let (elsewhere, database) = (Scratch::new(), TestDatabase::create().await);
    let url = database.url();
    let mut external = Vec::new();
    for _ in 0..3 {
        let service = Service::with(&elsewhere, &[("DATABASE_URL", &url)]).await;
        external.push(service.ready_after);
        assert!(service.stop().success());
    }
    println!(
        "first start {first_after:?}, later {later:?}, external {external:?}, at rest {resident} kB"
    );
    assert!(first_after < FIRST_MAX && later < LATER_MAX, "{later:?}");
    assert!(resident < RESIDENT_KB_MAX, "{resident} kB");
}

#[tokio::test]
async fn a_service_manager_is_told_when_the_service_answers() {
    let scratch = Scratch::new();
    scratch.data_dir("data");
    let place = scratch.0.join("notify");
    let manager = UnixDatagram::bind(&place).unwrap();
    manager
        .set_read_timeout(Some(Duration::from_mins(1)))
        .unwrap();
    let starting = Service::spawn(&scratch, &[("NOTIFY_SOCKET", &text(&place))]);

    let mut told = [0; 64];
    let length = manager.recv(&mut told).unwrap();
    assert_eq!(&told[..length], b"READY=1\n");

    // Asked once: what is told first and true later would be of no use.
    let base = address_in(&fs::read_to_string(&starting.log).unwrap()).unwrap();
    let answer = client().get(format!("{base}/readyz")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}
