//! The property of RELIABILITY.md, 8: after any sequence of operations, one after the other or at once, counts equal a
//! recount, the history has exactly one line for each version, and what was answered is what the history says.

mod checks;
mod operations;

use std::time::Instant;

use futures_util::future::join_all;
use rejoinder::base::random;
use time::Duration;

use self::operations::{PATHS, Part, Player, World};
use super::summary;
use crate::backstage::{books_are_right, number};
use crate::retention::{done, pass};
use crate::support::app::TestApp;

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

/// Says which seed it was when a test stops in the middle.
struct Seed(u64);

impl Seed {
    /// Another one each time; to see a failure again, put its number here.
    fn new() -> Self {
        Self(u64::from_le_bytes(random::bytes()))
    }

    /// Players of these parts, each with dice of their own.
    fn players<'a, const PARTS: usize>(
        &self,
        world: &'a World<'a>,
        parts: [Part; PARTS],
    ) -> Vec<Player<'a>> {
        (7..)
            .zip(parts)
            .map(|(salt, part)| Player::new(world, part, Dice(self.0.wrapping_mul(salt))))
            .collect()
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a failure can only be seen again with its seed"
)]
impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}", self.0);
        }
    }
}

/// Waits for all jobs; that of a merge begins some seconds later.
async fn end_jobs(app: &TestApp) {
    pass(app, Duration::seconds(10)).await;
    done(app).await;
}

#[tokio::test]
async fn after_any_sequence_of_operations_counts_and_histories_are_right() {
    let app = TestApp::start().await;
    let seed = Seed::new();
    let world = World::begin(&app).await;
    let mut players = seed.players(
        &world,
        [Part::Reader, Part::Moderator(0), Part::Moderator(1)],
    );
    let mut dice = Dice(seed.0);
    for day in 0..3 {
        for step in 0..80 {
            let turn = dice.roll(players.len());
            players[turn].step().await;
            if step % 10 == 0 {
                books_are_right(&app).await;
            }
        }
        end_jobs(&app).await;
        checks::all(&world).await;
        if day == 0 {
            summary::check(&app, "on the first day").await;
        }
        // Spam is kept for 30 days from the last decision on.
        pass(&app, Duration::days(31)).await;
        done(&app).await;
        world.sign_in_again().await;
        checks::spam_is_gone(&app).await;
        checks::all(&world).await;
    }
    let decided = "select count(*) from comment_history where actor_kind = 'moderator'";
    assert!(number(&app.database.pool, decided).await > 40);
    app.stop().await;
}

/// What others are told takes a moment; more than this would be what an instance finds out by itself.
const TOLD_MAX: std::time::Duration = std::time::Duration::from_secs(3);

/// Waits until an instance that keeps lists shows the same as one that keeps none.
async fn shows_the_same(what: &str, keeping: &TestApp, plain: &TestApp) {
    let begun = Instant::now();
    for path in PATHS {
        for query in ["", "&sort=newest&limit=3", "&sort=top"] {
            loop {
                let [kept, known] = [
                    keeping.thread(path, query).await.is(200),
                    plain.thread(path, query).await.is(200),
                ];
                if kept.text == known.text {
                    break;
                }
                let late = begun.elapsed() > TOLD_MAX;
                assert!(!late, "{what}, {path}{query}: {kept:?}\n{known:?}");
            }
        }
    }
}

#[tokio::test]
async fn after_each_operation_every_instance_shows_what_the_database_has() {
    let app = TestApp::start().await;
    let other = TestApp::on(app.database.clone(), &[]).await;
    let plain = TestApp::on(app.database.clone(), &[("REJOINDER_LIST_CACHE_MB", "0")]).await;
    let seed = Seed::new();
    let world = World::begin(&app).await;
    let mut players = seed.players(
        &world,
        [Part::Reader, Part::Moderator(0), Part::Moderator(1)],
    );
    let mut dice = Dice(seed.0);
    for step in 0..80 {
        let turn = dice.roll(players.len());
        players[turn].step().await;
        shows_the_same(&format!("step {step} here"), &app, &plain).await;
        shows_the_same(&format!("step {step} elsewhere"), &other, &plain).await;
    }
    plain.stop().await;
    other.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn after_the_same_operations_all_at_once_they_are_right_too() {
    let app = TestApp::start().await;
    let seed = Seed::new();
    let world = World::begin(&app).await;
    let parts = [
        Part::Reader,
        Part::Reader,
        Part::Moderator(0),
        Part::Moderator(1),
        Part::Moderator(2),
        Part::Moderator(3),
    ];
    let players = seed.players(&world, parts).into_iter();
    let playing = players.map(|mut player| async move {
        for _ in 0..70 {
            player.step().await;
        }
    });
    join_all(playing).await;
    end_jobs(&app).await;
    checks::all(&world).await;
    summary::check(&app, "at the end").await;
    let decided = "select count(*) from comment_history where actor_kind = 'moderator'";
    assert!(number(&app.database.pool, decided).await > 40);
    app.stop().await;
}
