//! The property of RELIABILITY.md, 8: after any sequence of operations a page's count is that of a count from scratch,
//! and the history has exactly one line for each version.

use rejoinder::base::random;
use serde_json::{Value, json};

use super::{DECISIONS, held};
use crate::backstage::{delete, hire, number, texts};
use crate::support::app::{Desk, TestApp, comment_on};
use crate::support::contradictions;

/// Numbers that look random and are the same for the same seed (splitmix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// One of `0..sides`.
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let sides = u64::try_from(sides).unwrap();
        usize::try_from((mixed ^ (mixed >> 31)) % sides).unwrap()
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

/// A page's comments while things happen to them.
struct Play<'a> {
    app: &'a TestApp,
    desks: [Desk; 2],
    ids: Vec<String>,
    dice: Dice,
}

impl Play<'_> {
    /// One operation, as people do them: mostly decisions, with and without a version that may be stale.
    async fn step(&mut self, number: usize) {
        match self.dice.roll(10) {
            0 | 1 => self.answer(number).await,
            2 => self.withdraw().await,
            3 | 4 => self.decide_many().await,
            _ => self.decide().await,
        }
    }

    fn decision(&mut self) -> (String, &'static str, Value) {
        let id = self.dice.pick(&self.ids).clone();
        let (decision, _) = *self.dice.pick(&DECISIONS);
        let version = match self.dice.roll(3) {
            0 => json!(self.dice.roll(6) + 1),
            _ => Value::Null,
        };
        (id, decision, version)
    }

    async fn decide(&mut self) {
        let (id, decision, version) = self.decision();
        let place = self.dice.roll(2);
        let body = json!({"version": version, "note": "Seen"});
        let answer = self.desks[place]
            .decide(self.app, &id, decision, &body)
            .await;
        assert!(matches!(answer.status, 200 | 409), "{answer:?}");
    }

    async fn decide_many(&mut self) {
        let mut entries: Vec<Value> = Vec::new();
        for _ in 0..self.dice.roll(6) {
            let (id, decision, version) = self.decision();
            if !entries.iter().any(|entry| entry["id"] == *id) {
                entries.push(json!({"id": id, "decision": decision, "version": version}));
            }
        }
        let body = json!({ "decisions": entries });
        self.desks[0]
            .post(self.app, "/api/v1/admin/decisions", &body)
            .await
            .is(200);
    }

    /// An answer to any comment; it is taken where that one is published.
    async fn answer(&mut self, number: usize) {
        let parent = self.dice.pick(&self.ids).clone();
        let body = comment_on("/tides", &format!("Answer {number}"), Some(&parent));
        let answer = self.app.submit(&body).await;
        match answer.status {
            201 => {
                let id = answer.at("/comment/id");
                self.ids.push(id.as_str().unwrap().to_owned());
            }
            _ => drop(answer.is_problem(404, "parent_not_found")),
        }
    }

    async fn withdraw(&mut self) {
        let waiting = texts(
            &self.app.database.pool,
            "select id::text from comments where status = 'pending' order by id",
        )
        .await;
        if waiting.len() > 3 {
            let id = self.dice.pick(&waiting).clone();
            delete(self.app, &id).await;
        }
    }

    async fn check(&self, story: &str) {
        let pool = &self.app.database.pool;
        assert_eq!(contradictions(pool).await, [""; 0], "{story}");
        let published = "select count(*) from comments where status = 'approved'";
        let published = number(pool, published).await;
        let thread = self.app.thread("/tides", "&limit=100").await.is(200);
        assert_eq!(thread.at("/page/comment_count"), published, "{story}");
        let shown: i64 = thread
            .at("/comments")
            .as_array()
            .unwrap()
            .iter()
            .map(|root| {
                let itself = i64::from(root["removed"] != json!(true));
                itself + root["reply_count"].as_i64().unwrap_or(0)
            })
            .sum();
        assert_eq!(shown, published, "{story}: {thread:?}");
    }
}

#[tokio::test]
async fn after_any_sequence_of_operations_counts_and_histories_are_right() {
    let app = TestApp::start().await;
    let seed = u64::from_le_bytes(random::bytes());
    let mut play = Play {
        desks: [app.desk().await, hire(&app, "moderator", "Mo").await],
        app: &app,
        ids: Vec::new(),
        dice: Dice(seed),
    };
    for number in 0..6 {
        play.ids
            .push(held(&app, "/tides", &format!("Root {number}")).await);
    }
    for number in 0..250 {
        play.step(number).await;
        if number % 5 == 0 {
            play.check(&format!("seed {seed}, step {number}")).await;
        }
    }
    play.check(&format!("seed {seed}, at the end")).await;
    let decided = "select count(*) from comment_history where actor_kind = 'moderator'";
    assert!(number(&app.database.pool, decided).await > 60);
    app.stop().await;
}
