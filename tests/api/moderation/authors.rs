//! `GET /api/v1/admin/authors/{id}`, the record of an author, and finding comments by who wrote them and from where.

use serde_json::{Value, json};

use super::{NOBODYS_ID, held, ids, list, one_of_each};
use crate::backstage::{change, delete, hire, hire_for_gazette, two_sites};
use crate::support::app::{TestApp, comment_on};

#[tokio::test]
async fn an_author_is_known_by_address_on_all_sites_and_counted_on_ones_own() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let owner = app.desk().await;
    one_of_each(&app, &owner).await;
    let mut abroad = comment_on("/tides", "Flood", None);
    abroad["page_url"] = json!("https://gazette.example/tides");
    abroad["email"] = json!("ADA@example.org");
    abroad["name"] = json!("Ada L.");
    app.submitted(&abroad).await;
    let gaz = hire_for_gazette(&app, "viewer", "Gaz").await;
    let all = list(&app, &owner, "?status=pending").await.is(200);
    let id = all.at("/comments/0/author_id");
    assert_eq!(all.at("/comments/1/author_id"), id);
    let record = json!({"pending": 2, "approved": 1, "rejected": 1, "spam": 1});
    assert_eq!(all.at("/comments/0/author_record"), record);
    let path = format!("/api/v1/admin/authors/{}", id.as_str().unwrap());
    let shown = owner.get(&app, &path).await.is(200);
    let shown = shown
        .has("/id", id.clone())
        .has("/name", "Ada L.")
        .has("/email", "ADA@example.org")
        .has("/record", record)
        .has("/sites", json!(["default", "gazette"]))
        .has("/notes", json!([]));
    assert!(shown.at("/first_seen_at").as_str() < shown.at("/last_seen_at").as_str());
    // On one's own sites only, and without the address for a viewer.
    let own = json!({"pending": 1, "approved": 0, "rejected": 0, "spam": 0});
    let shown = gaz.get(&app, &path).await.is(200);
    shown
        .has("/email", Value::Null)
        .has("/record", own.clone())
        .has("/sites", json!(["gazette"]));
    let listed = list(&app, &gaz, "").await.is(200);
    assert_eq!(listed.at("/comments/0/author_record"), own);
    let nobody = format!("/api/v1/admin/authors/{NOBODYS_ID}");
    for path in [nobody.as_str(), "/api/v1/admin/authors/ada"] {
        owner
            .get(&app, path)
            .await
            .is_problem(404, "author_not_found");
    }
    app.stop().await;
}

#[tokio::test]
async fn who_wrote_only_elsewhere_is_not_there() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let owner = app.desk().await;
    held(&app, "/tides", "Ebb").await;
    let gaz = hire_for_gazette(&app, "moderator", "Gaz").await;
    let all = list(&app, &owner, "").await.is(200);
    let id = all.at("/comments/0/author_id");
    let path = format!("/api/v1/admin/authors/{}", id.as_str().unwrap());
    for path in [path.clone(), format!("{path}/notes")] {
        gaz.get(&app, &path)
            .await
            .is_problem(404, "author_not_found");
    }
    gaz.post(&app, &format!("{path}/notes"), &json!({"note": "Who?"}))
        .await
        .is_problem(404, "author_not_found");
    app.stop().await;
}

#[tokio::test]
async fn comments_are_found_by_author_address_network_and_time() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let mut made = Vec::new();
    for (email, text) in [
        ("ada@example.org", "Ebb"),
        ("bob@example.org", "Flood"),
        ("Ada@Example.org", "Spring tide"),
    ] {
        let mut body = comment_on("/tides", text, None);
        body["email"] = json!(email);
        made.push(app.submitted(&body).await.0);
    }
    let [ada, bob, again] = &made[..] else {
        unreachable!()
    };
    for (place, id) in made.iter().enumerate() {
        let day = place + 1;
        change(
            &app,
            format!(
                "update comments set submitted_at = '2026-11-0{day} 12:00Z', ip = '192.0.2.{day}' where id = '{id}'"
            ),
        )
        .await;
    }
    let author = list(&app, &desk, "").await.is(200);
    let author = author.at("/comments/0/author_id");
    let author = author.as_str().unwrap();
    let table: [(&str, &[&String]); 13] = [
        ("email=ada@example.org", &[ada, again]),
        ("email=ADA@EXAMPLE.ORG&q=tide", &[again]),
        ("email=nobody@example.org", &[]),
        (&format!("author={author}"), &[ada, again]),
        (&format!("author={author}&sort=newest"), &[again, ada]),
        (&format!("author={author}&email=bob@example.org"), &[]),
        (&format!("author={author}&status=spam"), &[]),
        (
            &format!("author={author}&page_url=https://example.org/moon"),
            &[],
        ),
        ("ip=192.0.2.2", &[bob]),
        ("ip=::ffff:192.0.2.2&email=bob@example.org", &[bob]),
        ("ip=192.0.2.2&email=ada@example.org", &[]),
        ("submitted_after=2026-11-01T12:00:00Z", &[bob, again]),
        (
            "submitted_after=2026-11-01T13:00:00%2B01:00&submitted_before=2026-11-03T12:00:00Z&sort=newest",
            &[bob],
        ),
    ];
    for (query, wanted) in table {
        let answer = list(&app, &desk, &format!("?{query}")).await.is(200);
        assert_eq!(ids(&answer).iter().collect::<Vec<_>>(), wanted, "{query}");
        assert_eq!(answer.at("/complete"), true);
    }
    app.stop().await;
}

#[tokio::test]
async fn who_sees_no_addresses_finds_nothing_by_them_but_by_the_authors_id() {
    let app = TestApp::start().await;
    let viewer = hire(&app, "viewer", "Vi").await;
    let id = held(&app, "/tides", "Ebb").await;
    for query in ["?email=ada@example.org", "?ip=127.0.0.1"] {
        list(&app, &viewer, query)
            .await
            .is_problem(403, "forbidden");
    }
    let all = list(&app, &viewer, "").await.is(200);
    let author = all.at("/comments/0/author_id");
    let query = format!("?author={}", author.as_str().unwrap());
    assert_eq!(ids(&list(&app, &viewer, &query).await.is(200)), [id]);
    app.stop().await;
}

#[tokio::test]
async fn a_deleted_comment_has_no_author() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let id = held(&app, "/tides", "Ebb").await;
    delete(&app, &id).await;
    change(&app, "update comments set author_id = null").await;
    let shown = list(&app, &desk, "?status=deleted").await.is(200);
    for member in ["author_id", "author_record"] {
        assert_eq!(shown.at("/comments/0")[member], Value::Null, "{member}");
    }
    app.stop().await;
}
