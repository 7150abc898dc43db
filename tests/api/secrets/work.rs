//! What a newsroom does in a while, with something personal or secret wherever one fits. Must not know what may be told.

use rejoinder::base::clock::Clock;
use serde_json::{Value, json};

use super::run::Who::{Moderator, Owner, Program, Reader, Viewer};
use super::run::{Run, Sent, at};
use super::{AUTHOR, BODY, NOTE, OWNER, OWNER_PASSWORD, WRONG_PASSWORD};
use crate::accounts::totp::App;
use crate::support::{TestDatabase, execute};

pub(super) const VIEWER: &str = "secret.viewer@example.org";
pub(super) const MODERATOR: &str = "secret.moderator@example.org";
pub(super) const OTHER_AUTHOR: &str = "secret.other@example.net";
pub(super) const GONE_AUTHOR: &str = "secret.gone@example.net";
pub(super) const NEW_PASSWORD: &str = "viewer-password-55cc";
pub(super) const LATER_PASSWORD: &str = "later-password-66dd";
pub(super) const AUTHOR_NAME: &str = "Adelaide Secretive";
const DEFAULT: &str = "default";

/// What the run has made.
#[derive(Default)]
pub(super) struct Made {
    pub(super) comments: Vec<String>,
    pub(super) answer: String,
    pub(super) author: String,
    pub(super) avatar: String,
    pub(super) batch: String,
    pub(super) erasure: String,
    pub(super) moderator: String,
    pub(super) page: String,
    pub(super) site: String,
    pub(super) reason: String,
    pub(super) token: String,
    /// Tokens, links, codes: what is to be told to its owner only.
    pub(super) secrets: Vec<String>,
}

fn of(id: &str, body: Value) -> Sent<'_> {
    Sent {
        id,
        body,
        ..Sent::default()
    }
}

fn only(id: &str) -> Sent<'_> {
    of(id, Value::Null)
}

fn body(body: Value) -> Sent<'static> {
    of("", body)
}

/// People come: by password, by set-up link, and one goes again.
pub(super) async fn hire(run: &mut Run, made: &mut Made) {
    let sign_in = |email, password| body(json!({"email": email, "password": password}));
    let entered = run
        .call(Owner, "sign_in", sign_in(OWNER, OWNER_PASSWORD), 201)
        .await;
    run.tokens.insert(Owner, at(&entered, "/token"));
    run.follow(Owner).await;
    let add = |email, name, role, password: Value| {
        body(json!({"email": email, "name": name, "role": role, "password": password}))
    };
    let viewer = add(VIEWER, "Vera", "viewer", json!(NEW_PASSWORD));
    run.call(Owner, "add_moderator", viewer, 201).await;
    let moderator = add(MODERATOR, "Mo", "moderator", Value::Null);
    let added = run.call(Owner, "add_moderator", moderator, 201).await;
    made.moderator = at(&added, "/id");
    made.secrets.push(at(&added, "/setup_token"));
    let link = run.call(Owner, "make_setup_link", only(&made.moderator), 201);
    let link = at(&link.await, "/setup_token");
    let redeemed = body(json!({"token": &link, "password": LATER_PASSWORD}));
    run.call(Reader, "set_up", redeemed, 200).await;
    made.secrets.push(link);
    let leaver = add(
        "secret.leaver@example.org",
        "Leo",
        "admin",
        json!(NEW_PASSWORD),
    );
    let leaver = at(&run.call(Owner, "add_moderator", leaver, 201).await, "/id");
    let renamed = of(&leaver, json!({"name": "Leonie", "disabled": true}));
    run.call(Owner, "change_moderator", renamed, 200).await;
    run.call(Owner, "remove_moderator", only(&leaver), 204)
        .await;
    for (who, email, password) in [
        (Viewer, VIEWER, NEW_PASSWORD),
        (Moderator, MODERATOR, LATER_PASSWORD),
    ] {
        let entered = run
            .call(who, "sign_in", sign_in(email, password), 201)
            .await;
        run.tokens.insert(who, at(&entered, "/token"));
    }
    run.follow(Viewer).await;
    let again = run
        .call(Owner, "sign_in", sign_in(OWNER, OWNER_PASSWORD), 201)
        .await;
    let (token, mine) = (at(&again, "/token"), Sent::default());
    made.secrets.push(token.clone());
    let with_token = Sent {
        token: Some(&token),
        ..mine
    };
    let current = run.call(Owner, "current_session", with_token, 200).await;
    let session = at(&current, "/id");
    run.call(Owner, "end_session", only(&session), 204).await;
}

/// Programs get tokens.
pub(super) async fn equip(run: &mut Run, made: &mut Made) {
    let scopes = json!(["comments:read", "comments:decide", "settings"]);
    let wanted = body(json!({"name": "Export", "scopes": scopes}));
    let token = run.call(Owner, "make_token", wanted, 201).await;
    made.token = at(&token, "/id");
    run.tokens.insert(Program, at(&token, "/token"));
    let named = of(&made.token, json!({"name": "Import"}));
    run.call(Owner, "change_token", named, 200).await;
    let scopes = json!(["comments:read", "comments:personal"]);
    let wanted = body(json!({"name": "Reports", "scopes": scopes}));
    let token = run.call(Owner, "make_token", wanted, 201).await;
    made.secrets.push(at(&token, "/token"));
    let id = at(&token, "/id");
    run.call(Owner, "revoke_token", only(&id), 204).await;
    run.follow(Program).await;
}

/// The second factor of two people; one turns it off, the other one's is taken away.
pub(super) async fn lock(run: &mut Run, made: &mut Made) {
    for (who, password) in [(Owner, OWNER_PASSWORD), (Moderator, LATER_PASSWORD)] {
        let begun = body(json!({"password": password}));
        let begun = run.call(who, "set_up_totp", begun, 200).await;
        let secret = at(&begun, "/secret");
        let step = Clock::new().now().unix_timestamp() / 30;
        let code = App::new(&secret).shows_at(step);
        made.secrets.push(secret);
        let done = run.call(who, "set_up_totp", body(json!({"code": code})), 200);
        let done = done.await;
        let codes = done["recovery_codes"].as_array().unwrap();
        made.secrets
            .extend(codes.iter().map(|code| code.as_str().unwrap().to_owned()));
    }
    let wrong = body(json!({"email": OWNER, "password": OWNER_PASSWORD, "totp": "000000"}));
    run.call(Reader, "sign_in", wrong, 401).await;
    let off = body(json!({"password": OWNER_PASSWORD}));
    run.call(Owner, "turn_totp_off", off, 204).await;
    let other = only(&made.moderator);
    run.call(Owner, "remove_moderator_totp", other, 204).await;
    let renamed = body(json!({"name": "Morwenna"}));
    run.call(Moderator, "change_own_account", renamed, 200)
        .await;
    let passwords = json!({"current_password": LATER_PASSWORD, "new_password": WRONG_PASSWORD});
    run.call(Moderator, "change_own_password", body(passwords), 204)
        .await;
}

/// Readers write.
pub(super) async fn write(run: &mut Run, made: &mut Made) {
    for number in 0..9 {
        let email = if number % 2 == 0 {
            AUTHOR
        } else {
            OTHER_AUTHOR
        };
        let comment = json!({
            "page_url": "https://example.org/tides",
            "page_title": "Tides",
            "name": AUTHOR_NAME,
            "email": email,
            "website": "https://author.example/",
            "body": format!("{BODY} {number}"),
        });
        let receipt = run.call(Reader, "submit", body(comment), 201).await;
        made.comments.push(at(&receipt, "/comment/id"));
        let manage_token = at(&receipt, "/manage_token");
        let own = Sent {
            id: &made.comments[number],
            token: Some(&manage_token),
            ..Sent::default()
        };
        run.call(Reader, "show", own, 200).await;
        if number == 8 {
            change_mind(run, &made.comments[number], &manage_token).await;
        }
        made.secrets.push(manage_token);
    }
}

/// An author edits a comment and withdraws it.
async fn change_mind(run: &mut Run, id: &str, manage_token: &str) {
    for (operation, sent, status) in [
        (
            "edit_own_comment",
            json!({"body": format!("{BODY} again")}),
            200,
        ),
        ("withdraw_comment", Value::Null, 204),
    ] {
        let own = Sent {
            id,
            body: sent,
            token: Some(manage_token),
            ..Sent::default()
        };
        run.call(Reader, operation, own, status).await;
    }
}

/// Readers vote on a published comment and report it.
async fn react(run: &mut Run, made: &mut Made, id: &str) {
    let voter = "9e0c1d52-6a0e-4a6b-9d8e-3f6f4f6e2a99";
    made.secrets.push(voter.to_owned());
    let vote = of(id, json!({"value": 1, "voter": voter}));
    run.call(Reader, "vote", vote, 200).await;
    let query = format!("?voter={voter}");
    let back = Sent {
        id,
        query: &query,
        ..Sent::default()
    };
    run.call(Reader, "take_vote_back", back, 200).await;
    let report = of(id, json!({"reason": "abuse", "note": NOTE}));
    run.call(Reader, "report_comment", report, 202).await;
}

/// Moderators decide, edit, answer, note.
pub(super) async fn moderate(run: &mut Run, made: &mut Made) {
    let ids = made.comments.clone();
    let with_note = || json!({"reason": "abuse", "note": NOTE});
    let noted = json!({"note": format!("{NOTE} once more")});
    run.call(Owner, "approve_comment", only(&ids[0]), 200).await;
    react(run, made, &ids[0]).await;
    let reply = of(&ids[0], json!({"body": format!("{BODY} of staff")}));
    made.answer = at(
        &run.call(Owner, "reply_to_comment", reply, 201).await,
        "/id",
    );
    let shown = run
        .call(Owner, "show_admin_comment", only(&ids[0]), 200)
        .await;
    made.author = at(&shown, "/author_id");
    let edit = |number| {
        of(
            number,
            json!({"body": format!("{BODY} edited"), "name": "Ad"}),
        )
    };
    run.call(Owner, "edit_comment", edit(&ids[0]), 200).await;
    run.call(Program, "edit_comment", edit(&ids[1]), 200).await;
    run.call(Owner, "note_comment", of(&ids[0], noted.clone()), 201)
        .await;
    let note = of(&made.author, noted.clone());
    run.call(Owner, "note_author", note, 201).await;
    let note = run
        .call(Moderator, "note_comment", of(&ids[1], noted), 201)
        .await;
    run.call(Moderator, "delete_note", only(&at(&note, "/id")), 204)
        .await;
    run.call(Owner, "reject_comment", of(&ids[1], with_note()), 200)
        .await;
    run.call(Program, "spam_comment", of(&ids[2], with_note()), 200)
        .await;
    run.call(Program, "restore_comment", only(&ids[2]), 200)
        .await;
    let stale = of(&ids[1], json!({"version": 1, "note": NOTE}));
    run.call(Program, "approve_comment", stale, 409).await;
    let many = json!({"decisions": [{"id": ids[3], "decision": "approve"}]});
    run.call(Program, "decide_comments", body(many), 200).await;
    for who in [Moderator, Program] {
        let wanted = body(json!({"limit": 2}));
        run.call(who, "claim_comments", wanted, 200).await;
    }
    run.call(Program, "give_back_comments", Sent::default(), 204)
        .await;
    run.call(Owner, "delete_comment", only(&ids[4]), 204).await;
    batch(run, made).await;
}

async fn batch(run: &mut Run, made: &mut Made) {
    let filter = json!({"status": ["pending"], "email": AUTHOR, "q": BODY});
    let counted = body(json!({"filter": filter}));
    let counted = run.call(Owner, "count_batch", counted, 200).await;
    let batch = json!({
        "filter": filter,
        "decision": "reject",
        "reason": "abuse",
        "expected_count": counted["count"],
    });
    let batch = run.call(Owner, "make_batch", body(batch), 202).await;
    made.batch = at(&batch, "/id");
    run.until("show_batch", &made.batch, "/state", "done").await;
    run.call(Owner, "undo_batch", only(&made.batch), 202).await;
    run.until("show_batch", &made.batch, "/state", "undone")
        .await;
}

/// Sites, pages and reasons come and go.
pub(super) async fn arrange(run: &mut Run, made: &mut Made) {
    let site = |slug| body(json!({"slug": slug, "name": "The Gazette"}));
    made.site = at(
        &run.call(Owner, "make_site", site("gazette"), 201).await,
        "/id",
    );
    let policy = of(
        &made.site,
        json!({"origins": ["https://gazette.example"], "policy": {"max_links": 3}}),
    );
    run.call(Owner, "change_site", policy, 200).await;
    let empty = at(
        &run.call(Owner, "make_site", site("empty"), 201).await,
        "/id",
    );
    run.call(Owner, "delete_site", only(&empty), 204).await;
    let mut pages = Vec::new();
    for path in ["moon", "sun", "gone"] {
        let url = format!("https://example.org/{path}");
        let page = body(json!({"site": DEFAULT, "page_url": url, "key": path}));
        pages.push(at(
            &run.call(Program, "register_page", page, 201).await,
            "/id",
        ));
    }
    let title = of(&pages[0], json!({"title": "The moon"}));
    run.call(Program, "change_page", title, 200).await;
    let into = of(&pages[1], json!({"into": pages[0]}));
    run.call(Program, "merge_page", into, 200).await;
    run.call(Program, "delete_page", only(&pages[2]), 204).await;
    made.page.clone_from(&pages[0]);
    let mut reasons = Vec::new();
    for code in ["rude", "late"] {
        let reason = json!({"site": DEFAULT, "code": code, "text": "It is so."});
        let reason = run.call(Program, "create_reason", body(reason), 201).await;
        reasons.push(at(&reason, "/id"));
    }
    let text = of(&reasons[0], json!({"text": "It was so."}));
    run.call(Program, "change_reason", text, 200).await;
    run.call(Program, "delete_reason", only(&reasons[1]), 204)
        .await;
    made.reason.clone_from(&reasons[0]);
}

/// Somebody's data are looked at; somebody else's go.
pub(super) async fn forget(run: &mut Run, made: &mut Made) {
    for operation in ["count_person", "export_person"] {
        let person = body(json!({"email": AUTHOR}));
        run.call(Owner, operation, person, 200).await;
    }
    let writer = json!({
        "page_url": "https://example.org/tides", "name": AUTHOR_NAME, "email": GONE_AUTHOR, "body": BODY,
    });
    run.call(Reader, "submit", body(writer), 201).await;
    let wrong = body(json!({"email": GONE_AUTHOR, "expected_count": 2}));
    run.call(Owner, "erase_person", wrong, 409).await;
    let person = body(json!({"email": GONE_AUTHOR, "expected_count": 1}));
    let erasure = run.call(Owner, "erase_person", person, 202).await;
    made.erasure = at(&erasure, "/id");
    run.until("show_erasure", &made.erasure, "/state", "done")
        .await;
}

/// Two jobs were given up; what is left of a failure is a word.
pub(super) async fn repair(run: &mut Run, database: &TestDatabase) {
    let ids = [1, 2].map(|number| format!("0198c000-0000-7000-8000-{number:0>12}"));
    for id in &ids {
        let statement = format!(
            "insert into jobs (id, kind, run_at, attempts, last_error, dead_at, created_at) values
                ('{id}', 'accounts.forget_sessions', '2026-01-01', 8, 'unavailable', '2026-01-02', '2026-01-01')"
        );
        execute(&database.options, statement).await;
    }
    run.call(Program, "list_jobs", Sent::default(), 200).await;
    run.call(Program, "retry_job", only(&ids[0]), 202).await;
    run.call(Program, "drop_job", only(&ids[1]), 204).await;
}

/// The last act, which every stream tells; and somebody goes home.
pub(super) async fn finish(run: &mut Run, made: &Made) {
    let last = &made.comments[7];
    run.call(Moderator, "approve_comment", only(last), 200)
        .await;
    run.hear(last).await;
    run.call(Moderator, "sign_out", Sent::default(), 204).await;
}
