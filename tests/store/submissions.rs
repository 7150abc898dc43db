//! Submissions that share batches, in one instance and between two: what each is told is true, nothing is lost, nothing is
//! there twice, and nobody's mistake is another's.

use std::collections::BTreeMap;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rejoinder::base::clock::Clock;
use rejoinder::base::codes::{Code, Refusal};
use rejoinder::base::email::EmailAddress;
use rejoinder::base::ids::CommentId;
use rejoinder::base::page_url::PageUrl;
use rejoinder::base::text::{Body, Name, PageKey};
use rejoinder::comments::model::Draft;
use rejoinder::comments::service::{Receipt, Submission};
use rejoinder::comments::{Comments, Error};
use rejoinder::web::client_address::ClientAddress;
use sqlx::PgPool;

use crate::checks::check_history;
use crate::seed::{self, Seed, TestDatabase, with_writers};

/// What one reader sends to one of two instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Sent {
    instance: usize,
    page: u8,
    page_key: Option<u8>,
    author: u8,
    text: u8,
    key: Option<u8>,
}

impl Sent {
    fn submission(self) -> Submission {
        let url = format!("https://tides.example/{}", self.page);
        let email = format!("reader{}@example.org", self.author);
        let key = |number: u8| PageKey::parse(&format!("page-{number}")).unwrap();
        Submission {
            draft: Draft {
                page_url: PageUrl::parse(&url).unwrap(),
                page_key: self.page_key.map(key),
                page_title: None,
                parent_id: None,
                name: Name::parse("Ada").unwrap(),
                email: EmailAddress::parse(&email).unwrap(),
                website: None,
                body: Body::parse(&format!("Text {}", self.text)).unwrap(),
                ip: [192, 0, 2, 7].into(),
                user_agent: None,
            },
            idempotency_key: self.key.map(|number| format!("key-{number}")),
            origin: None,
            voucher: None,
            network: ClientAddress::new([192, 0, 2, 7].into()).network(),
        }
    }

    fn content(self) -> (u8, Option<u8>, u8, u8) {
        (self.page, self.page_key, self.author, self.text)
    }
}

struct Stage {
    test: TestDatabase,
    instances: [Comments; 2],
}

impl Stage {
    async fn set() -> Self {
        let test = seed::database().await;
        Seed::plant_at(&test.pool, "https://tides.example").await;
        Self {
            instances: seed::two_instances(&test.database, &Clock::new()).await,
            test,
        }
    }

    /// Sends all of these at once.
    async fn send(&self, wave: &[Sent]) -> Vec<Result<Receipt, Error>> {
        let sending = wave
            .iter()
            .map(|sent| self.instances[sent.instance].submit(sent.submission()));
        with_writers(&self.instances, join_all(sending)).await
    }

    async fn stored(&self) -> Vec<CommentId> {
        ids(&self.test.pool).await
    }
}

async fn ids(pool: &PgPool) -> Vec<CommentId> {
    sqlx::query_scalar!(r#"select id as "id: CommentId" from comments order by id"#)
        .fetch_all(pool)
        .await
        .unwrap()
}

/// What the rules say of all that was ever sent, in whatever order the races ended: the comments by id.
#[derive(Default)]
struct Model {
    comments: BTreeMap<CommentId, Sent>,
}

impl Model {
    fn with_key(&self, sent: Sent) -> Option<(CommentId, Sent)> {
        let mut all = self.comments.iter();
        all.find(|(_, other)| sent.key.is_some() && other.key == sent.key)
            .map(|(id, other)| (*id, *other))
    }

    fn with_text(&self, sent: Sent) -> Option<Sent> {
        let words = |sent: &Sent| (sent.page, sent.author, sent.text);
        let mut all = self.comments.values();
        all.find(|other| words(other) == words(&sent)).copied()
    }

    /// Takes a wave's new comments over, then asks whether each answer is right with what is there now.
    fn check(&mut self, wave: &[Sent], answers: &[Result<Receipt, Error>]) {
        for (sent, answer) in wave.iter().zip(answers) {
            if let Ok(receipt) = answer
                && !receipt.replayed
            {
                let double = (self.with_key(*sent), self.with_text(*sent));
                assert_eq!(double, (None, None), "{sent:?} was taken twice");
                self.comments.insert(receipt.comment.comment.id, *sent);
            }
        }
        for (sent, answer) in wave.iter().zip(answers) {
            match answer {
                Ok(receipt) => {
                    let id = receipt.comment.comment.id;
                    let stored = self.comments.get(&id).map(|stored| stored.content());
                    assert_eq!(stored, Some(sent.content()), "{sent:?}");
                    assert!(!receipt.replayed || self.with_key(*sent).unwrap().0 == id);
                }
                Err(Error::KeyReused) => {
                    let (_, other) = self.with_key(*sent).unwrap();
                    assert_ne!(other.content(), sent.content(), "{sent:?}");
                }
                Err(Error::Duplicate) => {
                    assert!(self.with_text(*sent).is_some(), "{sent:?}");
                }
                Err(other) => {
                    assert!(matches!(other, Error::UnknownPageKey), "{sent:?}: {other}");
                    assert!(sent.page_key.is_some(), "{sent:?}");
                }
            }
        }
    }
}

fn sent() -> impl Strategy<Value = Sent> {
    let key = proptest::option::weighted(0.6, 0..4_u8);
    (0..2_usize, 0..3_u8, any::<bool>(), 0..2_u8, 0..3_u8, key).prop_map(
        |(instance, page, has_page_key, author, text, key)| Sent {
            instance,
            page,
            page_key: has_page_key.then_some(page),
            author,
            text,
            key,
        },
    )
}

#[test]
fn whatever_shares_a_batch_each_submission_ends_as_the_rules_say() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config {
        cases: 24,
        failure_persistence: None,
        ..Config::default()
    };
    let waves = vec(vec(sent(), 1..24), 1..5);
    TestRunner::new(config)
        .run(&waves, |waves| {
            runtime.block_on(async {
                let stage = Stage::set().await;
                let mut model = Model::default();
                for wave in &waves {
                    let answers = stage.send(wave).await;
                    model.check(wave, &answers);
                }
                let known: Vec<CommentId> = model.comments.keys().copied().collect();
                assert_eq!(stage.stored().await, known);
                for id in known {
                    assert_eq!(check_history(&stage.test.pool, id).await, 1);
                }
            });
            Ok::<_, TestCaseError>(())
        })
        .unwrap();
}

#[tokio::test]
async fn two_instances_with_the_same_texts_in_opposite_orders_never_lock_each_other_out() {
    let stage = Stage::set().await;
    for round in 0..10 {
        // Each instance has all of them in one batch, with keys and texts crossed.
        let one = |instance, number: u8| Sent {
            instance,
            page: number % 3,
            page_key: None,
            author: round,
            text: number,
            key: Some((number + 7) % 20),
        };
        let keys = |sent: &Sent| Sent {
            key: sent.key.map(|key| key + 20 * round),
            ..*sent
        };
        let there = (0..20).map(|number| keys(&one(0, number)));
        let back = (0..20).rev().map(|number| keys(&one(1, number)));
        let wave: Vec<Sent> = there.chain(back).collect();
        let answers = stage.send(&wave).await;
        let replayed: Vec<bool> = answers
            .iter()
            .map(|answer| answer.as_ref().unwrap().replayed)
            .collect();
        assert_eq!(replayed.iter().filter(|replayed| **replayed).count(), 20);
    }
    assert_eq!(stage.stored().await.len(), 200);
}

#[tokio::test]
async fn what_fails_in_a_batch_fails_alone() {
    let stage = Stage::set().await;
    // This instance doesn't know yet that the other site is gone.
    let gone = Seed::plant_at(&stage.test.pool, "https://gone.example").await;
    let [comments, _] = seed::two_instances(&stage.test.database, &Clock::new()).await;
    let id = gone.site.as_uuid();
    let pool = &stage.test.pool;
    for deleted in [
        sqlx::query!("delete from reasons where site_id = $1", id),
        sqlx::query!("delete from pages where site_id = $1", id),
        sqlx::query!("delete from sites where id = $1", id),
    ] {
        deleted.execute(pool).await.unwrap();
    }
    let submissions = (0..9).map(|number| {
        let mut submission = Sent {
            instance: 0,
            page: number,
            page_key: None,
            author: 0,
            text: number,
            key: None,
        }
        .submission();
        if number == 4 {
            submission.draft.page_url = PageUrl::parse("https://gone.example/").unwrap();
        }
        comments.submit(submission)
    });
    let answers = with_writers(std::slice::from_ref(&comments), join_all(submissions)).await;
    for (number, answer) in answers.iter().enumerate() {
        match answer {
            Ok(_) => assert_ne!(number, 4),
            Err(refusal) => assert_eq!((number, refusal.code()), (4, Code::UnknownSiteSubmitted)),
        }
    }
    assert_eq!(stage.stored().await.len(), 8);
}

#[tokio::test]
async fn whoever_comes_when_the_queue_is_full_is_refused_at_once_until_the_others_have_gone() {
    let stage = Stage::set().await;
    let comments = &stage.instances[0];
    let submit = |number: u16| {
        let mut submission = Sent {
            instance: 0,
            page: 0,
            page_key: None,
            author: 0,
            text: 0,
            key: None,
        }
        .submission();
        submission.draft.body = Body::parse(&format!("Text {number}")).unwrap();
        comments.submit(submission)
    };
    // Nobody writes yet, so whatever is answered was refused.
    let mut waiting = Vec::new();
    let mut refused = 0;
    for number in 0..600 {
        let mut sending = Box::pin(submit(number));
        match (&mut sending).now_or_never() {
            None => waiting.push(sending),
            Some(answer) => {
                let error = answer.err().unwrap();
                assert_eq!(error.code(), Code::Unavailable);
                assert!(error.retry_after().is_some());
                refused += 1;
            }
        }
    }
    assert_eq!((waiting.len(), refused), (512, 88));

    drop(waiting);
    with_writers(&stage.instances, async {
        while submit(600).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(stage.stored().await.len(), 1);
}
