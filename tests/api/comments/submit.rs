//! `POST /api/v1/comments`: the fields and their bounds, forms, pages and answers. Must not repeat what `bad_inputs` refuses.

use serde_json::{Value, json};

use crate::rows;
use crate::support::app::{TestApp, comment_on};

/// A submission whose text and address nobody else has, with this field.
fn with(number: usize, field: &str, value: impl Into<Value>) -> Value {
    let mut body = comment_on("/tides", &format!("Text {number}"), None);
    body["email"] = json!(format!("reader{number}@example.org"));
    body[field] = value.into();
    body
}

/// `stem` made as long as wanted with `a`.
fn long(stem: &str, chars: usize) -> String {
    let missing = chars - stem.chars().count();
    format!("{stem}{}", "a".repeat(missing))
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn every_field_is_taken_at_its_limit_and_refused_above() {
    let app = TestApp::start().await;
    let label = "b".repeat(63);
    let table: Vec<(&str, String, Option<&str>)> = vec![
        ("name", "a".into(), None),
        ("name", long("", 100), None),
        ("name", long("", 101), Some("too_long")),
        ("name", format!(" \r\n{} \u{FEFF}", long("", 100)), None),
        // Counted after composing: 200 scalar values as sent.
        ("name", "e\u{301}".repeat(100), None),
        ("name", "e\u{301}".repeat(101), Some("too_long")),
        ("name", "👨\u{200D}👩\u{200D}👧\u{200D}👦".into(), None),
        ("name", "🏳\u{FE0F}\u{200D}🌈".into(), None),
        ("name", "😀".repeat(100), None),
        ("name", "عمر\u{200F}".into(), None),
        ("email", format!("{}@example.org", "a".repeat(64)), None),
        (
            "email",
            format!("{}@example.org", "a".repeat(65)),
            Some("too_long"),
        ),
        (
            "email",
            format!("a@{label}.{label}.{label}.{}.org", "c".repeat(56)),
            None,
        ),
        (
            "email",
            format!("a@{label}.{label}.{label}.{}.org", "c".repeat(57)),
            Some("too_long"),
        ),
        ("email", "用户@例子.广告".into(), None),
        ("body", "a".into(), None),
        ("body", long("", 10_000), None),
        ("body", long("", 10_001), Some("too_long")),
        ("body", format!("{}b", "a\r\n".repeat(4_999)), None),
        ("body", format!("{}ab", "a\r\n".repeat(4_999)), None),
        (
            "body",
            format!("{}abc", "a\r\n".repeat(4_999)),
            Some("too_long"),
        ),
        ("body", format!("\n\n{}\r\n ", long("", 10_000)), None),
        ("body", "e\u{301}".repeat(10_000), None),
        ("body", "😀".repeat(10_000), None),
        ("body", "😀".repeat(10_001), Some("too_long")),
        ("page_url", long("https://example.org/", 2_048), None),
        (
            "page_url",
            long("https://example.org/", 2_049),
            Some("too_long"),
        ),
        ("website", long("https://a.example/", 2_048), None),
        (
            "website",
            long("https://a.example/", 2_049),
            Some("too_long"),
        ),
        ("page_title", long("", 300), None),
        ("page_title", long("", 301), Some("too_long")),
    ];
    for (number, (field, value, code)) in table.into_iter().enumerate() {
        let answer = app.submit(&with(number, field, value)).await;
        match code {
            None => assert_eq!(answer.status, 201, "{number} {field}: {answer:?}"),
            Some(code) => {
                let answer = answer.is_problem(422, "validation_failed");
                assert_eq!(
                    answer.field_errors(),
                    [format!("{field}: {code}")],
                    "{number}"
                );
            }
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn a_page_key_is_taken_at_its_limit_and_refused_above() {
    let app = TestApp::start().await;
    for (number, chars, status) in [(1, 1, 201), (2, 200, 201), (3, 201, 422)] {
        let mut body = with(number, "page_key", "k".repeat(chars));
        body["page_url"] = json!(format!("https://example.org/{number}"));
        app.submit(&body).await.is(status);
    }
    app.stop().await;
}

#[tokio::test]
async fn what_is_stored_is_the_normal_form() {
    let app = TestApp::start().await;
    let sent = json!({
        "page_url": "HTTPS://Example.org:443/tides?utm_source=x&b=2&a=1#top",
        "name": " Zoe\u{308}\u{200B} ",
        "email": " Ada@EXAMPLE.org ",
        "body": "\u{FEFF}One\r\ntwo\rthree\n",
        "website": " https://ada.example ",
        "page_title": "  Spring\n\ttides ",
    });
    let answer = app
        .submit(&sent)
        .await
        .is(201)
        .has("/comment/status", "pending")
        .has("/comment/body", "One\ntwo\nthree")
        .has("/comment/author/name", "Zo\u{EB}")
        .has("/comment/author/website", "https://ada.example/")
        .has("/comment/author/is_staff", false)
        .has("/comment/depth", 0)
        .has("/comment/parent_id", Value::Null)
        .has("/comment/reason", Value::Null)
        .has("/comment/edited_at", Value::Null)
        .has("/comment/score", 0);
    let id = answer.at("/comment/id");
    assert_eq!(
        answer.header("location"),
        format!("/api/v1/comments/{}", id.as_str().unwrap())
    );
    assert!(
        answer
            .at("/comment/submitted_at")
            .as_str()
            .unwrap()
            .ends_with('Z')
    );
    assert!(answer.at("/comment/editable_until").is_string());
    assert_eq!(answer.header("cache-control"), "private, no-store");
    app.thread("/tides", "?a=1&b=2")
        .await
        .has("/page/id", Value::Null);
    app.get("/api/v1/comments?page_url=https://example.org:443/tides%3Fb=2%26a=1")
        .await
        .is(200)
        .has("/page/url", "https://example.org/tides?b=2&a=1")
        .has("/page/title", "Spring tides");
    app.stop().await;
}

#[tokio::test]
async fn a_form_is_taken_and_its_empty_optional_fields_are_none() {
    let app = TestApp::start().await;
    let form = [
        ("page_url", "https://example.org/tides"),
        ("name", "Zoë & Co"),
        ("email", "ada@example.org"),
        ("body", "a + b = 100 %"),
        ("website", ""),
        ("parent_id", ""),
        ("page_title", " "),
        ("page_key", ""),
        ("submit", "Send"),
    ];
    let request = app.request("POST", "/api/v1/comments").form(&form);
    app.send(request)
        .await
        .is(201)
        .has("/comment/body", "a + b = 100 %")
        .has("/comment/author/name", "Zoë & Co")
        .has("/comment/author/website", Value::Null)
        .has("/comment/parent_id", Value::Null);
    let request = app
        .request("POST", "/api/v1/comments")
        .header(
            "content-type",
            "APPLICATION/x-www-form-urlencoded; charset=\"UTF-8\"",
        )
        .body("page_url=https://example.org/tides&name=A+%41&email=ada%40example.org&body=%F0%9F%98%80");
    app.send(request)
        .await
        .is(201)
        .has("/comment/author/name", "A A")
        .has("/comment/body", "😀");
    app.stop().await;
}

#[tokio::test]
async fn nulls_and_unknown_members_don_t_matter() {
    let app = TestApp::start().await;
    let body = json!({
        "page_url": "https://example.org/tides", "name": "Ada", "email": "ada@example.org", "body": "Text",
        "website": null, "parent_id": null, "page_title": null, "page_key": null,
        "colour": {"deep": [1, 2]}, "ip": "192.0.2.1", "status": "approved", "is_staff": true,
    });
    app.submit(&body)
        .await
        .is(201)
        .has("/comment/status", "pending")
        .has("/comment/author/is_staff", false);
    app.stop().await;
}

#[tokio::test]
async fn markdown_that_renders_to_nothing_is_shown_as_it_was_written() {
    let app = TestApp::start().await;
    let table = [
        ("[a]: http://example.org", "<p>[a]: http://example.org</p>"),
        ("[a]: <>", "<p>[a]: &lt;&gt;</p>"),
        ("#", "<p>#</p>"),
        ("-", "<p>-</p>"),
        ("> >", "<p>&gt; &gt;</p>"),
        ("```", "<p>```</p>"),
        ("1.", "<p>1.</p>"),
        ("&nbsp;", "<p>&amp;nbsp;</p>"),
        ("&#8203;", "<p>&amp;#8203;</p>"),
        ("[](/x)", "<p>[](/x)</p>"),
        ("![](/x.png)", "<p>![](/x.png)</p>"),
        ("***", "<p>* * *</p>"),
    ];
    for (text, html) in table {
        let answer = app.submit(&comment_on("/tides", text, None)).await.is(201);
        let shown = answer.at("/comment/body_html");
        assert_eq!(shown.as_str().unwrap().trim_end(), html, "{text}");
    }
    app.stop().await;
}

#[tokio::test]
async fn answers_go_nine_deep_and_what_answers_the_deepest_stands_beside_it() {
    let app = rows::app_with_policy("hold = 'flagged'").await;
    let (root, _) = app.submitted(&comment_on("/tides", "Level 0", None)).await;
    let mut chain = vec![root];
    for depth in 1..=9 {
        let parent = chain.last().unwrap().clone();
        let answer = app
            .submit(&comment_on(
                "/tides",
                &format!("Level {depth}"),
                Some(&parent),
            ))
            .await
            .is(201)
            .has("/comment/depth", depth)
            .has("/comment/parent_id", parent);
        chain.push(answer.at("/comment/id").as_str().unwrap().to_owned());
    }
    let beside = app
        .submit(&comment_on("/tides", "Level 10", Some(&chain[9])))
        .await
        .is(201)
        .has("/comment/depth", 9)
        .has("/comment/parent_id", chain[8].clone());
    let thread = app
        .thread("/tides", "")
        .await
        .has("/comments/0/reply_count", 10)
        .has("/page/comment_count", 11);
    assert_eq!(
        thread.at("/comments/0/replies/9/id"),
        beside.at("/comment/id")
    );
    app.stop().await;
}

#[tokio::test]
async fn only_published_comments_of_the_same_page_can_be_answered() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let published = app.published(&desk, "/tides", "Published", None).await;
    let (held, _) = app.submitted(&comment_on("/tides", "Held", None)).await;
    let rejected = app.published(&desk, "/tides", "Rejected", None).await;
    desk.decide(&app, &rejected, "reject", &json!({}))
        .await
        .is(200);
    let before = rows::counts(&app.database).await;
    let nobody = "01980000-0000-7000-8000-000000000000";
    for (path, parent) in [
        ("/tides", held.as_str()),
        ("/tides", rejected.as_str()),
        ("/tides", nobody),
        ("/moon", published.as_str()),
    ] {
        app.submit(&comment_on(path, "An answer", Some(parent)))
            .await
            .is_problem(404, "parent_not_found");
    }
    assert_eq!(rows::counts(&app.database).await, before);
    app.submit(&comment_on("/tides", "An answer", Some(&published)))
        .await
        .is(201);
    app.stop().await;
}

#[tokio::test]
async fn a_known_key_wins_over_the_address_and_an_unknown_one_comes_with_a_new_page_only() {
    let app = rows::app_with_policy("hold = 'flagged'").await;
    let keyed = |path: &str, text: &str, key: &str| {
        let mut body = comment_on(path, text, None);
        body["page_key"] = json!(key);
        body
    };
    app.submit(&keyed("/tides", "One", "k1")).await.is(201);
    // The article has moved: its comments stay together, and its address stays.
    app.submit(&keyed("/moved", "Two", "k1")).await.is(201);
    app.get("/api/v1/comments?page_key=k1&site=default")
        .await
        .is(200)
        .has("/page/comment_count", 2)
        .has("/page/url", "https://example.org/tides");
    app.thread("/moved", "")
        .await
        .is(200)
        .has("/page/id", Value::Null);

    app.submit(&comment_on("/moon", "Three", None))
        .await
        .is(201);
    // The key wins also where the address has a page of its own.
    app.submit(&keyed("/moon", "Four", "k1")).await.is(201);
    app.thread("/moon", "").await.has("/page/comment_count", 1);

    let before = rows::counts(&app.database).await;
    for path in ["/tides", "/moon"] {
        let answer = app
            .submit(&keyed(path, "Five", "k2"))
            .await
            .is_problem(422, "validation_failed");
        assert_eq!(answer.field_errors(), ["page_key: unknown_page_key"]);
    }
    assert_eq!(rows::counts(&app.database).await, before);
    app.get("/api/v1/comments?page_key=K1&site=default")
        .await
        .is(200)
        .has("/page/id", Value::Null)
        .has("/page/url", Value::Null);
    app.stop().await;
}

#[tokio::test]
async fn a_title_is_taken_once() {
    let app = TestApp::start().await;
    let titled = |path: &str, text: &str, title: &str| {
        let mut body = comment_on(path, text, None);
        body["page_title"] = json!(title);
        body
    };
    app.submit(&titled("/tides", "One", "Tides")).await.is(201);
    app.submit(&titled("/tides", "Two", "Buy shells"))
        .await
        .is(201);
    app.thread("/tides", "").await.has("/page/title", "Tides");
    app.submit(&comment_on("/moon", "One", None)).await.is(201);
    app.submit(&titled("/moon", "Two", "Moon")).await.is(201);
    app.thread("/moon", "")
        .await
        .has("/page/title", Value::Null);
    app.stop().await;
}

#[tokio::test]
async fn a_browsers_name_of_itself_is_cut() {
    let app = TestApp::start().await;
    let request = app
        .request("POST", "/api/v1/comments")
        .header("user-agent", "ü".repeat(2_000).as_bytes())
        .json(&comment_on("/tides", "Text", None));
    let id = app.send(request).await.is(201).at("/comment/id");
    let desk = app.desk().await;
    let path = format!("/api/v1/admin/comments/{}", id.as_str().unwrap());
    desk.get(&app, &path)
        .await
        .is(200)
        .has("/user_agent", "ü".repeat(512));
    app.stop().await;
}

#[tokio::test]
async fn no_public_answer_holds_an_address() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let mut body = comment_on("/tides", "Published", None);
    body["website"] = json!("https://ada.example/a?b=c");
    let receipt = app.submit(&body).await.is(201);
    let id = receipt.at("/comment/id").as_str().unwrap().to_owned();
    let token = receipt.at("/manage_token").as_str().unwrap().to_owned();
    desk.decide(&app, &id, "approve", &json!({})).await.is(200);
    let reply = app.published(&desk, "/tides", "An answer", Some(&id)).await;
    let own = app
        .request("GET", &format!("/api/v1/comments/{id}"))
        .bearer_auth(token);
    let thread = app
        .thread("/tides", "")
        .await
        .has("/comments/0/author/website", "https://ada.example/a?b=c")
        .has("/comments/0/replies/0/id", reply.clone());
    for answer in [
        receipt,
        thread,
        app.send(own).await,
        app.get(&format!("/api/v1/comments/{reply}")).await,
        app.get(&format!("/api/v1/comments/{id}/replies")).await,
    ] {
        for personal in ["ada@", "127.0.0.1", "reqwest", "user_agent", "email"] {
            assert!(!answer.text.contains(personal), "{personal} in {answer:?}");
        }
    }
    app.stop().await;
}
