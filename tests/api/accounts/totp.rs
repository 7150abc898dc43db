//! `/api/v1/admin/me/totp` and what a sign-in then has to show: codes and recovery codes, each once.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use sha1::Sha1;
use time::Duration;

use crate::backstage::{change, hire, number, texts};
use crate::support::app::{Answer, Desk, OWNER, PASSWORD, TestApp};

const TOTP: &str = "/api/v1/admin/me/totp";
const SESSIONS: &str = "/api/v1/admin/sessions";
const CURRENT: &str = "/api/v1/admin/sessions/current";

/// An authenticator app, written from RFC 4226 and RFC 6238 and not from the service.
pub(crate) struct App(Vec<u8>);

impl App {
    pub(crate) fn new(secret: &str) -> Self {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let digits = secret.chars().map(|c| alphabet.find(c).unwrap());
        let bits: Vec<u8> = digits
            .flat_map(|digit| (0..5).rev().map(move |bit| u8::from(digit >> bit & 1 == 1)))
            .collect();
        let octets = bits.chunks_exact(8);
        Self(
            octets
                .map(|octet| octet.iter().fold(0, |octet, bit| octet << 1 | bit))
                .collect(),
        )
    }

    /// What it shows so many steps from now.
    fn shows(&self, app: &TestApp, steps: i64) -> String {
        self.shows_at(app.clock.now().unix_timestamp() / 30 + steps)
    }

    /// What it shows in this step of 30 seconds since 1970.
    pub(crate) fn shows_at(&self, step: i64) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).unwrap();
        mac.update(&step.to_be_bytes());
        let digest = mac.finalize().into_bytes();
        let offset = usize::from(digest[19] & 0xf);
        let word: [u8; 4] = digest[offset..offset + 4].try_into().unwrap();
        format!(
            "{:06}",
            (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000
        )
    }

    /// Six digits that it doesn't show around now.
    fn never_shows(&self, app: &TestApp) -> String {
        let shown: Vec<String> = (-2..=2).map(|steps| self.shows(app, steps)).collect();
        let codes = (0..9).map(|number| format!("{number:06}"));
        codes
            .into_iter()
            .find(|code| !shown.contains(code))
            .unwrap()
    }
}

async fn set_up(app: &TestApp, desk: &Desk, body: &Value) -> Answer {
    desk.post(app, TOTP, body).await
}

async fn turn_off(app: &TestApp, desk: &Desk, password: &str) -> Answer {
    let request = app.request("DELETE", TOTP).bearer_auth(&desk.token);
    let body = json!({"password": password}).to_string();
    app.send(request.header(CONTENT_TYPE, "application/json").body(body))
        .await
}

async fn begun(app: &TestApp, desk: &Desk) -> App {
    let answer = set_up(app, desk, &json!({"password": PASSWORD}))
        .await
        .is(200);
    App::new(answer.at("/secret").as_str().unwrap())
}

/// Turns it on; the app and the recovery codes. The code that did it is used up, the next one isn't.
async fn turned_on(app: &TestApp, desk: &Desk) -> (App, Vec<String>) {
    let device = begun(app, desk).await;
    let code = device.shows(app, 0);
    let answer = set_up(app, desk, &json!({"code": code})).await.is(200);
    let codes = answer.at("/recovery_codes");
    let codes = codes.as_array().unwrap().iter();
    let codes = codes
        .map(|code| code.as_str().unwrap().to_owned())
        .collect();
    (device, codes)
}

async fn sign_in(app: &TestApp, password: &str, totp: impl Into<Value>) -> Answer {
    let body = json!({"email": OWNER, "password": password, "totp": totp.into()});
    app.post(SESSIONS, &body).await
}

/// Far enough from a step's end that what is shown next is still good when it arrives.
fn begin_a_step(app: &TestApp) {
    let into = app.clock.now().unix_timestamp() % 30;
    app.clock.advance(Duration::seconds(30 - into));
}

#[tokio::test]
async fn it_is_asked_for_after_a_first_code_was_shown_and_not_before() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    begin_a_step(&app);
    let answer = set_up(&app, &desk, &json!({"password": PASSWORD}))
        .await
        .is(200);
    assert_eq!(answer.header("cache-control"), "private, no-store");
    let secret = answer.at("/secret").as_str().unwrap().to_owned();
    assert_eq!(secret.len(), 32);
    assert_eq!(
        answer.at("/otpauth_url"),
        format!(
            "otpauth://totp/Rejoinder:Owner?secret={secret}&issuer=Rejoinder&algorithm=SHA1&digits=6&period=30"
        )
    );
    // Not yet.
    sign_in(&app, PASSWORD, Value::Null).await.is(201);
    let device = App::new(&secret);
    let wrong = set_up(&app, &desk, &json!({"code": device.never_shows(&app)})).await;
    let wrong = wrong.is_problem(422, "validation_failed");
    assert_eq!(wrong.field_errors(), ["code: invalid_value"]);
    sign_in(&app, PASSWORD, Value::Null).await.is(201);
    let on = set_up(&app, &desk, &json!({"code": device.shows(&app, 0)}))
        .await
        .is(200);
    let codes = on.at("/recovery_codes");
    assert_eq!(codes.as_array().unwrap().len(), 10);
    let missing = sign_in(&app, PASSWORD, Value::Null)
        .await
        .is_problem(401, "totp_required");
    assert_eq!(missing.header("www-authenticate"), "Bearer");
    app.sign_in(OWNER, PASSWORD)
        .await
        .is_problem(401, "totp_required");
    // Whoever doesn't know the password doesn't learn of it.
    sign_in(&app, "not the password", Value::Null)
        .await
        .is_problem(401, "invalid_credentials");
    sign_in(&app, PASSWORD, device.shows(&app, 1)).await.is(201);
    // The session that turned it on goes on.
    desk.get(&app, CURRENT).await.is(200);
    app.stop().await;
}

#[tokio::test]
async fn a_code_of_one_step_around_now_counts_once() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    begin_a_step(&app);
    let (device, _) = turned_on(&app, &desk).await;
    // The one that turned it on is used up, and so are those before.
    for steps in [0, -1] {
        let code = device.shows(&app, steps);
        sign_in(&app, PASSWORD, code)
            .await
            .is_problem(401, "invalid_credentials");
    }
    let next = device.shows(&app, 1);
    let typed = format!("{} {}", &next[..3], &next[3..]);
    sign_in(&app, PASSWORD, typed).await.is(201);
    sign_in(&app, PASSWORD, next)
        .await
        .is_problem(401, "invalid_credentials");
    // By then the network's failures are forgiven.
    app.clock.advance(Duration::hours(1));
    let (early, late) = (device.shows(&app, 2), device.shows(&app, -2));
    for code in [early, late] {
        sign_in(&app, PASSWORD, code)
            .await
            .is_problem(401, "invalid_credentials");
    }
    let slow_clock = device.shows(&app, -1);
    sign_in(&app, PASSWORD, slow_clock).await.is(201);
    sign_in(&app, PASSWORD, device.shows(&app, 0)).await.is(201);
    app.stop().await;
}

#[tokio::test]
async fn of_sign_ins_at_once_with_the_same_code_one_makes_a_session() {
    let app = TestApp::start().await;
    let other = TestApp::on(app.database.clone(), &[]).await;
    let desk = app.desk().await;
    let (device, recovery) = turned_on(&app, &desk).await;
    app.clock.advance(Duration::minutes(2));
    for code in [device.shows(&app, 0), recovery[0].clone()] {
        let before = number(&app.database.pool, "select count(*) from sessions").await;
        let body = json!({"email": OWNER, "password": PASSWORD, "totp": code});
        // Two instances, so that each has its own count of failures; the clock of the other one stands back.
        other.clock.advance(app.clock.now() - other.clock.now());
        let tries = [&app, &other, &app, &other].map(|instance| instance.post(SESSIONS, &body));
        let answers = futures_util::future::join_all(tries).await;
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        let signed_in = statuses.iter().filter(|status| **status == 201).count();
        assert_eq!(signed_in, 1, "{statuses:?}");
        let after = number(&app.database.pool, "select count(*) from sessions").await;
        assert_eq!(after, before + 1);
    }
    other.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn a_recovery_code_signs_in_once_in_the_place_of_a_code() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let (_, codes) = turned_on(&app, &desk).await;
    for code in &codes {
        let grouped: Vec<usize> = code.split('-').map(str::len).collect();
        assert_eq!(grouped, [4; 4], "{code}");
    }
    sign_in(&app, PASSWORD, codes[0].clone()).await.is(201);
    sign_in(&app, PASSWORD, codes[0].clone())
        .await
        .is_problem(401, "invalid_credentials");
    let typed = codes[1].to_uppercase().replace('-', " ");
    sign_in(&app, PASSWORD, typed).await.is(201);
    sign_in(&app, "not the password", codes[2].clone())
        .await
        .is_problem(401, "invalid_credentials");
    sign_in(&app, PASSWORD, codes[2].clone()).await.is(201);
    assert_eq!(
        number(&app.database.pool, "select count(*) from recovery_codes").await,
        7
    );
    app.stop().await;
}

#[tokio::test]
async fn neither_the_key_nor_a_recovery_code_is_in_the_database() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    let answer = set_up(&app, &desk, &json!({"password": PASSWORD}))
        .await
        .is(200);
    let secret = answer.at("/secret").as_str().unwrap().to_owned();
    let device = App::new(&secret);
    let body = json!({"code": device.shows(&app, 0)});
    let on = set_up(&app, &desk, &body).await.is(200);
    let stored = texts(
        &app.database.pool,
        "select m::text || encode(totp_nonce, 'base64') from moderators m
        union all select r::text || encode(code_hash, 'escape') from recovery_codes r",
    )
    .await
    .join("\n");
    let mut key = String::new();
    for octet in &device.0 {
        write!(key, "{octet:02x}").unwrap();
    }
    assert!(!stored.contains(&key) && !stored.contains(&secret));
    for code in on.at("/recovery_codes").as_array().unwrap() {
        assert!(!stored.contains(code.as_str().unwrap()));
    }
    // Another secret of the server makes another key: the copied database alone gives no codes.
    let elsewhere = [("REJOINDER_SECRET", "0123456789abcdef0123456789abcdef")];
    let thief = TestApp::on(app.database.clone(), &elsewhere).await;
    app.clock.advance(Duration::minutes(2));
    thief.clock.advance(Duration::minutes(2));
    sign_in(&thief, PASSWORD, device.shows(&thief, 0))
        .await
        .is_problem(401, "invalid_credentials");
    sign_in(&app, PASSWORD, device.shows(&app, 0)).await.is(201);
    thief.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn wrong_codes_with_the_right_password_run_into_the_wait() {
    let app = TestApp::with(&[("REJOINDER_TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let desk = app.desk().await;
    let (device, codes) = turned_on(&app, &desk).await;
    let from = async |place: u8, totp: Value| {
        let request = app
            .request("POST", SESSIONS)
            .header("X-Forwarded-For", format!("192.0.2.{place}"));
        let body = json!({"email": OWNER, "password": PASSWORD, "totp": totp});
        app.send(request.json(&body)).await
    };
    app.clock.advance(Duration::minutes(2));
    for place in 1..=5 {
        // A right password by itself is neither a failure nor a success.
        from(place, Value::Null)
            .await
            .is_problem(401, "totp_required");
        let wrong = if place == 3 {
            "no code at all".to_owned()
        } else {
            device.never_shows(&app)
        };
        from(place, json!(wrong))
            .await
            .is_problem(401, "invalid_credentials");
    }
    for totp in [json!(device.shows(&app, 0)), json!(codes[0]), Value::Null] {
        let refused = from(6, totp).await.is_problem(429, "rate_limited");
        assert_eq!(refused.header("retry-after"), "1");
    }
    app.clock.advance(Duration::seconds(1));
    from(7, Value::Null).await.is_problem(401, "totp_required");
    from(7, json!(device.never_shows(&app))).await.is(401);
    let refused = from(8, Value::Null).await.is(429);
    assert_eq!(refused.header("retry-after"), "2");
    app.clock.advance(Duration::seconds(2));
    from(8, json!(device.shows(&app, 0))).await.is(201);
    app.stop().await;
}

#[tokio::test]
async fn a_network_that_only_forgets_the_code_is_not_made_to_wait() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    turned_on(&app, &desk).await;
    for _ in 0..12 {
        sign_in(&app, PASSWORD, Value::Null)
            .await
            .is_problem(401, "totp_required");
    }
    app.stop().await;
}

#[tokio::test]
async fn the_password_is_asked_for_and_guessing_it_in_a_session_runs_into_the_wait() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    for number in 0..5 {
        let answer = if number % 2 == 0 {
            set_up(&app, &desk, &json!({"password": "not the password"})).await
        } else {
            turn_off(&app, &desk, "not the password").await
        };
        let answer = answer.is_problem(422, "validation_failed");
        assert_eq!(answer.field_errors(), ["password: wrong_password"]);
    }
    let refused = set_up(&app, &desk, &json!({"password": PASSWORD})).await;
    let refused = refused.is_problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "1");
    app.sign_in(OWNER, PASSWORD)
        .await
        .is_problem(429, "rate_limited");
    app.clock.advance(Duration::seconds(1));
    set_up(&app, &desk, &json!({"password": PASSWORD}))
        .await
        .is(200);
    app.stop().await;
}

#[tokio::test]
async fn it_is_set_up_in_order_and_not_over_one_that_is_on() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    set_up(&app, &desk, &json!({"code": "000000"}))
        .await
        .is_problem(409, "totp_not_begun");
    let first = begun(&app, &desk).await;
    let second = begun(&app, &desk).await;
    assert_ne!(first.0, second.0);
    set_up(&app, &desk, &json!({"code": first.shows(&app, 0)}))
        .await
        .is(422);
    set_up(&app, &desk, &json!({"code": second.shows(&app, 0)}))
        .await
        .is(200);
    for body in [
        json!({"password": PASSWORD}),
        json!({"code": second.shows(&app, 1)}),
    ] {
        let answer = set_up(&app, &desk, &body).await;
        answer.is_problem(409, "totp_already_on");
    }
    app.stop().await;
}

#[tokio::test]
async fn turned_off_it_is_not_asked_for_and_its_codes_are_gone() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    // Nothing to turn off, or only begun.
    turn_off(&app, &desk, PASSWORD).await.is(204);
    let begun = begun(&app, &desk).await;
    turn_off(&app, &desk, PASSWORD).await.is(204);
    set_up(&app, &desk, &json!({"code": begun.shows(&app, 0)}))
        .await
        .is_problem(409, "totp_not_begun");
    let (device, old) = turned_on(&app, &desk).await;
    let answer = turn_off(&app, &desk, PASSWORD).await.is(204);
    assert_eq!(answer.header("cache-control"), "private, no-store");
    sign_in(&app, PASSWORD, Value::Null).await.is(201);
    // One that isn't asked for doesn't hurt.
    sign_in(&app, PASSWORD, "000000").await.is(201);
    let (again, _) = turned_on(&app, &desk).await;
    assert_ne!(device.0, again.0);
    app.clock.advance(Duration::minutes(2));
    for code in [device.shows(&app, 0), old[0].clone()] {
        sign_in(&app, PASSWORD, code)
            .await
            .is_problem(401, "invalid_credentials");
    }
    sign_in(&app, PASSWORD, again.shows(&app, 0)).await.is(201);
    let acts = texts(
        &app.database.pool,
        "select act || ' ' || (actor_id = subject_id) || ' ' || details::text
        from audit_log where act like 'moderator.totp%' order by id",
    )
    .await;
    assert_eq!(
        acts,
        [
            "moderator.totp_enabled true {}",
            "moderator.totp_disabled true {}",
            "moderator.totp_enabled true {}",
        ]
    );
    app.stop().await;
}

#[tokio::test]
async fn everybody_has_their_own_viewers_too() {
    let app = TestApp::start().await;
    let viewer = hire(&app, "viewer", "Vi").await;
    turned_on(&app, &viewer).await;
    app.sign_in("vi@example.org", PASSWORD)
        .await
        .is_problem(401, "totp_required");
    app.sign_in(OWNER, PASSWORD).await.is(201);
    change(
        &app,
        "update moderators set disabled_at = now() where name = 'Vi'",
    )
    .await;
    app.sign_in("vi@example.org", PASSWORD)
        .await
        .is_problem(401, "invalid_credentials");
    app.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_named_and_no_value_comes_back() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    for (body, wanted) in [
        (json!({}), "password: required"),
        (json!({"password": ""}), "password: required"),
        (
            json!({"password": "hidden words".repeat(100)}),
            "password: too_long",
        ),
        (json!({"code": ""}), "code: required"),
        (json!({"code": "hidden words".repeat(10)}), "code: too_long"),
        (
            json!({"password": "hidden words", "code": "hidden words"}),
            "code: invalid_value",
        ),
        (
            json!({"code": 287_082, "password": "hidden words"}),
            "code: invalid_type",
        ),
    ] {
        let answer = set_up(&app, &desk, &body)
            .await
            .is_problem(422, "validation_failed");
        assert_eq!(answer.field_errors(), [wanted], "{body}");
        assert!(!answer.text.contains("hidden words"), "{answer:?}");
    }
    let answer = turn_off(&app, &desk, "").await.is(422);
    assert_eq!(answer.field_errors(), ["password: required"]);
    for (totp, wanted) in [
        (json!(""), "totp: required"),
        (json!("hidden words".repeat(10)), "totp: too_long"),
        (json!(287_082), "totp: invalid_type"),
    ] {
        let answer = sign_in(&app, PASSWORD, totp)
            .await
            .is_problem(422, "validation_failed");
        assert_eq!(answer.field_errors(), [wanted]);
        assert!(!answer.text.contains("hidden words"), "{answer:?}");
    }
    app.stop().await;
}
