//! `/api/v1/admin/reasons`, and decisions that name a reason.

use serde_json::{Value, json};

use super::{NOBODYS_ID, QUEUE, held};
use crate::backstage::{change, hire, hire_for_gazette, send, texts, two_sites};
use crate::support::app::{Answer, Desk, TestApp, comment_on};

const REASONS: &str = "/api/v1/admin/reasons";
const DEFAULTS: [&str; 7] = [
    "off_topic",
    "abuse",
    "illegal",
    "advertising",
    "duplicate",
    "unreadable",
    "other",
];

fn codes(answer: &Answer) -> Vec<String> {
    let list = answer.at("/reasons");
    let code = |item: &Value| item["code"].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(code).collect()
}

async fn create(app: &TestApp, desk: &Desk, site: &str, code: &str) -> Answer {
    let body = json!({"site": site, "code": code, "text": "It is so."});
    desk.post(app, REASONS, &body).await
}

/// The address of a site's reason.
async fn address(app: &TestApp, desk: &Desk, site: &str, code: &str) -> String {
    let list = desk.get(app, &format!("{REASONS}?site={site}")).await;
    let list = list.at("/reasons");
    let mut all = list.as_array().unwrap().iter();
    let found = all.find(|item| item["code"] == code).unwrap();
    format!("{REASONS}/{}", found["id"].as_str().unwrap())
}

async fn delete(app: &TestApp, desk: &Desk, path: &str) -> Answer {
    let request = app.request("DELETE", path).bearer_auth(&desk.token);
    app.send(request).await
}

#[tokio::test]
async fn every_site_begins_with_the_default_reasons_and_deleted_ones_do_not_come_back() {
    let database = two_sites().await;
    let app = TestApp::on(database.clone(), &[]).await;
    let desk = app.desk().await;
    for site in ["default", "gazette"] {
        let list = desk
            .get(&app, &format!("{REASONS}?site={site}"))
            .await
            .is(200);
        assert_eq!(list.header("cache-control"), "private, no-store");
        assert_eq!(codes(&list), DEFAULTS);
        let list = list
            .has("/next_cursor", Value::Null)
            .has("/reasons/0/site", site);
        assert!(
            list.at("/reasons/0/created_at")
                .as_str()
                .unwrap()
                .ends_with('Z')
        );
        list.has("/reasons/1/text", "It attacks or insults people.");
    }
    let abuse = address(&app, &desk, "default", "abuse").await;
    assert_eq!(delete(&app, &desk, &abuse).await.is(204).text, "");
    app.stop().await;
    let app = TestApp::on(database, &[]).await;
    let desk = app.desk().await;
    let list = desk.get(&app, &format!("{REASONS}?site=default")).await;
    assert!(!codes(&list).contains(&"abuse".to_owned()));
    assert_eq!(codes(&list).len(), 6);
    app.stop().await;
}

#[tokio::test]
async fn a_list_goes_on_where_its_cursor_says() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    let (mut found, mut query) = (Vec::new(), "?limit=5".to_owned());
    loop {
        let page = desk.get(&app, &format!("{REASONS}{query}")).await.is(200);
        found.extend(codes(&page));
        match page.at("/next_cursor") {
            Value::String(cursor) => query = format!("?limit=5&cursor={cursor}"),
            _ => break,
        }
    }
    assert_eq!(found, [DEFAULTS, DEFAULTS].concat());
    for (query, code) in [
        ("?cursor=x", "invalid_cursor"),
        ("?limit=0", "invalid_query"),
        ("?site=default&site=default", "invalid_query"),
        ("?code=abuse", "invalid_query"),
    ] {
        desk.get(&app, &format!("{REASONS}{query}"))
            .await
            .is_problem(400, code);
    }
    for site in ["nowhere", "Default", ""] {
        desk.get(&app, &format!("{REASONS}?site={site}"))
            .await
            .is_problem(404, "unknown_site");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_reason_is_made_changed_used_and_deleted() {
    let app = TestApp::start().await;
    let admin = hire(&app, "admin", "Bo").await;
    let made = create(&app, &admin, "default", "personal_data")
        .await
        .is(201)
        .has("/site", "default")
        .has("/code", "personal_data")
        .has("/text", "It is so.");
    let path = made.header("location").to_owned();
    assert_eq!(
        path,
        format!("{REASONS}/{}", made.at("/id").as_str().unwrap())
    );
    assert_eq!(admin.get(&app, &path).await.is(200).json(), made.json());
    create(&app, &admin, "default", "personal_data")
        .await
        .is_problem(409, "reason_exists");

    let (id, token) = app.submitted(&comment_on("/tides", "Ebb", None)).await;
    let read = async || {
        let request = app.request("GET", &format!("/api/v1/comments/{id}"));
        let answer = app.send(request.bearer_auth(&token)).await.is(200);
        answer
            .has("/reason/code", "personal_data")
            .at("/reason/text")
    };
    let reason = json!({"reason": "personal_data"});
    admin.decide(&app, &id, "reject", &reason).await.is(200);
    assert_eq!(read().await, "It is so.");
    let words = json!({"text": " It names\r\nsomebody. "});
    send(&app, &admin, "PATCH", &path, &words)
        .await
        .is(200)
        .has("/text", "It names\nsomebody.");
    assert_eq!(read().await, "It names\nsomebody.");
    // What is missing or the same leaves all as it is.
    for body in [json!({}), words] {
        send(&app, &admin, "PATCH", &path, &body)
            .await
            .is(200)
            .has("/text", "It names\nsomebody.");
    }

    delete(&app, &admin, &path).await.is(204);
    for answer in [
        delete(&app, &admin, &path).await,
        admin.get(&app, &path).await,
        send(&app, &admin, "PATCH", &path, &json!({})).await,
    ] {
        answer.is_problem(404, "reason_not_found");
    }
    // The decision keeps its code; its author reads what stands for everything else.
    let other = "It doesn't follow this site's rules for comments.";
    assert_eq!(read().await, other);
    admin
        .decide(&app, &id, "reject", &reason)
        .await
        .is_problem(422, "validation_failed");

    let acts = texts(
        &app.database.pool,
        "select act || ' ' || subject_kind || ' ' || (site_id is not null) || ' ' || details::text
        from audit_log where subject_kind = 'reason' order by id",
    )
    .await;
    let act = |verb| format!("reason.{verb} reason true {{\"code\": \"personal_data\"}}");
    assert_eq!(acts, ["created", "changed", "deleted"].map(act));
    app.stop().await;
}

#[tokio::test]
async fn a_deleted_default_reads_as_the_default_and_others_as_the_sites_other() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let other = address(&app, &desk, "default", "other").await;
    let text = json!({"text": "Read our rules."});
    send(&app, &desk, "PATCH", &other, &text).await.is(200);
    create(&app, &desk, "default", "mood").await.is(201);
    let mut read = Vec::new();
    for code in ["abuse", "mood", "other"] {
        let (id, token) = app.submitted(&comment_on("/tides", code, None)).await;
        let reason = json!({"reason": code});
        desk.decide(&app, &id, "reject", &reason).await.is(200);
        if code != "other" {
            let path = address(&app, &desk, "default", code).await;
            delete(&app, &desk, &path).await.is(204);
        }
        let request = app.request("GET", &format!("/api/v1/comments/{id}"));
        let own = app.send(request.bearer_auth(&token)).await;
        read.push(own.has("/reason/code", code).at("/reason/text"));
    }
    assert_eq!(
        read,
        [
            "It attacks or insults people.",
            "Read our rules.",
            "Read our rules."
        ]
    );
    app.stop().await;
}

#[tokio::test]
async fn a_reason_of_another_site_is_unknown_to_this_ones_comments() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    create(&app, &desk, "gazette", "mood").await.is(201);
    let id = held(&app, "/tides", "Ebb").await;
    let mut body = comment_on("/tides", "Flood", None);
    body["page_url"] = json!("https://gazette.example/tides");
    let (theirs, _) = app.submitted(&body).await;
    let refused = desk
        .decide(
            &app,
            &id,
            "reject",
            &json!({"reason": "mood", "version": 9}),
        )
        .await
        .is_problem(422, "validation_failed");
    assert_eq!(refused.field_errors(), ["reason: unknown_reason"]);
    let both = json!({"decisions": [
        {"id": id, "decision": "reject", "reason": "mood"},
        {"id": theirs, "decision": "reject", "reason": "mood"},
        {"id": NOBODYS_ID, "decision": "reject", "reason": "mood"},
    ]});
    let results = desk
        .post(&app, "/api/v1/admin/decisions", &both)
        .await
        .is(200);
    assert_eq!(
        results.at("/results"),
        json!([
            {"id": id, "outcome": "unknown_reason", "status": "pending"},
            {"id": theirs, "outcome": "decided", "status": "rejected"},
            {"id": NOBODYS_ID, "outcome": "not_found", "status": null},
        ])
    );
    desk.get(&app, &format!("{QUEUE}/{id}"))
        .await
        .has("/version", 1);
    // What is so already stays so, whatever the reason.
    let restore = json!({"decisions": [{"id": id, "decision": "restore", "reason": "mood"}]});
    desk.post(&app, "/api/v1/admin/decisions", &restore)
        .await
        .has("/results/0/outcome", "unchanged");
    // Who sees this site only doesn't know the other's reasons.
    let here = hire_for_gazette(&app, "moderator", "Gaz").await;
    change(
        &app,
        "update moderators set sites = array(select id from sites where slug = 'default') where name = 'Gaz'",
    )
    .await;
    let refused = here
        .post(&app, "/api/v1/admin/decisions", &both)
        .await
        .is_problem(422, "validation_failed");
    assert_eq!(
        refused.field_errors(),
        [
            "decisions[0].reason: unknown_reason",
            "decisions[1].reason: unknown_reason",
            "decisions[2].reason: unknown_reason",
        ]
    );
    app.stop().await;
}

#[tokio::test]
async fn a_reason_that_another_instance_made_counts_at_once() {
    let database = two_sites().await;
    let one = TestApp::on(database.clone(), &[]).await;
    let other = TestApp::on(database, &[]).await;
    let desk = one.desk().await;
    let id = held(&one, "/tides", "Ebb").await;
    create(&other, &desk, "default", "mood").await.is(201);
    desk.decide(&one, &id, "reject", &json!({"reason": "mood"}))
        .await
        .is(200)
        .has("/reason", "mood");
    // And one that it deleted doesn't, although this instance may still know it.
    let path = address(&other, &desk, "default", "abuse").await;
    delete(&other, &desk, &path).await.is(204);
    let refused = desk
        .decide(&one, &id, "spam", &json!({"reason": "abuse"}))
        .await
        .is_problem(422, "validation_failed");
    assert_eq!(refused.field_errors(), ["reason: unknown_reason"]);
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn every_wrong_field_of_a_reason_is_named_and_no_value_comes_back() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let table: [(Value, &str, &[&str]); 6] = [
        (
            json!({}),
            "validation_failed",
            &["code: required", "site: required", "text: required"],
        ),
        (
            json!({"site": 1, "code": "Hidden", "text": " "}),
            "validation_failed",
            &[
                "code: invalid_value",
                "site: invalid_type",
                "text: required",
            ],
        ),
        (
            json!({"site": "default", "code": "spam", "text": "x".repeat(501)}),
            "validation_failed",
            &["code: invalid_value", "text: too_long"],
        ),
        (
            json!({"site": "hidden", "code": "hidden", "text": "hidden"}),
            "unknown_site",
            &["site: unknown_site"],
        ),
        (
            json!({"site": "default", "code": "x".repeat(41), "text": "hidden\u{0}"}),
            "validation_failed",
            &["code: invalid_value", "text: invalid_characters"],
        ),
        (
            json!({"site": "default", "code": "hidden", "text": "hidden", "words": "hidden"}),
            "unknown_field",
            &["words: unknown_field"],
        ),
    ];
    for (body, code, wanted) in &table {
        let answer = desk.post(&app, REASONS, body).await.is_problem(422, code);
        assert_eq!(answer.field_errors(), *wanted, "{body}");
        assert!(!answer.text.to_lowercase().contains("hidden"), "{answer:?}");
    }
    let path = address(&app, &desk, "default", "abuse").await;
    for (body, code, wanted) in [
        (json!({"text": null}), "validation_failed", "text: required"),
        (json!({"text": ""}), "validation_failed", "text: required"),
        (
            json!({"text": 1}),
            "validation_failed",
            "text: invalid_type",
        ),
        (
            json!({"code": "mood"}),
            "unknown_field",
            "code: unknown_field",
        ),
    ] {
        let answer = send(&app, &desk, "PATCH", &path, &body).await;
        let answer = answer.is_problem(422, code);
        assert_eq!(answer.field_errors(), [wanted], "{body}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_site_has_at_most_a_hundred_reasons() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    change(
        &app,
        "insert into reasons (id, site_id, code, text, created_at)
        select gen_random_uuid(), id, 'reason_' || n, 'So.', now() from sites, generate_series(1, 93) n",
    )
    .await;
    let full = create(&app, &desk, "default", "mood")
        .await
        .is_problem(422, "validation_failed");
    assert_eq!(full.field_errors(), ["code: too_many"]);
    create(&app, &desk, "default", "abuse")
        .await
        .is_problem(409, "reason_exists");
    app.stop().await;
}

#[tokio::test]
async fn reasons_are_read_by_all_and_changed_by_admins_of_their_site() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    let abuse = address(&app, &desk, "default", "abuse").await;
    let theirs = address(&app, &desk, "gazette", "abuse").await;
    for role in ["viewer", "moderator"] {
        let reader = hire(&app, role, role).await;
        reader.get(&app, REASONS).await.is(200);
        reader.get(&app, &abuse).await.is(200);
        for answer in [
            create(&app, &reader, "default", "mood").await,
            send(&app, &reader, "PATCH", &abuse, &json!({"text": "So."})).await,
            delete(&app, &reader, &abuse).await,
        ] {
            answer.is_problem(403, "forbidden");
        }
    }
    let elsewhere = hire_for_gazette(&app, "admin", "Gaz").await;
    let list = elsewhere.get(&app, REASONS).await.is(200);
    assert_eq!(codes(&list), DEFAULTS);
    list.has("/reasons/0/site", "gazette");
    elsewhere
        .get(&app, &format!("{REASONS}?site=default"))
        .await
        .is_problem(404, "unknown_site");
    for answer in [
        elsewhere.get(&app, &abuse).await,
        send(&app, &elsewhere, "PATCH", &abuse, &json!({"text": "So."})).await,
        delete(&app, &elsewhere, &abuse).await,
        desk.get(&app, &format!("{REASONS}/{NOBODYS_ID}")).await,
        desk.get(&app, &format!("{REASONS}/abuse")).await,
    ] {
        answer.is_problem(404, "reason_not_found");
    }
    create(&app, &elsewhere, "default", "mood")
        .await
        .is_problem(422, "unknown_site");
    create(&app, &elsewhere, "gazette", "mood").await.is(201);
    delete(&app, &elsewhere, &theirs).await.is(204);
    app.stop().await;
}
