//! `GET /api/v1/admin/sessions` and `DELETE /api/v1/admin/sessions/{id}`.

use serde_json::{Value, json};
use time::Duration;

use super::{acts, ask, enter, id_of};
use crate::backstage::{hire, hire_for_gazette, two_sites};
use crate::support::app::{Answer, Desk, OWNER, PASSWORD, TestApp};

const SESSIONS: &str = "/api/v1/admin/sessions";
const CURRENT: &str = "/api/v1/admin/sessions/current";

async fn session_id(app: &TestApp, desk: &Desk) -> String {
    let current = desk.get(app, CURRENT).await.is(200);
    current.at("/id").as_str().unwrap().to_owned()
}

async fn end(app: &TestApp, desk: &Desk, id: &str) -> Answer {
    ask(
        app,
        desk,
        "DELETE",
        &format!("{SESSIONS}/{id}"),
        Value::Null,
    )
    .await
}

#[tokio::test]
async fn somebody_sees_their_own_sessions_newest_first() {
    let app = TestApp::start().await;
    hire(&app, "viewer", "Vi").await;
    let first = app.desk().await;
    app.clock.advance(Duration::minutes(5));
    let request = app
        .request("POST", SESSIONS)
        .header("User-Agent", format!("Lynx/2.9 {}", "x".repeat(600)))
        .json(&json!({"email": OWNER, "password": PASSWORD}));
    app.send(request).await.is(201);
    let list = first
        .get(&app, SESSIONS)
        .await
        .is(200)
        .has("/next_cursor", Value::Null);
    let sessions = list.at("/sessions");
    let sessions = sessions.as_array().unwrap();
    assert_eq!(sessions.len(), 2, "{list:?}");
    assert_eq!(sessions[0]["current"], false);
    let agent = sessions[0]["user_agent"].as_str().unwrap();
    assert!(
        agent.starts_with("Lynx/2.9 x") && agent.len() == 512,
        "{agent}"
    );
    assert_eq!(sessions[1]["current"], true);
    assert_eq!(sessions[1]["user_agent"], Value::Null);
    assert_eq!(sessions[1]["id"], session_id(&app, &first).await);
    assert!(sessions[1]["last_used_at"].as_str() > sessions[1]["created_at"].as_str());
    assert!(sessions[1]["expires_at"].is_string());
    assert!(!list.text.contains(&first.token));
    app.clock
        .advance(Duration::hours(11) + Duration::minutes(58));
    first.get(&app, CURRENT).await.is(200);
    app.clock.advance(Duration::minutes(5));
    let left = first.get(&app, SESSIONS).await.is(200).at("/sessions");
    assert_eq!(left.as_array().unwrap().len(), 1, "the other has ended");
    app.stop().await;
}

#[tokio::test]
async fn sessions_are_listed_page_by_page() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    for _ in 0..4 {
        app.clock.advance(Duration::seconds(1));
        app.desk().await;
    }
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    for _ in 0..4 {
        let page = desk.get(&app, &format!("{SESSIONS}{query}")).await.is(200);
        let items = page.at("/sessions");
        seen.extend(
            items
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].to_string()),
        );
        let Some(cursor) = page.at("/next_cursor").as_str().map(str::to_owned) else {
            break;
        };
        query = format!("?limit=2&cursor={cursor}");
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted_by(|one, next| one > next), "{seen:?}");
    desk.get(&app, &format!("{SESSIONS}?cursor=x"))
        .await
        .is_problem(400, "invalid_cursor");
    desk.get(&app, &format!("{SESSIONS}?moderator=x"))
        .await
        .is_problem(400, "invalid_query");
    app.stop().await;
}

#[tokio::test]
async fn somebody_ends_their_own_sessions_and_nobody_elses() {
    let app = TestApp::start().await;
    let owner = app.desk().await;
    let one = hire(&app, "viewer", "Vi").await;
    let two = enter(&app, "Vi", PASSWORD).await;
    let id = session_id(&app, &two).await;
    assert_eq!(
        end(&app, &one, &id).await.is(204).header("cache-control"),
        "private, no-store"
    );
    two.get(&app, CURRENT)
        .await
        .is_problem(401, "unauthenticated");
    end(&app, &one, &id)
        .await
        .is_problem(404, "session_not_found");
    let owners = session_id(&app, &owner).await;
    for id in [owners.as_str(), "x", "0198c000-0000-7000-8000-000000000000"] {
        end(&app, &one, id)
            .await
            .is_problem(404, "session_not_found");
    }
    owner.get(&app, CURRENT).await.is(200);
    let own = session_id(&app, &one).await;
    end(&app, &one, &own).await.is(204);
    one.get(&app, CURRENT).await.is(401);
    assert!(
        acts(&app).await.is_empty(),
        "one's own sessions are one's own business"
    );
    app.stop().await;
}

#[tokio::test]
async fn an_admin_sees_and_ends_the_sessions_of_people_whom_they_manage() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let admin = hire_for_gazette(&app, "admin", "Ad").await;
    let under = hire_for_gazette(&app, "moderator", "Under").await;
    let (equal, above, elsewhere) = (
        hire_for_gazette(&app, "admin", "Equal").await,
        app.desk().await,
        hire(&app, "moderator", "Wide").await,
    );
    let list = format!("{SESSIONS}?moderator={}", id_of(&app, "Under").await);
    let seen = admin.get(&app, &list).await.is(200);
    let id = session_id(&app, &under).await;
    seen.has("/sessions/0/id", id.as_str())
        .has("/sessions/0/current", false);
    end(&app, &admin, &id).await.is(204);
    under.get(&app, CURRENT).await.is(401);
    for (desk, name) in [(&equal, "Equal"), (&above, "Owner"), (&elsewhere, "Wide")] {
        let list = format!("{SESSIONS}?moderator={}", id_of(&app, name).await);
        admin.get(&app, &list).await.is_problem(403, "forbidden");
        let id = session_id(&app, desk).await;
        end(&app, &admin, &id)
            .await
            .is_problem(404, "session_not_found");
    }
    let nobody = format!("{SESSIONS}?moderator=0198c000-0000-7000-8000-000000000000");
    admin
        .get(&app, &nobody)
        .await
        .is_problem(404, "moderator_not_found");
    let acts = acts(&app).await;
    assert_eq!(
        acts,
        [format!(
            r#"moderator.session_ended moderator {{"session": "{id}"}}"#
        )]
    );
    app.stop().await;
}
