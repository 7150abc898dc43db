//! `GET /api/v1/pages/feed.atom` and `GET /api/v1/feed.atom`, read by a feed parser.

use feed_rs::model::{Entry, Feed};
use feed_rs::parser;
use serde_json::{Value, json};

use crate::rows;
use crate::support::app::{Answer, TestApp};

const XSS: &str = include_str!("../../fixtures/xss.txt");
const SITE: &str = "/api/v1/feed.atom?site=default";

fn of_page(path: &str) -> String {
    format!("/api/v1/pages/feed.atom?page_url=https://example.org{path}")
}

fn parsed(answer: &Answer) -> Feed {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        "application/atom+xml; charset=utf-8"
    );
    parser::parse(answer.text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {}", answer.text))
}

fn ids(feed: &Feed) -> Vec<String> {
    let entries = feed.entries.iter();
    entries
        .map(|entry| entry.id.trim_start_matches("urn:uuid:").to_owned())
        .collect()
}

/// The content, from which the parser takes white space at both ends.
fn content(entry: &Entry) -> &str {
    let content = entry.content.as_ref().unwrap();
    assert_eq!(content.content_type.to_string(), "text/html");
    content.body.as_deref().unwrap()
}

fn href(feed: &Feed, relation: &str) -> String {
    let mut links = feed.links.iter();
    let link = links.find(|link| link.rel.as_deref() == Some(relation));
    link.map(|link| link.href.clone()).unwrap_or_default()
}

#[tokio::test]
async fn a_feed_has_the_newest_comments_with_what_they_answer() {
    let public = [("REJOINDER_PUBLIC_URL", "https://comments.example")];
    let app = TestApp::with(&public).await;
    let desk = app.desk().await;
    let parent = app.published(&desk, "/tides", "The *ebb*", None).await;
    let answer = app.published(&desk, "/tides", "Flood", Some(&parent)).await;
    let (held, _) = app
        .submitted(&crate::support::app::comment_on("/tides", "Held", None))
        .await;
    let other = app.published(&desk, "/moons", "New", None).await;

    let told = app.get(&of_page("/tides?utm_source=x")).await;
    let feed = parsed(&told);
    assert_eq!(ids(&feed), [answer.as_str(), &parent]);
    assert_eq!(
        feed.title.as_ref().unwrap().content,
        "Comments on https://example.org/tides"
    );
    assert_eq!(href(&feed, "alternate"), "https://example.org/tides");
    assert_eq!(
        href(&feed, "self"),
        "https://comments.example/api/v1/pages/feed.atom?page_url=https%3A%2F%2Fexample.org%2Ftides"
    );
    let [flood, ebb] = &feed.entries[..] else {
        panic!("{feed:?}")
    };
    assert_eq!(content(ebb), "<p>The <em>ebb</em></p>");
    assert_eq!(ebb.authors[0].name.as_deref(), Some("Ada"));
    assert_eq!(
        ebb.links[0].href,
        format!("https://example.org/tides#comment-{parent}")
    );
    assert_eq!(
        ebb.title.as_ref().unwrap().content,
        "Ada on https://example.org/tides"
    );
    assert_eq!(feed.updated, flood.updated);
    assert_eq!(flood.published, flood.updated);
    for thread in [
        format!("<thr:in-reply-to ref=\"urn:uuid:{parent}\" href=\"https://example.org/tides#comment-{parent}\" type=\"text/html\"/>"),
        "<thr:in-reply-to ref=\"https://example.org/tides\" href=\"https://example.org/tides\" type=\"text/html\"/><thr:total>1</thr:total>".to_owned(),
    ] {
        assert!(told.text.contains(&thread), "{thread}: {}", told.text);
    }
    let whole = parsed(&app.get(SITE).await);
    assert_eq!(ids(&whole), [other.as_str(), &answer, &parent]);
    assert_eq!(href(&whole, "alternate"), "https://example.org/");
    assert_eq!(
        href(&whole, "self"),
        "https://comments.example/api/v1/feed.atom?site=default"
    );
    assert_eq!(
        whole.title.as_ref().unwrap().content,
        "Comments on Default site"
    );

    // What isn't public is in no feed, and nobody's address.
    desk.decide(&app, &answer, "spam", &json!({})).await.is(200);
    for path in [SITE, &of_page("/tides")] {
        let told = app.get(path).await;
        let found = ids(&parsed(&told));
        assert!(
            !found.contains(&answer) && !found.contains(&held),
            "{found:?}"
        );
        assert!(
            !told.text.contains("ada@") && !told.text.contains("127.0.0.1"),
            "{}",
            told.text
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn an_edit_counts_as_an_update_and_ids_stay() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let first = app.published(&desk, "/tides", "Ebb", None).await;
    app.published(&desk, "/tides", "Flood", None).await;
    let before = parsed(&app.get(&of_page("/tides")).await);
    app.clock.advance(time::Duration::hours(1));
    let path = format!("/api/v1/admin/comments/{first}");
    let edit = app.request("PATCH", &path).bearer_auth(&desk.token);
    app.send(edit.json(&json!({"body": "Neap"}))).await.is(200);
    let after = parsed(&app.get(&of_page("/tides")).await);
    assert_eq!((&after.id, ids(&after)), (&before.id, ids(&before)));
    let (was, is) = (&before.entries[1], &after.entries[1]);
    assert_eq!(is.published, was.published);
    assert!(is.updated > was.updated);
    assert_eq!((after.updated, content(is)), (is.updated, "<p>Neap</p>"));
    app.stop().await;
}

#[tokio::test]
async fn a_page_without_comments_has_an_empty_feed_of_the_same_id() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let empty = parsed(&app.get(&of_page("/tides")).await);
    assert!(empty.entries.is_empty());
    let site = parsed(&app.get(SITE).await);
    assert!(site.entries.is_empty());
    assert_eq!(empty.updated, site.updated, "the site's beginning");
    assert!(empty.updated.is_some() && empty.id != site.id);
    let same = app.get(&of_page("/tides")).await;
    assert_eq!(parsed(&same).updated, empty.updated);
    let made =
        json!({"page_url": "https://example.org/tides", "title": "Tides & time", "key": "t-1"});
    desk.post(&app, "/api/v1/admin/pages", &made).await.is(201);
    app.published(&desk, "/tides", "Ebb", None).await;
    let filled = parsed(&app.get(&of_page("/tides")).await);
    assert_eq!((filled.id, filled.entries.len()), (empty.id, 1));
    assert_eq!(filled.title.unwrap().content, "Comments on Tides & time");
    // By its key it is another feed of the same page.
    let by_key = parsed(
        &app.get("/api/v1/pages/feed.atom?page_key=t-1&site=default")
            .await,
    );
    assert_eq!(ids(&by_key).len(), 1);
    assert_eq!(href(&by_key, "alternate"), "https://example.org/tides");
    let nobody = parsed(
        &app.get("/api/v1/pages/feed.atom?page_key=none&site=default")
            .await,
    );
    assert!(nobody.entries.is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_feed_has_fifty_comments_at_most() {
    let app = TestApp::start().await;
    rows::add_threads(&app.database, "/many", 131).await;
    rows::add_replies(&app.database, 5, 1_000, 3).await;
    for path in [SITE, &of_page("/many")] {
        let feed = parsed(&app.get(path).await);
        assert_eq!(feed.entries.len(), 50);
        let found = ids(&feed);
        let mut newest: Vec<u32> = (82..=131).chain(1_000..1_003).collect();
        newest.sort_by_key(|n| {
            std::cmp::Reverse((
                *n >= 1_000,
                if *n >= 1_000 { n / 5 } else { n / 10 },
                rows::id(*n),
            ))
        });
        newest.truncate(50);
        let expected: Vec<String> = newest.into_iter().map(rows::id).collect();
        assert_eq!(found[..40], expected[..40], "{path}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_feed_may_be_kept_until_it_changes() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    rows::add_threads(&app.database, "/many", 20).await;
    for path in [SITE.to_owned(), of_page("/many")] {
        let plain = app.get(&path).await.is(200);
        assert!(
            plain
                .header("cache-control")
                .starts_with("public, max-age=0, s-maxage=5")
        );
        assert_eq!(plain.header("access-control-allow-origin"), "*");
        let tag = plain.header("etag").to_owned();
        let ask = |headers: &[(&str, &str)]| {
            headers
                .iter()
                .fold(app.request("GET", &path), |request, (name, value)| {
                    request.header(*name, *value)
                })
        };
        app.send(ask(&[("if-none-match", &tag)])).await.is(304);
        let packed = ask(&[("accept-encoding", "gzip")]).send().await.unwrap();
        assert_eq!(packed.headers()["content-encoding"], "gzip");
        assert_ne!(packed.headers()["etag"].to_str().unwrap(), tag);
        assert_eq!(
            app.get(&path).await.header("etag"),
            tag,
            "nothing in it is made up anew"
        );
        app.published(&desk, "/many", &format!("New {path}"), None)
            .await;
        app.send(ask(&[("if-none-match", &tag)])).await.is(200);
    }
    app.stop().await;
}

#[tokio::test]
async fn what_names_no_feed_is_refused() {
    let app = TestApp::start().await;
    for (path, status, code) in [
        ("/api/v1/feed.atom", 400, "invalid_query"),
        (
            "/api/v1/feed.atom?site=default&site=default",
            400,
            "invalid_query",
        ),
        ("/api/v1/feed.atom?site=nobody", 404, "unknown_site"),
        ("/api/v1/pages/feed.atom", 400, "invalid_query"),
        (
            "/api/v1/pages/feed.atom?page_url=tides",
            400,
            "invalid_query",
        ),
        ("/api/v1/pages/feed.atom?page_key=a", 400, "invalid_query"),
        (
            "/api/v1/pages/feed.atom?page_key=a&site=nobody",
            404,
            "unknown_site",
        ),
        (
            "/api/v1/pages/feed.atom?page_url=https://nobody.example/",
            404,
            "unknown_site",
        ),
    ] {
        let refused = app.get(path).await.is_problem(status, code);
        assert_eq!(refused.header("access-control-allow-origin"), "*");
    }
    app.stop().await;
}

/// Each line of the corpus as name, website, text and title, as far as it can be one.
#[tokio::test]
async fn markup_in_any_field_is_text_in_the_feed() {
    let app = rows::app_with_policy("hold = 'flagged'").await;
    let lines: Vec<&str> = XSS.lines().filter(|line| !line.trim().is_empty()).collect();
    assert!(lines.len() > 200);
    let mut taken = [0; 4];
    for (number, line) in lines.iter().enumerate() {
        let path = format!("/xss/{number}");
        let mut body = json!({
            "page_url": format!("https://example.org{path}"), "page_title": line, "name": line,
            "email": "ada@example.org", "website": format!("https://a.example/{line}"), "body": line,
        });
        let mut answer = app.submit(&body).await;
        if answer.status == 422 {
            for error in answer.field_errors() {
                let field = error.split(':').next().unwrap();
                body[field] = if field == "name" {
                    json!("Ada")
                } else {
                    Value::Null
                };
            }
            answer = app.submit(&body).await;
        }
        // A few are no text at all.
        if answer.status == 422 {
            continue;
        }
        let answer = answer.is(201);
        for (count, field) in taken
            .iter_mut()
            .zip(["name", "website", "body", "page_title"])
        {
            *count += usize::from(!body[field].is_null() && body[field] != "Ada");
        }
        let told = app.get(&of_page(&path)).await;
        let feed = parsed(&told);
        let entry = &feed.entries[0];
        assert_eq!(
            json!(entry.authors[0].name),
            answer.at("/comment/author/name"),
            "{line}"
        );
        assert_eq!(
            content(entry),
            answer.at("/comment/body_html").as_str().unwrap().trim(),
            "{line}"
        );
        assert_eq!(
            json!(entry.authors[0].uri),
            answer.at("/comment/author/website"),
            "{line}"
        );
        let title = app.thread(&path, "").await.at("/page/title");
        if let Some(title) = title.as_str() {
            assert_eq!(feed.title.unwrap().content, format!("Comments on {title}"));
        }
        for element in ["<script", "<img", "<svg", "<p>", "<a "] {
            assert!(!told.text.contains(element), "{line}: {}", told.text);
        }
    }
    assert!(taken.iter().all(|count| *count > 150), "{taken:?}");
    parsed(&app.get(SITE).await);
    app.stop().await;
}
