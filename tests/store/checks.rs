//! What holds after every race: one history, an exact count. Must not know what raced.

use rejoinder::base::ids::{CommentId, PageId};
use sqlx::PgPool;

/// One line for each version, each beginning where the one before ended, the last one as the comment is. Its version.
pub(crate) async fn check_history(pool: &PgPool, comment: CommentId) -> i32 {
    let lines = sqlx::query!(
        "select version, from_status, to_status, actor_kind from comment_history where comment_id = $1 order by version",
        comment.as_uuid()
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let now = sqlx::query!(
        "select version, status from comments where id = $1",
        comment.as_uuid()
    )
    .fetch_one(pool)
    .await
    .unwrap();
    let versions: Vec<i32> = lines.iter().map(|line| line.version).collect();
    assert_eq!(versions, (1..=now.version).collect::<Vec<_>>());
    let kept = sqlx::query_scalar!(
        "select version from comment_texts where comment_id = $1",
        comment.as_uuid()
    )
    .fetch_all(pool)
    .await
    .unwrap();
    for pair in lines.windows(2) {
        assert_eq!(pair[1].from_status.as_ref(), Some(&pair[0].to_status));
        // Only an edit leaves the state, or an author's one holds it again; then what it replaced is kept, until a deletion.
        let edited = kept.contains(&pair[0].version);
        let stays = pair[1].from_status.as_ref() == Some(&pair[1].to_status);
        let is_edit = stays || pair[1].actor_kind == "author";
        assert!(edited == is_edit || now.status == "deleted");
    }
    assert_eq!(lines.last().unwrap().to_status, now.status);
    now.version
}

pub(crate) async fn check_count(pool: &PgPool, page: PageId) -> i32 {
    let counts = sqlx::query!(
        r#"select comment_count, (select count(*) from comments c where c.page_id = p.id and c.status = 'approved')::integer as "recount!"
        from pages p where id = $1"#,
        page.as_uuid()
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(counts.comment_count, counts.recount);
    counts.comment_count
}
