//! `GET /api/v1/admin/comments`: filters, orders, pages of the list, and what each role sees.

use serde_json::{Value, json};

use super::{held, ids, list, one_of_each};
use crate::backstage::{change, hire, hire_for_gazette, two_sites};
use crate::support::app::{TestApp, comment_on};

#[tokio::test]
async fn an_item_has_all_that_a_moderator_judges_by() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let parent = app.published(&desk, "/tides", "*Ebb*", None).await;
    let mut body = comment_on("/tides", "And **flood**.", Some(&parent));
    body["website"] = json!("https://ada.example/");
    let request = app.request("POST", "/api/v1/comments").json(&body);
    let request = request.header("User-Agent", "Browser/1.0");
    app.send(request).await.is(201);
    let answer = list(&app, &desk, "?status=pending").await.is(200);
    assert_eq!(answer.header("cache-control"), "private, no-store");
    let wanted = [
        ("status", json!("pending")),
        ("version", json!(1)),
        ("name", json!("Ada")),
        ("email", json!("ada@example.org")),
        ("website", json!("https://ada.example/")),
        ("ip", json!("127.0.0.1")),
        ("user_agent", json!("Browser/1.0")),
        ("body", json!("And **flood**.")),
        ("body_html", json!("<p>And <strong>flood</strong>.</p>\n")),
        ("edited_at", Value::Null),
        ("decided_at", Value::Null),
        ("decided_by", Value::Null),
        ("reason", Value::Null),
        ("site", json!("default")),
    ];
    let item = answer.at("/comments/0");
    for (member, value) in wanted {
        assert_eq!(item[member], value, "{member}");
    }
    let page = &item["page"];
    assert_eq!(page["url"], "https://example.org/tides");
    assert!(page["id"].is_string() && page["title"].is_null());
    let submitted_at = item["submitted_at"].as_str().unwrap();
    assert!(submitted_at.ends_with('Z'), "{submitted_at}");
    assert_eq!(
        item["parent"],
        json!({"id": parent, "status": "approved", "name": "Ada", "body_html": "<p><em>Ebb</em></p>\n"})
    );
    app.stop().await;
}

#[tokio::test]
async fn states_may_be_named_together_and_deleted_ones_only_come_when_named() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let made = one_of_each(&app, &desk).await;
    let [pending, approved, rejected, spam, deleted] = &made;
    let table: [(&str, &[&String]); 9] = [
        ("", &[pending, approved, rejected, spam]),
        ("?status=pending", &[pending]),
        ("?status=approved", &[approved]),
        ("?status=rejected", &[rejected]),
        ("?status=spam", &[spam]),
        ("?status=deleted", &[deleted]),
        ("?status=spam&status=pending", &[pending, spam]),
        ("?status=spam&status=spam", &[spam]),
        (
            "?status=pending&status=approved&status=rejected&status=spam&status=deleted",
            &[pending, approved, rejected, spam, deleted],
        ),
    ];
    for (query, wanted) in table {
        let answer = list(&app, &desk, query).await.is(200);
        assert_eq!(ids(&answer).iter().collect::<Vec<_>>(), wanted, "{query}");
        assert_eq!(answer.at("/next_cursor"), Value::Null);
    }
    let answer = list(&app, &desk, "?status=deleted").await;
    for (member, gone) in [
        ("name", json!("")),
        ("email", Value::Null),
        ("body", json!("")),
    ] {
        assert_eq!(answer.at("/comments/0")[member], gone, "{member}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_site_and_a_page_narrow_the_list() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    let tides = held(&app, "/tides", "Ebb").await;
    let moon = held(&app, "/moon", "Full").await;
    let mut abroad = comment_on("/tides", "Flood", None);
    abroad["page_url"] = json!("https://gazette.example/tides");
    let (abroad, _) = app.submitted(&abroad).await;
    let table: [(&str, &[&String]); 8] = [
        ("", &[&tides, &moon, &abroad]),
        ("?site=default", &[&tides, &moon]),
        ("?site=gazette", &[&abroad]),
        ("?page_url=https://example.org/tides", &[&tides]),
        // The same page by the rules of addresses.
        (
            "?page_url=http://EXAMPLE.org:80/tides?utm_source=x%23ebb",
            &[&tides],
        ),
        ("?page_url=https://gazette.example/tides", &[&abroad]),
        ("?site=gazette&page_url=https://example.org/tides", &[]),
        ("?page_url=https://nobody.example/tides", &[]),
    ];
    for (query, wanted) in table {
        let answer = list(&app, &desk, query).await.is(200);
        assert_eq!(ids(&answer).iter().collect::<Vec<_>>(), wanted, "{query}");
    }
    list(&app, &desk, "?site=nowhere")
        .await
        .is_problem(404, "unknown_site");
    app.stop().await;
}

#[tokio::test]
async fn what_belongs_to_another_site_is_not_there() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let owner = app.desk().await;
    let own = held(&app, "/tides", "Ebb").await;
    let mut abroad = comment_on("/tides", "Flood", None);
    abroad["page_url"] = json!("https://gazette.example/tides");
    let (abroad, _) = app.submitted(&abroad).await;
    let desk = hire_for_gazette(&app, "moderator", "Gaz").await;
    assert_eq!(ids(&list(&app, &desk, "").await.is(200)), [&*abroad]);
    assert_eq!(
        ids(&list(&app, &desk, "?site=gazette").await.is(200)),
        [&*abroad]
    );
    list(&app, &desk, "?site=default")
        .await
        .is_problem(404, "unknown_site");
    for query in ["?page_url=https://example.org/tides", "?q=Ebb"] {
        assert!(ids(&list(&app, &desk, query).await.is(200)).is_empty());
    }
    for (id, status, code) in [(&own, 404, "comment_not_found"), (&abroad, 200, "")] {
        let shown = desk
            .get(&app, &format!("/api/v1/admin/comments/{id}"))
            .await;
        assert_eq!(
            (shown.status, shown.at("/code") == code),
            (status, status == 404)
        );
        let decided = desk.decide(&app, id, "approve", &json!({})).await;
        assert_eq!(decided.status, status, "{decided:?}");
    }
    let mine = owner
        .get(&app, &format!("/api/v1/admin/comments/{own}"))
        .await;
    mine.is(200).has("/status", "pending").has("/version", 1);
    let both =
        json!({"decisions": [{"id": own, "decision": "spam"}, {"id": abroad, "decision": "spam"}]});
    desk.post(&app, "/api/v1/admin/decisions", &both)
        .await
        .is(200)
        .has("/results/0/outcome", "not_found")
        .has("/results/0/status", Value::Null)
        .has("/results/1/outcome", "decided");
    // Somebody without any site sees nothing.
    change(
        &app,
        "update moderators set sites = '{}' where name = 'Gaz'",
    )
    .await;
    assert!(ids(&list(&app, &desk, "").await.is(200)).is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_search_finds_words_of_text_name_and_address() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let mut wanted = Vec::new();
    for (name, email, text) in [
        (
            "Ada Lovelace",
            "ada@example.org",
            "The spring tide comes later.",
        ),
        ("Bob", "tide.watcher@example.net", "I saw the neap one."),
        ("Çelik", "cem@example.org", "Nothing to see here."),
    ] {
        let mut body = comment_on("/tides", text, None);
        body["name"] = json!(name);
        body["email"] = json!(email);
        wanted.push(app.submitted(&body).await.0);
    }
    let [ada, bob, cem] = &wanted[..] else {
        unreachable!()
    };
    let table: [(&str, &[&String]); 14] = [
        ("spring", &[ada]),
        ("SPRING%20tide", &[ada]),
        ("tide+spring", &[ada]),
        ("%22spring+tide%22", &[ada]),
        ("%22tide+spring%22", &[]),
        ("lovelace", &[ada]),
        ("%C3%A7elik", &[cem]),
        // With a combining cedilla.
        ("c%CC%A7elik", &[cem]),
        ("cem%40example.org", &[cem]),
        ("example", &[ada, bob, cem]),
        ("watcher", &[bob]),
        ("neap+or+spring", &[ada, bob]),
        ("one+-neap", &[]),
        ("+", &[ada, bob, cem]),
    ];
    for (words, wanted) in table {
        let answer = list(&app, &desk, &format!("?q={words}")).await.is(200);
        assert_eq!(ids(&answer).iter().collect::<Vec<_>>(), wanted, "{words}");
    }
    // Together with other filters, and text that is no query.
    assert!(ids(&list(&app, &desk, "?q=spring&status=spam").await.is(200)).is_empty());
    for words in [
        "%27%3A%2A",
        "%26%7C%21",
        "%28%28",
        "%22",
        "%5C%5C%27",
        "a%3AB",
    ] {
        list(&app, &desk, &format!("?q={words}")).await.is(200);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_viewer_sees_no_personal_data_and_cannot_find_by_it() {
    let app = TestApp::start().await;
    let mut body = comment_on("/tides", "Ebb", None);
    body["email"] = json!("hidden@example.net");
    let (id, _) = app.submitted(&body).await;
    let (owner, viewer) = (app.desk().await, hire(&app, "viewer", "Vi").await);
    for path in [String::new(), format!("/{id}")] {
        let answer = list(&app, &viewer, &path).await.is(200);
        let item = answer.at(if path.is_empty() { "/comments/0" } else { "" });
        for member in ["email", "ip", "user_agent"] {
            assert!(item.as_object().unwrap().contains_key(member), "{member}");
            assert_eq!(item[member], Value::Null, "{member}");
        }
        assert_eq!(item["name"], "Ada");
        assert!(!answer.text.contains("hidden@") && !answer.text.contains("127.0.0.1"));
    }
    for (words, found) in [
        ("hidden%40example.net", false),
        ("hidden", false),
        ("example", false),
        ("ebb", true),
        ("ada", true),
        // What is left out by a word of an address would tell that it is there.
        ("-hidden", true),
        ("ebb+-hidden%40example.net", true),
        ("ebb+or+hidden%40example.net", true),
        ("hidden%40example.net%3AC", false),
    ] {
        let query = format!("?q={words}");
        let answer = list(&app, &viewer, &query).await.is(200);
        assert_eq!(!ids(&answer).is_empty(), found, "{words}");
    }
    let found = list(&app, &owner, "?q=hidden%40example.net").await.is(200);
    assert_eq!(ids(&found), [&*id]);
    assert!(ids(&list(&app, &owner, "?q=-hidden%40example.net").await.is(200)).is_empty());
    app.stop().await;
}

#[tokio::test]
async fn cursors_lead_through_every_comment_once_in_both_orders() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let mut made = Vec::new();
    for number in 0..7 {
        made.push(held(&app, "/tides", &format!("Wave {number}")).await);
    }
    // Several of one time: then the id decides.
    change(
        &app,
        "update comments set submitted_at = '2026-11-01 12:00:00.123456Z' where body in ('Wave 2', 'Wave 3', 'Wave 4')",
    )
    .await;
    let mut oldest = made.clone();
    oldest.rotate_left(2);
    let oldest: Vec<String> = [&oldest[..3], &made[..2], &made[5..]].concat();
    let newest: Vec<String> = oldest.iter().rev().cloned().collect();
    for (sort, wanted) in [
        ("", &oldest),
        ("&sort=oldest", &oldest),
        ("&sort=newest", &newest),
    ] {
        for limit in [1, 2, 3, 7, 100] {
            let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
            loop {
                let query = format!("?limit={limit}{sort}{cursor}");
                let answer = list(&app, &desk, &query).await.is(200);
                let found = ids(&answer);
                assert!(found.len() <= limit && !found.is_empty(), "{query}");
                seen.extend(found);
                pages += 1;
                match answer.at("/next_cursor") {
                    Value::String(next) => cursor = format!("&cursor={next}"),
                    _ => break,
                }
            }
            assert_eq!(&seen, wanted, "{sort} {limit}");
            assert_eq!(pages, made.len().div_ceil(limit), "{sort} {limit}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn a_page_of_the_list_goes_on_where_it_ended_though_comments_come_and_go() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let mut made = Vec::new();
    for number in 0..4 {
        made.push(held(&app, "/tides", &format!("Wave {number}")).await);
    }
    let first = list(&app, &desk, "?status=pending&limit=2").await.is(200);
    assert_eq!(ids(&first), made[..2]);
    // The queue's usual work: what was seen is decided, and more comes in.
    for id in &made[..2] {
        desk.decide(&app, id, "approve", &json!({})).await.is(200);
    }
    made.push(held(&app, "/tides", "Wave 4").await);
    let cursor = first.at("/next_cursor");
    let query = format!(
        "?status=pending&limit=50&cursor={}",
        cursor.as_str().unwrap()
    );
    assert_eq!(ids(&list(&app, &desk, &query).await.is(200)), made[2..]);
    app.stop().await;
}

#[tokio::test]
async fn a_page_of_the_list_has_50_comments_where_nothing_is_said() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    held(&app, "/tides", "Ebb").await;
    change(
        &app,
        "insert into comments (id, site_id, page_id, root_id, depth, status, name, email, email_key, body, body_html,
            avatar, submitted_at, content_hash)
        select n.id, c.site_id, c.page_id, n.id, 0, 'pending', c.name, c.email, c.email_key, c.body, c.body_html,
            c.avatar, c.submitted_at, c.content_hash
        from comments c, (select gen_random_uuid() as id from generate_series(1, 50)) n",
    )
    .await;
    let answer = list(&app, &desk, "").await.is(200);
    assert_eq!(ids(&answer).len(), 50);
    let cursor = answer.at("/next_cursor");
    let rest = format!("?cursor={}", cursor.as_str().unwrap());
    assert_eq!(ids(&list(&app, &desk, &rest).await.is(200)).len(), 1);
    app.stop().await;
}
