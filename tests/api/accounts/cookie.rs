//! The desk's cookie: how it is set and cleared, and that only our own pages may use it (RELIABILITY.md, 16).

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::support::app::{Answer, OWNER, PASSWORD, TestApp};

const SESSIONS: &str = "/api/v1/admin/sessions";
const CURRENT: &str = "/api/v1/admin/sessions/current";
const DECISIONS: &str = "/api/v1/admin/decisions";
const PUBLIC: &str = "https://comments.example";

fn with(request: RequestBuilder, headers: &[(&str, &str)]) -> RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    })
}

async fn sign_in(app: &TestApp, cookie: &Value, headers: &[(&str, &str)]) -> Answer {
    let body = json!({"email": OWNER, "password": PASSWORD, "cookie": cookie});
    let request = app.request("POST", SESSIONS).json(&body);
    app.send(with(request, headers)).await
}

/// The cookie as a browser sends it back.
async fn signed_in(app: &TestApp) -> String {
    let answer = sign_in(app, &json!(true), &[("sec-fetch-site", "same-origin")]).await;
    let answer = answer.is(201);
    let (pair, _) = answer.header("set-cookie").split_once(';').unwrap();
    pair.to_owned()
}

async fn https() -> TestApp {
    TestApp::with(&[("REJOINDER_PUBLIC_URL", PUBLIC)]).await
}

#[tokio::test]
async fn a_sign_in_of_the_desk_gets_a_cookie_that_no_script_reads_instead_of_a_token() {
    for (app, name, secure) in [
        (https().await, "__Host-rejoinder_session", "; Secure"),
        (TestApp::start().await, "rejoinder_session", ""),
    ] {
        let origin = app.base.clone();
        let same = [
            ("sec-fetch-site", "same-origin"),
            ("origin", origin.as_str()),
        ];
        let answer = sign_in(&app, &json!(true), &same).await.is(201);
        let answer = answer
            .has("/token", Value::Null)
            .has("/moderator/role", "owner");
        let set = answer.header("set-cookie");
        let (pair, attributes) = set.split_once("; ").unwrap();
        let (found, token) = pair.split_once('=').unwrap();
        assert_eq!((found, token.len()), (name, 43));
        assert_eq!(
            attributes,
            format!("Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict{secure}")
        );
        assert!(!answer.text.contains(token));
        let request = app.request("GET", CURRENT).header("cookie", pair);
        let current = app.send(request).await.is(200);
        assert_eq!(current.at("/moderator"), answer.at("/moderator"));
        assert_eq!(current.header("cache-control"), "private, no-store");
        // Programs get no cookie.
        for cookie in [json!(false), Value::Null] {
            let answer = sign_in(&app, &cookie, &[]).await.is(201);
            assert!(answer.at("/token").is_string());
            assert_eq!(answer.header("set-cookie"), "");
        }
        let wrong = sign_in(&app, &json!("yes"), &same).await;
        assert_eq!(wrong.is(422).field_errors(), ["cookie: invalid_type"]);
        app.stop().await;
    }
}

#[tokio::test]
async fn no_other_page_signs_anybody_in_with_a_cookie() {
    let app = https().await;
    for headers in [
        &[][..],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site"), ("origin", PUBLIC)],
    ] {
        let answer = sign_in(&app, &json!(true), headers).await;
        let answer = answer.is_problem(403, "not_same_origin");
        assert_eq!(answer.header("set-cookie"), "", "{headers:?}");
    }
    sign_in(&app, &json!(true), &[("origin", PUBLIC)])
        .await
        .is(201);
    app.stop().await;
}

#[tokio::test]
async fn what_goes_by_the_cookie_must_come_from_our_own_pages() {
    let app = https().await;
    let cookie = signed_in(&app).await;
    // Headers, whether a change is taken, whether a read is.
    for (headers, changes, reads) in [
        (&[][..], false, true),
        (&[("sec-fetch-site", "same-origin")], true, true),
        (&[("sec-fetch-site", "same-site")], false, false),
        (&[("sec-fetch-site", "cross-site")], false, false),
        (&[("sec-fetch-site", "none")], false, true),
        (&[("sec-fetch-site", "something")], false, false),
        (&[("origin", PUBLIC)], true, true),
        (&[("origin", "https://evil.example")], false, false),
        (&[("origin", "http://comments.example")], false, false),
        (&[("origin", "https://example.org")], false, false),
        (&[("origin", "null")], false, false),
        (
            &[("sec-fetch-site", "same-origin"), ("origin", PUBLIC)],
            true,
            true,
        ),
        (
            &[("sec-fetch-site", "cross-site"), ("origin", PUBLIC)],
            false,
            false,
        ),
        (
            &[("sec-fetch-site", "same-site"), ("origin", PUBLIC)],
            false,
            false,
        ),
        (
            &[("sec-fetch-site", "none"), ("origin", PUBLIC)],
            false,
            true,
        ),
    ] {
        for (method, path, taken) in [
            ("GET", CURRENT, reads),
            ("HEAD", CURRENT, reads),
            ("POST", DECISIONS, changes),
        ] {
            let request = app.request(method, path).header("cookie", &cookie);
            let request = if method == "POST" {
                request.json(&json!({"decisions": []}))
            } else {
                request
            };
            let answer = app.send(with(request, headers)).await;
            let wanted = if taken { 200 } else { 403 };
            assert_eq!(answer.status, wanted, "{method} {headers:?}: {answer:?}");
            if !taken && method != "HEAD" {
                answer.is_problem(403, "not_same_origin");
            }
        }
    }
    // Judged before the path, the method, the body.
    for (method, path) in [
        ("DELETE", CURRENT),
        ("PUT", CURRENT),
        ("OPTIONS", CURRENT),
        ("POST", "/api/v1/admin/nothing"),
        ("PATCH", "/api/v1/admin/tokens/none"),
    ] {
        let request = app.request(method, path).header("cookie", &cookie);
        app.send(request).await.is_problem(403, "not_same_origin");
    }
    app.stop().await;
}

#[tokio::test]
async fn without_a_public_address_the_host_that_was_asked_is_ours() {
    let app = TestApp::start().await;
    let cookie = signed_in(&app).await;
    let decide = async |origin: &str| {
        let request = app.request("POST", DECISIONS).header("cookie", &cookie);
        let request = request.json(&json!({"decisions": []}));
        app.send(request.header("origin", origin)).await.status
    };
    assert_eq!(decide(&app.base).await, 200);
    for origin in [
        "http://127.0.0.1:1",
        "http://localhost",
        "https://example.org",
        "null",
    ] {
        assert_eq!(decide(origin).await, 403, "{origin}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_token_goes_before_the_cookie_and_needs_no_origin() {
    let app = https().await;
    let cookie = signed_in(&app).await;
    let desk = app.desk().await;
    let request = || {
        let request = app.request("POST", DECISIONS).header("cookie", &cookie);
        let request = request.json(&json!({"decisions": []}));
        request.header("sec-fetch-site", "cross-site")
    };
    app.send(request().bearer_auth(&desk.token)).await.is(200);
    for header in ["Bearer x", "Basic eDp5", ""] {
        let request = request().header("authorization", header);
        app.send(request).await.is_problem(401, "unauthenticated");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_cookie_that_is_none_of_ours_or_there_twice_is_nobodys() {
    let app = https().await;
    let cookie = signed_in(&app).await;
    let token = cookie.split_once('=').unwrap().1;
    for line in [
        format!("{cookie}x"),
        format!("{cookie}; {cookie}"),
        format!("rejoinder_session={token}"),
        format!("__host-rejoinder_session={token}"),
        "__Host-rejoinder_session=".to_owned(),
        format!("__Host-rejoinder_session={}", "A".repeat(43)),
    ] {
        let request = app.request("GET", CURRENT).header("cookie", &line);
        app.send(request).await.is_problem(401, "unauthenticated");
    }
    let request = app.request("GET", CURRENT);
    let request = request.header("cookie", format!("theme=dark; {cookie}; a=b"));
    app.send(request).await.is(200);
    app.stop().await;
}

#[tokio::test]
async fn signing_out_ends_the_session_and_clears_the_cookie() {
    let app = https().await;
    let cookie = signed_in(&app).await;
    let sign_out = app.request("DELETE", CURRENT).header("cookie", &cookie);
    let answer = app
        .send(sign_out.header("sec-fetch-site", "same-origin"))
        .await
        .is(204);
    assert_eq!(
        answer.header("set-cookie"),
        "__Host-rejoinder_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict; Secure"
    );
    let request = app.request("GET", CURRENT).header("cookie", &cookie);
    app.send(request).await.is_problem(401, "unauthenticated");
    // Where there was no cookie there is none to clear.
    let desk = app.desk().await;
    let sign_out = app.request("DELETE", CURRENT).bearer_auth(&desk.token);
    assert_eq!(app.send(sign_out).await.is(204).header("set-cookie"), "");
    app.stop().await;
}

#[tokio::test]
async fn no_page_of_another_origin_learns_anything_by_the_cookie() {
    let app = https().await;
    let cookie = signed_in(&app).await;
    for (method, path) in [
        ("GET", CURRENT),
        ("POST", DECISIONS),
        ("POST", SESSIONS),
        ("DELETE", CURRENT),
        ("OPTIONS", DECISIONS),
        ("OPTIONS", SESSIONS),
        ("OPTIONS", "/api/v1/admin/tokens"),
        ("GET", "/api/v1/admin/nothing"),
    ] {
        for origin in [
            "https://example.org",
            "https://evil.example",
            PUBLIC,
            "null",
        ] {
            let request = app.request(method, path).header("cookie", &cookie);
            let request = request
                .header("origin", origin)
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "content-type");
            let answer = app.send(request).await;
            for name in answer.headers.keys() {
                let name = name.as_str();
                assert!(
                    !name.starts_with("access-control-"),
                    "{method} {path} {origin}: {name}"
                );
            }
            if method == "OPTIONS" {
                assert!(answer.status >= 400, "{path}: {answer:?}");
            }
        }
    }
    app.stop().await;
}
