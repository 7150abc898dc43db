//! Edits, deletions and staff answers that race, with each other and with decisions: one history, exact counts.

use std::time::Duration;

use futures_util::future::join_all;
use rejoinder::accounts::model::SiteScope;
use rejoinder::base::change::Change;
use rejoinder::base::clock::Clock;
use rejoinder::base::ids::{CommentId, ModeratorId};
use rejoinder::base::text::{Body, Note};
use rejoinder::comments::model::Status;
use rejoinder::comments::model::changes::{Deleter, Deletion, HeldParent, StaffReply, TextChange};
use rejoinder::comments::model::decisions::{
    DecidedComment, Decider, Decision, DecisionRequest, DecisionResult, Outcome,
};
use rejoinder::comments::service::StoredReply;
use rejoinder::comments::service::moderate::delete_comments;
use rejoinder::comments::{Comments, Error};
use rejoinder::database::{self, Lane};
use sqlx::PgConnection;

use crate::checks::{check_count, check_history};
use crate::seed::{self, Seed, TestDatabase, add_comment, add_page, decide_one};

/// A database with a site, and what readers and moderators do there.
struct Stage {
    test: TestDatabase,
    seed: Seed,
    comments: Comments,
}

impl Stage {
    async fn set() -> Self {
        let test = seed::database().await;
        let seed = Seed::plant(&test.pool).await;
        let clock = Clock::new();
        let (_, comments) = seed::services(&test.database, &clock);
        Self {
            test,
            seed,
            comments,
        }
    }

    fn by(&self) -> Decider {
        Decider {
            moderator_id: self.seed.moderator,
            at: Clock::new().now(),
        }
    }

    async fn decide(
        &self,
        comment_id: CommentId,
        decision: Decision,
        version: Option<i32>,
    ) -> DecidedComment {
        let request = DecisionRequest {
            comment_id,
            decision,
            reason: None,
            note: Note::parse("seen").ok(),
            version,
        };
        let run = async |connection: &mut PgConnection| {
            decide_one(connection, &SiteScope::All, self.by(), &request).await
        };
        let decided = self.test.database.transact(Lane::Moderators, run).await;
        decided.unwrap()
    }

    async fn edit(&self, id: CommentId, text: &str, version: Option<i32>) -> DecidedComment {
        let change = TextChange {
            comment_id: id,
            name: None,
            website: Change::Keep,
            body: Body::parse(text).ok(),
            version,
        };
        let edited = self
            .comments
            .edit_for_moderator(&SiteScope::All, self.by(), &change);
        edited.await.unwrap()
    }

    async fn delete(&self, deletion: Deletion<'_>) -> Vec<DecisionResult> {
        let work = async |connection: &mut PgConnection| {
            delete_comments(connection, &SiteScope::All, &deletion).await
        };
        let deleted: Result<_, database::Error> =
            self.test.database.transact(Lane::Moderators, work).await;
        deleted.unwrap()
    }

    fn deletion<'a>(&self, ids: &'a [CommentId]) -> Deletion<'a> {
        Deletion {
            ids,
            only: None,
            version: None,
            by: Deleter::Moderator(self.seed.moderator),
            at: Clock::new().now(),
        }
    }

    async fn reply(
        &self,
        by: ModeratorId,
        parent_id: CommentId,
        text: &str,
        held_parent: HeldParent,
    ) -> Result<StoredReply, Error> {
        let reply = StaffReply {
            parent_id,
            body: Body::parse(text).unwrap(),
            held_parent,
            version: None,
            idempotency_key: None,
        };
        self.comments
            .reply_as_staff(&SiteScope::All, by, &reply)
            .await
    }

    async fn check(&self, comments: &[CommentId]) {
        for comment in comments {
            check_history(&self.test.pool, *comment).await;
        }
        check_count(&self.test.pool, self.seed.page).await;
    }

    async fn leftovers(&self, id: CommentId) -> i64 {
        sqlx::query_scalar!(
            r#"select (select count(*) from comment_notes where comment_id = $1)
                + (select count(*) from comment_texts where comment_id = $1)
                + (select count(*) from notes where comment_id = $1) as "left!""#,
            id.as_uuid()
        )
        .fetch_one(&self.test.pool)
        .await
        .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_edits_of_one_version_one_wins() {
    let stage = Stage::set().await;
    for _ in 0..20 {
        let id = stage.seed.comment(&stage.test.pool).await;
        let texts: Vec<String> = (0..8).map(|number| format!("Tide {number}")).collect();
        let edits = texts.iter().map(|text| stage.edit(id, text, Some(1)));
        let answers = join_all(edits).await;
        let of = |outcome| {
            let all = answers.iter();
            all.filter(|answer| answer.result.outcome == outcome)
                .count()
        };
        assert_eq!((of(Outcome::Decided), of(Outcome::VersionConflict)), (1, 7));
        let winner = answers
            .iter()
            .find(|answer| answer.result.outcome == Outcome::Decided);
        let body = &winner.unwrap().comment.as_ref().unwrap().body;
        for answer in &answers {
            let shown = answer.comment.as_ref().unwrap();
            assert_eq!((&shown.body, shown.version), (body, 2));
        }
        stage.check(&[id]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_without_versions_come_one_after_the_other_and_each_keeps_what_it_found() {
    let stage = Stage::set().await;
    let id = add_comment(
        &stage.test.pool,
        stage.seed.site,
        add_page(&stage.test.pool, stage.seed.site).await,
        Status::Pending,
    )
    .await;
    let texts: Vec<String> = (0..16).map(|number| format!("Tide {number}")).collect();
    let answers = join_all(texts.iter().map(|text| stage.edit(id, text, None))).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.result.outcome == Outcome::Decided)
    );
    assert_eq!(check_history(&stage.test.pool, id).await, 17);
    let kept = sqlx::query_scalar!(
        "select body from comment_texts where comment_id = $1 order by version",
        id.as_uuid()
    )
    .fetch_all(&stage.test.pool)
    .await
    .unwrap();
    // In the order of their versions, each found what the one before had made.
    let mut made: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.comment.unwrap())
        .map(|comment| (comment.version, comment.body))
        .collect();
    made.sort();
    let mut expected = vec!["High water at noon".to_owned()];
    expected.extend(made.into_iter().map(|(_, body)| body));
    expected.pop();
    assert_eq!(kept, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_and_decisions_at_once_leave_one_history_and_an_exact_count() {
    let stage = Stage::set().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(stage.seed.comment(&stage.test.pool).await);
    }
    // Of one version, exactly one of the two comes through.
    let (edited, decided) = tokio::join!(
        stage.edit(ids[0], "Flood", Some(1)),
        stage.decide(ids[0], Decision::Approve, Some(1))
    );
    let outcomes = [edited.result.outcome, decided.result.outcome];
    assert!(outcomes.contains(&Outcome::Decided) && outcomes.contains(&Outcome::VersionConflict));

    let workers = (0..12_usize).map(|worker| {
        let (stage, ids) = (&stage, &ids);
        async move {
            for turn in 0..10_usize {
                let id = ids[(worker + turn) % ids.len()];
                if worker % 2 == 0 {
                    stage.edit(id, &format!("Tide {worker} {turn}"), None).await;
                } else {
                    let decision = Decision::ALL[(worker / 2 + turn) % 4];
                    stage.decide(id, decision, None).await;
                }
            }
        }
    });
    join_all(workers).await;
    stage.check(&ids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_and_decisions_at_once_leave_nothing_and_an_exact_count() {
    let stage = Stage::set().await;
    for turn in 0..20 {
        let id = stage.seed.comment(&stage.test.pool).await;
        let ids = [id];
        let (decided, _, deleted) = tokio::join!(
            stage.decide(id, Decision::Approve, None),
            stage.edit(id, "Flood", None),
            stage.delete(stage.deletion(&ids))
        );
        assert!(matches!(
            decided.result.outcome,
            Outcome::Decided | Outcome::Deleted
        ));
        assert_eq!(deleted[0].outcome, Outcome::Decided, "{turn}");
        assert_eq!(deleted[0].facts.unwrap().status, Status::Deleted);
        assert_eq!(stage.leftovers(id).await, 0);
        stage.check(&ids).await;
        let again = stage.delete(stage.deletion(&ids)).await;
        assert_eq!(again[0].outcome, Outcome::Unchanged);
        stage.check(&ids).await;
    }
    assert_eq!(check_count(&stage.test.pool, stage.seed.page).await, 0);
}

/// The note is younger than the deletion's first snapshot.
#[tokio::test]
async fn a_deletion_that_waited_for_a_decision_takes_its_note_along() {
    let stage = Stage::set().await;
    let id = stage.seed.comment(&stage.test.pool).await;
    let ids = [id];
    let mut first = stage.test.pool.begin().await.unwrap();
    let request = DecisionRequest {
        comment_id: id,
        decision: Decision::Approve,
        reason: None,
        note: Note::parse("seen").ok(),
        version: None,
    };
    decide_one(&mut first, &SiteScope::All, stage.by(), &request)
        .await
        .unwrap();
    let (deleted, ()) = tokio::join!(stage.delete(stage.deletion(&ids)), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        first.commit().await.unwrap();
    });
    let facts = deleted[0].facts.unwrap();
    assert_eq!((facts.was, facts.version), (Status::Approved, 3));
    assert_eq!(stage.leftovers(id).await, 0);
    stage.check(&ids).await;
}

#[tokio::test]
async fn the_service_deletes_many_but_only_what_is_still_in_its_state() {
    let stage = Stage::set().await;
    let pool = &stage.test.pool;
    let mut ids = Vec::new();
    for status in [Status::Spam, Status::Spam, Status::Pending, Status::Deleted] {
        ids.push(add_comment(pool, stage.seed.site, stage.seed.page, status).await);
    }
    stage.decide(ids[1], Decision::Approve, None).await;
    ids.push(CommentId::new(Clock::new().now()));
    let results = stage
        .delete(Deletion {
            only: Some(Status::Spam),
            by: Deleter::System,
            ..stage.deletion(&ids)
        })
        .await;
    let outcome = |id| {
        let mut all = results.iter();
        all.find(|result| result.comment_id == id)
            .map(|result| result.outcome)
    };
    assert_eq!(
        ids.iter().map(|id| outcome(*id)).collect::<Vec<_>>(),
        [
            Some(Outcome::Decided),
            Some(Outcome::VersionConflict),
            Some(Outcome::VersionConflict),
            Some(Outcome::Unchanged),
            None
        ]
    );
    stage.check(&ids[..4]).await;
    let kinds = sqlx::query_scalar!(
        "select actor_kind from comment_history where to_status = 'deleted' and version = 2"
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert_eq!(kinds, ["system"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_of_many_in_any_order_and_decisions_do_not_deadlock() {
    let stage = Stage::set().await;
    let mut ids = Vec::new();
    let mut pages = vec![stage.seed.page];
    pages.push(add_page(&stage.test.pool, stage.seed.site).await);
    for turn in 0..24 {
        let page = pages[turn % 2];
        ids.push(add_comment(&stage.test.pool, stage.seed.site, page, Status::Pending).await);
    }
    join_all(
        ids.iter()
            .map(|id| stage.decide(*id, Decision::Approve, None)),
    )
    .await;
    let workers = (0..8_usize).map(|worker| {
        let (stage, mut mine) = (&stage, ids.clone());
        async move {
            mine.rotate_left(worker * 5 % 24);
            if worker % 2 == 0 {
                mine.reverse();
                mine.truncate(16);
                stage.delete(stage.deletion(&mine)).await;
            } else {
                for id in mine {
                    stage.decide(id, Decision::ALL[worker % 4], None).await;
                }
            }
        }
    });
    join_all(workers).await;
    stage.check(&ids).await;
    check_count(&stage.test.pool, pages[1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_and_its_parents_rejection_leave_an_exact_count_whoever_is_first() {
    let stage = Stage::set().await;
    let mut stored = 0;
    for turn in 0..20 {
        let parent = stage.seed.comment(&stage.test.pool).await;
        stage.decide(parent, Decision::Approve, None).await;
        let (decided, replied) = tokio::join!(
            stage.decide(parent, Decision::Reject, None),
            stage.reply(stage.seed.moderator, parent, "So it is", HeldParent::Refuse)
        );
        assert_eq!(decided.result.outcome, Outcome::Decided);
        match replied {
            Ok(reply) => {
                stored += 1;
                stage.check(&[parent, reply.comment.id]).await;
            }
            Err(error) => assert!(matches!(error, Error::ParentNotApproved), "{error}"),
        }
        stage.check(&[parent]).await;
        assert_eq!(
            check_count(&stage.test.pool, stage.seed.page).await,
            stored,
            "{turn}"
        );
    }
}

/// Once the answer holds its parent, the rejection waits; once that is through, there is no answer.
#[tokio::test]
async fn an_answer_that_waited_for_a_rejection_is_refused() {
    let stage = Stage::set().await;
    let parent = stage.seed.comment(&stage.test.pool).await;
    stage.decide(parent, Decision::Approve, None).await;
    let mut first = stage.test.pool.begin().await.unwrap();
    let request = DecisionRequest {
        comment_id: parent,
        decision: Decision::Reject,
        reason: None,
        note: None,
        version: None,
    };
    decide_one(&mut first, &SiteScope::All, stage.by(), &request)
        .await
        .unwrap();
    let reply = stage.reply(
        stage.seed.moderator,
        parent,
        "So it is",
        HeldParent::Approve,
    );
    let (replied, ()) = tokio::join!(reply, async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        first.commit().await.unwrap();
    });
    assert!(matches!(replied, Err(Error::ParentNotApproved)));
    assert_eq!(check_count(&stage.test.pool, stage.seed.page).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_answer_a_held_comment_at_once_approve_it_once_and_both_answer() {
    let stage = Stage::set().await;
    let other = Seed::plant(&stage.test.pool).await.moderator;
    for turn in 0..10 {
        let parent = stage.seed.comment(&stage.test.pool).await;
        let (one, two, same) = tokio::join!(
            stage.reply(
                stage.seed.moderator,
                parent,
                "So it is",
                HeldParent::Approve
            ),
            stage.reply(other, parent, "It is not", HeldParent::Approve),
            stage.reply(
                stage.seed.moderator,
                parent,
                "So it is",
                HeldParent::Approve
            )
        );
        // The same words of the same moderator count once.
        let (first, second) = match (one, same) {
            (Ok(first), Err(error)) | (Err(error), Ok(first)) => {
                assert!(matches!(error, Error::Duplicate), "{error}");
                (first, two.unwrap())
            }
            both => panic!("{both:?}"),
        };
        let ids = [parent, first.comment.id, second.comment.id];
        stage.check(&ids).await;
        assert_eq!(check_history(&stage.test.pool, parent).await, 2);
        assert_eq!(
            check_count(&stage.test.pool, stage.seed.page).await,
            3 * (turn + 1)
        );
    }
}

/// Answers to comments of one page, some of which are approved with it: each takes its keys first and the page then.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_answer_to_many_comments_of_a_page_does_not_deadlock() {
    let stage = Stage::set().await;
    let mut parents = Vec::new();
    for turn in 0..16 {
        let parent = stage.seed.comment(&stage.test.pool).await;
        if turn % 2 == 0 {
            stage.decide(parent, Decision::Approve, None).await;
        }
        parents.push(parent);
    }
    let replies = parents.iter().map(|parent| {
        stage.reply(
            stage.seed.moderator,
            *parent,
            "Thank you",
            HeldParent::Approve,
        )
    });
    let stored: Result<Vec<_>, _> = join_all(replies).await.into_iter().collect();
    assert_eq!(stored.unwrap().len(), 16);
    stage.check(&parents).await;
    assert_eq!(check_count(&stage.test.pool, stage.seed.page).await, 32);
}
