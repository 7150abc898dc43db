//! Comments from before there were author ids.

use rejoinder::base::clock::Clock;
use rejoinder::base::email::EmailAddress;
use rejoinder::comments::model::Status;
use rejoinder::jobs::model::Progress;

use crate::seed::{self, Seed, add_comment};

#[tokio::test]
async fn older_comments_get_their_authors_by_a_job_that_is_enqueued_once() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let (_, comments) = seed::services(&test.database, &Clock::new());
    let jobs = async || {
        sqlx::query_scalar!(
            r#"select count(*) as "jobs!" from jobs where kind = 'comments.author_ids'"#
        )
        .fetch_one(&test.pool)
        .await
        .unwrap()
    };
    let deleted = add_comment(&test.pool, seed.site, seed.page, Status::Deleted).await;
    comments.enqueue_author_ids().await.unwrap();
    assert_eq!(jobs().await, 0);
    let first = seed.comment(&test.pool).await;
    sqlx::query!(
        "insert into comments (id, site_id, page_id, root_id, depth, status, name, email, email_key, body, body_html,
            avatar, submitted_at, content_hash)
        select m.id, c.site_id, c.page_id, m.id, 0, 'pending', 'Bo', 'bo@example.org', 'bo@example.org', 'Ebb', '<p>Ebb</p>',
            c.avatar, c.submitted_at, c.content_hash
        from comments c
        cross join lateral (select gen_random_uuid() as id from generate_series(1, 1500)) m
        where c.id = $1",
        first.as_uuid()
    )
    .execute(&test.pool)
    .await
    .unwrap();
    for _ in 0..2 {
        comments.enqueue_author_ids().await.unwrap();
        assert_eq!(jobs().await, 1);
    }
    let mut runs = 0;
    while comments.fill_author_ids().await.unwrap() != Progress::Done {
        runs += 1;
    }
    assert_eq!(runs, 2);
    let ids = comments.authors();
    for (address, number) in [("ada@example.org", 1), ("bo@example.org", 1_500)] {
        let author = ids.of(EmailAddress::parse(address).unwrap().key());
        let found = sqlx::query_scalar!(
            r#"select count(*) as "found!" from comments where author_id = $1"#,
            author.as_uuid()
        )
        .fetch_one(&test.pool)
        .await
        .unwrap();
        assert_eq!(found, number, "{address}");
    }
    let author = sqlx::query_scalar!(
        "select author_id from comments where id = $1",
        deleted.as_uuid()
    )
    .fetch_one(&test.pool)
    .await
    .unwrap();
    assert_eq!(author, None);
}
