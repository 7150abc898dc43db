//! `/api/v1/pages/counts`: published comments of many pages at once.

use serde_json::{Value, json};

use crate::rows;
use crate::support::app::{Answer, TestApp};

const COUNTS: &str = "/api/v1/pages/counts";
const TIDES: &str = "https://example.org/tides";

async fn count(app: &TestApp, urls: &[&str]) -> Answer {
    app.post(COUNTS, &json!({ "urls": urls })).await
}

fn query(urls: &[&str]) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    for url in urls {
        pairs.append_pair("url", url);
    }
    format!("{COUNTS}?{}", pairs.finish())
}

#[tokio::test]
async fn published_comments_are_counted_by_the_addresses_as_they_were_sent() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    rows::add_threads(&app.database, "/moons", 3).await;
    let parent = app.published(&desk, "/tides", "Ebb", None).await;
    app.published(&desk, "/tides", "Flood", Some(&parent)).await;
    app.submit(&crate::support::app::comment_on("/tides", "Held", None))
        .await
        .is(201);
    let expected = json!({
        TIDES: 2,
        "https://EXAMPLE.org:443/%74ides?utm_source=x&fbclid=1#comment-7": 2,
        "https://example.org/moons": 3,
        "https://example.org/nobody": 0,
        "https://nobody.example/tides": 0,
    });
    let urls: Vec<&str> = expected
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let answer = count(&app, &urls)
        .await
        .is(200)
        .has("/counts", expected.clone());
    assert_eq!(answer.header("cache-control"), "private, no-store");
    app.get(&query(&urls))
        .await
        .is(200)
        .has("/counts", expected);
    count(&app, &[]).await.is(200).has("/counts", json!({}));
    count(&app, &["https://nobody.example/"])
        .await
        .is(200)
        .has("/counts", json!({"https://nobody.example/": 0}));
    // What is no longer public counts no more.
    desk.decide(&app, &parent, "reject", &json!({}))
        .await
        .is(200);
    count(&app, &[TIDES])
        .await
        .is(200)
        .has("/counts", json!({ TIDES: 1 }));
    app.stop().await;
}

#[tokio::test]
async fn the_address_of_a_merged_page_counts_what_the_other_one_has() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    app.published(&desk, "/old", "Ebb", None).await;
    app.published(&desk, "/new", "Flood", None).await;
    let mut ids = Vec::new();
    for path in ["/old", "/new"] {
        let page = app.thread(path, "").await;
        ids.push(page.at("/page/id").as_str().unwrap().to_owned());
    }
    let path = format!("/api/v1/admin/pages/{}/merge", ids[0]);
    let merged = desk.post(&app, &path, &json!({"into": ids[1]})).await;
    assert!(matches!(merged.status, 200 | 202), "{merged:?}");
    let (old, new) = ("https://example.org/old", "https://example.org/new");
    crate::support::eventually("both comments are on the new page", async || {
        let answer = count(&app, &[old, new]).await.is(200);
        answer.at("/counts") == json!({old: 2, new: 2})
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn everything_wrong_is_named_by_its_place() {
    let app = TestApp::start().await;
    let many = vec![TIDES; 101];
    for (body, errors) in [
        (json!({}), &["urls: required"][..]),
        (json!({"urls": null}), &["urls: required"]),
        (json!({"urls": TIDES}), &["urls: invalid_type"]),
        (json!({"urls": [7]}), &["urls[0]: invalid_type"]),
        (
            json!({"urls": [TIDES, "tides", null, "ftp://example.org/", "https://a\0b/", ""]}),
            &[
                "urls[1]: invalid_url",
                "urls[2]: required",
                "urls[3]: invalid_url",
                "urls[4]: invalid_characters",
                "urls[5]: required",
            ],
        ),
        (json!({ "urls": many }), &["urls: too_many"]),
    ] {
        let refused = app.post(COUNTS, &body).await;
        let refused = refused.is_problem(422, "validation_failed");
        assert_eq!(refused.field_errors(), errors, "{body}");
        assert!(!refused.text.contains("ftp:"));
    }
    for path in [
        COUNTS.to_owned(),
        query(&many),
        query(&["tides"]),
        query(&[TIDES, ""]),
        format!("{COUNTS}?url=https://example.org/%00"),
    ] {
        app.get(&path).await.is_problem(400, "invalid_query");
    }
    count(&app, &many[1..]).await.is(200);
    app.get(&query(&many[1..])).await.is(200);
    app.stop().await;
}

#[tokio::test]
async fn counts_may_be_kept_until_they_change_and_every_web_page_may_ask() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let path = query(&[TIDES]);
    let first = app.get(&path).await.is(200);
    assert!(
        first
            .header("cache-control")
            .starts_with("public, max-age=0")
    );
    let tag = first.header("etag").to_owned();
    let again = app.request("GET", &path).header("if-none-match", &tag);
    app.send(again).await.is(304);
    app.published(&desk, "/tides", "Ebb", None).await;
    let again = app.request("GET", &path).header("if-none-match", &tag);
    app.send(again)
        .await
        .is(200)
        .has("/counts", json!({ TIDES: 1 }));

    for origin in ["https://evil.example", "https://example.org", "null"] {
        let post = app.request("POST", COUNTS).header("origin", origin);
        let answer = app.send(post.json(&json!({"urls": [TIDES]}))).await.is(200);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            "*",
            "{origin}"
        );
        let refused = app.request("POST", COUNTS).header("origin", origin);
        let refused = app.send(refused.json(&json!({}))).await.is(422);
        assert_eq!(
            refused.header("access-control-allow-origin"),
            "*",
            "{origin}"
        );
        for method in ["POST", "GET"] {
            let preflight = app
                .request("OPTIONS", COUNTS)
                .header("origin", origin)
                .header("access-control-request-method", method)
                .header("access-control-request-headers", "content-type");
            let allowed = app.send(preflight).await.is(204);
            let given = allowed.header("access-control-allow-origin").to_owned();
            assert!(
                given == "*" || given == origin,
                "{method} {origin}: {allowed:?}"
            );
            let headers = allowed.header("access-control-allow-headers");
            assert!(headers.contains("Content-Type"), "{headers}");
        }
    }
    app.stop().await;
}

/// The requests of these four kinds cost a public read each, and no more than that.
#[tokio::test]
async fn what_only_reads_has_the_allowance_of_reads() {
    let proxied = [
        ("REJOINDER_RATE_LIMIT", "on"),
        ("REJOINDER_TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    let app = TestApp::with(&proxied).await;
    let body = json!({"body": "Ebb", "urls": []});
    for (network, (method, path)) in [
        ("POST", "/api/v1/comments/preview"),
        ("POST", COUNTS),
        ("GET", "/api/v1/feed.atom?site=default"),
        (
            "GET",
            "/api/v1/pages/feed.atom?page_url=https://example.org/tides",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let mut taken = 0;
        let refused = loop {
            let request = app
                .request(method, path)
                .header("x-forwarded-for", format!("192.0.{network}.1"));
            let answer = app.send(request.json(&body)).await;
            if answer.status != 200 {
                break answer;
            }
            taken += 1;
            assert!(taken < 5_000, "there is no limit");
        };
        assert!(taken >= 200, "{path}: only {taken}");
        refused.is_problem(429, "rate_limited");
    }
    assert_eq!(rows::counts(&app.database).await, [0, 0, 0]);
    let other = app
        .request("GET", COUNTS)
        .header("x-forwarded-for", "192.0.9.1");
    let refused = app.send(other).await.is_problem(400, "invalid_query");
    assert_eq!(refused.at("/errors"), Value::Null);
    app.stop().await;
}
