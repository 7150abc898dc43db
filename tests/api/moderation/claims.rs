//! `POST` and `DELETE /api/v1/admin/queue/claims`: who holds what, for how long.

use serde_json::{Value, json};
use time::Duration;

use super::{held, ids, list};
use crate::backstage::{hire, hire_for_gazette, two_sites};
use crate::support::app::{Answer, Desk, TestApp, comment_on};

const CLAIMS: &str = "/api/v1/admin/queue/claims";

async fn claim(app: &TestApp, desk: &Desk, body: &Value) -> Answer {
    desk.post(app, CLAIMS, body).await
}

async fn give_back(app: &TestApp, desk: &Desk, body: &Value) -> Answer {
    let request = app.request("DELETE", CLAIMS).bearer_auth(&desk.token);
    app.send(request.json(body)).await
}

async fn waves(app: &TestApp, number: usize) -> Vec<String> {
    let mut made = Vec::new();
    for wave in 0..number {
        made.push(held(app, "/tides", &format!("Wave {wave}")).await);
    }
    made
}

#[tokio::test]
async fn two_moderators_get_different_comments_the_oldest_first() {
    let app = TestApp::start().await;
    let (mo, bo) = (
        hire(&app, "moderator", "Mo").await,
        hire(&app, "moderator", "Bo").await,
    );
    let made = waves(&app, 5).await;
    let two = json!({"limit": 2});
    let first = claim(&app, &mo, &two).await.is(200);
    assert_eq!(ids(&first), made[..2]);
    assert_eq!(first.at("/comments/0/claimed_by/name"), "Mo");
    assert_eq!(first.at("/comments/0/claimed_by/kind"), "moderator");
    assert!(first.at("/comments/0/claimed_until").is_string());
    assert_eq!(ids(&claim(&app, &bo, &two).await.is(200)), made[2..4]);
    // The same again, and more where more is wanted.
    assert_eq!(ids(&claim(&app, &mo, &two).await.is(200)), made[..2]);
    let three = claim(&app, &mo, &json!({"limit": 3})).await.is(200);
    assert_eq!(ids(&three), [&made[..2], &made[4..]].concat());
    let rest = claim(&app, &bo, &json!({})).await.is(200);
    assert_eq!(ids(&rest), made[2..4]);
    // Lists show who works on what, and hide nothing.
    let all = list(&app, &bo, "?status=pending").await.is(200);
    let names: Vec<_> = (0..5)
        .map(|place| all.at(&format!("/comments/{place}/claimed_by/name")))
        .collect();
    assert_eq!(names, ["Mo", "Mo", "Bo", "Bo", "Mo"]);
    app.stop().await;
}

#[tokio::test]
async fn a_claim_ends_after_five_minutes_unless_it_is_renewed() {
    let app = TestApp::start().await;
    let (mo, bo) = (
        hire(&app, "moderator", "Mo").await,
        hire(&app, "moderator", "Bo").await,
    );
    let made = waves(&app, 2).await;
    claim(&app, &mo, &json!({})).await.is(200);
    app.clock.advance(Duration::minutes(4));
    assert_eq!(ids(&claim(&app, &mo, &json!({})).await.is(200)), made);
    app.clock.advance(Duration::minutes(4));
    assert!(ids(&claim(&app, &bo, &json!({})).await.is(200)).is_empty());
    app.clock.advance(Duration::minutes(1));
    let shown = list(&app, &bo, "").await.is(200);
    assert_eq!(shown.at("/comments/0/claimed_by"), Value::Null);
    assert_eq!(ids(&claim(&app, &bo, &json!({})).await.is(200)), made);
    assert!(ids(&claim(&app, &mo, &json!({})).await.is(200)).is_empty());
    app.stop().await;
}

#[tokio::test]
async fn what_is_given_back_is_free_for_others() {
    let app = TestApp::start().await;
    let (mo, bo) = (
        hire(&app, "moderator", "Mo").await,
        hire(&app, "moderator", "Bo").await,
    );
    let made = waves(&app, 3).await;
    claim(&app, &mo, &json!({})).await.is(200);
    // Others' claims are passed over.
    give_back(&app, &bo, &json!({"ids": [made[0]]}))
        .await
        .is(204);
    assert!(ids(&claim(&app, &bo, &json!({})).await.is(200)).is_empty());
    give_back(&app, &mo, &json!({"ids": [made[1]]}))
        .await
        .is(204);
    assert_eq!(ids(&claim(&app, &bo, &json!({})).await.is(200)), made[1..2]);
    give_back(&app, &mo, &json!({})).await.is(204);
    assert_eq!(ids(&claim(&app, &bo, &json!({})).await.is(200)), {
        let mut sorted = made.clone();
        sorted.rotate_left(1);
        [&sorted[..1], &made[..1], &made[2..]].concat()
    });
    app.stop().await;
}

#[tokio::test]
async fn a_claim_forbids_nothing_and_what_was_decided_is_given_up() {
    let app = TestApp::start().await;
    let (mo, bo) = (
        hire(&app, "moderator", "Mo").await,
        hire(&app, "moderator", "Bo").await,
    );
    let made = waves(&app, 3).await;
    claim(&app, &mo, &json!({"limit": 2})).await.is(200);
    bo.decide(&app, &made[0], "approve", &json!({"version": 1}))
        .await
        .is(200);
    mo.decide(&app, &made[0], "reject", &json!({"version": 1}))
        .await
        .is_problem(409, "version_conflict");
    let next = claim(&app, &mo, &json!({"limit": 2})).await.is(200);
    assert_eq!(ids(&next), made[1..]);
    let shown = list(&app, &bo, "?status=approved").await.is(200);
    assert_eq!(shown.at("/comments/0/claimed_by"), Value::Null);
    app.stop().await;
}

#[tokio::test]
async fn a_filter_says_what_is_lent_and_a_scope_bounds_it() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let owner = app.desk().await;
    let own = held(&app, "/tides", "Ebb").await;
    let moon = held(&app, "/moon", "Full moon").await;
    let mut abroad = comment_on("/tides", "Flood", None);
    abroad["page_url"] = json!("https://gazette.example/tides");
    let (abroad, _) = app.submitted(&abroad).await;
    let gaz = hire_for_gazette(&app, "moderator", "Gaz").await;
    for (filter, wanted) in [
        (json!({"page_url": "https://example.org/moon"}), &moon),
        (json!({"site": "gazette"}), &abroad),
        (json!({"q": "full"}), &moon),
        (
            json!({"email": "ADA@example.org", "status": ["pending"], "site": "gazette"}),
            &abroad,
        ),
    ] {
        let body = json!({"filter": filter});
        assert_eq!(
            ids(&claim(&app, &owner, &body).await.is(200)),
            [&**wanted],
            "{body}"
        );
        give_back(&app, &owner, &json!({})).await.is(204);
    }
    assert_eq!(
        ids(&claim(&app, &gaz, &json!({})).await.is(200)),
        [&*abroad]
    );
    claim(&app, &gaz, &json!({"filter": {"site": "default"}}))
        .await
        .is_problem(404, "unknown_site");
    assert_eq!(
        ids(&claim(&app, &owner, &json!({})).await.is(200)),
        [own, moon]
    );
    app.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_claim_is_said_all_at_once() {
    let app = TestApp::start().await;
    let (mo, vi) = (
        hire(&app, "moderator", "Mo").await,
        hire(&app, "viewer", "Vi").await,
    );
    claim(&app, &vi, &json!({}))
        .await
        .is_problem(403, "forbidden");
    give_back(&app, &vi, &json!({}))
        .await
        .is_problem(403, "forbidden");
    let wrong = json!({"limit": 0, "filter": {"status": ["open"], "ip": "x", "colour": 1}});
    let answer = claim(&app, &mo, &wrong)
        .await
        .is_problem(422, "validation_failed");
    assert_eq!(
        answer.field_errors(),
        [
            "filter.colour: unknown_field",
            "filter.ip: invalid_value",
            "filter.status: invalid_value",
            "limit: invalid_value"
        ]
    );
    let answer = give_back(&app, &mo, &json!({"ids": ["x"]})).await;
    let answer = answer.is_problem(422, "validation_failed");
    assert_eq!(answer.field_errors(), ["ids[0]: invalid_value"]);
    app.stop().await;
}
