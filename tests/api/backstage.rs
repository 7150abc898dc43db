//! What no call of the API makes yet, and what none shows: moderators, sites, rows by SQL; and what many tests do.

use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use crate::support::app::{Answer, Desk, OWNER, PASSWORD, TestApp};
use crate::support::{TestDatabase, contradictions, execute};

/// Another site than the default one.
pub(crate) const GAZETTE: &str = "0198c000-0000-7000-8000-00000000000b";

/// The rows of a statement, every value as text.
pub(crate) async fn rows(pool: &PgPool, statement: &'static str) -> Vec<PgRow> {
    sqlx::raw_sql(statement).fetch_all(pool).await.unwrap()
}

/// The first column of a statement's rows; it has to be text.
pub(crate) async fn texts(pool: &PgPool, statement: &'static str) -> Vec<String> {
    let rows = rows(pool, statement).await;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The one number that a statement gives.
pub(crate) async fn number(pool: &PgPool, statement: &'static str) -> i64 {
    sqlx::raw_sql(statement)
        .fetch_one(pool)
        .await
        .unwrap()
        .get(0)
}

/// Changes something behind the service's back.
pub(crate) async fn change(app: &TestApp, statement: impl Into<String>) {
    execute(&app.database.options, statement.into()).await;
}

/// A database with the default site and another one, `gazette`, on `https://gazette.example`.
pub(crate) async fn two_sites() -> TestDatabase {
    let database = TestDatabase::create().await;
    let statement = format!(
        "insert into sites (id, slug, name, origins, created_at) values
            ('0198c000-0000-7000-8000-00000000000a', 'default', 'Default site',
                '{{https://example.org}}', '2026-01-01'),
            ('{GAZETTE}', 'gazette', 'The Gazette', '{{https://gazette.example}}', '2026-01-02')"
    );
    execute(&database.options, statement).await;
    database
}

/// A moderator of this role and name, with the owner's password; sees all sites.
pub(crate) async fn hire(app: &TestApp, role: &str, name: &str) -> Desk {
    let email = format!("{name}@example.org").to_lowercase();
    change(
        app,
        format!(
            "insert into moderators (id, email, email_key, name, role, password_hash, created_at)
            select gen_random_uuid(), '{email}', '{email}', '{name}', '{role}', password_hash, created_at
            from moderators where email_key = '{OWNER}'"
        ),
    )
    .await;
    let answer = app.sign_in(&email, PASSWORD).await.is(201);
    Desk {
        token: answer.at("/token").as_str().unwrap().to_owned(),
    }
}

/// The same, who sees the other site only.
pub(crate) async fn hire_for_gazette(app: &TestApp, role: &str, name: &str) -> Desk {
    let desk = hire(app, role, name).await;
    let statement = format!("update moderators set sites = '{{{GAZETTE}}}' where name = '{name}'");
    change(app, statement).await;
    desk
}

/// Deletes a comment, as the owner.
pub(crate) async fn delete(app: &TestApp, id: &str) {
    let owner = app.desk().await;
    let request = app.request("DELETE", &format!("/api/v1/admin/comments/{id}"));
    app.send(request.bearer_auth(&owner.token)).await.is(204);
}

/// Sends a body with any method.
pub(crate) async fn send(
    app: &TestApp,
    desk: &Desk,
    method: &str,
    path: &str,
    body: &Value,
) -> Answer {
    let request = app.request(method, path).bearer_auth(&desk.token);
    app.send(request.json(body)).await
}

/// The database holds together at this moment; [`TestApp::stop`] looks too.
pub(crate) async fn books_are_right(app: &TestApp) {
    assert_eq!(contradictions(&app.database.pool).await, [""; 0]);
}
