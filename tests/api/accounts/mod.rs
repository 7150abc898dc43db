//! Signing in, sessions, people, and who is kept out. Must not know what is moderated.

mod cookie;
mod errors;
mod first_owner;
mod leaving;
mod me;
mod own_sessions;
mod people;
mod rights;
mod sessions;
mod setup;
mod sign_in;
mod tokens;
pub(crate) mod totp;

use serde_json::{Value, json};

use crate::backstage::texts;
use crate::support::app::{Answer, Desk, TestApp};

const MODERATORS: &str = "/api/v1/admin/moderators";
/// Long enough, and nobody's.
const NEW_PASSWORD: &str = "another long password";

/// A request of somebody signed in; null: without a body.
async fn ask(app: &TestApp, desk: &Desk, method: &str, path: &str, body: Value) -> Answer {
    let request = app.request(method, path).bearer_auth(&desk.token);
    app.send(if body.is_null() {
        request
    } else {
        request.json(&body)
    })
    .await
}

/// Somebody's body for `POST /admin/moderators`, with a password.
fn somebody(name: &str, role: &str) -> Value {
    json!({
        "email": format!("{name}@example.org").to_lowercase(),
        "name": name,
        "role": role,
        "password": NEW_PASSWORD,
    })
}

/// Somebody's account; its id.
async fn id_of(app: &TestApp, name: &str) -> String {
    let rows = texts(
        &app.database.pool,
        "select name || ' ' || id::text from moderators",
    )
    .await;
    let own = rows.iter().find_map(|row| row.strip_prefix(name));
    own.unwrap().trim().to_owned()
}

/// Signed in with this password.
async fn enter(app: &TestApp, name: &str, password: &str) -> Desk {
    let email = format!("{name}@example.org").to_lowercase();
    let answer = app.sign_in(&email, password).await.is(201);
    Desk {
        token: answer.at("/token").as_str().unwrap().to_owned(),
    }
}

/// The acts in the log, oldest first, as `act by-kind details`.
async fn acts(app: &TestApp) -> Vec<String> {
    texts(
        &app.database.pool,
        "select act || ' ' || actor_kind || ' ' || details::text from audit_log order by id",
    )
    .await
}
