//! `GET /api/v1/comments/{id}/replies`: a thread's answers beyond the first twenty.

use serde_json::{Value, json};

use crate::rows::{self, id};
use crate::support::app::TestApp;

const ANSWERS: u32 = 45;

fn ids(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap();
    list.iter()
        .map(|reply| reply["id"].as_str().unwrap().to_owned())
        .collect()
}

fn expected() -> Vec<String> {
    let mut answers: Vec<u32> = (1_001..=1_000 + ANSWERS).collect();
    answers.sort_by_key(|n| (n / 5, id(*n)));
    answers.into_iter().map(id).collect()
}

#[tokio::test]
async fn the_list_shows_twenty_answers_and_the_cursor_leads_to_the_rest() {
    let app = TestApp::start().await;
    rows::add_threads(&app.database, "/many", 2).await;
    rows::add_replies(&app.database, 1, 1_001, ANSWERS).await;
    rows::add_replies(&app.database, 2, 3_001, 20).await;
    let list = app
        .thread("/many", "")
        .await
        .is(200)
        .has("/page/comment_count", 67)
        .json();
    let threads = list["comments"].as_array().unwrap();
    let of = |n: u32| {
        threads
            .iter()
            .find(|thread| thread["id"] == json!(id(n)))
            .unwrap()
    };
    assert_eq!(of(1)["reply_count"], ANSWERS);
    assert_eq!(of(2)["reply_count"], 20);
    assert_eq!(of(2)["next_replies_cursor"], Value::Null);
    let mut shown = ids(&of(1)["replies"]);
    assert_eq!(shown.len(), 20);
    let mut cursor = of(1)["next_replies_cursor"].as_str().map(str::to_owned);
    while let Some(next) = cursor {
        let path = format!("/api/v1/comments/{}/replies?limit=10&cursor={next}", id(1));
        let answer = app.get(&path).await.is(200);
        shown.extend(ids(&answer.at("/replies")));
        cursor = answer.at("/next_cursor").as_str().map(str::to_owned);
    }
    assert_eq!(shown, expected());
    app.stop().await;
}

#[tokio::test]
async fn answers_begin_at_the_first_without_a_cursor() {
    let app = TestApp::start().await;
    rows::add_threads(&app.database, "/many", 1).await;
    rows::add_replies(&app.database, 1, 1_001, ANSWERS).await;
    let path = format!("/api/v1/comments/{}/replies", id(1));
    let whole = app
        .get(&format!("{path}?limit=100"))
        .await
        .is(200)
        .has("/next_cursor", Value::Null)
        .has("/replies/0/parent_id", id(1))
        .has("/replies/0/depth", 1);
    assert_eq!(ids(&whole.at("/replies")), expected());
    for (limit, more) in [(44, true), (45, false)] {
        let part = app.get(&format!("{path}?limit={limit}")).await;
        assert_eq!(part.at("/next_cursor").is_string(), more, "{limit}");
    }
    app.stop().await;
}

#[tokio::test]
async fn only_public_threads_have_answers() {
    let app = TestApp::start().await;
    rows::add_threads(&app.database, "/many", 2).await;
    rows::add_replies(&app.database, 1, 1_001, 1).await;
    rows::change(
        &app.database,
        &format!(
            "with gone as (update comments set status = 'rejected' where id = '{}' returning page_id)
            update pages set comment_count = comment_count - 1 where id = (select page_id from gone)",
            id(2)
        ),
    )
    .await;
    let nobody = "01980000-0000-7000-8000-000000000000".to_owned();
    // Answers are asked of the thread, not of one of them.
    for wanted in [id(2), id(1_001), nobody] {
        app.get(&format!("/api/v1/comments/{wanted}/replies"))
            .await
            .is_problem(404, "comment_not_found");
    }
    app.stop().await;
}
