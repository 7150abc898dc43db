//! `GET /api/v1/comments`: orders, cursors, `around`, names of a page, and what a cache may keep.

use std::collections::BTreeSet;
use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::rows::{self, id};
use crate::support::app::{Answer, TestApp, comment_on};

const THREADS: u32 = 131;

fn ids(answer: &Answer, list: &str) -> Vec<String> {
    let found = answer.at(list);
    found
        .as_array()
        .unwrap()
        .iter()
        .map(|comment| comment["id"].as_str().unwrap().to_owned())
        .collect()
}

/// The whole list, page by page.
async fn walk(app: &TestApp, path: &str, query: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    for _ in 0..200 {
        let answer = app.thread(path, &format!("{query}{cursor}")).await.is(200);
        found.extend(ids(&answer, "/comments"));
        let Some(next) = answer.at("/next_cursor").as_str().map(str::to_owned) else {
            return found;
        };
        cursor = format!("&cursor={next}");
    }
    panic!("the list has no end");
}

/// The numbers of the threads in an order.
fn expected(order: &str) -> Vec<String> {
    let mut threads: Vec<u32> = (1..=THREADS).collect();
    match order {
        "oldest" => threads.sort_by_key(|n| (n / 10, id(*n))),
        "newest" => threads.sort_by_key(|n| std::cmp::Reverse((n / 10, id(*n)))),
        _ => threads.sort_by_key(|n| std::cmp::Reverse((n % 7, n / 10, id(*n)))),
    }
    threads.into_iter().map(id).collect()
}

#[tokio::test]
async fn cursors_lead_through_each_order_without_gap_or_repeat() {
    let app = TestApp::start().await;
    rows::add_threads(&app.database, "/many", THREADS).await;
    for order in ["oldest", "newest", "top"] {
        for limit in [1, 7, 50, 100] {
            let found = walk(&app, "/many", &format!("&sort={order}&limit={limit}")).await;
            assert_eq!(found, expected(order), "{order} by {limit}");
        }
    }
    assert_eq!(walk(&app, "/many", "").await, expected("oldest"));
    let first = app
        .thread("/many", "")
        .await
        .has("/page/comment_count", THREADS);
    assert_eq!(ids(&first, "/comments").len(), 50);
    app.stop().await;
}

#[tokio::test]
async fn a_list_that_ends_with_a_page_has_no_cursor() {
    let app = TestApp::start().await;
    rows::add_threads(&app.database, "/many", 10).await;
    for (limit, more) in [(9, true), (10, false), (11, false), (100, false)] {
        let answer = app
            .thread("/many", &format!("&limit={limit}"))
            .await
            .is(200);
        assert_eq!(answer.at("/next_cursor").is_string(), more, "{limit}");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_comes_while_somebody_reads_moves_no_page() {
    let app = rows::app_with_policy("hold = 'flagged'").await;
    rows::add_threads(&app.database, "/many", 20).await;
    for order in ["oldest", "newest"] {
        let first = app
            .thread("/many", &format!("&sort={order}&limit=10"))
            .await;
        app.submit(&comment_on("/many", order, None)).await.is(201);
        let next = first.at("/next_cursor").as_str().unwrap().to_owned();
        let second = app
            .thread("/many", &format!("&sort={order}&limit=10&cursor={next}"))
            .await;
        let both: BTreeSet<String> = ids(&first, "/comments")
            .into_iter()
            .chain(ids(&second, "/comments"))
            .collect();
        assert_eq!(both.len(), 20, "{order}");
    }
    app.stop().await;
}

#[tokio::test]
async fn around_gives_the_page_that_holds_a_thread() {
    let app = TestApp::start().await;
    rows::add_threads(&app.database, "/many", THREADS).await;
    for order in ["oldest", "newest", "top"] {
        let whole = expected(order);
        for place in [0, 1, 6, 7, 64, 129, 130] {
            let wanted = &whole[place];
            let answer = app
                .thread("/many", &format!("&sort={order}&limit=7&around={wanted}"))
                .await
                .is(200);
            let shown = ids(&answer, "/comments");
            assert!(shown.contains(wanted), "{order} {place}");
            let start = whole.iter().position(|one| *one == shown[0]).unwrap();
            assert_eq!(shown, whole[start..start + shown.len()], "{order} {place}");
            if let Some(next) = answer.at("/next_cursor").as_str() {
                let on = app
                    .thread("/many", &format!("&sort={order}&limit=7&cursor={next}"))
                    .await;
                assert_eq!(ids(&on, "/comments")[0], whole[start + 7]);
            }
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn around_a_deep_answer_shows_it_in_its_thread() {
    let app = TestApp::start().await;
    rows::add_threads(&app.database, "/many", 30).await;
    rows::add_replies(&app.database, 17, 1_001, 60).await;
    rows::add_replies(&app.database, 1_003, 2_001, 1).await;
    for wanted in [id(1_001), id(1_030), id(1_060), id(2_001)] {
        let answer = app
            .thread("/many", &format!("&limit=5&around={wanted}"))
            .await
            .is(200);
        let json = answer.json();
        let threads = json["comments"].as_array().unwrap();
        let thread = threads
            .iter()
            .find(|thread| thread["id"] == json!(id(17)))
            .unwrap();
        let replies = thread["replies"].as_array().unwrap();
        assert!(replies.iter().any(|reply| reply["id"] == json!(wanted)));
        assert!(replies.len() <= 20);
        assert_eq!(thread["reply_count"], 61);
    }
    app.stop().await;
}

#[tokio::test]
async fn around_what_is_not_public_here_is_not_found() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let elsewhere = app.published(&desk, "/moon", "Elsewhere", None).await;
    app.published(&desk, "/tides", "Here", None).await;
    let (held, _) = app.submitted(&comment_on("/tides", "Held", None)).await;
    let nobody = "01980000-0000-7000-8000-000000000000";
    for wanted in [elsewhere.as_str(), held.as_str(), nobody] {
        for order in ["oldest", "newest", "top"] {
            app.thread("/tides", &format!("&sort={order}&around={wanted}"))
                .await
                .is_problem(404, "comment_not_found");
        }
    }
    app.thread("/nowhere", &format!("&around={elsewhere}"))
        .await
        .is_problem(404, "comment_not_found");
    app.stop().await;
}

#[tokio::test]
async fn an_unknown_page_of_a_known_site_is_empty() {
    let app = TestApp::start().await;
    let answer = app
        .get("/api/v1/comments?page_url=HTTPS://example.ORG/a%2520b?gclid=1")
        .await
        .is(200);
    assert_eq!(
        answer.json(),
        json!({
            "page": {"id": null, "url": "https://example.org/a%20b", "title": null, "comment_count": 0,
                "comments_open": true},
            "comments": [],
            "next_cursor": null,
        })
    );
    for query in [
        "page_url=https://example.net/tides",
        "page_url=https://example.org:8443/tides",
        "page_key=k1&site=nobody",
    ] {
        app.get(&format!("/api/v1/comments?{query}"))
            .await
            .is_problem(404, "unknown_site");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_page_is_named_by_its_key_too() {
    let app = rows::app_with_policy("hold = 'flagged'").await;
    let mut body = comment_on("/tides", "One", None);
    body["page_key"] = json!("Ärger 1/2");
    app.submit(&body).await.is(201);
    app.get("/api/v1/comments?page_key=%C3%84rger+1/2&site=default&sort=newest")
        .await
        .is(200)
        .has("/page/url", "https://example.org/tides")
        .has("/page/comment_count", 1)
        .has("/comments/0/depth", 0)
        .has("/comments/0/replies", json!([]))
        .has("/comments/0/next_replies_cursor", Value::Null);
    app.stop().await;
}

async fn conditional(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = app.request("GET", path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request).await
}

const MANY: &str = "/api/v1/comments?page_url=https://example.org/many";

#[tokio::test]
async fn a_cache_may_keep_a_list_and_ask_whether_it_is_still_right() {
    let app = rows::app_with_policy("hold = 'flagged'").await;
    rows::add_threads(&app.database, "/many", 30).await;
    let plain = app.get(MANY).await.is(200);
    let tag = plain.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    assert_eq!(
        plain.header("cache-control"),
        "public, max-age=0, s-maxage=5, stale-while-revalidate=10"
    );
    assert_eq!(plain.header("content-type"), "application/json");
    assert!(
        plain
            .header("vary")
            .to_lowercase()
            .contains("accept-encoding")
    );
    let many = format!("\"other\", W/{tag}");
    for known in [tag.as_str(), many.as_str(), "*"] {
        let answer = conditional(&app, MANY, &[("if-none-match", known)])
            .await
            .is(304);
        assert_eq!(
            (answer.text.as_str(), answer.header("etag")),
            ("", tag.as_str())
        );
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    conditional(&app, MANY, &[("if-none-match", "\"other\"")])
        .await
        .is(200);
    app.submit(&comment_on("/many", "New", None)).await.is(201);
    let fresh = conditional(&app, MANY, &[("if-none-match", &tag)])
        .await
        .is(200);
    assert_ne!(fresh.header("etag"), tag);
    app.stop().await;
}

#[tokio::test]
async fn each_coding_has_its_own_tag() {
    let app = TestApp::start().await;
    rows::add_threads(&app.database, "/many", 30).await;
    let plain = app.get(MANY).await.is(200);
    let request = app
        .request("GET", MANY)
        .header("accept-encoding", "br, gzip;q=0.5");
    let packed = request.send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let tag = packed.headers()["etag"].to_str().unwrap().to_owned();
    assert_ne!(tag, plain.header("etag"));
    let bytes = packed.bytes().await.unwrap();
    let mut text = String::new();
    GzDecoder::new(&bytes[..])
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, plain.text);
    let gzip = ("accept-encoding", "gzip");
    conditional(&app, MANY, &[gzip, ("if-none-match", &tag)])
        .await
        .is(304);
    let other = plain.header("etag");
    conditional(&app, MANY, &[gzip, ("if-none-match", other)])
        .await
        .is(200);
    for coding in ["gzip;q=0", "identity", "br"] {
        let answer = conditional(&app, MANY, &[("accept-encoding", coding)])
            .await
            .is(200);
        assert_eq!(answer.header("content-encoding"), "", "{coding}");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_is_asked_with_authorization_is_kept_by_nobody() {
    let app = TestApp::start().await;
    rows::add_threads(&app.database, "/many", 3).await;
    let root = id(1);
    for path in [MANY.to_owned(), format!("/api/v1/comments/{root}/replies")] {
        let answer = conditional(&app, &path, &[("authorization", "Bearer x")])
            .await
            .is(200);
        assert_eq!(
            answer.header("cache-control"),
            "private, no-store",
            "{path}"
        );
    }
    let desk = app.desk().await;
    let answer = desk.get(&app, "/api/v1/admin/comments").await.is(200);
    assert_eq!(answer.header("cache-control"), "private, no-store");
    let answer = desk
        .decide(&app, &root, "approve", &json!({}))
        .await
        .is(200);
    assert_eq!(answer.header("cache-control"), "private, no-store");
    app.stop().await;
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let app = TestApp::start().await;
    rows::add_threads(&app.database, "/many", 3).await;
    for path in [MANY.to_owned(), format!("/api/v1/comments/{}", id(1))] {
        let get = app.get(&path).await.is(200);
        let head = app.send(app.request("HEAD", &path)).await.is(200);
        assert_eq!(head.text, "");
        for name in ["etag", "content-length", "content-type", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{name}");
        }
    }
    app.stop().await;
}
