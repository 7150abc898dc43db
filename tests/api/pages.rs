//! What stands beside the API: the description to try out, the pages of problems, avatars.

use rejoinder::base::codes::Code;
use serde_json::json;

use crate::support::app::{Answer, TestApp, comment_on};

/// The values of an attribute in a page.
fn attributes(html: &str, name: &str) -> Vec<String> {
    let begin = format!(" {name}=\"");
    let mut parts = html.split(&begin);
    parts.next();
    parts
        .filter_map(|rest| rest.split_once('"'))
        .map(|(value, _)| value.to_owned())
        .collect()
}

fn has_security_headers(answer: &Answer) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(answer.header(name), value, "{answer:?}");
    }
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(
        !policy.contains("http") && !policy.contains("unsafe-eval") && !policy.contains('*'),
        "{policy}"
    );
}

#[tokio::test]
async fn the_description_loads_nothing_from_elsewhere() {
    let app = TestApp::start().await;
    let moved = app.get("/docs").await.is(308);
    assert_eq!(moved.header("location"), "/docs/");
    let page = app.get("/docs/").await.is(200);
    assert!(page.header("content-type").starts_with("text/html"));
    has_security_headers(&page);
    let policy = page.header("content-security-policy");
    let scripts = policy.split(';').find(|part| part.contains("script-src"));
    assert_eq!(scripts.map(str::trim), Some("script-src 'self'"));
    assert!(!page.text.contains("://"), "{}", page.text);
    let loaded = [
        attributes(&page.text, "src"),
        attributes(&page.text, "href"),
    ]
    .concat();
    assert!(loaded.len() >= 4, "{loaded:?}");
    for name in loaded {
        assert!(!name.starts_with("//") && !name.contains(':'), "{name}");
        let path = format!("/docs/{}", name.trim_start_matches("./"));
        let answer = app.get(&path).await.is(200);
        has_security_headers(&answer);
        let kind = answer.header("content-type");
        match path.rsplit('.').next() {
            Some("js") => assert!(kind.contains("javascript"), "{path}: {kind}"),
            Some("css") => assert!(kind.starts_with("text/css"), "{path}: {kind}"),
            Some("png") => assert_eq!(kind, "image/png"),
            _ => panic!("{path} is neither script, style nor picture"),
        }
    }
    // With `script-src 'self'` a script in the page itself would not run.
    assert_eq!(
        page.text.matches("<script").count(),
        attributes(&page.text, "src").len()
    );
    let begin = app.get("/docs/swagger-initializer.js").await.is(200);
    assert!(begin.text.contains("\"/api/v1/openapi.json\""));
    assert!(!begin.text.contains("://"), "{}", begin.text);
    app.get("/docs/nothing.js").await.is(404);
    app.stop().await;
}

#[tokio::test]
async fn every_code_has_a_page_that_explains_it() {
    let app = TestApp::start().await;
    let list = app.get("/problems/").await.is(200);
    for code in Code::ALL {
        let path = format!("/problems/{}", code.as_str());
        let page = app.get(&path).await.is(200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        has_security_headers(&page);
        assert!(page.text.contains(code.as_str()), "{path}");
        assert!(page.text.contains(&code.status().to_string()), "{path}");
        assert!(
            list.text.contains(code.as_str()),
            "{path} isn't in the list"
        );
    }
    for code in ["", "nothing", "Not_Found", "not_found/x"] {
        let path = format!("/problems/{code}");
        if !code.is_empty() {
            app.get(&path).await.is_problem(404, "not_found");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn an_avatar_is_a_picture_that_may_be_kept_for_ever() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    app.published(&desk, "/tides", "Ebb", None).await;
    app.published(&desk, "/tides", "Flood", None).await;
    let mut other = comment_on("/tides", "Moon", None);
    other["email"] = "bob@example.org".into();
    let (other, _) = app.submitted(&other).await;
    desk.decide(&app, &other, "approve", &serde_json::json!({}))
        .await
        .is(200);
    let thread = app.thread("/tides", "").await.is(200);
    let avatar = |place: usize| {
        let path = thread.at(&format!("/comments/{place}/author/avatar"));
        path.as_str().unwrap().to_owned()
    };
    assert_eq!(avatar(0), avatar(1), "one author, one picture");
    assert_ne!(avatar(0), avatar(2));
    let answer = app.get(&avatar(0)).await.is(200);
    assert_eq!(answer.header("content-type"), "image/svg+xml");
    assert_eq!(
        answer.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    has_security_headers(&answer);
    let svg = &answer.text;
    assert!(
        svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"),
        "{svg}"
    );
    for bad in ["<script", "href", "foreignObject", "Ada", "ada@"] {
        assert!(!svg.contains(bad), "{bad} in {svg}");
    }
    assert_eq!(&app.get(&avatar(0)).await.text, svg);
    app.stop().await;
}

#[tokio::test]
async fn what_names_no_avatar_is_not_found() {
    let app = TestApp::start().await;
    let digits = "0123456789abcdef0123456789abcdef";
    app.get(&format!("/avatars/{digits}.svg")).await.is(200);
    for file in [
        digits.to_owned(),
        format!("{digits}.png"),
        format!("{digits}.svg.svg"),
        format!("{}.svg", digits.to_uppercase()),
        format!("{}.svg", &digits[1..]),
        format!("0{digits}.svg"),
        format!("+{}.svg", &digits[1..]),
        format!("{}g.svg", &digits[1..]),
        ".svg".to_owned(),
        "..%2F..%2Fsecret.svg".to_owned(),
    ] {
        let answer = app.get(&format!("/avatars/{file}")).await;
        assert_eq!(answer.status, 404, "{file}");
        let answer = answer.is_problem(404, "not_found");
        assert_eq!(answer.header("cache-control"), "private, no-store");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_setup_link_leads_to_a_page_that_sets_the_password() {
    let app = TestApp::with(&[("REJOINDER_PUBLIC_URL", "https://comments.example.org")]).await;
    let body = json!({"email": "mo@example.org", "name": "Mo", "role": "moderator"});
    let made = app
        .desk()
        .await
        .post(&app, "/api/v1/admin/moderators", &body)
        .await
        .is(201);
    let link = made.at("/setup_url").as_str().unwrap().to_owned();
    let (page, token) = link.split_once('#').unwrap();
    let path = page.strip_prefix("https://comments.example.org").unwrap();

    let form = app.get(path).await.is(200);
    has_security_headers(&form);
    assert_eq!(form.header("cache-control"), "private, no-store");
    assert!(
        form.header("content-security-policy")
            .contains("form-action 'self'")
    );
    for script in attributes(&form.text, "src") {
        let script = app.get(&script).await.is(200);
        assert!(script.header("content-type").starts_with("text/javascript"));
    }
    let send = async |password: &str| {
        let fields = [("token", token), ("password", password)];
        let request = app.request("POST", path).header("accept", "text/html");
        app.send(request.form(&fields)).await
    };
    let short = send("too short").await.is(422);
    assert!(short.text.contains("password") && !short.text.contains(token));
    let done = send("long enough for Mo").await.is(200);
    assert!(
        done.text.contains("mo@example.org") && !done.text.contains(token),
        "{done:?}"
    );
    app.sign_in("mo@example.org", "long enough for Mo")
        .await
        .is(201);
    let again = send("long enough for Mo").await.is(404);
    assert!(again.header("content-type").starts_with("text/html"));
    app.stop().await;
}
