//! RELIABILITY.md, 13: every operation for moderators × every role × every kind of token, from the OpenAPI document, so
//! that a new one can't be forgotten. Must not know what an operation does, only who may call it and with what.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::Duration;
use time::format_description::well_known::Rfc3339;

use crate::backstage::{GAZETTE, change, hire, hire_for_gazette, send, texts, two_sites};
use crate::openapi::{NOBODYS_ID, Operation, document, operations};
use crate::support::app::{Answer, Desk, PASSWORD, TestApp, comment_on};

const ROLES: [&str; 4] = ["viewer", "moderator", "admin", "owner"];
const SCOPES: [&str; 4] = [
    "comments:read",
    "comments:personal",
    "comments:decide",
    "settings",
];
/// What the document says where no API token is good enough.
const SESSION: &str = "session";
/// In every text of the default site that a stranger to it must not get.
const MARK: &str = "unmistakable";

/// Role and scope that an operation asks for; one of several will do.
fn demands(operation: &Operation) -> Vec<(usize, String)> {
    let listed = operation.value["security"].as_array().unwrap();
    let demands: Vec<(usize, String)> = listed
        .iter()
        .map(|one| {
            let words = one["bearer"].as_array().unwrap();
            let [role, scope] = &words[..] else {
                panic!("{}: names no role and scope: {words:?}", operation.name());
            };
            let role = ROLES.iter().position(|known| role == known);
            let scope = scope.as_str().unwrap();
            assert!(SCOPES.contains(&scope) || scope == SESSION, "{scope}");
            (role.unwrap(), scope.to_owned())
        })
        .collect();
    assert!(!demands.is_empty(), "{}", operation.name());
    demands
}

fn of_moderators(document: &Value) -> Vec<Operation> {
    let found: Vec<Operation> = operations(document)
        .into_iter()
        .filter(Operation::is_for_moderators)
        .collect();
    assert!(found.len() > 50, "{}", found.len());
    found
}

/// A token of this account with these scopes.
async fn token(app: &TestApp, maker: &Desk, scopes: &[&str], more: &Value) -> Desk {
    let mut body = json!({"name": "A program", "scopes": scopes});
    let members = body.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    let made = maker.post(app, "/api/v1/admin/tokens", &body).await.is(201);
    Desk {
        token: made.at("/token").as_str().unwrap().to_owned(),
    }
}

async fn remove(app: &TestApp, desk: &Desk, path: &str) {
    let request = app.request("DELETE", path).bearer_auth(&desk.token);
    app.send(request).await.is(204);
}

async fn call(app: &TestApp, operation: &Operation, address: &str, desk: Option<&Desk>) -> Answer {
    let mut request = app.request(&operation.method, address);
    if let Some(desk) = desk {
        request = request.bearer_auth(&desk.token);
    }
    app.send(request).await
}

/// Those whom nothing is answered.
async fn strangers(app: &TestApp) -> BTreeMap<&'static str, Option<Desk>> {
    let owner = app.desk().await;
    let in_an_hour = (app.clock.now() + Duration::hours(1))
        .format(&Rfc3339)
        .unwrap();
    let until_then = json!({ "expires_at": in_an_hour });
    let expired_token = token(app, &owner, &SCOPES, &until_then).await;
    app.clock.advance(Duration::hours(13));
    let expired_session = owner;

    let gone = hire(app, "admin", "Gone").await;
    let gone_token = token(app, &gone, &SCOPES, &json!({})).await;
    let owner = app.desk().await;
    let gone_id = texts(
        &app.database.pool,
        "select id::text from moderators where name = 'Gone'",
    )
    .await;
    let path = format!("/api/v1/admin/moderators/{}", gone_id[0]);
    send(app, &owner, "PATCH", &path, &json!({"disabled": true}))
        .await
        .is(200);

    let revoked_token = token(app, &owner, &SCOPES, &json!({})).await;
    let listed = owner.get(app, "/api/v1/admin/tokens").await.is(200);
    let tokens = listed.at("/tokens");
    let newest = tokens
        .as_array()
        .unwrap()
        .iter()
        .max_by_key(|token| token["created_at"].to_string());
    let id = newest.unwrap()["id"].as_str().unwrap().to_owned();
    remove(app, &owner, &format!("/api/v1/admin/tokens/{id}")).await;

    let revoked_session = app.desk().await;
    remove(app, &revoked_session, "/api/v1/admin/sessions/current").await;
    let made_up = |like: &Desk| Desk {
        token: format!("{}{}", &like.token[..like.token.len() - 40], "A".repeat(40)),
    };
    BTreeMap::from([
        ("no token", None),
        ("a made-up session", Some(made_up(&revoked_session))),
        ("a made-up token", Some(made_up(&revoked_token))),
        ("an expired session", Some(expired_session)),
        ("an expired token", Some(expired_token)),
        ("a revoked session", Some(revoked_session)),
        ("a revoked token", Some(revoked_token)),
        ("the session of a disabled account", Some(gone)),
        ("the token of a disabled account", Some(gone_token)),
    ])
}

#[tokio::test]
async fn nobody_gets_in_without_a_token_that_is_good() {
    let app = TestApp::start().await;
    let document = document(&app).await;
    let strangers = strangers(&app).await;
    for operation in of_moderators(&document) {
        for (who, desk) in &strangers {
            let answer = call(&app, &operation, &operation.address(), desk.as_ref()).await;
            assert_eq!(answer.status, 401, "{} with {who}", operation.name());
            answer.is_problem(401, "unauthenticated");
        }
    }
    // But for the sign-in there is nothing open under admin.
    let open = operations(&document);
    let open: Vec<String> = open
        .iter()
        .filter(|operation| operation.path.starts_with("/api/v1/admin/"))
        .filter(|operation| !operation.is_for_moderators())
        .map(Operation::name)
        .collect();
    assert_eq!(open, ["POST /api/v1/admin/sessions"]);
    app.stop().await;
}

/// Whether the answer says that the caller may not.
fn is_forbidden(answer: &Answer) -> bool {
    assert_ne!(answer.status, 401, "{answer:?}");
    answer.status == 403 && answer.at("/code") == "forbidden"
}

#[tokio::test]
async fn a_session_does_what_its_role_allows_and_no_more() {
    let app = TestApp::start().await;
    let document = document(&app).await;
    for (rank, role) in ROLES.iter().enumerate() {
        let desk = hire(&app, role, &format!("One{role}")).await;
        for operation in of_moderators(&document) {
            // What ends sessions is asked by somebody who needs theirs no more.
            let leaver;
            let asked_by = if operation.ends_sessions() {
                leaver = desk_of(&app, role).await;
                &leaver
            } else {
                &desk
            };
            let answer = call(&app, &operation, &operation.address(), Some(asked_by)).await;
            let allowed = demands(&operation).iter().any(|(least, _)| rank >= *least);
            let name = operation.name();
            assert_eq!(
                is_forbidden(&answer),
                !allowed,
                "{name} by {role}: {answer:?}"
            );
            assert!(
                operation.statuses().contains(&answer.status),
                "{name} by {role}: {answer:?}"
            );
        }
    }
    app.stop().await;
}

async fn desk_of(app: &TestApp, role: &str) -> Desk {
    let answer = app
        .sign_in(&format!("one{role}@example.org"), PASSWORD)
        .await
        .is(201);
    Desk {
        token: answer.at("/token").as_str().unwrap().to_owned(),
    }
}

#[tokio::test]
async fn a_token_does_what_its_scopes_allow_and_no_more() {
    let app = TestApp::start().await;
    let document = document(&app).await;
    let owner = app.desk().await;
    let mut tokens = Vec::new();
    for scope in SCOPES {
        tokens.push((vec![scope], token(&app, &owner, &[scope], &json!({})).await));
    }
    tokens.push((
        SCOPES.to_vec(),
        token(&app, &owner, &SCOPES, &json!({})).await,
    ));
    for operation in of_moderators(&document) {
        for (scopes, desk) in &tokens {
            let answer = call(&app, &operation, &operation.address(), Some(desk)).await;
            let demands = demands(&operation);
            let allowed = demands
                .iter()
                .any(|(_, scope)| scopes.contains(&scope.as_str()));
            let name = operation.name();
            assert_eq!(
                is_forbidden(&answer),
                !allowed,
                "{name} with {scopes:?}: {answer:?}"
            );
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn a_token_never_exceeds_its_maker() {
    let app = TestApp::start().await;
    let document = document(&app).await;
    let maker = hire(&app, "admin", "Ann").await;
    let tokens = [
        token(&app, &maker, &SCOPES, &json!({})).await,
        token(&app, &maker, &["comments:decide"], &json!({})).await,
    ];
    for (rank, role) in ROLES.iter().enumerate().take(2) {
        let demoted = format!("update moderators set role = '{role}' where name = 'Ann'");
        change(&app, demoted).await;
        for operation in of_moderators(&document) {
            if demands(&operation).iter().all(|(least, _)| rank < *least) {
                for desk in &tokens {
                    let answer = call(&app, &operation, &operation.address(), Some(desk)).await;
                    let name = operation.name();
                    assert!(
                        is_forbidden(&answer),
                        "{name} by a {role}'s token: {answer:?}"
                    );
                }
            }
        }
    }
    app.stop().await;
}

/// Things of the default site, by the part of a path that names their kind.
async fn things(app: &TestApp, owner: &Desk) -> BTreeMap<&'static str, String> {
    let text = |answer: &Answer, pointer: &str| answer.at(pointer).as_str().unwrap().to_owned();
    let (comment, _) = app.submitted(&comment_on("/tides", MARK, None)).await;
    let path = format!("/api/v1/admin/comments/{comment}");
    let shown = owner.get(app, &path).await.is(200);
    let noted = owner
        .post(app, &format!("{path}/notes"), &json!({"note": MARK}))
        .await
        .is(201);
    let everything = json!({"filter": {}});
    let counted = owner
        .post(app, "/api/v1/admin/batches/counts", &everything)
        .await
        .is(200);
    let batch =
        json!({"filter": {}, "decision": "approve", "expected_count": counted.at("/count")});
    let batch = owner
        .post(app, "/api/v1/admin/batches", &batch)
        .await
        .is(202);
    let reasons = owner
        .get(app, "/api/v1/admin/reasons?site=default")
        .await
        .is(200);
    let sites = owner
        .get(app, "/api/v1/admin/sites")
        .await
        .is(200)
        .at("/sites");
    let site = sites
        .as_array()
        .unwrap()
        .iter()
        .find(|site| site["slug"] == "default");
    // Somebody who sees the default site only; whoever sees all sites is everybody's colleague.
    let colleague = json!({
        "name": MARK, "email": "mo@example.org", "role": "moderator", "sites": [site.unwrap()["id"]],
    });
    let colleague = owner
        .post(app, "/api/v1/admin/moderators", &colleague)
        .await
        .is(201);
    let session = owner
        .get(app, "/api/v1/admin/sessions/current")
        .await
        .is(200);
    token(app, owner, &SCOPES, &json!({"name": MARK})).await;
    let tokens = owner.get(app, "/api/v1/admin/tokens").await.is(200);
    let erasure = json!({"email": "nobody@example.org", "expected_count": 0});
    let erasure = owner
        .post(app, "/api/v1/admin/persons/erasures", &erasure)
        .await
        .is(202);
    BTreeMap::from([
        ("comments", comment),
        ("authors", text(&shown, "/author_id")),
        ("pages", text(&shown, "/page/id")),
        ("notes", text(&noted, "/id")),
        ("batches", text(&batch, "/id")),
        ("persons", text(&erasure, "/id")),
        ("reasons", text(&reasons, "/reasons/0/id")),
        ("sites", site.unwrap()["id"].as_str().unwrap().to_owned()),
        ("moderators", text(&colleague, "/id")),
        ("sessions", text(&session, "/id")),
        ("tokens", text(&tokens, "/tokens/0/id")),
        // Nothing was given up; and whoever sees one site only has nothing to do with any.
        ("jobs", NOBODYS_ID.to_owned()),
    ])
}

/// A body that would be right, so that only the site stands in the way.
fn body(operation: &Operation, things: &BTreeMap<&'static str, String>) -> Value {
    match operation.id() {
        "decide_comments" => json!({"decisions": [{"id": things["comments"], "decision": "spam"}]}),
        "edit_comment" => json!({"body": "Changed"}),
        "reply_to_comment" => json!({"body": "An answer", "approve_parent": true}),
        "note_comment" | "note_author" => json!({"note": "Seen"}),
        "claim_comments" => json!({"limit": 100}),
        "count_batch" => json!({"filter": {}}),
        "count_person" | "export_person" => json!({"email": "ada@example.org"}),
        "erase_person" => json!({"email": "ada@example.org", "expected_count": 0}),
        "make_batch" => json!({"filter": {}, "decision": "spam", "expected_count": 1}),
        "change_site" | "change_moderator" | "change_token" => json!({"name": "Ours"}),
        "change_page" => json!({"title": "Ours"}),
        "merge_page" => json!({"into": things["pages"]}),
        "register_page" => json!({"page_url": "https://example.org/new"}),
        "change_reason" => json!({"text": "Ours"}),
        "create_reason" => json!({"site": "default", "code": "ours", "text": "Ours"}),
        _ => json!({}),
    }
}

#[tokio::test]
async fn what_belongs_to_another_site_is_not_there() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let document = document(&app).await;
    let owner = app.desk().await;
    let things = things(&app, &owner).await;
    let only_gazette = json!({"sites": [GAZETTE]});
    let strangers = [
        (
            "an admin of another site",
            hire_for_gazette(&app, "admin", "Gil").await,
        ),
        (
            "a token for another site",
            token(&app, &owner, &SCOPES, &only_gazette).await,
        ),
    ];
    for operation in of_moderators(&document) {
        if operation.ends_sessions() {
            continue;
        }
        let kind = operation.path.split('/').nth(4).unwrap();
        let address = operation
            .path
            .replace("{id}", things.get(kind).map_or("", String::as_str));
        let has_subject = operation.path.contains("{id}");
        assert!(
            !has_subject || things.contains_key(kind),
            "{}: whose is a {kind}?",
            operation.name()
        );
        for (who, desk) in &strangers {
            let mut request = app
                .request(&operation.method, &address)
                .bearer_auth(&desk.token);
            if operation.has_body() {
                request = request.json(&body(&operation, &things));
            }
            let answer = app.send(request).await;
            let told = format!("{} by {who}: {answer:?}", operation.name());
            if has_subject {
                assert!(matches!(answer.status, 403 | 404), "{told}");
            }
            let hidden = [
                "comments", "authors", "pages", "notes", "batches", "reasons",
            ];
            for secret in hidden
                .iter()
                .map(|kind| things[kind].as_str())
                .chain([MARK])
            {
                let asked = operation.id() == "decide_comments" && secret == things["comments"];
                assert!(asked || !answer.text.contains(secret), "{told}");
            }
        }
    }
    let path = format!("/api/v1/admin/comments/{}", things["comments"]);
    let shown = owner.get(&app, &path).await.is(200);
    assert_eq!(
        shown.at("/history").as_array().unwrap().len(),
        2,
        "{shown:?}"
    );
    app.stop().await;
}
