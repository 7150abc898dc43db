//! Notes about comments and authors: who may write, see and delete them.

use serde_json::{Value, json};

use super::{NOBODYS_ID, held, list};
use crate::backstage::{hire, hire_for_gazette, two_sites};
use crate::support::app::{Answer, Desk, TestApp, comment_on};

async fn delete(app: &TestApp, desk: &Desk, id: &Value) -> Answer {
    let path = format!("/api/v1/admin/notes/{}", id.as_str().unwrap());
    let request = app.request("DELETE", &path).bearer_auth(&desk.token);
    app.send(request).await
}

fn texts(answer: &Answer) -> Vec<String> {
    let notes = answer.at("/notes");
    let text = |note: &Value| note["note"].as_str().unwrap().to_owned();
    notes.as_array().unwrap().iter().map(text).collect()
}

#[tokio::test]
async fn notes_about_a_comment_are_read_newest_first_page_by_page() {
    let app = TestApp::start().await;
    let mo = hire(&app, "moderator", "Mo").await;
    let id = held(&app, "/tides", "Ebb").await;
    let path = format!("/api/v1/admin/comments/{id}/notes");
    for number in 1..=3 {
        let body = json!({"note": format!(" Note {number}\r\n")});
        let kept = mo.post(&app, &path, &body).await.is(201);
        let kept = kept
            .has("/note", format!("Note {number}"))
            .has("/moderator/kind", "moderator")
            .has("/moderator/name", "Mo")
            .has("/site", "default");
        assert!(kept.at("/id").is_string() && kept.at("/at").is_string());
    }
    let first = mo.get(&app, &format!("{path}?limit=2")).await.is(200);
    assert_eq!(texts(&first), ["Note 3", "Note 2"]);
    let cursor = first.at("/next_cursor");
    let rest = format!("{path}?limit=2&cursor={}", cursor.as_str().unwrap());
    let rest = mo.get(&app, &rest).await.is(200);
    assert_eq!(texts(&rest), ["Note 1"]);
    assert_eq!(rest.at("/next_cursor"), Value::Null);
    mo.get(&app, &format!("{path}?cursor=x"))
        .await
        .is_problem(400, "invalid_cursor");
    app.stop().await;
}

#[tokio::test]
async fn a_note_is_deleted_by_its_writer_or_an_admin() {
    let app = TestApp::start().await;
    let (mo, bo) = (
        hire(&app, "moderator", "Mo").await,
        hire(&app, "moderator", "Bo").await,
    );
    let (admin, vi) = (
        hire(&app, "admin", "Al").await,
        hire(&app, "viewer", "Vi").await,
    );
    let id = held(&app, "/tides", "Ebb").await;
    let path = format!("/api/v1/admin/comments/{id}/notes");
    let mut notes = Vec::new();
    for text in ["One", "Two"] {
        let kept = mo.post(&app, &path, &json!({"note": text})).await.is(201);
        notes.push(kept.at("/id"));
    }
    vi.post(&app, &path, &json!({"note": "Three"}))
        .await
        .is_problem(403, "forbidden");
    assert_eq!(texts(&vi.get(&app, &path).await.is(200)), ["Two", "One"]);
    delete(&app, &vi, &notes[0])
        .await
        .is_problem(403, "forbidden");
    delete(&app, &bo, &notes[0])
        .await
        .is_problem(404, "note_not_found");
    delete(&app, &mo, &notes[0]).await.is(204);
    delete(&app, &mo, &notes[0])
        .await
        .is_problem(404, "note_not_found");
    delete(&app, &admin, &notes[1]).await.is(204);
    assert!(texts(&mo.get(&app, &path).await.is(200)).is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_note_about_an_author_belongs_to_one_site() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let owner = app.desk().await;
    held(&app, "/tides", "Ebb").await;
    let mut abroad = comment_on("/tides", "Flood", None);
    abroad["page_url"] = json!("https://gazette.example/tides");
    app.submitted(&abroad).await;
    let gaz = hire_for_gazette(&app, "moderator", "Gaz").await;
    let all = list(&app, &owner, "").await.is(200);
    let author = all.at("/comments/0/author_id");
    let author = format!("/api/v1/admin/authors/{}", author.as_str().unwrap());
    let path = format!("{author}/notes");
    // Gaz sees one site, the owner two.
    gaz.post(&app, &path, &json!({"note": "A regular"}))
        .await
        .is(201)
        .has("/site", "gazette");
    let answer = owner.post(&app, &path, &json!({"note": "Known"})).await;
    let answer = answer.is_problem(422, "validation_failed");
    assert_eq!(answer.field_errors(), ["site: required"]);
    let elsewhere = json!({"note": "Known", "site": "nowhere"});
    let answer = owner.post(&app, &path, &elsewhere).await;
    let answer = answer.is_problem(422, "validation_failed");
    assert_eq!(answer.field_errors(), ["site: invalid_value"]);
    let own = owner
        .post(&app, &path, &json!({"note": "Known", "site": "default"}))
        .await
        .is(201)
        .has("/site", "default");
    assert_eq!(
        texts(&owner.get(&app, &path).await.is(200)),
        ["Known", "A regular"]
    );
    assert_eq!(texts(&gaz.get(&app, &path).await.is(200)), ["A regular"]);
    assert_eq!(texts(&gaz.get(&app, &author).await.is(200)), ["A regular"]);
    delete(&app, &gaz, &own.at("/id"))
        .await
        .is_problem(404, "note_not_found");
    app.stop().await;
}

#[tokio::test]
async fn a_note_that_says_nothing_or_too_much_is_refused() {
    let app = TestApp::start().await;
    let mo = hire(&app, "moderator", "Mo").await;
    let id = held(&app, "/tides", "Ebb").await;
    let path = format!("/api/v1/admin/comments/{id}/notes");
    for (body, wrong) in [
        (json!({}), "note: required"),
        (json!({"note": " \n"}), "note: required"),
        (json!({"note": "x".repeat(2_001)}), "note: too_long"),
        (json!({"note": 5}), "note: invalid_type"),
    ] {
        let answer = mo.post(&app, &path, &body).await;
        let answer = answer.is_problem(422, "validation_failed");
        assert!(
            answer.field_errors().contains(&wrong.to_owned()),
            "{wrong}: {answer:?}"
        );
    }
    let nobody = format!("/api/v1/admin/comments/{NOBODYS_ID}/notes");
    mo.post(&app, &nobody, &json!({"note": "Where?"}))
        .await
        .is_problem(404, "comment_not_found");
    mo.get(&app, &nobody)
        .await
        .is_problem(404, "comment_not_found");
    app.stop().await;
}
