//! What comes in while a site is exported. Must not know HTTP.

use std::collections::HashSet;

use rejoinder::base::clock::Clock;
use rejoinder::base::ids::{CommentId, PageId};
use rejoinder::comments::model::Status;
use rejoinder::transfer::model::Line;
use rejoinder::transfer::{Export, Transfer};
use sqlx::PgPool;
use uuid::Uuid;

use crate::seed::{self, Seed};

/// More answers than an export reads at once.
const ANSWERS: u32 = 250;

fn numbered(number: u32) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | u128::from(number))
}

/// An answer of this id, which sorts as its number does.
async fn add_answer(pool: &PgPool, id: Uuid, parent: Uuid) {
    sqlx::query!(
        "insert into comments (id, site_id, page_id, parent_id, root_id, depth, status, name, email, email_key, body,
            body_html, avatar, submitted_at, content_hash)
        select $1, site_id, page_id, id, root_id, depth + 1, 'pending', name, email, email_key, body, body_html, avatar,
            submitted_at, content_hash
        from comments
        where id = $2",
        id,
        parent
    )
    .execute(pool)
    .await
    .unwrap();
}

/// Page and comment ids in their order, each checked to stand behind what it names.
async fn rest(export: &mut Export) -> (Vec<PageId>, Vec<CommentId>) {
    let (mut pages, mut comments) = (Vec::new(), Vec::new());
    let (mut known_pages, mut known) = (HashSet::new(), HashSet::new());
    while let Some(lines) = export.next().await.unwrap() {
        assert!(!lines.is_empty());
        for line in lines {
            match line {
                Line::Page(page) => {
                    assert!(known_pages.insert(page.id), "twice: {page:?}");
                    pages.push(page.id);
                }
                Line::Comment(comment) => {
                    assert!(known_pages.contains(&comment.page), "{comment:?}");
                    let parent = comment.parent_id;
                    assert!(
                        parent.is_none_or(|parent| known.contains(&parent)),
                        "{comment:?}"
                    );
                    assert!(known.insert(comment.id), "twice: {comment:?}");
                    comments.push(comment.id);
                }
                Line::End {
                    pages: told_pages,
                    comments: told,
                } => {
                    assert_eq!((told_pages, told), export.written());
                }
                Line::Site(_) | Line::AuthorNote(_) => {}
            }
        }
    }
    (pages, comments)
}

#[tokio::test]
async fn a_comment_on_a_page_that_came_in_meanwhile_stands_behind_its_page() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let first = seed.comment(&test.pool).await;
    let transfer = Transfer::new(test.database.clone(), Clock::new());
    let mut export = transfer.export_for_operator(&seed.slug).await.unwrap();
    let site = export.next().await.unwrap().unwrap();
    assert!(matches!(site[..], [Line::Site(_)]));
    let pages = export.next().await.unwrap().unwrap();
    assert!(matches!(pages[..], [Line::Page(_)]));
    // The page that there was is written, and not once more.
    let late = seed::add_page(&test.pool, seed.site).await;
    let second = seed::add_comment(&test.pool, seed.site, late, Status::Pending).await;
    let mut found = (Vec::new(), Vec::new());
    while let Some(lines) = export.next().await.unwrap() {
        for line in lines {
            match line {
                Line::Page(page) => found.0.push(page.id),
                Line::Comment(comment) => {
                    assert!(comment.page == seed.page || found.0.contains(&comment.page));
                    found.1.push(comment.id);
                }
                Line::End { pages, comments } => assert_eq!((pages, comments), (2, 2)),
                Line::Site(_) | Line::AuthorNote(_) => {}
            }
        }
    }
    assert_eq!(found, (vec![late], vec![first, second]));
}

#[tokio::test]
async fn an_answer_whose_parent_came_in_behind_the_reading_waits_for_the_next_export() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let root = *seed.comment(&test.pool).await.as_uuid();
    for number in 1..=ANSWERS {
        add_answer(&test.pool, numbered(10 * number), root).await;
    }
    let transfer = Transfer::new(test.database.clone(), Clock::new());
    let mut export = transfer.export_for_operator(&seed.slug).await.unwrap();
    let mut before = 0;
    while before == 0 {
        export.next().await.unwrap().unwrap();
        before = export.written().1;
    }
    assert!(before < u64::from(ANSWERS), "the thread was read at once");
    add_answer(&test.pool, numbered(15), root).await;
    add_answer(&test.pool, numbered(1), numbered(15)).await;
    // The one below an answer that is written comes along.
    add_answer(&test.pool, numbered(2), numbered(20)).await;
    while export.next().await.unwrap().is_some() {}
    assert_eq!(export.written(), (1, 1 + u64::from(ANSWERS) + 1));
    drop(export);
    let mut again = transfer.export_for_operator(&seed.slug).await.unwrap();
    let (pages, comments) = rest(&mut again).await;
    assert_eq!((pages.len(), comments.len()), (1, 1 + 250 + 3));
}

#[tokio::test]
async fn a_comment_with_a_long_history_comes_with_all_of_it() {
    let test = seed::database().await;
    let seed = Seed::plant(&test.pool).await;
    let ids = [
        seed.comment(&test.pool).await,
        seed.comment(&test.pool).await,
    ];
    for id in &ids {
        sqlx::query!(
            "insert into comment_history (comment_id, version, at, actor_kind, actor_id, from_status, to_status)
            select $1, n, now(), 'moderator', $2, 'pending', 'pending' from generate_series(2, 1700) n",
            id.as_uuid(),
            seed.moderator.as_uuid()
        )
        .execute(&test.pool)
        .await
        .unwrap();
    }
    let transfer = Transfer::new(test.database.clone(), Clock::new());
    let mut export = transfer.export_for_operator(&seed.slug).await.unwrap();
    let mut lengths = Vec::new();
    while let Some(lines) = export.next().await.unwrap() {
        let comments = lines.iter().filter_map(|line| match line {
            Line::Comment(comment) => Some(comment),
            _ => None,
        });
        lengths.extend(comments.map(|comment| comment.history.len()));
    }
    assert_eq!(lengths, [1_700, 1_700]);
}
