//! What readers do after submitting, at once and against moderators: one history, an exact score, nothing lost.

use futures_util::future::join_all;
use rejoinder::accounts::model::SiteScope;
use rejoinder::base::clock::Clock;
use rejoinder::base::email::EmailAddress;
use rejoinder::base::ids::{CommentId, VoterId};
use rejoinder::base::page_url::PageUrl;
use rejoinder::base::random;
use rejoinder::base::text::{Body, Name};
use rejoinder::comments::model::changes::{Deleter, Deletion};
use rejoinder::comments::model::decisions::{Decider, Decision, DecisionRequest, Outcome};
use rejoinder::comments::model::reactions::{Grievance, ReportReason, Vote};
use rejoinder::comments::model::{Draft, Status};
use rejoinder::comments::service::moderate::delete_comments;
use rejoinder::comments::service::{Own, Reaction, Submission};
use rejoinder::comments::{Comments, Error, ManageToken};
use rejoinder::database::{self, Lane};
use rejoinder::sites::Sites;
use rejoinder::web::client_address::{ClientAddress, Network};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::checks::{check_count, check_history};
use crate::seed::{self, Seed, TestDatabase, add_comment, decide_one, with_writers};

struct Stage {
    test: TestDatabase,
    seed: Seed,
    comments: Comments,
    sites: Sites,
}

fn network(last: u8) -> Network {
    ClientAddress::new([192, 0, 2, last].into()).network()
}

fn voter(number: u128) -> VoterId {
    VoterId::from_uuid(Uuid::from_u128(number))
}

impl Stage {
    async fn set() -> Self {
        let test = seed::database().await;
        let seed = Seed::plant_at(&test.pool, "https://tides.example").await;
        let (sites, comments) = seed::services(&test.database, &Clock::new());
        sites.refresh().await.unwrap();
        Self {
            test,
            seed,
            comments,
            sites,
        }
    }

    /// A public one, whose page counts it.
    async fn public(&self) -> CommentId {
        let id = add_comment(
            &self.test.pool,
            self.seed.site,
            self.seed.page,
            Status::Approved,
        )
        .await;
        sqlx::query!(
            "update pages set comment_count = comment_count + 1 where id = $1",
            self.seed.page.as_uuid()
        )
        .execute(&self.test.pool)
        .await
        .unwrap();
        id
    }

    fn reaction(comment_id: CommentId, last: u8) -> Reaction {
        Reaction {
            comment_id,
            origin: None,
            network: network(last),
        }
    }

    async fn vote(&self, id: CommentId, voter: VoterId, vote: Option<Vote>) -> i32 {
        let reaction = Self::reaction(id, 1);
        self.comments.vote(&reaction, voter, vote).await.unwrap()
    }

    /// The stored score, and the sum of the votes.
    async fn scores(&self, id: CommentId) -> [i32; 2] {
        let row = sqlx::query!(
            r#"select c.score, coalesce((select sum(v.value) from votes v where v.comment_id = c.id), 0)::integer as "sum!"
            from comments c where c.id = $1"#,
            id.as_uuid()
        )
        .fetch_one(&self.test.pool)
        .await
        .unwrap();
        [row.score, row.sum]
    }

    async fn decide(&self, id: CommentId, decision: Decision) -> Outcome {
        let by = Decider {
            moderator_id: self.seed.moderator,
            at: Clock::new().now(),
        };
        let request = DecisionRequest {
            comment_id: id,
            decision,
            reason: None,
            note: None,
            version: None,
        };
        let run = async |connection: &mut PgConnection| {
            decide_one(connection, &SiteScope::All, by, &request).await
        };
        let decided: Result<_, database::Error> =
            self.test.database.transact(Lane::Moderators, run).await;
        decided.unwrap().result.outcome
    }

    async fn delete(&self, id: CommentId) -> Outcome {
        let deletion = Deletion {
            ids: &[id],
            only: None,
            version: None,
            by: Deleter::Moderator(self.seed.moderator),
            at: Clock::new().now(),
        };
        let run = async |connection: &mut PgConnection| {
            delete_comments(connection, &SiteScope::All, &deletion).await
        };
        let deleted: Result<_, database::Error> =
            self.test.database.transact(Lane::Moderators, run).await;
        deleted.unwrap()[0].outcome
    }

    /// Votes and reports of a comment.
    async fn left(&self, id: CommentId) -> i64 {
        sqlx::query_scalar!(
            r#"select (select count(*) from votes where comment_id = $1)
                + (select count(*) from reports where comment_id = $1) as "left!""#,
            id.as_uuid()
        )
        .fetch_one(&self.test.pool)
        .await
        .unwrap()
    }

    /// An author's comment, with what the author may do to it.
    async fn submit(&self, text: &str) -> Own {
        let submission = Submission {
            draft: Draft {
                page_url: PageUrl::parse("https://tides.example/own").unwrap(),
                page_key: None,
                page_title: None,
                parent_id: None,
                name: Name::parse("Ada").unwrap(),
                email: EmailAddress::parse("ada@example.org").unwrap(),
                website: None,
                body: Body::parse(text).unwrap(),
                ip: [192, 0, 2, 1].into(),
                user_agent: None,
            },
            idempotency_key: None,
            origin: None,
            voucher: None,
            network: network(1),
        };
        let comments = std::slice::from_ref(&self.comments);
        let receipt = with_writers(comments, self.comments.submit(submission))
            .await
            .unwrap();
        Own {
            comment_id: receipt.comment.comment.id,
            token: ManageToken::parse(&receipt.manage_token).unwrap(),
            origin: None,
        }
    }

    async fn edit(&self, own: &Own, text: &str) -> Result<Status, Error> {
        let body = Body::parse(text).unwrap();
        let edited = self.comments.edit_own(own, &body, network(1)).await;
        edited.map(|view| view.status)
    }

    async fn check(&self, id: CommentId) -> i32 {
        let page = sqlx::query_scalar!(
            r#"select page_id as "page: rejoinder::base::ids::PageId" from comments where id = $1"#,
            id.as_uuid()
        )
        .fetch_one(&self.test.pool)
        .await
        .unwrap();
        check_count(&self.test.pool, page).await;
        check_history(&self.test.pool, id).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_voters_at_once_each_count_once() {
    let stage = Stage::set().await;
    let id = stage.public().await;
    let votes = (0..32).map(|number| stage.vote(id, voter(number), Some(Vote::For)));
    let mut scores = join_all(votes).await;
    scores.sort_unstable();
    // Each was told the score with its own vote.
    assert_eq!(scores, (1..=32).collect::<Vec<_>>());
    assert_eq!(stage.scores(id).await, [32, 32]);
    stage.check(id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voter_who_sends_everything_at_once_has_one_vote_at_most() {
    let stage = Stage::set().await;
    for _ in 0..20 {
        let id = stage.public().await;
        let same = (0..8).map(|_| stage.vote(id, voter(1), Some(Vote::For)));
        assert_eq!(join_all(same).await, [1; 8]);
        let mixed = (0..16).map(|turn| {
            let vote = [Some(Vote::For), Some(Vote::Against), None][turn % 3];
            stage.vote(id, voter(1), vote)
        });
        for score in join_all(mixed).await {
            assert!((-1..=1).contains(&score), "{score}");
        }
        let [score, sum] = stage.scores(id).await;
        assert_eq!(score, sum);
        stage.vote(id, voter(1), None).await;
        assert_eq!(stage.scores(id).await, [0, 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_any_votes_at_once_the_score_is_their_sum() {
    let stage = Stage::set().await;
    let ids = [stage.public().await, stage.public().await];
    let turns: Vec<[u8; 3]> = (0..200).map(|_| random::bytes()).collect();
    let votes = turns.iter().map(|[id, who, what]| {
        let vote = [Some(Vote::For), Some(Vote::Against), None][usize::from(what % 3)];
        stage.vote(ids[usize::from(id % 2)], voter((who % 5).into()), vote)
    });
    join_all(votes).await;
    for id in ids {
        let [score, sum] = stage.scores(id).await;
        assert_eq!(score, sum, "{turns:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn votes_do_not_undo_a_decision() {
    let stage = Stage::set().await;
    for turn in 0..20 {
        let id = stage.public().await;
        let reaction = Stage::reaction(id, 1);
        let cast = (0..8).map(|number| {
            let vote = [Vote::For, Vote::Against][turn % 2];
            stage.comments.vote(&reaction, voter(number), Some(vote))
        });
        let (decided, cast) = tokio::join!(stage.decide(id, Decision::Reject), join_all(cast));
        assert_eq!(decided, Outcome::Decided);
        for answer in cast {
            assert!(matches!(answer, Ok(_) | Err(Error::NotFound)), "{turn}");
        }
        let [score, sum] = stage.scores(id).await;
        assert_eq!(score, sum);
        assert_eq!(stage.check(id).await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_votes_nor_reports_outlive_a_deletion() {
    let stage = Stage::set().await;
    let grievance = Grievance {
        reason: ReportReason::Abuse,
        note: None,
    };
    for turn in 0..20 {
        let id = stage.public().await;
        let reactions: Vec<Reaction> = (0..8).map(|last| Stage::reaction(id, last)).collect();
        let cast = reactions.iter().zip(0..).map(|(reaction, number)| {
            let vote = [Some(Vote::For), None][turn % 2];
            stage.comments.vote(reaction, voter(number), vote)
        });
        let reports = reactions
            .iter()
            .map(|reaction| stage.comments.report(reaction, &grievance));
        stage.vote(id, voter(1), Some(Vote::Against)).await;
        let (deleted, cast, reported) =
            tokio::join!(stage.delete(id), join_all(cast), join_all(reports));
        assert_eq!(deleted, Outcome::Decided);
        for answer in cast {
            assert!(matches!(answer, Ok(_) | Err(Error::NotFound)), "{turn}");
        }
        for answer in reported {
            assert!(matches!(answer, Ok(()) | Err(Error::NotFound)), "{turn}");
        }
        assert_eq!(stage.left(id).await, 0, "{turn}");
        assert_eq!(stage.check(id).await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_and_a_decision_at_once_stand_in_one_order() {
    let stage = Stage::set().await;
    for turn in 0..20 {
        let own = stage.submit(&format!("Ebb {turn}")).await;
        let id = own.comment_id;
        let text = format!("Flood {turn}");
        let (edited, decided) =
            tokio::join!(stage.edit(&own, &text), stage.decide(id, Decision::Approve));
        assert_eq!(decided, Outcome::Decided);
        // Where everything is held, what was edited after the decision waits again.
        assert_eq!(edited.unwrap(), Status::Pending);
        assert_eq!(stage.check(id).await, 3);
        let row = sqlx::query!(
            "select body, status from comments where id = $1",
            id.as_uuid()
        )
        .fetch_one(&stage.test.pool)
        .await
        .unwrap();
        assert_eq!(row.body, text);
        let last = sqlx::query_scalar!(
            "select actor_kind from comment_history where comment_id = $1 and version = 3",
            id.as_uuid()
        )
        .fetch_one(&stage.test.pool)
        .await
        .unwrap();
        let wanted = if last == "author" {
            "pending"
        } else {
            "approved"
        };
        assert_eq!(row.status, wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_and_withdrawals_at_once_leave_one_unbroken_history() {
    let stage = Stage::set().await;
    for turn in 0..10 {
        let own = stage.submit(&format!("Ebb {turn}")).await;
        let texts: Vec<String> = (0..4).map(|n| format!("Flood {turn} {n}")).collect();
        let edits = join_all(texts.iter().map(|text| stage.edit(&own, text)));
        let gone = join_all((0..2).map(|_| stage.comments.withdraw(&own)));
        let (edits, gone) = tokio::join!(edits, gone);
        assert!(gone.iter().all(Result::is_ok));
        for edited in edits {
            assert!(
                matches!(edited, Ok(Status::Pending) | Err(Error::NotFound)),
                "{edited:?}"
            );
        }
        stage.check(own.comment_id).await;
        let left = sqlx::query_scalar!(
            r#"select count(*) as "left!" from comment_texts where comment_id = $1"#,
            own.comment_id.as_uuid()
        )
        .fetch_one(&stage.test.pool)
        .await
        .unwrap();
        assert_eq!(left, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_edits_to_one_text_at_once_one_is_a_duplicate() {
    let stage = Stage::set().await;
    assert!(stage.sites.find_by_id(stage.seed.site).is_some());
    for turn in 0..10 {
        let (one, two) = (
            stage.submit(&format!("Ebb {turn}")).await,
            stage.submit(&format!("Flood {turn}")).await,
        );
        let text = format!("Moon {turn}");
        let (one, two) = tokio::join!(stage.edit(&one, &text), stage.edit(&two, &text));
        let won = [&one, &two].iter().filter(|edited| edited.is_ok()).count();
        assert_eq!(won, 1, "{one:?} {two:?}");
        let lost = if one.is_ok() { two } else { one };
        assert!(matches!(lost, Err(Error::Duplicate)), "{lost:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_at_once_count_once_for_each_network_and_a_decision_leaves_none_that_came_before() {
    let stage = Stage::set().await;
    let grievance = Grievance {
        reason: ReportReason::Spam,
        note: None,
    };
    let open = async |id: CommentId| {
        sqlx::query_scalar!(
            r#"select count(*) as "open!" from reports where comment_id = $1 and settled_at is null"#,
            id.as_uuid()
        )
        .fetch_one(&stage.test.pool)
        .await
        .unwrap()
    };
    for _ in 0..10 {
        let id = stage.public().await;
        let reactions: Vec<Reaction> = (0..16).map(|n| Stage::reaction(id, n % 4)).collect();
        let reports = reactions
            .iter()
            .map(|reaction| stage.comments.report(reaction, &grievance));
        assert!(join_all(reports).await.iter().all(Result::is_ok));
        assert_eq!(open(id).await, 4);
        let decisions = [Decision::Approve, Decision::Approve, Decision::Spam];
        join_all(decisions.map(|decision| stage.decide(id, decision))).await;
        assert_eq!(open(id).await, 0);
        stage.check(id).await;
    }
}
