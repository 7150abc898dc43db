//! `/admin/pages`: registering, looking up, changing, closing, deleting. Must not know how pages are stored.

use serde_json::{Value, json};
use time::Duration;

use super::{PAGES, SITES, column, delete, patch, registered, text};
use crate::backstage::{hire, hire_for_gazette, two_sites};
use crate::support::app::{TestApp, comment_on};

#[tokio::test]
async fn a_page_is_registered_shown_changed_and_deleted() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let body = json!({
        "page_url": "HTTPS://example.org:443/tides?utm_source=x#top", "site": "default", "title": "High\n water", "key": "tides-1",
        "wordpress_id": 12, "published_at": "2026-11-20T10:00:00+02:00",
    });
    let made = desk.post(&app, PAGES, &body).await.is(201);
    let path = format!("{PAGES}/{}", text(&made, "/id"));
    assert_eq!(made.header("location"), path);
    let made = made
        .has("/site", "default")
        .has("/url", "https://example.org/tides")
        .has("/title", "High water")
        .has("/key", "tides-1")
        .has("/wordpress_id", 12)
        .has("/published_at", "2026-11-20T08:00:00.000000Z")
        .has("/comments_open", true)
        .has("/open", true)
        .has("/closes_at", Value::Null)
        .has("/comment_count", 0)
        .has("/first_comment_at", Value::Null)
        .has("/aliases", json!([]))
        .has("/merged_into", Value::Null);
    assert_eq!(desk.get(&app, &path).await.is(200).json(), made.json());

    let change =
        json!({"title": "Low water", "key": null, "wordpress_id": 13, "published_at": null});
    let changed = patch(&app, &desk, &path, change).await.is(200);
    let changed = changed
        .has("/title", "Low water")
        .has("/key", Value::Null)
        .has("/wordpress_id", 13)
        .has("/published_at", Value::Null);
    assert_eq!(desk.get(&app, &path).await.json(), changed.json());
    app.thread("/tides", "")
        .await
        .is(200)
        .has("/page/title", "Low water")
        .has("/page/id", changed.at("/id"));

    delete(&app, &desk, &path).await.is(204);
    desk.get(&app, &path)
        .await
        .is_problem(404, "page_not_found");
    app.thread("/tides", "")
        .await
        .is(200)
        .has("/page/id", Value::Null);
    // The address is free again.
    app.submit(&comment_on("/tides", "Ebb", None)).await.is(201);
    app.stop().await;
}

#[tokio::test]
async fn all_that_is_wrong_with_a_page_is_named_at_once() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let body = json!({
        "page_url": "/tides", "site": 1, "title": 2, "key": "", "wordpress_id": -1, "published_at": "yesterday",
        "comments_open": "no", "colour": 1,
    });
    let answer = desk.post(&app, PAGES, &body).await;
    let answer = answer.is_problem(422, "validation_failed");
    assert_eq!(
        answer.field_errors(),
        [
            "colour: unknown_field",
            "comments_open: invalid_type",
            "key: required",
            "page_url: invalid_url",
            "published_at: invalid_value",
            "site: invalid_type",
            "title: invalid_type",
            "wordpress_id: invalid_value",
        ]
    );
    let answer = desk.post(&app, PAGES, &json!({})).await.is(422);
    assert_eq!(answer.field_errors(), ["page_url: required"]);
    let path = registered(&app, &desk, "/tides", json!({})).await;
    let change = json!({"page_url": "https://example.org/other", "comments_open": null});
    let answer = patch(&app, &desk, &path, change).await.is(422);
    assert_eq!(
        answer.field_errors(),
        ["comments_open: required", "page_url: unknown_field"]
    );
    app.stop().await;
}

#[tokio::test]
async fn a_page_belongs_to_the_site_of_its_origin() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    let body = json!({"page_url": "https://gazette.example/tides"});
    let made = desk.post(&app, PAGES, &body).await.is(201);
    made.has("/site", "gazette");
    for (body, field) in [
        (
            json!({"page_url": "https://nobody.example/"}),
            "page_url: unknown_site",
        ),
        (
            json!({"page_url": "https://gazette.example/a", "site": "default"}),
            "page_url: unknown_site",
        ),
        (
            json!({"page_url": "https://gazette.example/a", "site": "nobody"}),
            "site: unknown_site",
        ),
    ] {
        let refused = desk.post(&app, PAGES, &body).await;
        let refused = refused.is_problem(422, "unknown_site");
        assert_eq!(refused.field_errors(), [field]);
    }
    app.stop().await;
}

#[tokio::test]
async fn address_key_and_wordpress_id_belong_to_one_page_of_a_site() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    let names = json!({"key": "k", "wordpress_id": 7});
    registered(&app, &desk, "/a", names.clone()).await;
    let other = registered(&app, &desk, "/b", json!({})).await;
    for (body, what) in [
        (json!({"page_url": "https://example.org/a#top"}), "address"),
        (
            json!({"page_url": "https://example.org/c", "key": "k"}),
            "key",
        ),
        (
            json!({"page_url": "https://example.org/c", "wordpress_id": 7}),
            "WordPress",
        ),
    ] {
        let refused = desk.post(&app, PAGES, &body).await;
        let refused = refused.is_problem(409, "page_exists");
        assert!(text(&refused, "/detail").contains(what), "{refused:?}");
    }
    for change in [json!({"key": "k"}), json!({"wordpress_id": 7})] {
        let refused = patch(&app, &desk, &other, change).await;
        refused.is_problem(409, "page_exists");
    }
    let mut elsewhere = names;
    elsewhere["page_url"] = json!("https://gazette.example/a");
    desk.post(&app, PAGES, &elsewhere).await.is(201);
    app.stop().await;
}

#[tokio::test]
async fn pages_are_listed_by_site_and_looked_up_by_each_name() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    for (path, more) in [
        ("/a", json!({"key": "k"})),
        ("/b", json!({"wordpress_id": 7})),
        ("/c", json!({})),
    ] {
        registered(&app, &desk, path, more).await;
    }
    let body = json!({"page_url": "https://gazette.example/a", "key": "k"});
    desk.post(&app, PAGES, &body).await.is(201);
    let urls = async |query: &str| {
        let list = desk.get(&app, &format!("{PAGES}?{query}")).await.is(200);
        (
            column(&list, "/pages", "url").join(" "),
            list.at("/next_cursor"),
        )
    };
    for (query, expected) in [
        (
            "",
            "https://gazette.example/a https://example.org/c https://example.org/b https://example.org/a",
        ),
        ("site=gazette", "https://gazette.example/a"),
        (
            "page_url=https://example.org/a%3Futm_source=x",
            "https://example.org/a",
        ),
        (
            "page_key=k",
            "https://gazette.example/a https://example.org/a",
        ),
        ("page_key=k&site=default", "https://example.org/a"),
        ("wordpress_id=7", "https://example.org/b"),
        ("wordpress_id=7&site=gazette", ""),
        ("page_url=https://example.org/nobody", ""),
    ] {
        assert_eq!(
            urls(query).await,
            (expected.to_owned(), Value::Null),
            "{query}"
        );
    }
    let (first, cursor) = urls("limit=3").await;
    assert!(first.ends_with("https://example.org/b"), "{first}");
    let next = format!("limit=3&cursor={}", cursor.as_str().unwrap());
    assert_eq!(
        urls(&next).await,
        ("https://example.org/a".to_owned(), Value::Null)
    );
    for query in [
        "page_url=tides",
        "wordpress_id=0",
        "wordpress_id=x",
        "page_key=",
        "page_key=k&wordpress_id=7",
        "q=tides",
    ] {
        let refused = desk.get(&app, &format!("{PAGES}?{query}")).await;
        refused.is_problem(400, "invalid_query");
    }
    let refused = desk.get(&app, &format!("{PAGES}?site=nobody")).await;
    refused.is_problem(404, "unknown_site");
    app.stop().await;
}

#[tokio::test]
async fn a_page_closes_by_hand_and_opens_again() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    app.submit(&comment_on("/tides", "Ebb", None)).await.is(201);
    let list = desk
        .get(&app, &format!("{PAGES}?page_url=https://example.org/tides"))
        .await;
    let path = format!("{PAGES}/{}", text(&list, "/pages/0/id"));
    let closed = patch(&app, &desk, &path, json!({"comments_open": false})).await;
    closed
        .is(200)
        .has("/comments_open", false)
        .has("/open", false);
    app.submit(&comment_on("/tides", "Flood", None))
        .await
        .is_problem(403, "comments_closed");
    app.thread("/tides", "")
        .await
        .has("/page/comments_open", false);
    let open = patch(&app, &desk, &path, json!({"comments_open": true})).await;
    open.is(200).has("/open", true);
    app.submit(&comment_on("/tides", "Flood", None))
        .await
        .is(201);
    delete(&app, &desk, &path)
        .await
        .is_problem(409, "page_not_empty");
    app.stop().await;
}

#[tokio::test]
async fn a_page_closes_by_age_from_its_publication_or_first_comment() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let sites = desk.get(&app, SITES).await;
    let site = format!("{SITES}/{}", text(&sites, "/sites/0/id"));
    patch(
        &app,
        &desk,
        &site,
        json!({"policy": {"close_after_days": 14}}),
    )
    .await
    .is(200);
    let path = registered(&app, &desk, "/tides", json!({})).await;
    desk.get(&app, &path)
        .await
        .has("/closes_at", Value::Null)
        .has("/open", true);
    app.submit(&comment_on("/tides", "Ebb", None)).await.is(201);
    let page = desk.get(&app, &path).await.has("/open", true);
    assert!(page.at("/closes_at").is_string(), "{page:?}");
    app.clock.advance(Duration::days(14));
    let desk = app.desk().await;
    desk.get(&app, &path)
        .await
        .has("/open", false)
        .has("/comments_open", true);
    app.submit(&comment_on("/tides", "Flood", None))
        .await
        .is_problem(403, "comments_closed");
    // Published yesterday, whatever the first comment says.
    let yesterday = app.clock.now() - Duration::days(1);
    let change = json!({"published_at": rejoinder::base::clock::to_rfc3339(yesterday)});
    let closes = rejoinder::base::clock::to_rfc3339(yesterday + Duration::days(14));
    let open = patch(&app, &desk, &path, change).await.is(200);
    open.has("/open", true).has("/closes_at", closes);
    app.submit(&comment_on("/tides", "Flood", None))
        .await
        .is(201);
    app.stop().await;
}

#[tokio::test]
async fn everybody_reads_the_pages_of_their_sites_and_admins_change_them() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let owner = app.desk().await;
    let path = registered(&app, &owner, "/tides", json!({})).await;
    let body = json!({"page_url": "https://example.org/new"});
    for role in ["viewer", "moderator"] {
        let desk = hire(&app, role, role).await;
        desk.get(&app, PAGES).await.is(200);
        desk.get(&app, &path).await.is(200);
        let refused = desk.post(&app, PAGES, &body).await;
        refused.is_problem(403, "forbidden");
        let refused = patch(&app, &desk, &path, json!({"title": "T"})).await;
        refused.is_problem(403, "forbidden");
        let refused = delete(&app, &desk, &path).await;
        refused.is_problem(403, "forbidden");
        let refused = desk.post(&app, &format!("{path}/merge"), &body).await;
        refused.is_problem(403, "forbidden");
    }
    let limited = hire_for_gazette(&app, "admin", "Li").await;
    let list = limited.get(&app, PAGES).await.is(200);
    assert_eq!(list.at("/pages"), json!([]));
    let refused = limited.get(&app, &format!("{PAGES}?site=default")).await;
    refused.is_problem(404, "unknown_site");
    for (method, change) in [
        ("GET", Value::Null),
        ("PATCH", json!({"title": "T"})),
        ("DELETE", Value::Null),
    ] {
        let refused = super::ask(&app, &limited, method, &path, &change).await;
        refused.is_problem(404, "page_not_found");
    }
    let refused = limited.post(&app, PAGES, &body).await;
    refused.is_problem(422, "unknown_site");
    let own = json!({"page_url": "https://gazette.example/a"});
    limited.post(&app, PAGES, &own).await.is(201);
    app.stop().await;
}
