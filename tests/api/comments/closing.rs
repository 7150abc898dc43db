//! Pages that take no comments, or no longer. Must not know who closes them.

use time::Duration;

use crate::rows;
use crate::support::app::{TestApp, comment_on};

#[tokio::test]
async fn a_closed_page_takes_no_comment_and_says_so() {
    let app = TestApp::start().await;
    app.submit(&comment_on("/tides", "One", None)).await.is(201);
    app.thread("/tides", "")
        .await
        .has("/page/comments_open", true);
    rows::change(
        &app.database,
        "update pages set comments_open = false, version = version + 1",
    )
    .await;
    // Lists are compared with the database every five seconds; nobody was told.
    app.clock.advance(Duration::seconds(5));
    app.submit(&comment_on("/tides", "Two", None))
        .await
        .is_problem(403, "comments_closed");
    app.thread("/tides", "")
        .await
        .has("/page/comments_open", false);
    app.submit(&comment_on("/moon", "Two", None)).await.is(201);
    assert_eq!(rows::counts(&app.database).await, [2, 2, 2]);
    app.stop().await;
}

#[tokio::test]
async fn a_page_closes_so_many_days_after_its_first_comment() {
    let app = rows::app_with_policy("close_after_days = 2").await;
    app.submit(&comment_on("/tides", "One", None)).await.is(201);
    app.clock.advance(Duration::hours(47));
    app.submit(&comment_on("/tides", "Two", None)).await.is(201);
    app.thread("/tides", "")
        .await
        .has("/page/comments_open", true);
    app.clock.advance(Duration::hours(1));
    app.submit(&comment_on("/tides", "Three", None))
        .await
        .is_problem(403, "comments_closed");
    app.thread("/tides", "")
        .await
        .has("/page/comments_open", false);
    app.submit(&comment_on("/moon", "One", None)).await.is(201);
    app.stop().await;
}

#[tokio::test]
async fn the_publication_counts_before_the_first_comment() {
    let app = rows::app_with_policy("close_after_days = 2").await;
    for path in ["/old", "/new"] {
        app.submit(&comment_on(path, "One", None)).await.is(201);
    }
    rows::change(
        &app.database,
        "update pages set published_at = first_comment_at + case when url like '%/old' then interval '-3 days'
            else interval '30 days' end",
    )
    .await;
    app.submit(&comment_on("/old", "Two", None))
        .await
        .is_problem(403, "comments_closed");
    app.clock.advance(Duration::days(10));
    app.submit(&comment_on("/new", "Two", None)).await.is(201);
    app.stop().await;
}

#[tokio::test]
async fn a_site_may_take_comments_under_registered_pages_only() {
    let app = rows::app_with_policy("pages = 'registered'").await;
    app.submit(&comment_on("/tides", "One", None))
        .await
        .is_problem(404, "page_not_registered");
    app.thread("/tides", "")
        .await
        .has("/page/comments_open", false);
    assert_eq!(rows::counts(&app.database).await, [0, 0, 0]);
    rows::add_threads(&app.database, "/tides", 1).await;
    app.submit(&comment_on("/tides", "One", None)).await.is(201);
    app.stop().await;
}
