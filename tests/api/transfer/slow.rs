//! Exports whose clients read slowly, or go away.

use reqwest::Response;

use super::{COMMENTS, add_many, lines, path};
use crate::backstage::number;
use crate::support::app::{Desk, TestApp};
use crate::support::eventually;

/// Far more than what fits into the buffers of a connection.
const BODY_CHARS: usize = 2_000;
/// Exports that may run at once.
const AT_ONCE: usize = 4;

async fn open(app: &TestApp, desk: &Desk, path: &str) -> Response {
    let request = app.request("GET", path).bearer_auth(&desk.token);
    request.send().await.unwrap()
}

#[tokio::test]
async fn who_reads_slowly_holds_no_connection_and_who_goes_away_makes_room() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    add_many(&app.database, BODY_CHARS).await;
    let path = path(&app, &desk).await;
    let mut slow = Vec::new();
    for _ in 0..AT_ONCE {
        let mut response = open(&app, &desk, &path).await;
        assert_eq!(response.status(), 200);
        assert!(response.chunk().await.unwrap().is_some());
        slow.push(response);
    }
    let refused = desk.get(&app, &path).await.is_problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "30");
    eventually("nothing is asked of the database any more", async || {
        let busy = "select count(*) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'";
        number(&app.database.pool, busy).await == 0
    })
    .await;
    let reads = "select coalesce(sum(idx_scan), 0)::bigint from pg_stat_user_indexes where indexrelname = 'comments_by_thread'";
    let before = number(&app.database.pool, reads).await;
    let listed = desk.get(&app, "/api/v1/admin/comments?limit=1").await;
    listed.is(200);
    // Three go away, and their places are free; what they hadn't read nobody reads.
    let mut last = slow.pop().unwrap();
    slow.clear();
    eventually("there is room again", async || {
        open(&app, &desk, &path).await.status() == 200
    })
    .await;
    let pieces = i64::try_from(COMMENTS / 200).unwrap();
    let after = number(&app.database.pool, reads).await;
    assert!(after - before < pieces, "{before} {after}");
    // The one that went on slowly gets it all.
    let mut text = Vec::new();
    while let Some(chunk) = last.chunk().await.unwrap() {
        text.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(text).unwrap();
    assert!(text.len() > COMMENTS * BODY_CHARS);
    let text = text.split_once("{\"kind\":\"page\"").unwrap().1;
    assert_eq!(
        lines(text.split_once('\n').unwrap().1).last().unwrap()["comments"],
        COMMENTS
    );
    app.stop().await;
}
