//! `/admin/sites`: making, changing, deleting, and what each policy does. Must not know how sites are stored.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{PAGES, SITES, column, delete, made_site, patch, text};
use crate::backstage::{GAZETTE, hire, hire_for_gazette, two_sites};
use crate::support::app::{Answer, TestApp, comment_on};

/// Submits a comment to a page of any origin.
async fn submit_to(app: &TestApp, url: &str, body: &str) -> Answer {
    let mut comment = comment_on("/", body, None);
    comment["page_url"] = json!(url);
    app.submit(&comment).await
}

#[tokio::test]
async fn a_site_is_made_shown_changed_and_deleted() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let body = json!({
        "slug": "gazette", "name": " The Gazette ", "origins": ["https://Gazette.example:443", "http://gazette.example"],
        "policy": {"hold": "flagged", "close_after_days": 14},
    });
    let made = desk.post(&app, SITES, &body).await.is(201);
    let path = format!("{SITES}/{}", text(&made, "/id"));
    assert_eq!(made.header("location"), path);
    let policy = json!({
        "hold": "flagged", "pages": "open", "max_links": 2, "edit_window_minutes": 15, "close_after_days": 14,
        "ip_retention_days": 30, "spam_retention_days": 30, "after_form": "status",
    });
    let made = made
        .has("/slug", "gazette")
        .has("/name", "The Gazette")
        .has(
            "/origins",
            json!(["https://gazette.example", "http://gazette.example"]),
        )
        .has("/policy", policy);
    assert_eq!(desk.get(&app, &path).await.is(200).json(), made.json());
    let list = desk.get(&app, SITES).await.is(200);
    assert_eq!(column(&list, "/sites", "slug"), ["default", "gazette"]);

    let change = json!({"name": "Gazette", "policy": {"max_links": 0, "close_after_days": null}});
    let changed = patch(&app, &desk, &path, change).await.is(200);
    let changed = changed
        .has("/name", "Gazette")
        .has("/policy/max_links", 0)
        .has("/policy/close_after_days", Value::Null)
        .has("/policy/hold", "flagged")
        .has("/slug", "gazette");
    assert_eq!(desk.get(&app, &path).await.json(), changed.json());
    let same = patch(&app, &desk, &path, json!({})).await.is(200);
    assert_eq!(same.json(), changed.json());

    delete(&app, &desk, &path).await.is(204);
    desk.get(&app, &path)
        .await
        .is_problem(404, "site_not_found");
    delete(&app, &desk, &path)
        .await
        .is_problem(404, "site_not_found");
    submit_to(&app, "https://gazette.example/tides", "Ebb")
        .await
        .is_problem(422, "unknown_site");
    app.stop().await;
}

#[tokio::test]
async fn all_that_is_wrong_with_a_site_is_named_at_once() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let body = json!({
        "slug": "The-Gazette", "name": "", "colour": 1, "origins": ["https://a.example/", "https://b.example", "https://B.example"],
        "policy": {
            "hold": "none", "pages": 7, "max_links": 101, "edit_window_minutes": -1, "close_after_days": 0,
            "ip_retention_days": 3651, "spam_retention_days": 0, "after_form": null, "colour": 2,
        },
    });
    let wrong = [
        "colour: unknown_field",
        "name: required",
        "origins[0]: invalid_url",
        "origins[2]: repeated",
        "policy.after_form: required",
        "policy.close_after_days: invalid_value",
        "policy.colour: unknown_field",
        "policy.edit_window_minutes: invalid_value",
        "policy.hold: invalid_value",
        "policy.ip_retention_days: invalid_value",
        "policy.max_links: invalid_value",
        "policy.pages: invalid_type",
        "policy.spam_retention_days: invalid_value",
        "slug: invalid_value",
    ];
    let answer = desk.post(&app, SITES, &body).await;
    let answer = answer.is_problem(422, "validation_failed");
    assert_eq!(answer.field_errors(), wrong);
    let list = desk.get(&app, SITES).await;
    let path = format!("{SITES}/{}", text(&list, "/sites/0/id"));
    let answer = patch(&app, &desk, &path, body).await;
    assert_eq!(answer.is(422).field_errors(), wrong);
    let many: Vec<String> = (0..101).map(|n| format!("https://a{n}.example")).collect();
    let answer = patch(&app, &desk, &path, json!({"origins": many})).await;
    assert_eq!(answer.is(422).field_errors(), ["origins: too_many"]);
    assert_eq!(desk.get(&app, SITES).await.json(), list.json());
    app.stop().await;
}

#[tokio::test]
async fn slug_and_origins_belong_to_one_site() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let path = made_site(&app, &desk, "gazette", json!({})).await;
    let list = desk.get(&app, SITES).await;
    let first = format!("{SITES}/{}", text(&list, "/sites/0/id"));
    let other = json!({"slug": "other", "name": "Other", "origins": ["https://new.example", "https://gazette.example"]});
    let refused = desk.post(&app, SITES, &other).await;
    let refused = refused.is_problem(409, "site_exists");
    assert!(text(&refused, "/detail").contains("origins"), "{refused:?}");
    let other = json!({"slug": "gazette", "name": "Other"});
    let refused = desk.post(&app, SITES, &other).await;
    let refused = refused.is_problem(409, "site_exists");
    assert!(text(&refused, "/detail").contains("slug"), "{refused:?}");
    for change in [
        json!({"slug": "gazette"}),
        json!({"origins": ["https://gazette.example"]}),
    ] {
        let refused = patch(&app, &desk, &first, change).await;
        refused.is_problem(409, "site_exists");
    }
    let own = json!({"slug": "gazette", "origins": ["https://www.gazette.example", "https://gazette.example"]});
    patch(&app, &desk, &path, own).await.is(200);
    assert_eq!(
        desk.get(&app, &first).await.json(),
        list.at("/sites/0"),
        "what was refused has changed nothing"
    );
    app.stop().await;
}

#[tokio::test]
async fn of_racing_sites_with_one_origin_one_is_made() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let attempt = async |number: usize| {
        let body = json!({"slug": format!("s{number}"), "name": "S", "origins": ["https://gazette.example"]});
        desk.post(&app, SITES, &body).await
    };
    let answers = join_all((0..8).map(attempt)).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1, "{answers:?}");
    for refused in answers.into_iter().filter(|answer| answer.status != 201) {
        refused.is_problem(409, "site_exists");
    }
    let list = desk.get(&app, SITES).await;
    assert_eq!(list.at("/sites").as_array().unwrap().len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn a_site_with_pages_stays_and_so_does_the_last_one() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let list = desk.get(&app, SITES).await;
    let only = format!("{SITES}/{}", text(&list, "/sites/0/id"));
    delete(&app, &desk, &only)
        .await
        .is_problem(409, "site_not_empty");
    let path = made_site(&app, &desk, "gazette", json!({})).await;
    submit_to(&app, "https://gazette.example/tides", "Ebb")
        .await
        .is(201);
    delete(&app, &desk, &path)
        .await
        .is_problem(409, "site_not_empty");
    desk.get(&app, &path).await.is(200);
    app.stop().await;
}

#[tokio::test]
async fn sites_with_policies_of_their_own_work_at_once() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let gazette = made_site(&app, &desk, "gazette", json!({"hold": "flagged"})).await;
    made_site(
        &app,
        &desk,
        "herald",
        json!({"pages": "registered", "edit_window_minutes": 0}),
    )
    .await;
    let (held, shown, unregistered) = (
        app.submit(&comment_on("/tides", "Ebb", None)).await,
        submit_to(&app, "https://gazette.example/tides", "Ebb").await,
        submit_to(&app, "https://herald.example/tides", "Ebb").await,
    );
    held.is(201).has("/comment/status", "pending");
    shown.is(201).has("/comment/status", "approved");
    unregistered.is_problem(404, "page_not_registered");
    let body = json!({"page_url": "https://herald.example/tides"});
    desk.post(&app, PAGES, &body).await.is(201);
    let held = submit_to(&app, "https://herald.example/tides", "Ebb").await;
    held.is(201).has("/comment/status", "pending");

    // A change counts with the next request, an origin too.
    let change = json!({"policy": {"hold": "all"}, "origins": ["https://news.example"]});
    patch(&app, &desk, &gazette, change).await.is(200);
    submit_to(&app, "https://gazette.example/tides", "Flood")
        .await
        .is_problem(422, "unknown_site");
    let held = submit_to(&app, "https://news.example/tides", "Flood").await;
    held.is(201).has("/comment/status", "pending");
    let queue = desk
        .get(&app, "/api/v1/admin/comments?site=gazette&status=pending")
        .await;
    assert_eq!(queue.at("/comments").as_array().unwrap().len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn everybody_reads_their_sites_and_admins_change_them() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let (viewer, moderator, admin) = (
        hire(&app, "viewer", "Vi").await,
        hire(&app, "moderator", "Mo").await,
        hire(&app, "admin", "Ad").await,
    );
    let gazette = format!("{SITES}/{GAZETTE}");
    let default = format!("{SITES}/0198c000-0000-7000-8000-00000000000a");
    for desk in [&viewer, &moderator, &admin] {
        let list = desk.get(&app, SITES).await.is(200);
        assert_eq!(column(&list, "/sites", "slug"), ["default", "gazette"]);
        desk.get(&app, &gazette).await.is(200);
    }
    let new = json!({"slug": "new", "name": "New"});
    for desk in [&viewer, &moderator] {
        // Before the body is looked at.
        for body in [&new, &json!({"colour": 1})] {
            let refused = desk.post(&app, SITES, body).await;
            refused.is_problem(403, "forbidden");
        }
        let refused = patch(&app, desk, &gazette, json!({"name": "N"})).await;
        refused.is_problem(403, "forbidden");
        let refused = delete(&app, desk, &gazette).await;
        refused.is_problem(403, "forbidden");
    }
    let limited = hire_for_gazette(&app, "admin", "Li").await;
    let list = limited.get(&app, SITES).await.is(200);
    assert_eq!(column(&list, "/sites", "slug"), ["gazette"]);
    patch(&app, &limited, &gazette, json!({"name": "Ours"}))
        .await
        .is(200);
    limited
        .get(&app, &default)
        .await
        .is_problem(404, "site_not_found");
    patch(&app, &limited, &default, json!({"name": "Mine"}))
        .await
        .is_problem(404, "site_not_found");
    delete(&app, &limited, &default)
        .await
        .is_problem(404, "site_not_found");
    let refused = limited.post(&app, SITES, &new).await;
    refused.is_problem(403, "forbidden");
    admin.post(&app, SITES, &new).await.is(201);
    app.stop().await;
}

#[tokio::test]
async fn the_list_goes_on_by_its_cursor() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    for slug in ["b", "c", "d"] {
        made_site(&app, &desk, slug, json!({})).await;
    }
    let first = desk.get(&app, &format!("{SITES}?limit=2")).await.is(200);
    assert_eq!(column(&first, "/sites", "slug"), ["default", "b"]);
    let cursor = text(&first, "/next_cursor");
    let next = format!("{SITES}?limit=2&cursor={cursor}");
    let second = desk.get(&app, &next).await.is(200);
    assert_eq!(column(&second, "/sites", "slug"), ["c", "d"]);
    assert_eq!(second.at("/next_cursor"), Value::Null);
    for query in ["cursor=x", "cursor="] {
        let refused = desk.get(&app, &format!("{SITES}?{query}")).await;
        refused.is_problem(400, "invalid_cursor");
    }
    // A cursor of another list is none of this one.
    let pages = desk.get(&app, &format!("{PAGES}?cursor={cursor}")).await;
    pages.is_problem(400, "invalid_cursor");
    let refused = desk.get(&app, &format!("{SITES}?colour=1")).await;
    refused.is_problem(400, "invalid_query");
    app.stop().await;
}
