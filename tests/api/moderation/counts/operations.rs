//! What readers and moderators do, at random, and which answers each of these may have. Must not know what is checked later.

use std::cell::{Cell, RefCell};

use serde_json::{Value, json};

use super::Dice;
use crate::backstage::{hire, send};
use crate::moderation::batches::{self, BATCHES, COUNTS, settled};
use crate::moderation::{DECISIONS, QUEUE};
use crate::support::app::{Answer, Desk, OWNER, PASSWORD, TestApp, comment_on};

const CLAIMS: &str = "/api/v1/admin/queue/claims";
const REASONS: &str = "/api/v1/admin/reasons";
const SITES: &str = "/api/v1/admin/sites";
const PAGES: &str = "/api/v1/admin/pages";
const DECIDE_MANY: &str = "/api/v1/admin/decisions";
/// Pages; those from the third on may be merged into others, each at most once.
pub(super) const PATHS: [&str; 5] = ["/tides", "/moon", "/old", "/older", "/oldest"];
const NAMES: [&str; 4] = ["owner", "bo", "mo", "al"];
/// Operations pick among so many comments, the latest, so that they meet.
const LATEST: usize = 10;

/// What all share: the service, who works there, and what has been made and told so far.
pub(super) struct World<'a> {
    pub(super) app: &'a TestApp,
    desks: RefCell<Vec<String>>,
    /// Ids with manage tokens; none where the staff answered.
    comments: RefCell<Vec<(String, Option<String>)>>,
    /// What moderators were told: id, version, state.
    pub(super) told: RefCell<Vec<(String, i64, String)>>,
    /// Those that were told to have been decided: id, state.
    pub(super) decided: RefCell<Vec<(String, String)>>,
    /// The paths of batches.
    pub(super) batches: RefCell<Vec<String>>,
    /// Codes and paths of the site's own reasons.
    reasons: RefCell<Vec<(String, String)>>,
    notes: RefCell<Vec<String>>,
    merges: Cell<usize>,
    last: Cell<usize>,
    site: String,
}

impl<'a> World<'a> {
    /// Four moderators, the first one an owner, and some comments.
    pub(super) async fn begin(app: &'a TestApp) -> Self {
        for name in ["Bo", "Mo", "Al"] {
            hire(app, "moderator", name).await;
        }
        let sites = app.desk().await.get(app, SITES).await.is(200);
        let world = Self {
            app,
            desks: RefCell::default(),
            comments: RefCell::default(),
            told: RefCell::default(),
            decided: RefCell::default(),
            batches: RefCell::default(),
            reasons: RefCell::default(),
            notes: RefCell::default(),
            merges: Cell::new(0),
            last: Cell::new(0),
            site: format!("{SITES}/{}", sites.at("/sites/0/id").as_str().unwrap()),
        };
        world.sign_in_again().await;
        for path in PATHS.into_iter().cycle().take(8) {
            let text = world.text();
            let (id, token) = app.submitted(&comment_on(path, &text, None)).await;
            world.comments.borrow_mut().push((id, Some(token)));
        }
        world
    }

    /// New sessions, for when the old ones are over.
    pub(super) async fn sign_in_again(&self) {
        let mut desks = Vec::new();
        for name in NAMES {
            let email = format!("{name}@example.org");
            assert!(name != "owner" || email == OWNER);
            let answer = self.app.sign_in(&email, PASSWORD).await.is(201);
            desks.push(answer.at("/token").as_str().unwrap().to_owned());
        }
        *self.desks.borrow_mut() = desks;
        // Batches are kept for 30 days, which is when sessions are over too.
        self.batches.borrow_mut().clear();
    }

    pub(super) fn desk(&self, number: usize) -> Desk {
        let token = self.desks.borrow()[number].clone();
        Desk { token }
    }

    /// A text that no comment has had.
    fn text(&self) -> String {
        self.last.set(self.last.get() + 1);
        format!("Wave {}", self.last.get())
    }

    fn tell(&self, comment: &Value) {
        let text = |member: &str| comment[member].as_str().unwrap().to_owned();
        let version = comment["version"].as_i64().unwrap();
        self.told
            .borrow_mut()
            .push((text("id"), version, text("status")));
    }

    fn tell_all(&self, answer: &Answer) {
        for comment in answer.at("/comments").as_array().unwrap() {
            self.tell(comment);
        }
    }
}

/// Who somebody is.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Reader,
    Moderator(usize),
}

/// Somebody who does things.
pub(super) struct Player<'a> {
    world: &'a World<'a>,
    part: Part,
    dice: Dice,
}

/// One of these problems, or else of this status.
fn allowed(what: &str, answer: &Answer, status: u16, problems: &[(u16, &str)]) {
    let code = answer.status;
    let is_problem = || {
        let problem = answer.at("/code");
        problems.iter().any(|one| one.0 == code && problem == one.1)
    };
    assert!(code == status || is_problem(), "{what}: {answer:?}");
}

const CONFLICTS: [(u16, &str); 2] = [(409, "version_conflict"), (409, "comment_deleted")];
const UNKNOWN_REASON: (u16, &str) = (422, "validation_failed");

impl<'a> Player<'a> {
    pub(super) fn new(world: &'a World<'a>, part: Part, dice: Dice) -> Self {
        Self { world, part, dice }
    }

    pub(super) async fn step(&mut self) {
        match self.part {
            Part::Reader => self.read_or_write().await,
            Part::Moderator(number) => self.moderate(&self.world.desk(number)).await,
        }
    }

    async fn read_or_write(&mut self) {
        match self.dice.roll(16) {
            0..3 => self.submit(None).await,
            3..7 => {
                let parent = self.comment().0;
                self.submit(Some(&parent)).await;
            }
            7 => self.see_own().await,
            8..10 => self.edit_own().await,
            10 => self.withdraw().await,
            11..13 => self.vote().await,
            13 | 14 => self.report().await,
            _ => {
                let path = *self.dice.pick(&PATHS);
                self.world.app.thread(path, "").await.is(200);
            }
        }
    }

    async fn moderate(&mut self, desk: &Desk) {
        match self.dice.roll(40) {
            0..10 => self.decide(desk).await,
            10..15 => self.decide_many(desk).await,
            15..19 => self.edit(desk).await,
            19..23 => self.answer(desk).await,
            23..26 => self.claim(desk).await,
            26..28 => self.note(desk).await,
            28..31 => self.batch(desk).await,
            31..33 => self.undo(desk).await,
            33 | 34 => self.delete(desk).await,
            35 | 36 => self.look(desk).await,
            37 => self.change_reasons().await,
            38 => self.change_policy().await,
            _ => self.merge().await,
        }
    }

    fn comment(&mut self) -> (String, Option<String>) {
        let comments = self.world.comments.borrow();
        let latest = &comments[comments.len().saturating_sub(LATEST)..];
        self.dice.pick(latest).clone()
    }

    fn path(&mut self, behind: &str) -> String {
        format!("{QUEUE}/{}{behind}", self.comment().0)
    }

    /// None, or one that may be stale.
    fn version(&mut self) -> Value {
        match self.dice.roll(3) {
            0 => json!(self.dice.roll(6) + 1),
            _ => Value::Null,
        }
    }

    fn reason(&mut self) -> Value {
        let own = self.world.reasons.borrow();
        match self.dice.roll(4) {
            0 => json!("abuse"),
            1 if !own.is_empty() => json!(self.dice.pick(&own).0),
            _ => Value::Null,
        }
    }

    /// A comment under any page, or an answer to any comment, which is taken where that one is published. Sometimes sent
    /// twice at once with one key, as by a browser that didn't hear the answer.
    async fn submit(&mut self, parent: Option<&str>) {
        let World { app, .. } = self.world;
        let text = self.world.text();
        let path = *self.dice.pick(&PATHS);
        let body = comment_on(path, &text, parent);
        let key = text.replace(' ', "-");
        let request = || {
            let request = app.request("POST", "/api/v1/comments");
            app.send(request.header("Idempotency-Key", &key).json(&body))
        };
        let answer = if self.dice.roll(3) == 0 {
            let (one, two) = tokio::join!(request(), request());
            if one.status == 201 && two.status == 201 {
                assert_eq!(one.at("/comment/id"), two.at("/comment/id"));
            }
            allowed("submit twice", &two, 201, &[(404, "parent_not_found")]);
            if one.status == 201 { one } else { two }
        } else {
            request().await
        };
        allowed("submit", &answer, 201, &[(404, "parent_not_found")]);
        if answer.status == 201 {
            let text = |pointer| answer.at(pointer).as_str().unwrap().to_owned();
            let made = (text("/comment/id"), Some(text("/manage_token")));
            self.world.comments.borrow_mut().push(made);
        }
    }

    async fn see_own(&mut self) {
        let World { app, .. } = self.world;
        let (id, Some(token)) = self.comment() else {
            return;
        };
        let request = app.request("GET", &format!("/api/v1/comments/{id}"));
        let answer = app.send(request.bearer_auth(token)).await;
        allowed("author's view", &answer, 200, &[(404, "comment_not_found")]);
    }

    async fn edit_own(&mut self) {
        let World { app, .. } = self.world;
        let (id, Some(token)) = self.comment() else {
            return;
        };
        let body = json!({"body": self.world.text()});
        let request = app.request("PATCH", &format!("/api/v1/comments/{id}"));
        let answer = app.send(request.bearer_auth(token).json(&body)).await;
        let problems = [
            (404, "comment_not_found"),
            (409, "comment_not_editable"),
            (403, "edit_window_over"),
        ];
        allowed("author's edit", &answer, 200, &problems);
        if answer.status == 200 {
            assert_eq!(answer.at("/body"), body["body"]);
        }
    }

    async fn withdraw(&mut self) {
        let World { app, .. } = self.world;
        let (id, Some(token)) = self.comment() else {
            return;
        };
        let request = app.request("DELETE", &format!("/api/v1/comments/{id}"));
        app.send(request.bearer_auth(token)).await.is(204);
    }

    /// One of three voters votes, or takes it back.
    async fn vote(&mut self) {
        let World { app, .. } = self.world;
        let voter = format!("00000000-0000-4000-8000-00000000000{}", self.dice.roll(3));
        let path = format!("/api/v1/comments/{}/vote", self.comment().0);
        let value = self.dice.roll(3);
        let request = if value == 0 {
            app.request("DELETE", &format!("{path}?voter={voter}"))
        } else {
            let value = if value == 1 { 1 } else { -1 };
            let body = json!({"value": value, "voter": voter});
            app.request("PUT", &path).json(&body)
        };
        let answer = app.send(request).await;
        allowed("vote", &answer, 200, &[(404, "comment_not_found")]);
    }

    async fn report(&mut self) {
        let path = format!("/api/v1/comments/{}/reports", self.comment().0);
        let answer = self
            .world
            .app
            .post(&path, &json!({"reason": "spam", "note": "So it is"}))
            .await;
        allowed("report", &answer, 202, &[(404, "comment_not_found")]);
    }

    async fn decide(&mut self, desk: &Desk) {
        let (decision, status) = *self.dice.pick(&DECISIONS);
        let path = self.path(&format!("/{decision}"));
        let body = json!({"version": self.version(), "reason": self.reason(), "note": "Seen"});
        let answer = desk.post(self.world.app, &path, &body).await;
        allowed(
            "decide",
            &answer,
            200,
            &[CONFLICTS[0], CONFLICTS[1], UNKNOWN_REASON],
        );
        if answer.status == 200 {
            assert_eq!(answer.at("/status"), status, "{answer:?}");
            self.world.tell(&answer.json());
        }
    }

    async fn decide_many(&mut self, desk: &Desk) {
        let mut entries: Vec<Value> = Vec::new();
        for _ in 0..self.dice.roll(6) {
            let id = self.comment().0;
            let (decision, _) = *self.dice.pick(&DECISIONS);
            if !entries.iter().any(|entry| entry["id"] == *id) {
                entries.push(json!({
                    "id": id, "decision": decision, "version": self.version(), "reason": self.reason(),
                }));
            }
        }
        let body = json!({ "decisions": entries });
        let answer = desk.post(self.world.app, DECIDE_MANY, &body).await;
        allowed("decide many", &answer, 200, &[UNKNOWN_REASON]);
        if answer.status != 200 {
            return;
        }
        for (result, entry) in answer
            .at("/results")
            .as_array()
            .unwrap()
            .iter()
            .zip(entries)
        {
            assert_eq!(result["id"], entry["id"]);
            let word = entry["decision"].as_str().unwrap();
            let wanted = DECISIONS.iter().find(|(one, _)| *one == word).unwrap().1;
            let outcome = result["outcome"].as_str().unwrap();
            assert_eq!(
                result["status"] == wanted,
                matches!(outcome, "decided" | "unchanged"),
                "{entry} {result}"
            );
            assert_eq!(result["status"] == "deleted", outcome == "deleted");
            if outcome == "decided" {
                let id = entry["id"].as_str().unwrap().to_owned();
                self.world
                    .decided
                    .borrow_mut()
                    .push((id, wanted.to_owned()));
            }
        }
    }

    async fn edit(&mut self, desk: &Desk) {
        let path = self.path("");
        let body = json!({"body": self.world.text(), "version": self.version()});
        let answer = send(self.world.app, desk, "PATCH", &path, &body).await;
        allowed("edit", &answer, 200, &CONFLICTS);
        if answer.status == 200 {
            assert_eq!(answer.at("/body"), body["body"]);
            self.world.tell(&answer.json());
        }
    }

    async fn answer(&mut self, desk: &Desk) {
        let path = self.path("/replies");
        let mut body = json!({"body": self.world.text(), "version": self.version()});
        if self.dice.roll(2) == 0 {
            body["approve_parent"] = json!(true);
        }
        let answer = desk.post(self.world.app, &path, &body).await;
        let more = [CONFLICTS[0], CONFLICTS[1], (409, "parent_not_approved")];
        allowed("answer", &answer, 201, &more);
        if answer.status == 201 {
            self.world.tell(&answer.json());
            let id = answer.at("/id").as_str().unwrap().to_owned();
            self.world.comments.borrow_mut().push((id, None));
        }
    }

    async fn claim(&mut self, desk: &Desk) {
        let World { app, .. } = self.world;
        if self.dice.roll(3) > 0 {
            let body = json!({"limit": self.dice.roll(4) + 1});
            let answer = desk.post(app, CLAIMS, &body).await.is(200);
            self.world.tell_all(&answer);
        } else {
            let body = match self.dice.roll(2) {
                0 => json!({}),
                _ => json!({"ids": [self.comment().0]}),
            };
            send(app, desk, "DELETE", CLAIMS, &body).await.is(204);
        }
    }

    async fn note(&mut self, desk: &Desk) {
        let World { app, .. } = self.world;
        if self.dice.roll(3) > 0 {
            let path = self.path("/notes");
            let answer = desk.post(app, &path, &json!({"note": "Seen"})).await;
            allowed("note", &answer, 201, &CONFLICTS);
            if answer.status == 201 {
                let id = answer.at("/id").as_str().unwrap().to_owned();
                self.world.notes.borrow_mut().push(id);
            }
        } else {
            let note = self.world.notes.borrow_mut().pop();
            if let Some(note) = note {
                // Those of deleted comments are gone.
                let path = format!("/api/v1/admin/notes/{note}");
                let answer = send(app, desk, "DELETE", &path, &Value::Null).await;
                let not_mine = (403, "forbidden");
                allowed("forget", &answer, 204, &[(404, "note_not_found"), not_mine]);
            }
        }
    }

    async fn batch(&mut self, desk: &Desk) {
        let World { app, .. } = self.world;
        let filter = match self.dice.roll(7) {
            0 => json!({}),
            1 => json!({"status": ["pending"]}),
            2 => json!({"status": ["spam", "rejected"]}),
            3 => json!({"status": ["approved"], "page_url": "https://example.org/tides"}),
            4 => json!({"page_url": "https://example.org/old"}),
            5 => json!({"signal": "reported"}),
            _ => json!({"q": "wave", "status": ["pending", "deleted"]}),
        };
        let (decision, _) = *self.dice.pick(&DECISIONS);
        let count = desk
            .post(app, COUNTS, &json!({ "filter": filter }))
            .await
            .is(200);
        let body = json!({
            "filter": filter, "decision": decision, "reason": self.reason(),
            "expected_count": count.at("/count"), "as_of": count.at("/as_of"),
        });
        let answer = desk.post(app, BATCHES, &body).await;
        let problems = [(409, "count_changed"), UNKNOWN_REASON];
        allowed("batch", &answer, 202, &problems);
        if answer.status == 202 {
            let path = batches::path(&answer);
            self.world.batches.borrow_mut().push(path.clone());
            if self.dice.roll(3) > 0 {
                settled(app, desk, &path).await;
            }
        }
    }

    async fn undo(&mut self, desk: &Desk) {
        let World { app, .. } = self.world;
        let batches = self.world.batches.borrow().clone();
        if batches.is_empty() {
            return;
        }
        let path = self.dice.pick(&batches);
        let answer = desk.post(app, &format!("{path}/undo"), &json!({})).await;
        allowed("undo", &answer, 202, &[(409, "batch_running")]);
        if self.dice.roll(2) == 0 {
            settled(app, desk, path).await;
        }
    }

    async fn delete(&mut self, desk: &Desk) {
        let World { app, .. } = self.world;
        let version = match self.dice.roll(3) {
            0 => format!("?version={}", self.dice.roll(6) + 1),
            _ => String::new(),
        };
        let path = self.path(&version);
        let answer = send(app, desk, "DELETE", &path, &Value::Null).await;
        allowed("delete", &answer, 204, &CONFLICTS[..1]);
    }

    async fn look(&mut self, desk: &Desk) {
        let World { app, .. } = self.world;
        match self.dice.roll(3) {
            0 => {
                let path = self.path("");
                let shown = desk.get(app, &path).await.is(200);
                let lines = shown.at("/history").as_array().unwrap().len();
                assert_eq!(shown.at("/version"), lines, "{shown:?}");
                let last = shown.at(&format!("/history/{}/to", lines - 1));
                assert_eq!(last, shown.at("/status"), "{shown:?}");
                self.world.tell(&shown.json());
            }
            1 => {
                let list = desk.get(app, &format!("{QUEUE}?sort=newest")).await.is(200);
                self.world.tell_all(&list);
            }
            _ => drop(desk.get(app, "/api/v1/admin/summary").await.is(200)),
        }
    }

    /// The owner makes a reason of the site's own, or deletes one.
    async fn change_reasons(&mut self) {
        let World { app, .. } = self.world;
        let owner = self.world.desk(0);
        if self.dice.roll(3) > 0 {
            let code = self.world.text().to_lowercase().replace(' ', "_");
            let body = json!({"site": "default", "code": code, "text": "It is so."});
            let made = owner.post(app, REASONS, &body).await.is(201);
            let path = made.header("location").to_owned();
            self.world.reasons.borrow_mut().push((code, path));
        } else {
            // It stays in the list, so that what is gone is named too.
            let reasons = self.world.reasons.borrow().clone();
            if let Some((_, path)) = reasons.last() {
                let answer = send(app, &owner, "DELETE", path, &Value::Null).await;
                allowed(
                    "delete a reason",
                    &answer,
                    204,
                    &[(404, "reason_not_found")],
                );
            }
        }
    }

    /// The owner has comments published at once, or held.
    async fn change_policy(&mut self) {
        let hold = *self.dice.pick(&["all", "flagged", "flagged", "first_time"]);
        let body = json!({"policy": {"hold": hold}});
        let owner = self.world.desk(0);
        send(self.world.app, &owner, "PATCH", &self.world.site, &body)
            .await
            .is(200);
    }

    /// The owner merges one of the old pages into any other.
    async fn merge(&mut self) {
        let World { app, .. } = self.world;
        let turn = self.world.merges.get();
        let Some(from) = PATHS.get(turn + 2) else {
            return;
        };
        self.world.merges.set(turn + 1);
        let others: Vec<&str> = PATHS.into_iter().filter(|path| path != from).collect();
        let into = *self.dice.pick(&others);
        let owner = self.world.desk(0);
        let mut ids = Vec::new();
        for path in [*from, into] {
            let query = format!("{PAGES}?page_url=https://example.org{path}");
            let list = owner.get(app, &query).await.is(200);
            ids.push(list.at("/pages/0/id").as_str().unwrap().to_owned());
        }
        let path = format!("{PAGES}/{}/merge", ids[0]);
        let answer = owner.post(app, &path, &json!({"into": ids[1]})).await;
        // It may lead to the other already.
        let problems = [(422, "validation_failed"), (409, "page_merged")];
        // A page whose comments are in other hands at the moment is moved by a job.
        if answer.status != 202 {
            allowed("merge", &answer, 200, &problems);
        }
    }
}
