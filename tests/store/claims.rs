//! Claims that race: no comment is lent to two, and none is left over.

use std::collections::HashSet;

use futures_util::future::join_all;
use rejoinder::accounts::model::{Caller, Proof, Role, SiteScope};
use rejoinder::base::clock::Clock;
use rejoinder::base::ids::{CommentId, ModeratorId, SessionId};
use rejoinder::base::paging::Limit;
use rejoinder::comments::model::Status;
use rejoinder::comments::model::decisions::{Decision, DecisionRequest, Outcome};
use rejoinder::comments::model::queue::CommentFilter;
use rejoinder::jobs::model::Progress;
use rejoinder::moderation::{CLAIM_TIME, Moderation};
use sqlx::PgPool;

use crate::seed::{self, Seed, TestDatabase};

fn moderation(test: &TestDatabase, clock: &Clock) -> Moderation {
    let (sites, comments) = seed::services(&test.database, clock);
    Moderation::new(test.database.clone(), clock.clone(), sites, comments)
}

fn waiting() -> CommentFilter {
    CommentFilter {
        statuses: vec![Status::Pending],
        ..CommentFilter::default()
    }
}

/// A moderator of all sites.
async fn hire(pool: &PgPool, clock: &Clock) -> Caller {
    let id = ModeratorId::new(clock.now());
    sqlx::query!(
        "insert into moderators (id, email, email_key, name, role, created_at)
        values ($1, $2, $2, 'Mo', 'moderator', $3)",
        id.as_uuid(),
        format!("{id}@example.org"),
        clock.now()
    )
    .execute(pool)
    .await
    .unwrap();
    Caller {
        moderator_id: id,
        name: "Mo".to_owned(),
        role: Role::Moderator,
        sites: SiteScope::All,
        proof: Proof::Session(SessionId::new(clock.now())),
    }
}

/// Comments that wait, each with its first line of history, on as many pages as `pages`.
async fn add_waiting(pool: &PgPool, seed: &Seed, number: i32, pages: i32) {
    sqlx::query!(
        "insert into pages (id, site_id, url, url_key, created_at)
        select gen_random_uuid(), $1, 'https://tides.example/' || n, 'tides.example/' || n, now()
        from generate_series(1, $2) n",
        seed.site.as_uuid(),
        pages
    )
    .execute(pool)
    .await
    .unwrap();
    sqlx::query!(
        "with made as (
            select gen_random_uuid() as id, p.id as page_id, p.site_id, now() + n * interval '1 millisecond' as at
            from generate_series(1, $1) n
            join (select id, site_id, row_number() over () as place from pages where url like '%tides.example/_%') p
                on p.place = 1 + n % $2
        ), stored as (
            insert into comments (id, site_id, page_id, root_id, depth, status, name, email, email_key, body, body_html,
                avatar, submitted_at, content_hash)
            select id, site_id, page_id, id, 0, 'pending', 'Ada', 'ada@example.org', 'ada@example.org', 'Ebb', '<p>Ebb</p>',
                repeat('a', 32), at, '\\x00'
            from made
        )
        insert into comment_history (comment_id, version, at, actor_kind, to_status)
        select id, 1, at, 'author', 'pending' from made",
        number,
        pages
    )
    .execute(pool)
    .await
    .unwrap();
}

/// Claims and decides until nothing is left to claim; every comment that was decided.
async fn work(moderation: &Moderation, caller: &Caller) -> Vec<CommentId> {
    let mut decided = Vec::new();
    loop {
        let limit = Limit::parse("20").unwrap();
        let held = moderation.claim(caller, &waiting(), limit).await.unwrap();
        assert!(held.len() <= 20);
        if held.is_empty() {
            return decided;
        }
        let requests: Vec<_> = held
            .iter()
            .enumerate()
            .map(|(place, queued)| {
                let claim = queued.claim.as_ref().unwrap();
                assert_eq!(claim.by.id, Some(caller.moderator_id));
                assert_eq!(queued.comment.status, Status::Pending);
                DecisionRequest {
                    comment_id: queued.comment.id,
                    decision: [Decision::Approve, Decision::Reject, Decision::Spam][place % 3],
                    reason: None,
                    note: None,
                    version: Some(queued.comment.version),
                }
            })
            .collect();
        for result in moderation.decide_many(caller, &requests).await.unwrap() {
            assert_eq!(result.outcome, Outcome::Decided);
            decided.push(result.comment_id);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_moderators_share_a_queue_and_nothing_is_decided_twice_or_left() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let clock = Clock::new();
    add_waiting(&test.pool, &seed, 2_000, 20).await;
    let moderation = moderation(&test, &clock);
    let mut people = Vec::new();
    for _ in 0..16 {
        people.push(hire(&test.pool, &clock).await);
    }

    let work = people.iter().map(|caller| work(&moderation, caller));
    let decided: Vec<_> = join_all(work).await.into_iter().flatten().collect();

    assert_eq!(decided.len(), 2_000);
    assert_eq!(decided.iter().collect::<HashSet<_>>().len(), 2_000);
    let wrong = sqlx::query_scalar!(
        r#"select count(*) as "wrong!" from comments c
        where c.status = 'pending' or c.version <> 2
            or (select count(*) from comment_history h where h.comment_id = c.id) <> 2"#
    )
    .fetch_one(&test.pool)
    .await
    .unwrap();
    assert_eq!(wrong, 0);
    let miscounted = sqlx::query_scalar!(
        r#"select count(*) as "miscounted!" from pages p
        where p.comment_count
            <> (select count(*) from comments c where c.page_id = p.id and c.status = 'approved')"#
    )
    .fetch_one(&test.pool)
    .await
    .unwrap();
    assert_eq!(miscounted, 0);
    // What was decided is given up with the next call, which found nothing for anybody.
    let held = sqlx::query_scalar!(r#"select count(*) as "held!" from claims"#)
        .fetch_one(&test.pool)
        .await
        .unwrap();
    assert_eq!(held, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_claimed_at_once_goes_to_different_people() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let clock = Clock::new();
    add_waiting(&test.pool, &seed, 100, 3).await;
    let moderation = moderation(&test, &clock);
    let mut people = Vec::new();
    for _ in 0..16 {
        people.push(hire(&test.pool, &clock).await);
    }
    for _ in 0..5 {
        let (filter, limit) = (waiting(), Limit::parse("10").unwrap());
        let claims = people
            .iter()
            .map(|caller| moderation.claim(caller, &filter, limit));
        let held: Vec<_> = join_all(claims)
            .await
            .into_iter()
            .flat_map(Result::unwrap)
            .map(|queued| queued.comment.id)
            .collect();
        assert_eq!(held.len(), 100);
        assert_eq!(held.iter().collect::<HashSet<_>>().len(), 100);
    }
}

#[tokio::test]
async fn claims_that_have_run_out_are_deleted_and_no_others() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let clock = Clock::movable();
    add_waiting(&test.pool, &seed, 4, 1).await;
    let moderation = moderation(&test, &clock);
    let (early, late) = (
        hire(&test.pool, &clock).await,
        hire(&test.pool, &clock).await,
    );
    let two = Limit::parse("2").unwrap();
    moderation.claim(&early, &waiting(), two).await.unwrap();
    clock.advance(CLAIM_TIME / 2);
    moderation.claim(&late, &waiting(), two).await.unwrap();
    assert_eq!(moderation.expire_claims().await.unwrap(), Progress::Done);
    clock.advance(CLAIM_TIME / 2);
    assert_eq!(moderation.expire_claims().await.unwrap(), Progress::Done);
    let holders = sqlx::query_scalar!("select moderator_id from claims")
        .fetch_all(&test.pool)
        .await
        .unwrap();
    assert_eq!(holders, [*late.moderator_id.as_uuid(); 2]);
}
