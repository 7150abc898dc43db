//! A full run: every documented operation is called, and whoever may not see personal data is told none; nor is the log.

use serde_json::json;

use super::program::Program;
use super::run::Who::{Moderator, Owner, Program as Token, Reader, Viewer};
use super::run::{Run, Sent, Told, Who};
use super::work::{self, Made};
use super::{
    ADDRESS, AUTHOR, BODY, DATABASE_PASSWORD, FORGED, KEY, NOTE, OWNER, OWNER_PASSWORD,
    SERVER_SECRET, WRONG_PASSWORD,
};
use crate::support::TestDatabase;

/// Where reads look further: by operation, queries besides none.
const QUERIES: [(&str, &[&str]); 7] = [
    (
        "list_admin_comments",
        &[
            "?q=secret.author@example.net",
            "?q=a-secret-body",
            "?email=secret.author@example.net",
            "?ip=203.0.113.77",
            "?status=pending&status=approved&status=rejected&status=deleted&sort=newest&limit=1",
            "?email=secret.author",
            "?email=secret.author@example.net&ip=x",
        ],
    ),
    (
        "list_pages",
        &[
            "?site=default&page_key=moon",
            "?page_url=https://example.org/tides",
        ],
    ),
    ("list_log", &["?limit=1"]),
    ("list_moderators", &["?limit=1"]),
    ("list_sessions", &["?moderator=secret.author@example.net"]),
    ("show_summary", &["?site=default"]),
    ("list_batches", &["?limit=1"]),
];

/// What stands in the place of `{id}` in a read of the admin API.
fn id_for<'a>(operation: &str, made: &'a Made) -> &'a str {
    match operation {
        "show_admin_comment" | "list_comment_notes" => &made.comments[0],
        "show_author" | "list_author_notes" => &made.author,
        "show_batch" | "list_batch_results" => &made.batch,
        "show_erasure" => &made.erasure,
        "show_moderator" => &made.moderator,
        "show_page" => &made.page,
        "show_reason" => &made.reason,
        "show_site" | "export_site" => &made.site,
        "show_token" => &made.token,
        other => panic!("which id has {other}? Add a line above"),
    }
}

/// Every read of the admin API, taken from the document, by three who see differently much.
async fn read_all(run: &mut Run, made: &Made) {
    let mut reads = run.operations.clone();
    reads.retain(|operation, documented| documented.is_read() && operation != "follow_events");
    assert!(reads.len() >= 24, "{reads:?}");
    for (operation, documented) in reads {
        let id = if documented.path.contains("{id}") {
            id_for(&operation, made)
        } else {
            ""
        };
        let further = QUERIES.iter().find(|(known, _)| *known == operation);
        let further = further.map_or(&[][..], |(_, queries)| queries);
        for query in ["", "?token=secret.viewer@example.org"]
            .iter()
            .chain(further)
        {
            for who in [Owner, Viewer, Token] {
                let sent = Sent {
                    id,
                    query,
                    ..Sent::default()
                };
                let (status, value) = run.ask(who, &operation, sent).await;
                let is_answered = !query.is_empty() || (status == 200) == documented.is_for(who);
                assert!(
                    is_answered && status < 500,
                    "{who:?} {operation}{query}: {value}"
                );
            }
        }
    }
    // What was edited, deleted, rejected with a note, decided by a token.
    for id in made.comments.iter().chain([&made.answer]) {
        for who in [Viewer, Token] {
            for operation in ["show_admin_comment", "list_comment_notes"] {
                let sent = Sent {
                    id,
                    ..Sent::default()
                };
                run.ask(who, operation, sent).await;
            }
        }
    }
}

/// What everybody may read.
async fn read_in_public(run: &mut Run, made: &mut Made) {
    for query in [
        "?page_url=https://example.org/tides",
        "?page_url=https://example.org/tides&sort=newest&limit=1",
    ] {
        let sent = Sent {
            query,
            ..Sent::default()
        };
        let list = run.call(Reader, "list", sent, 200).await;
        let avatar = super::run::at(&list, "/comments/0/author/avatar");
        avatar
            .rsplit_once('/')
            .unwrap()
            .1
            .clone_into(&mut made.avatar);
    }
    for (operation, id) in [
        ("show", &made.comments[0]),
        ("replies", &made.comments[0]),
        ("avatar", &made.avatar),
    ] {
        let sent = Sent {
            id,
            ..Sent::default()
        };
        run.call(Reader, operation, sent, 200).await;
    }
    for (operation, query) in [
        ("list_counts", "?url=https://example.org/tides"),
        ("page_feed", "?page_url=https://example.org/tides"),
        ("site_feed", "?site=default"),
    ] {
        let sent = Sent {
            query,
            ..Sent::default()
        };
        run.call(Reader, operation, sent, 200).await;
    }
    for (operation, body) in [
        ("preview_comment", json!({"body": BODY})),
        (
            "count_pages",
            json!({"urls": ["https://example.org/tides"]}),
        ),
    ] {
        let sent = Sent {
            body,
            ..Sent::default()
        };
        run.call(Reader, operation, sent, 200).await;
    }
    for operation in ["alive", "ready"] {
        run.call(Reader, operation, Sent::default(), 200).await;
    }
}

/// What isn't allowed, and what makes no sense.
async fn go_wrong(run: &mut Run, made: &Made) {
    let filter = json!({"filter": {"email": AUTHOR, "ip": ADDRESS}});
    for (operation, documented) in run.operations.clone() {
        let path = &documented.path;
        if documented.method == "GET" || !path.starts_with("/api/v1/") {
            continue;
        }
        // Each with a token that is none, and by those who may do little; the bodies make no sense to any.
        let senseless = json!({"email": AUTHOR, "password": WRONG_PASSWORD, "name": [OWNER], "note": {NOTE: 1},
            "body": BODY.repeat(1_000), "token": FORGED, "filter": {"email": BODY}, "limit": AUTHOR});
        for (who, token) in [(Reader, Some(FORGED)), (Viewer, None), (Token, None)] {
            let own = path.starts_with("/api/v1/admin/sessions/") || path.contains("/admin/me");
            if (own && who == Viewer) || operation == "give_back_comments" && who == Token {
                continue;
            }
            let sent = Sent {
                id: FORGED,
                body: senseless.clone(),
                token,
                ..Sent::default()
            };
            let (status, value) = run.ask(who, &operation, sent).await;
            assert!((400..500).contains(&status), "{operation}: {value}");
        }
    }
    for (who, operation) in [
        (Token, "count_batch"),
        (Token, "claim_comments"),
        (Viewer, "count_batch"),
    ] {
        let sent = Sent {
            body: filter.clone(),
            ..Sent::default()
        };
        run.call(who, operation, sent, 403).await;
    }
    let mistaken = Sent {
        id: &made.comments[5],
        body: json!({"reason": "a_reason_that_is_none", "note": NOTE.repeat(1_000)}),
        ..Sent::default()
    };
    run.call(Owner, "reject_comment", mistaken, 422).await;
}

/// What this caller may be told of what is secret to others: the own address and the own browser's name, in the answers
/// that are about the caller's own account and sessions, and the token at the sign-in.
fn is_own(told: &Told, secret: &str, run: &Run) -> bool {
    let token = run.tokens.get(&told.who).is_some_and(|own| own == secret);
    match (told.operation.as_str(), told.who) {
        _ if told.status >= 400 => false,
        ("sign_in", Viewer) => token || secret == work::VIEWER,
        ("show_own_account", Viewer) => secret == work::VIEWER,
        ("list_sessions" | "current_session", Viewer) => secret == Viewer.agent(),
        // Whoever redeems the link learns for which account it was; the author gets the manage token.
        ("set_up", Reader) => secret == work::MODERATOR,
        _ => false,
    }
}

/// What nobody is told but whom it belongs to, and those who may see personal data.
fn personal(run: &Run, made: &Made) -> Vec<String> {
    let fixed = [
        DATABASE_PASSWORD,
        SERVER_SECRET,
        OWNER_PASSWORD,
        WRONG_PASSWORD,
        FORGED,
        KEY,
        ADDRESS,
        OWNER,
        AUTHOR,
        work::OTHER_AUTHOR,
        work::GONE_AUTHOR,
        work::VIEWER,
        work::MODERATOR,
        "secret.leaver@",
        work::NEW_PASSWORD,
        work::LATER_PASSWORD,
        "argon2id",
    ];
    let agents = [Reader, Owner, Moderator, Viewer, Token].map(Who::agent);
    let all = fixed.iter().chain(&agents).map(|text| (*text).to_owned());
    all.chain(run.tokens.values().cloned())
        .chain(made.secrets.iter().cloned())
        .collect()
}

#[tokio::test]
async fn a_full_run_tells_nothing_personal_to_log_events_refusals_and_those_who_may_not_see_it() {
    let mut program = Program::start(
        TestDatabase::create().await,
        &[("REJOINDER_RATE_LIMIT", "off")],
    );
    let figures = program.await_address("metrics are at ");
    let base = program.await_address("rejoinder is running at ");
    let mut run = Run::begin(base).await;
    let mut made = Made::default();
    work::hire(&mut run, &mut made).await;
    work::equip(&mut run, &mut made).await;
    work::lock(&mut run, &mut made).await;
    work::write(&mut run, &mut made).await;
    work::moderate(&mut run, &mut made).await;
    work::arrange(&mut run, &mut made).await;
    work::forget(&mut run, &mut made).await;
    work::repair(&mut run, &program.database).await;
    read_in_public(&mut run, &mut made).await;
    read_all(&mut run, &made).await;
    go_wrong(&mut run, &made).await;
    work::finish(&mut run, &made).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let figures = client.get(format!("{figures}/metrics")).send().await;
    let figures = figures.unwrap().text().await.unwrap();
    let said = program.stop();

    let never: Vec<&String> = run
        .operations
        .keys()
        .filter(|operation| !run.called.contains(*operation))
        .collect();
    assert!(never.is_empty(), "never called, add it: {never:?}");
    let mut leaks = Vec::new();
    let secrets = personal(&run, &made);
    for told in &run.told {
        let is_manage_token = |secret: &String| {
            told.operation == "submit"
                && told
                    .text
                    .contains(&format!("\"manage_token\":\"{secret}\""))
        };
        let is_watched = told.status >= 400
            || told.operation == "follow_events"
            || Who::WITHOUT_PERSONAL_DATA.contains(&told.who);
        let found = secrets.iter().filter(|secret| {
            is_watched
                && told.text.contains(*secret)
                && !is_own(told, secret, &run)
                && !is_manage_token(secret)
        });
        let who = told.who;
        leaks.extend(
            found.map(|secret| format!("{} tells {who:?} {secret}: {}", told.operation, told.text)),
        );
    }
    let texts = [BODY, NOTE, work::AUTHOR_NAME, "secret.", "Bearer "];
    for secret in secrets.iter().map(String::as_str).chain(texts) {
        let lines = said.iter().filter(|line| line.contains(secret));
        leaks.extend(lines.map(|line| format!("the log tells {secret}: {line}")));
        if figures.contains(secret) {
            leaks.push(format!("the figures tell {secret}"));
        }
    }
    assert_eq!(leaks, [""; 0]);
    // That they would have been found: the owner was told them.
    for secret in [AUTHOR, ADDRESS, Reader.agent(), work::MODERATOR] {
        let mut told = run.told.iter().filter(|told| told.who == Owner);
        assert!(told.any(|told| told.text.contains(secret)), "{secret}");
    }
    assert!(said.len() > 500, "{}", said.len());
}
