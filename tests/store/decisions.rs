//! Decisions that race: one history, no lost update, exact counts.

use futures_util::future::join_all;
use rejoinder::accounts::model::SiteScope;
use rejoinder::base::clock::Clock;
use rejoinder::base::ids::{CommentId, PageId};
use rejoinder::base::text::Note;
use rejoinder::comments::model::decisions::{
    DecidedComment, Decider, Decision, DecisionRequest, DecisionResult, Outcome, Reason,
};
use rejoinder::comments::model::{ActorKind, Status};
use rejoinder::comments::service::moderate::{Ask, decide_free, decide_many};
use rejoinder::database::{Error, Lane};
use sqlx::{PgConnection, PgPool};

use crate::checks::{check_count, check_history};
use crate::seed::{self, Seed, TestDatabase, add_answer, add_comment, add_page, decide_one};

fn request(comment_id: CommentId, decision: Decision, version: Option<i32>) -> DecisionRequest {
    DecisionRequest {
        comment_id,
        decision,
        reason: None,
        note: None,
        version,
    }
}

async fn one_in(
    test: &TestDatabase,
    seed: &Seed,
    scope: &SiteScope,
    request: &DecisionRequest,
) -> Result<DecidedComment, Error> {
    let by = Decider {
        moderator_id: seed.moderator,
        at: Clock::new().now(),
    };
    let run =
        async |connection: &mut PgConnection| decide_one(connection, scope, by, request).await;
    test.database.transact(Lane::Moderators, run).await
}

async fn one(test: &TestDatabase, seed: &Seed, request: &DecisionRequest) -> DecidedComment {
    one_in(test, seed, &SiteScope::All, request).await.unwrap()
}

async fn many(
    test: &TestDatabase,
    seed: &Seed,
    requests: &[DecisionRequest],
) -> Vec<DecisionResult> {
    let by = Decider {
        moderator_id: seed.moderator,
        at: Clock::new().now(),
    };
    let run = async |connection: &mut PgConnection| {
        decide_many(connection, &SiteScope::All, by, requests).await
    };
    test.database.transact(Lane::Moderators, run).await.unwrap()
}

async fn page_version(pool: &PgPool, page: PageId) -> i64 {
    sqlx::query_scalar!("select version from pages where id = $1", page.as_uuid())
        .fetch_one(pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_opposite_decisions_on_one_version_one_wins() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    for _ in 0..20 {
        let comment = seed.comment(&test.pool).await;
        let requests: Vec<_> = (0..16)
            .map(|turn| {
                request(
                    comment,
                    if turn % 2 == 0 {
                        Decision::Approve
                    } else {
                        Decision::Reject
                    },
                    Some(1),
                )
            })
            .collect();

        let answers = join_all(requests.iter().map(|request| one(&test, &seed, request))).await;

        let of = |outcome| {
            answers
                .iter()
                .filter(|answer| answer.result.outcome == outcome)
                .count()
        };
        assert_eq!(
            (
                of(Outcome::Decided),
                of(Outcome::Unchanged),
                of(Outcome::VersionConflict)
            ),
            (1, 7, 8)
        );
        for answer in &answers {
            let shown = answer.comment.as_ref().unwrap();
            assert_eq!(shown.version, 2);
            let facts = answer.result.facts.unwrap();
            assert_eq!((facts.status, facts.version), (shown.status, shown.version));
        }
        assert_eq!(check_history(&test.pool, comment).await, 2);
        check_count(&test.pool, seed.page).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_at_once_without_versions_leave_one_unbroken_history() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let comment = seed.comment(&test.pool).await;

    let workers = (0..16).map(|worker| {
        let (test, seed) = (&test, &seed);
        async move {
            let mut decided = 0;
            for turn in 0..25 {
                let decision = Decision::ALL[(worker + turn * 3) % 4];
                let answer = one(test, seed, &request(comment, decision, None)).await;
                let facts = answer.result.facts.unwrap();
                assert_eq!(facts.status, decision.target());
                let shown = answer.comment.unwrap();
                assert_eq!((shown.status, shown.version), (facts.status, facts.version));
                decided += i32::from(answer.result.outcome == Outcome::Decided);
            }
            decided
        }
    });
    let decided: i32 = join_all(workers).await.into_iter().sum();

    assert_eq!(check_history(&test.pool, comment).await, decided + 1);
    check_count(&test.pool, seed.page).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bulks_in_opposite_orders_and_singles_neither_deadlock_nor_miscount() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let mut pages = vec![seed.page];
    for _ in 0..3 {
        pages.push(add_page(&test.pool, seed.site).await);
    }
    let mut comments = Vec::new();
    for turn in 0..60 {
        comments.push(
            add_comment(
                &test.pool,
                seed.site,
                pages[turn % pages.len()],
                Status::Pending,
            )
            .await,
        );
    }

    let workers = (0..16_usize).map(|worker| {
        let (test, seed, mut comments) = (&test, &seed, comments.clone());
        async move {
            for turn in 0..12 {
                comments.rotate_left(worker * 7 % 60);
                comments.reverse();
                let decision = Decision::ALL[(worker + turn) % 4];
                if worker % 4 == 3 {
                    for comment in comments.iter().take(5) {
                        one(test, seed, &request(*comment, decision, None)).await;
                    }
                    continue;
                }
                let requests: Vec<_> = comments
                    .iter()
                    .map(|id| request(*id, decision, None))
                    .collect();
                let results = many(test, seed, &requests).await;
                let ids: Vec<_> = results.iter().map(|result| result.comment_id).collect();
                assert_eq!(ids, comments);
                assert!(
                    results
                        .iter()
                        .all(|result| result.facts.unwrap().status == decision.target())
                );
            }
        }
    });
    join_all(workers).await;

    for comment in comments {
        check_history(&test.pool, comment).await;
    }
    for page in pages {
        check_count(&test.pool, page).await;
    }
}

/// Both snapshots are older than the first commit: the second has to be judged by the row that it waited for.
#[tokio::test]
async fn a_decision_that_waited_is_judged_by_the_row_it_waited_for() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    for (version, outcome, status) in [
        (Some(1), Outcome::VersionConflict, Status::Approved),
        (Some(2), Outcome::Decided, Status::Rejected),
        (None, Outcome::Decided, Status::Rejected),
    ] {
        let comment = seed.comment(&test.pool).await;
        let mut first = test.pool.begin().await.unwrap();
        let by = Decider {
            moderator_id: seed.moderator,
            at: Clock::new().now(),
        };
        let approve = request(comment, Decision::Approve, None);
        decide_one(&mut first, &SiteScope::All, by, &approve)
            .await
            .unwrap();
        let second = request(comment, Decision::Reject, version);

        let (answer, ()) = tokio::join!(one(&test, &seed, &second), async {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            first.commit().await.unwrap();
        });

        let facts = answer.result.facts.unwrap();
        assert_eq!(
            (answer.result.outcome, facts.was, facts.status),
            (outcome, Status::Approved, status)
        );
        check_history(&test.pool, comment).await;
        check_count(&test.pool, seed.page).await;
    }
}

#[tokio::test]
async fn deciding_what_is_already_so_writes_nothing_even_with_a_stale_version() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let comment = seed.comment(&test.pool).await;
    let mut approve = request(comment, Decision::Approve, Some(1));
    approve.reason = Reason::parse("other").ok();
    approve.note = Note::parse("seen twice").ok();

    let first = one(&test, &seed, &approve).await;
    let version = page_version(&test.pool, seed.page).await;
    let again = one(&test, &seed, &approve).await;
    let conflict = one(&test, &seed, &request(comment, Decision::Spam, Some(1))).await;

    assert_eq!(first.result.outcome, Outcome::Decided);
    assert_eq!(first.result.changed_page(), Some(seed.page));
    assert_eq!(again.result.outcome, Outcome::Unchanged);
    assert_eq!(again.result.changed_page(), None);
    assert_eq!(conflict.result.outcome, Outcome::VersionConflict);
    assert_eq!(conflict.comment.unwrap().status, Status::Approved);
    assert_eq!(check_history(&test.pool, comment).await, 2);
    assert_eq!(check_count(&test.pool, seed.page).await, 1);
    assert_eq!(page_version(&test.pool, seed.page).await, version);
    let notes = sqlx::query!(
        "select version, note from comment_notes where comment_id = $1",
        comment.as_uuid()
    )
    .fetch_all(&test.pool)
    .await
    .unwrap();
    assert_eq!(notes.len(), 1);
    assert_eq!(
        (notes[0].version, notes[0].note.as_str()),
        (2, "seen twice")
    );
}

#[tokio::test]
async fn a_decision_answers_with_the_whole_comment() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let comment = seed.comment(&test.pool).await;
    let mut reject = request(comment, Decision::Reject, Some(1));
    reject.reason = Reason::parse("abuse").ok();

    let answer = one(&test, &seed, &reject).await.comment.unwrap();

    assert_eq!(
        (answer.id, answer.status, answer.version),
        (comment, Status::Rejected, 2)
    );
    assert_eq!(answer.reason.as_deref(), Some("abuse"));
    assert_eq!((answer.site, answer.page.id), (seed.slug, seed.page));
    assert_eq!(answer.email.as_deref(), Some("ada@example.org"));
    let decider = answer.decided_by.unwrap();
    assert_eq!(
        (decider.kind, decider.id),
        (ActorKind::Moderator, Some(seed.moderator))
    );
    assert_eq!(decider.name.as_deref(), Some("Mo"));
    assert!(answer.decided_at.is_some() && answer.parent.is_none());
}

#[tokio::test]
async fn deleted_unknown_and_foreign_comments_are_told_apart_in_one_bulk() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let foreign = Seed::plant(&test.pool).await;
    let own = seed.comment(&test.pool).await;
    let deleted = add_comment(&test.pool, seed.site, seed.page, Status::Deleted).await;
    let other = foreign.comment(&test.pool).await;
    let unknown = CommentId::new(Clock::new().now());
    let scope = SiteScope::Only(vec![seed.site]);
    let requests = [other, deleted, own, unknown].map(|id| request(id, Decision::Approve, None));

    let by = Decider {
        moderator_id: seed.moderator,
        at: Clock::new().now(),
    };
    let run =
        async |connection: &mut PgConnection| decide_many(connection, &scope, by, &requests).await;
    let results = test.database.transact(Lane::Moderators, run).await.unwrap();

    let outcomes: Vec<_> = results
        .iter()
        .map(|result| (result.comment_id, result.outcome))
        .collect();
    assert_eq!(
        outcomes,
        [
            (other, Outcome::NotFound),
            (deleted, Outcome::Deleted),
            (own, Outcome::Decided),
            (unknown, Outcome::NotFound)
        ]
    );
    assert!(results[0].facts.is_none() && results[3].facts.is_none());
    let single = one_in(&test, &seed, &scope, &request(other, Decision::Spam, None))
        .await
        .unwrap();
    assert!(single.comment.is_none());
    assert_eq!(check_history(&test.pool, other).await, 1);
    assert_eq!(check_count(&test.pool, seed.page).await, 1);
    assert_eq!(check_count(&test.pool, foreign.page).await, 0);
}

#[tokio::test]
async fn a_page_version_rises_once_for_a_bulk_that_changes_what_it_shows() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let (one_id, other_id) = (
        seed.comment(&test.pool).await,
        seed.comment(&test.pool).await,
    );
    let before = page_version(&test.pool, seed.page).await;

    many(
        &test,
        &seed,
        &[one_id, other_id].map(|id| request(id, Decision::Spam, None)),
    )
    .await;
    assert_eq!(page_version(&test.pool, seed.page).await, before);
    many(&test, &seed, &[request(one_id, Decision::Approve, None)]).await;
    assert_eq!(page_version(&test.pool, seed.page).await, before + 1);
    let swap = [
        request(one_id, Decision::Restore, None),
        request(other_id, Decision::Approve, None),
    ];
    many(&test, &seed, &swap).await;
    assert_eq!(page_version(&test.pool, seed.page).await, before + 2);
    assert_eq!(check_count(&test.pool, seed.page).await, 1);
}

#[tokio::test]
async fn the_first_publication_keeps_its_time() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let comment = seed.comment(&test.pool).await;
    let published_at = async || {
        sqlx::query_scalar!(
            "select published_at from comments where id = $1",
            comment.as_uuid()
        )
        .fetch_one(&test.pool)
        .await
        .unwrap()
    };

    assert_eq!(published_at().await, None);
    one(&test, &seed, &request(comment, Decision::Approve, None)).await;
    let first = published_at().await;
    assert!(first.is_some());
    one(&test, &seed, &request(comment, Decision::Reject, None)).await;
    one(&test, &seed, &request(comment, Decision::Approve, None)).await;
    assert_eq!(published_at().await, first);
}

/// An answer that is being stored holds key share locks on its page and its parent until its transaction ends.
#[tokio::test]
async fn a_decision_does_not_wait_for_an_answer_that_is_being_stored() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let comment = seed.comment(&test.pool).await;
    let mut answering = test.pool.begin().await.unwrap();
    sqlx::query!(
        "select id from comments where id = $1 for key share",
        comment.as_uuid()
    )
    .fetch_one(&mut *answering)
    .await
    .unwrap();
    sqlx::query!(
        "select id from pages where id = $1 for key share",
        seed.page.as_uuid()
    )
    .fetch_one(&mut *answering)
    .await
    .unwrap();

    let answer = one(&test, &seed, &request(comment, Decision::Approve, None)).await;

    assert_eq!(answer.result.outcome, Outcome::Decided);
    answering.rollback().await.unwrap();
}

#[tokio::test]
async fn a_decision_that_waited_for_a_deletion_finds_the_comment_deleted() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let comment = seed.comment(&test.pool).await;
    let mut deleting = test.pool.begin().await.unwrap();
    sqlx::query!(
        "update comments set status = 'deleted', version = version + 1, name = '', email = '', body = '', body_html = ''
        where id = $1",
        comment.as_uuid()
    )
    .execute(&mut *deleting)
    .await
    .unwrap();

    let approve = request(comment, Decision::Approve, Some(1));
    let (answer, ()) = tokio::join!(one(&test, &seed, &approve), async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        deleting.commit().await.unwrap();
    });

    assert_eq!(answer.result.outcome, Outcome::Deleted);
    let shown = answer.comment.unwrap();
    assert_eq!(
        (shown.status, shown.version, shown.email),
        (Status::Deleted, 2, None)
    );
    assert_eq!(check_count(&test.pool, seed.page).await, 0);
}

#[tokio::test]
async fn an_answer_is_shown_with_what_it_answers() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let question = add_comment(&test.pool, seed.site, seed.page, Status::Approved).await;
    let answer = add_answer(&test.pool, question).await;

    let decided = one(&test, &seed, &request(answer, Decision::Reject, None)).await;

    let parent = decided.comment.unwrap().parent.unwrap();
    assert_eq!((parent.id, parent.status), (question, Status::Approved));
    assert_eq!(
        (parent.name.as_str(), parent.body_html.as_str()),
        ("Ada", "<p>High water at noon</p>")
    );
}

#[tokio::test]
async fn decisions_that_share_a_transaction_keep_their_deciders_and_their_scopes() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let other = Seed::plant(&test.pool).await;
    let own = seed.comment(&test.pool).await;
    let foreign = other.comment(&test.pool).await;
    let held = seed.comment(&test.pool).await;
    let out_of_reach = other.comment(&test.pool).await;
    let unknown = CommentId::new(Clock::new().now());
    let scopes = [
        SiteScope::Only(vec![seed.site]),
        SiteScope::Only(vec![other.site]),
        SiteScope::All,
    ];
    let requests =
        [own, foreign, held, out_of_reach, unknown].map(|id| request(id, Decision::Approve, None));
    let asks = [
        (&scopes[0], &seed, &requests[0]),
        (&scopes[1], &other, &requests[1]),
        (&scopes[2], &seed, &requests[2]),
        (&scopes[0], &seed, &requests[3]),
        (&scopes[2], &other, &requests[4]),
    ]
    .map(|(scope, seed, request)| Ask {
        scope,
        by: seed.moderator,
        request,
    });
    let mut holder = test.pool.begin().await.unwrap();
    sqlx::query!(
        "select id from comments where id = $1 for update",
        held.as_uuid()
    )
    .fetch_one(&mut *holder)
    .await
    .unwrap();

    let at = Clock::new().now();
    let run = async |connection: &mut PgConnection| decide_free(connection, at, &asks).await;
    let decided = test.database.transact(Lane::Decisions, run).await.unwrap();
    holder.rollback().await.unwrap();

    let told: Vec<_> = decided
        .iter()
        .map(|decided| decided.as_ref().map(|decided| decided.result.outcome))
        .collect();
    assert_eq!(
        told,
        [
            Some(Outcome::Decided),
            Some(Outcome::Decided),
            None,
            Some(Outcome::NotFound),
            None
        ]
    );
    let by = |place: usize| {
        let comment = decided[place].as_ref().unwrap().comment.as_ref().unwrap();
        comment.decided_by.as_ref().unwrap().id
    };
    assert_eq!(
        (by(0), by(1)),
        (Some(seed.moderator), Some(other.moderator))
    );
    for (comment, lines) in [(own, 2), (foreign, 2), (held, 1), (out_of_reach, 1)] {
        assert_eq!(check_history(&test.pool, comment).await, lines);
    }
    assert_eq!(check_count(&test.pool, seed.page).await, 1);
    assert_eq!(check_count(&test.pool, other.page).await, 1);
}
