//! Gauges of what only the database knows: how much waits on each site. Must not know who scrapes them.

use std::collections::BTreeSet;

use metrics_exporter_prometheus::PrometheusBuilder;
use rejoinder::base::clock::Clock;
use rejoinder::comments::model::Status;
use rejoinder::moderation::Moderation;
use time::Duration;

use crate::seed::{self, Seed, add_comment};

#[tokio::test]
async fn each_site_has_its_queue_and_all_beyond_a_hundred_have_one_together() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let figures = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let database = seed::database().await;
    let clock = Clock::movable();
    let first = Seed::plant(&database.pool).await;
    for _ in 0..3 {
        first.comment(&database.pool).await;
    }
    add_comment(&database.pool, first.site, first.page, Status::Approved).await;
    for _ in 0..99 {
        Seed::plant(&database.pool).await;
    }
    for _ in 0..2 {
        let beyond = Seed::plant(&database.pool).await;
        beyond.comment(&database.pool).await;
    }
    let (sites, comments) = seed::services(&database.database, &clock);
    let moderation = Moderation::new(database.database.clone(), clock.clone(), sites, comments);
    clock.advance(Duration::hours(2));

    let mut shown = BTreeSet::new();
    moderation.observe(&mut shown).await.unwrap();
    let text = figures.render();
    let has = |text: &str, line: String| assert!(text.contains(&line), "no {line} in {text}");
    has(
        &text,
        format!("rejoinder_queue_pending{{site=\"{}\"}} 3\n", first.slug),
    );
    has(
        &text,
        format!(
            "rejoinder_queue_oldest_seconds{{site=\"{}\"}} 72",
            first.slug
        ),
    );
    has(&text, "rejoinder_queue_pending{site=\"*\"} 2\n".to_owned());
    assert_eq!(text.matches("rejoinder_queue_pending{").count(), 101);

    sqlx::query!(
        "update sites set slug = 'renamed' where id = $1",
        first.site.as_uuid()
    )
    .execute(&database.pool)
    .await
    .unwrap();
    moderation.observe(&mut shown).await.unwrap();
    let text = figures.render();
    has(
        &text,
        format!("rejoinder_queue_pending{{site=\"{}\"}} 0\n", first.slug),
    );
    has(
        &text,
        "rejoinder_queue_pending{site=\"renamed\"} 3\n".to_owned(),
    );
}
