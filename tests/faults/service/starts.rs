//! How long a start takes and what a service at rest holds. Bounds are loose here, since other tests run beside;
//! `--nocapture` shows the figures. Must not know of failures.

use std::time::Duration;

use super::Service;
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
