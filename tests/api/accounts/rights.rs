//! Who may manage whom: roles against roles, and sites against sites.

use serde_json::{Value, json};

use super::{MODERATORS, ask, id_of, somebody};
use crate::backstage::{GAZETTE, hire, hire_for_gazette, two_sites};
use crate::support::app::{Desk, TestApp};

const DEFAULT: &str = "0198c000-0000-7000-8000-00000000000a";
const ROLES: [&str; 4] = ["owner", "admin", "moderator", "viewer"];

/// Whether somebody of one role manages people of the other.
fn manages(role: &str, other: &str) -> bool {
    role == "owner" || (role == "admin" && matches!(other, "moderator" | "viewer"))
}

#[tokio::test]
async fn an_owner_makes_everybody_and_an_admin_people_of_lower_roles() {
    let app = TestApp::start().await;
    for role in ROLES {
        let desk = hire(&app, role, &format!("Boss{role}")).await;
        for given in ROLES {
            let body = somebody(&format!("{role}-{given}"), given);
            let answer = desk.post(&app, MODERATORS, &body).await;
            if manages(role, given) {
                answer.is(201);
            } else {
                answer.is_problem(403, "forbidden");
            }
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn each_act_on_somebody_takes_a_role_above_theirs() {
    let app = TestApp::start().await;
    for role in ROLES {
        let desk = hire(&app, role, &format!("Boss{role}")).await;
        for other in ROLES {
            let name = format!("{role}Under{other}");
            hire(&app, other, &name).await;
            let path = format!("{MODERATORS}/{}", id_of(&app, &name).await);
            desk.get(&app, &path).await.is(200);
            for (method, path, body) in [
                ("PATCH", path.clone(), json!({"name": "New"})),
                ("POST", format!("{path}/setup-links"), Value::Null),
                ("DELETE", format!("{path}/totp"), Value::Null),
                ("PATCH", path.clone(), json!({"disabled": true})),
                ("DELETE", path.clone(), Value::Null),
            ] {
                let answer = ask(&app, &desk, method, &path, body).await;
                if manages(role, other) {
                    assert!(
                        matches!(answer.status, 200 | 201 | 204),
                        "{role} {other}: {answer:?}"
                    );
                } else {
                    answer.is_problem(403, "forbidden");
                }
            }
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn nobody_is_given_a_role_that_the_giver_does_not_manage() {
    let app = TestApp::start().await;
    for role in ["owner", "admin"] {
        let desk = hire(&app, role, &format!("Boss{role}")).await;
        for given in ROLES {
            let name = format!("{role}To{given}");
            hire(&app, "viewer", &name).await;
            let path = format!("{MODERATORS}/{}", id_of(&app, &name).await);
            let answer = ask(&app, &desk, "PATCH", &path, json!({"role": given})).await;
            if manages(role, given) {
                answer.is(200).has("/role", given);
            } else {
                answer.is_problem(403, "forbidden");
            }
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn an_admin_cannot_change_themselves_and_nobody_resets_their_own_proofs() {
    let app = TestApp::start().await;
    let (owner, admin) = (app.desk().await, hire(&app, "admin", "Ad").await);
    let path = format!("{MODERATORS}/{}", id_of(&app, "Ad").await);
    for body in [
        json!({"role": "owner"}),
        json!({"role": "viewer"}),
        json!({"disabled": true}),
    ] {
        ask(&app, &admin, "PATCH", &path, body)
            .await
            .is_problem(403, "forbidden");
    }
    ask(&app, &admin, "DELETE", &path, Value::Null)
        .await
        .is_problem(403, "forbidden");
    let own = format!("{MODERATORS}/{}", id_of(&app, "Owner").await);
    for (desk, path) in [(&owner, own), (&admin, path)] {
        let link = format!("{path}/setup-links");
        ask(&app, desk, "POST", &link, Value::Null)
            .await
            .is_problem(403, "forbidden");
        let totp = format!("{path}/totp");
        ask(&app, desk, "DELETE", &totp, Value::Null)
            .await
            .is_problem(403, "forbidden");
    }
    app.stop().await;
}

#[tokio::test]
async fn an_admin_of_some_sites_sees_who_shares_one_and_manages_who_has_no_other() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let owner = app.desk().await;
    let admin = hire_for_gazette(&app, "admin", "Ad").await;
    let mut paths = Vec::new();
    for (name, sites) in [
        ("Everywhere", Value::Null),
        ("Both", json!([DEFAULT, GAZETTE])),
        ("Gazette", json!([GAZETTE])),
        ("Elsewhere", json!([DEFAULT])),
    ] {
        let mut body = somebody(name, "moderator");
        body["sites"] = sites;
        let id = owner.post(&app, MODERATORS, &body).await.is(201).at("/id");
        paths.push(format!("{MODERATORS}/{}", id.as_str().unwrap()));
    }
    assert_eq!(
        names(&app, &admin).await,
        ["Ad", "Both", "Everywhere", "Gazette", "Owner"]
    );
    assert_eq!(names(&app, &owner).await.len(), 6);
    let statuses = [(200, 403), (200, 403), (200, 200), (404, 404)];
    for (path, (seen, changed)) in paths.iter().zip(statuses) {
        assert_eq!(admin.get(&app, path).await.status, seen, "{path}");
        let answer = ask(&app, &admin, "PATCH", path, json!({"name": "New"})).await;
        assert_eq!(answer.status, changed, "{answer:?}");
        if changed == 404 {
            answer.is_problem(404, "moderator_not_found");
        }
    }
    app.stop().await;
}

async fn names(app: &TestApp, desk: &Desk) -> Vec<String> {
    let list = desk.get(app, MODERATORS).await.is(200).at("/moderators");
    let mut names: Vec<String> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_admin_of_some_sites_gives_no_others() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let admin = hire_for_gazette(&app, "admin", "Ad").await;
    let mut body = somebody("Mo", "moderator");
    for (sites, wanted) in [
        (Value::Null, "sites: required"),
        (json!([DEFAULT]), "sites: unknown_site"),
        (json!([DEFAULT, GAZETTE]), "sites: unknown_site"),
    ] {
        body["sites"] = sites;
        let refused = admin.post(&app, MODERATORS, &body).await.is(422);
        assert_eq!(refused.field_errors(), [wanted]);
    }
    body["sites"] = json!([GAZETTE]);
    let id = admin.post(&app, MODERATORS, &body).await.is(201).at("/id");
    let path = format!("{MODERATORS}/{}", id.as_str().unwrap());
    for (sites, wanted) in [
        (Value::Null, "sites: required"),
        (json!([DEFAULT, GAZETTE]), "sites: unknown_site"),
    ] {
        let refused = ask(&app, &admin, "PATCH", &path, json!({"sites": sites})).await;
        assert_eq!(refused.is(422).field_errors(), [wanted]);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_viewer_sees_colleagues_without_their_addresses() {
    let app = TestApp::start().await;
    let (viewer, moderator) = (
        hire(&app, "viewer", "Vi").await,
        hire(&app, "moderator", "Mo").await,
    );
    let path = format!("{MODERATORS}/{}", id_of(&app, "Mo").await);
    for path in [MODERATORS, path.as_str()] {
        let seen = viewer.get(&app, path).await.is(200);
        assert!(!seen.text.contains('@'), "{seen:?}");
        let seen = moderator.get(&app, path).await.is(200);
        assert!(seen.text.contains("mo@example.org"), "{seen:?}");
    }
    viewer
        .get(&app, &path)
        .await
        .has("/email", Value::Null)
        .has("/last_seen_at", Value::Null)
        .has("/name", "Mo");
    app.stop().await;
}

#[tokio::test]
async fn an_unknown_account_is_not_found() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    for id in ["0198c000-0000-7000-8000-000000000000", "x"] {
        let path = format!("{MODERATORS}/{id}");
        for (method, path, body) in [
            ("GET", path.clone(), Value::Null),
            ("PATCH", path.clone(), json!({"name": "New"})),
            ("DELETE", path.clone(), Value::Null),
            ("POST", format!("{path}/setup-links"), Value::Null),
            ("DELETE", format!("{path}/totp"), Value::Null),
        ] {
            let answer = ask(&app, &desk, method, &path, body).await;
            answer.is_problem(404, "moderator_not_found");
        }
    }
    app.stop().await;
}
