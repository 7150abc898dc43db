//! What is held of a person: all of it on demand, and gone on demand. Must not know the command line.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::backstage::{
    GAZETTE, books_are_right, change, hire, hire_for_gazette, number, send, texts, two_sites,
};
use crate::support::app::{Answer, Desk, TestApp};
use crate::support::eventually;

const COUNTS: &str = "/api/v1/admin/persons/counts";
const EXPORTS: &str = "/api/v1/admin/persons/exports";
const ERASURES: &str = "/api/v1/admin/persons/erasures";
const COMMENTS: &str = "/api/v1/admin/comments";

/// As it is written, and as it is the same.
const WRITTEN: &str = "Ada.Lost@Example.org";
const EMAIL: &str = "ada.lost@example.org";
const TIDES: &str = "https://example.org/tides";
const MOON: &str = "https://gazette.example/moon";
/// What nothing may hold afterwards, in lower case.
const MARKS: [&str; 9] = [
    "ada.lost",
    "adalind",
    "adas-text",
    "adas-first-text",
    "adas-site.example",
    "203.0.113.77",
    "adasbrowser",
    "noted-of-her",
    "decided-of-her",
];
/// What has to stay.
const OTHERS: [&str; 6] = [
    "bob@example.org",
    "bobs-text",
    "bobs-second-text",
    "noted-of-bob",
    "decided-of-bob",
    "tides by",
];

/// Behind a proxy, so that addresses differ.
async fn app() -> TestApp {
    let proxies = [("REJOINDER_TRUSTED_PROXIES", "127.0.0.0/8")];
    TestApp::on(two_sites().await, &proxies).await
}

/// A comment of Ada's or Bob's; its id.
async fn write(app: &TestApp, who: &str, page: &str, text: &str, parent: Option<&str>) -> String {
    let (name, email, address, agent) = match who {
        "ada" => ("Adalind", WRITTEN, "203.0.113.77", "AdasBrowser/1"),
        _ => ("Bob", "bob@example.org", "198.51.100.1", "BobsBrowser/1"),
    };
    let body = json!({
        "page_url": page, "page_title": format!("Tides by {EMAIL}"), "name": name, "email": email, "body": text,
        "parent_id": parent, "website": (who == "ada").then_some("https://adas-site.example/"),
    });
    let request = app.request("POST", "/api/v1/comments").json(&body);
    let request = request
        .header("X-Forwarded-For", address)
        .header("User-Agent", agent)
        .header("Idempotency-Key", format!("{who}-{}", text.len()));
    let taken = app.send(request).await.is(201);
    taken.at("/comment/id").as_str().unwrap().to_owned()
}

async fn approve(app: &TestApp, desk: &Desk, id: &str) {
    desk.decide(app, id, "approve", &json!({})).await.is(200);
}

async fn edit(app: &TestApp, desk: &Desk, id: &str, body: &str) {
    let path = format!("{COMMENTS}/{id}");
    send(app, desk, "PATCH", &path, &json!({ "body": body }))
        .await
        .is(200);
}

/// Ada everywhere: on two sites, in every state, edited, noted, mentioned, claimed, decided in a batch, and looked for. Her
/// comments, the first one with an answer of Bob's; and Bob's three.
async fn ada_everywhere(app: &TestApp, desk: &Desk) -> (Vec<String>, Vec<String>) {
    let bobs = write(app, "bob", TIDES, "bobs-text", None).await;
    approve(app, desk, &bobs).await;
    let hers = write(app, "ada", TIDES, "adas-first-text", Some(&bobs)).await;
    approve(app, desk, &hers).await;
    let mention = format!("bobs-second-text: write to <{WRITTEN}>, or [so](mailto:{EMAIL})");
    let answer = write(app, "bob", TIDES, &mention, Some(&hers)).await;
    approve(app, desk, &answer).await;
    edit(app, desk, &hers, "adas-text").await;
    let mut ada = vec![hers.clone()];
    for (text, decision) in [
        ("adas-text held", None),
        ("adas-text rejected", Some("reject")),
        ("adas-text as spam", Some("spam")),
    ] {
        let id = write(app, "ada", TIDES, text, None).await;
        if let Some(decision) = decision {
            let note = json!({"note": "decided-of-her", "reason": "abuse"});
            desk.decide(app, &id, decision, &note).await.is(200);
        }
        ada.push(id);
    }
    ada.push(write(app, "ada", MOON, "adas-text elsewhere", None).await);
    // Mentioned in a text that an edit replaced, in notes of decisions, in notes.
    let edited = write(app, "bob", TIDES, &format!("Ask {EMAIL}."), None).await;
    edit(app, desk, &edited, "bobs-text without").await;
    let note = json!({"note": format!("decided-of-bob, see {WRITTEN}")});
    desk.decide(app, &edited, "reject", &note).await.is(200);
    for (id, note) in [
        (&hers, "noted-of-her".to_owned()),
        (&edited, format!("noted-of-bob, who is {EMAIL}?")),
    ] {
        let path = format!("{COMMENTS}/{id}/notes");
        desk.post(app, &path, &json!({ "note": note }))
            .await
            .is(201);
    }
    let shown = desk.get(app, &format!("{COMMENTS}/{hers}")).await.is(200);
    let author = shown.at("/author_id").as_str().unwrap().to_owned();
    let note = json!({"note": "noted-of-her too", "site": "default"});
    let path = format!("/api/v1/admin/authors/{author}/notes");
    desk.post(app, &path, &note).await.is(201);
    // Reported, and named in a report of somebody else.
    for (reported, note) in [(&ada[0], "rude"), (&answer, WRITTEN)] {
        let report = json!({"reason": "abuse", "note": note});
        let path = format!("/api/v1/comments/{reported}/reports");
        app.post(&path, &report).await.is(202);
    }
    // Looked for, claimed, decided in a batch.
    desk.get(app, &format!("{COMMENTS}?email={EMAIL}&q=adalind"))
        .await
        .is(200);
    desk.post(app, "/api/v1/admin/queue/claims", &json!({"limit": 5}))
        .await
        .is(200);
    let filter = json!({"email": EMAIL, "status": ["spam"]});
    let batch = json!({"filter": filter, "decision": "reject", "expected_count": 1});
    let made = desk
        .post(app, "/api/v1/admin/batches", &batch)
        .await
        .is(202);
    let path = format!("/api/v1/admin/batches/{}", made.at("/id").as_str().unwrap());
    eventually("the batch is done", async || {
        desk.get(app, &path).await.is(200).at("/state") == "done"
    })
    .await;
    (ada, vec![bobs, answer, edited])
}

/// Every row of every table, generated columns too, in lower case.
async fn dump(app: &TestApp) -> String {
    let tables = texts(
        &app.database.pool,
        "select string_agg(
            query_to_xml(format('select * from %I', table_name), true, false, '')::text, ''
        )
        from information_schema.tables
        where table_schema = 'public'",
    )
    .await;
    tables[0].to_lowercase()
}

async fn begin(app: &TestApp, desk: &Desk, expected: usize) -> Answer {
    let body = json!({"email": EMAIL, "expected_count": expected});
    desk.post(app, ERASURES, &body).await
}

/// The erasure when it is done.
async fn settled(app: &TestApp, desk: &Desk, begun: &Answer) -> Answer {
    let path = begun.header("location").to_owned();
    eventually("the erasure is done", async || {
        desk.get(app, &path).await.is(200).at("/state") == "done"
    })
    .await;
    desk.get(app, &path).await
}

/// A thread as it hangs together, without its words.
fn shape(thread: &Answer) -> Vec<Value> {
    let list = thread.at("/comments");
    let part = |comment: &Value| json!([comment["id"], comment["parent_id"], comment["depth"]]);
    let mut parts = Vec::new();
    for comment in list.as_array().unwrap() {
        parts.push(part(comment));
        parts.extend(comment["replies"].as_array().unwrap().iter().map(part));
    }
    parts
}

#[tokio::test]
async fn an_erased_person_is_found_nowhere_and_threads_stay_whole() {
    let app = app().await;
    let desk = app.desk().await;
    let (ada, bob) = ada_everywhere(&app, &desk).await;
    let before = dump(&app).await;
    for words in MARKS.iter().chain(&OTHERS) {
        assert!(before.contains(words), "{words} was never there");
    }
    let thread = app.thread("/tides", "").await.has("/page/comment_count", 3);
    let path = format!("{COMMENTS}/{}", ada[0]);
    let lines = desk.get(&app, &path).await.at("/history");
    desk.post(&app, COUNTS, &json!({"email": WRITTEN}))
        .await
        .is(200)
        .has("/comments", ada.len())
        .has("/moderator_account", false);

    let begun = begin(&app, &desk, ada.len()).await.is(202);
    let done = settled(&app, &desk, &begun).await;
    done.has("/total", ada.len())
        .has("/erased", ada.len())
        .has("/redacted", 7);

    let after = dump(&app).await;
    for words in MARKS {
        assert!(!after.contains(words), "{words} is still there");
    }
    for words in OTHERS {
        assert!(after.contains(words), "{words} went too");
    }
    // The thread hangs together as it did; her place in it is empty.
    let now = app.thread("/tides", "").await.has("/page/comment_count", 2);
    assert_eq!(shape(&now), shape(&thread));
    now.has("/comments/0/replies/0/removed", true)
        .has("/comments/0/replies/1/id", bob[1].as_str());
    let emptied = desk
        .get(&app, &path)
        .await
        .is(200)
        .has("/status", "deleted");
    let history = emptied.at("/history");
    let (lines, history) = (lines.as_array().unwrap(), history.as_array().unwrap());
    assert_eq!(history.len(), lines.len() + 1);
    assert_eq!(history.last().unwrap()["to"], "deleted");
    // Bob's words stay but for the address, and that is in their history.
    let answer = desk.get(&app, &format!("{COMMENTS}/{}", bob[1])).await;
    let body = "bobs-second-text: write to <[…]>, or [so](mailto:[…])";
    let answer = answer.is(200).has("/body", body).has("/version", 3);
    let html = answer.at("/body_html");
    assert!(html.as_str().unwrap().contains("[…]"), "{html}");
    answer.has("/history/2/actor/kind", "moderator");
    books_are_right(&app).await;

    // Whoever asks again is shown nothing, and may ask.
    let nothing = desk.post(&app, EXPORTS, &json!({"email": EMAIL})).await;
    let nothing = nothing.is(200).json();
    for list in ["comments", "notes", "mentions"] {
        assert_eq!(nothing[list], json!([]), "{list}");
    }
    let begun = begin(&app, &desk, 0).await.is(202);
    settled(&app, &desk, &begun).await.has("/redacted", 0);
    app.stop().await;
}

/// Kinds and ids of an export's mentions, sorted.
fn mentions_but_notes(exported: &Answer) -> Vec<(String, String)> {
    let mentions = exported.at("/mentions");
    let mut found: Vec<(String, String)> = mentions
        .as_array()
        .unwrap()
        .iter()
        .map(|mention| {
            let text = |field: &str| mention[field].as_str().unwrap().to_owned();
            (text("kind"), text("id"))
        })
        .filter(|(kind, _)| kind != "note")
        .collect();
    found.sort();
    found
}

#[tokio::test]
async fn an_export_has_all_that_is_held_of_a_person() {
    let app = app().await;
    let desk = app.desk().await;
    let (ada, bob) = ada_everywhere(&app, &desk).await;
    let answer = desk.post(&app, EXPORTS, &json!({"email": EMAIL})).await;
    let answer = answer.is(200);
    assert_eq!(answer.header("cache-control"), "private, no-store");
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(
        answer
            .header("content-disposition")
            .starts_with("attachment")
    );
    let answer = answer
        .has("/email", EMAIL)
        .has("/moderator_account", Value::Null);
    let comments = answer.at("/comments");
    let comments = comments.as_array().unwrap();
    let ids: Vec<&str> = comments
        .iter()
        .map(|comment| comment["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ada);
    let first = &comments[0];
    for (field, value) in [
        ("email", WRITTEN),
        ("name", "Adalind"),
        ("website", "https://adas-site.example/"),
        ("body", "adas-text"),
        ("ip", "203.0.113.77"),
        ("user_agent", "AdasBrowser/1"),
        ("site", "default"),
        ("page_url", TIDES),
        ("parent_id", &bob[0]),
        ("status", "approved"),
    ] {
        assert_eq!(first[field], value, "{field}");
    }
    assert_eq!(first["history"].as_array().unwrap().len(), 3);
    assert_eq!(first["history"][2]["earlier"]["body"], "adas-first-text");
    assert_eq!(first["notes"][0]["note"], "noted-of-her");
    assert_eq!(first["reports"][0]["reason"], "abuse");
    assert_eq!(
        first["reports"][0]["note"],
        Value::Null,
        "that is the reporter's"
    );
    let rejected = &comments[2];
    assert_eq!(rejected["history"][1]["note"], "decided-of-her");
    assert_eq!(rejected["history"][1]["by"], "moderator");
    assert_eq!(comments[4]["site"], "gazette");
    let answer = answer.has("/notes/0/note", "noted-of-her too");
    let page = texts(
        &app.database.pool,
        "select id::text from pages order by url desc, id",
    );
    let found = mentions_but_notes(&answer);
    let mut wanted: Vec<(String, String)> = page
        .await
        .into_iter()
        .map(|id| ("page_title".to_owned(), id))
        .collect();
    wanted.push(("comment".to_owned(), bob[1].clone()));
    wanted.push(("report_note".to_owned(), bob[1].clone()));
    wanted.push(("earlier_text".to_owned(), bob[2].clone()));
    wanted.push(("decision_note".to_owned(), bob[2].clone()));
    wanted.sort();
    assert_eq!(found, wanted);
    assert!(!answer.text.contains("bobs-text"), "what others wrote");
    app.stop().await;
}

#[tokio::test]
async fn comments_from_before_author_ids_are_found_and_go_too() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    crate::rows::add_threads(&app.database, "/old", 250).await;
    let histories = "insert into comment_history (comment_id, version, at, actor_kind, to_status)
        select id, 1, submitted_at, 'author', 'approved' from comments";
    change(&app, histories).await;
    let person = json!({"email": "ada@example.org"});
    let exported = desk.post(&app, EXPORTS, &person).await.is(200);
    let comments = exported.at("/comments");
    assert_eq!(comments.as_array().unwrap().len(), 250);
    let body = json!({"email": "ada@example.org", "expected_count": 250});
    let begun = desk.post(&app, ERASURES, &body).await.is(202);
    settled(&app, &desk, &begun).await.has("/erased", 250);
    let left = "select count(*) from comments where status <> 'deleted'";
    assert_eq!(number(&app.database.pool, left).await, 0);
    app.thread("/old", "").await.has("/page/comment_count", 0);
    app.stop().await;
}

#[tokio::test]
async fn somebody_of_one_site_sees_and_erases_what_is_there() {
    let app = app().await;
    let desk = app.desk().await;
    ada_everywhere(&app, &desk).await;
    let gil = hire_for_gazette(&app, "admin", "Gil").await;
    let person = json!({"email": EMAIL});
    gil.post(&app, COUNTS, &person).await.has("/comments", 1);
    let exported = gil.post(&app, EXPORTS, &person).await.is(200);
    let exported = exported
        .has("/comments/0/site", "gazette")
        .has("/comments/1", Value::Null);
    exported
        .has("/notes", json!([]))
        .has("/mentions/0/kind", "page_title")
        .has("/mentions/1", Value::Null);
    let begun = begin(&app, &gil, 1).await.is(202);
    settled(&app, &gil, &begun).await.has("/erased", 1);
    desk.post(&app, COUNTS, &person).await.has("/comments", 4);
    // The one who sees all sees it; the other way round not.
    settled(&app, &desk, &begun).await;
    let others = begin(&app, &desk, 4).await.is(202);
    settled(&app, &desk, &others).await;
    gil.get(&app, others.header("location"))
        .await
        .is_problem(404, "erasure_not_found");
    app.stop().await;
}

#[tokio::test]
async fn an_account_of_the_address_is_told_and_stays() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    hire(&app, "moderator", "Mo").await;
    let body = json!({"email": "Mo@example.org"});
    desk.post(&app, COUNTS, &body)
        .await
        .has("/moderator_account", true);
    let exported = desk.post(&app, EXPORTS, &body).await.is(200);
    let exported = exported.has("/moderator_account/name", "Mo");
    assert!(
        exported
            .at("/moderator_account/sessions/0/created_at")
            .is_string()
    );
    assert!(!exported.text.contains("argon2"));
    let body = json!({"email": "mo@example.org", "expected_count": 0});
    let begun = desk.post(&app, ERASURES, &body).await.is(202);
    settled(&app, &desk, &begun)
        .await
        .has("/moderator_account", true);
    app.sign_in("mo@example.org", crate::support::app::PASSWORD)
        .await
        .is(201);
    app.stop().await;
}

#[tokio::test]
async fn an_erasure_is_refused_unless_all_is_as_it_was_shown() {
    let app = app().await;
    let desk = app.desk().await;
    write(&app, "ada", TIDES, "adas-text", None).await;
    for wrong in [0, 2] {
        begin(&app, &desk, wrong)
            .await
            .is_problem(409, "count_changed");
    }
    let wrong = json!({"email": "nobody", "expected_count": -1});
    let answer = desk.post(&app, ERASURES, &wrong).await.is(422);
    assert_eq!(
        answer.field_errors(),
        ["email: invalid_email", "expected_count: invalid_value"]
    );
    assert!(!answer.text.contains("nobody"));
    let answer = desk.post(&app, ERASURES, &json!({})).await.is(422);
    assert_eq!(
        answer.field_errors(),
        ["email: required", "expected_count: required"]
    );
    for path in [COUNTS, EXPORTS] {
        let answer = desk.post(&app, path, &json!({"mail": EMAIL})).await;
        assert_eq!(
            answer.is(422).field_errors(),
            ["email: required", "mail: unknown_field"]
        );
    }
    desk.get(&app, &format!("{ERASURES}/{GAZETTE}"))
        .await
        .is_problem(404, "erasure_not_found");
    assert_eq!(
        number(&app.database.pool, "select count(*) from erasures").await,
        0
    );
    app.stop().await;
}

#[tokio::test]
async fn the_log_tells_who_asked_and_not_whose_address_it_was() {
    let app = app().await;
    let desk = app.desk().await;
    write(&app, "ada", TIDES, "adas-text", None).await;
    desk.post(&app, EXPORTS, &json!({"email": EMAIL}))
        .await
        .is(200);
    let begun = begin(&app, &desk, 1).await.is(202);
    settled(&app, &desk, &begun).await;
    let log = desk.get(&app, "/api/v1/admin/log?limit=2").await.is(200);
    let log = log
        .has("/entries/0/act", "person.erased")
        .has("/entries/1/act", "person.exported")
        .has("/entries/0/subject/kind", "author")
        .has("/entries/0/details/comments", 1);
    let subject = log.at("/entries/0/subject/id");
    assert!(subject.is_string());
    assert_eq!(log.at("/entries/1/subject/id"), subject);
    // The id stands nowhere else.
    let left = dump(&app).await.matches(subject.as_str().unwrap()).count();
    assert_eq!(left, 2);
    app.stop().await;
}

#[tokio::test]
async fn decisions_and_comments_that_come_meanwhile_leave_everything_whole() {
    let app = app().await;
    let desk = app.desk().await;
    let mut hers = Vec::new();
    for text in 0..30 {
        hers.push(write(&app, "ada", TIDES, &"adas-text ".repeat(text + 1), None).await);
    }
    let begun = begin(&app, &desk, 30).await.is(202);
    let decisions = hers.iter().map(async |id| {
        let answer = desk.decide(&app, id, "approve", &json!({})).await;
        assert!(matches!(answer.status, 200 | 409), "{answer:?}");
    });
    let further = (30..45).map(async |text| {
        write(&app, "ada", TIDES, &"adas-text ".repeat(text + 1), None).await;
    });
    tokio::join!(join_all(decisions), join_all(further));
    settled(&app, &desk, &begun).await;
    books_are_right(&app).await;
    for id in &hers {
        let shown = desk.get(&app, &format!("{COMMENTS}/{id}")).await;
        shown.has("/status", "deleted");
    }
    // What came behind its end is new, and goes by another one.
    let left = desk.post(&app, COUNTS, &json!({"email": EMAIL})).await;
    let left = left.at("/comments").as_u64().unwrap();
    assert!(left <= 15, "{left}");
    let begun = begin(&app, &desk, left.try_into().unwrap()).await.is(202);
    settled(&app, &desk, &begun).await;
    assert!(!dump(&app).await.contains("ada.lost@example.org"));
    app.thread("/tides", "").await.has("/page/comment_count", 0);
    app.stop().await;
}
