//! Bodies that are no JSON object or form, of other kinds, and bad headers of a submission.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{FORM, JSON, Row};
use crate::support::app::comment_on;

fn malformed() -> Vec<Row> {
    let deep = |open: &str, close: &str, depth: usize| {
        format!("{{\"a\":{}1{}}}", open.repeat(depth), close.repeat(depth))
    };
    let texts = [
        "{".to_owned(),
        "[]".into(),
        "null".into(),
        "\"text\"".into(),
        "1".into(),
        " ".into(),
        "{}{}".into(),
        "{\"name\":}".into(),
        "{'name':'Ada'}".into(),
        "{\"name\":\"Ada\",}".into(),
        "{name:\"Ada\"}".into(),
        "// comment\n{}".into(),
        "{\"name\":\"Ada\"".into(),
        "{\"name\":\"A\nda\"}".into(),
        r#"{"name":"\x41"}"#.into(),
        r#"{"name":"\ud800"}"#.into(),
        r#"{"name":"\udc00"}"#.into(),
        r#"{"name":"\ud83d\ud83d"}"#.into(),
        r#"{"name":"\ud83dx"}"#.into(),
        r#"{"\ud800":"Ada"}"#.into(),
        r#"{"name":"\u00"}"#.into(),
        r#"{"name":"Ada","name":"Bob"}"#.into(),
        r#"{"name":"Ada","n\u0061me":"Bob"}"#.into(),
        r#"{"colour":{"a":1,"a":1}}"#.into(),
        r#"{"a":01}"#.into(),
        r#"{"a":NaN}"#.into(),
        r#"{"a":Infinity}"#.into(),
        r#"{"a":1e999}"#.into(),
        r#"{"a":-}"#.into(),
        "\u{FEFF}{}".into(),
        deep("[", "]", 200),
        deep("{\"a\":", "}", 200),
        "[".repeat(100_000),
        "{\"a\":".repeat(30_000),
    ];
    let octets: [&[u8]; 8] = [
        b"\xff{}",
        b"{\"name\":\"\xff\"}",
        b"{\"name\":\"\xc0\x80\"}",
        b"{\"name\":\"\xed\xa0\x80\"}",
        b"{\"name\":\"\xf4\x90\x80\x80\"}",
        b"{\"name\":\"\xe2\x82\"}",
        b"\xff\xfe{\0}\0",
        b"\x1f\x8b\x08\0",
    ];
    let forms: [&[u8]; 10] = [
        b"name=%",
        b"name=%4",
        b"name=%zz",
        b"name=%ff",
        b"name=%c0%80",
        b"name=%ed%a0%80",
        b"%ff=Ada",
        b"%=Ada",
        b"name=\xff",
        b"name=Ada&name=Bob",
    ];
    let refuse = |kind, body: &[u8]| Row::submit(kind, body, 400, "malformed_body");
    let texts = texts.iter().map(|text| refuse(JSON, text.as_bytes()));
    let octets = octets.iter().map(|body| refuse(JSON, body));
    let forms = forms.iter().map(|body| refuse(FORM, body));
    texts.chain(octets).chain(forms).collect()
}

fn unsupported() -> Vec<Row> {
    let good = comment_on("/tides", "Text", None).to_string();
    let refuse = |kind: &str| Row::submit(kind, good.clone(), 415, "unsupported_media_type");
    let kinds = [
        "",
        "text/plain",
        "text/json",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/jsonx",
        "application/problem+json",
        "application/json, text/plain",
        "application/json; charset=latin1",
        "application/json; charset=utf-16",
        "application/json;charset",
        "application/x-www-form-urlencoded; charset=iso-8859-1",
        "*/*",
        "json",
    ];
    let mut rows: Vec<Row> = kinds.into_iter().map(refuse).collect();
    rows.push(
        refuse(JSON)
            .without("content-type")
            .named("no Content-Type"),
    );
    rows.push(
        refuse(JSON)
            .without("content-type")
            .with("content-type", b"\xff\xfe"),
    );
    for coding in [
        "gzip",
        "br",
        "deflate",
        "zstd",
        "gzip, gzip",
        "GZIP",
        "x-gzip",
        "utf-8",
    ] {
        rows.push(refuse(JSON).with("content-encoding", coding).named(coding));
    }
    // 64 MiB of spaces in 64 KiB.
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..64 {
        bomb.write_all(&vec![b' '; 1024 * 1024]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 400 * 1024, "{}", bomb.len());
    let bomb = bomb[..32 * 1024].to_vec();
    rows.push(
        Row::submit(JSON, bomb.clone(), 415, "unsupported_media_type")
            .with("content-encoding", "gzip")
            .named("a bomb"),
    );
    rows.push(Row::submit(JSON, bomb, 400, "malformed_body").named("an unnamed bomb"));
    rows
}

fn headers() -> Vec<Row> {
    let good = comment_on("/tides", "Text", None).to_string();
    let submit = |status, code| Row::submit(JSON, good.clone(), status, code);
    let long = "k".repeat(129);
    let keys: [&[u8]; 8] = [
        b"",
        b"a b",
        b"a\tb",
        long.as_bytes(),
        "schlüssel".as_bytes(),
        b"\xff",
        "\u{1F511}".as_bytes(),
        &[b'k'; 1_000],
    ];
    let mut rows: Vec<Row> = keys
        .iter()
        .map(|key| submit(400, "invalid_idempotency_key").with("idempotency-key", key))
        .collect();
    rows.push(
        submit(400, "invalid_idempotency_key")
            .with("idempotency-key", "one")
            .with("idempotency-key", "two"),
    );
    let origins: [&[u8]; 14] = [
        b"null",
        b"",
        b"*",
        b"https://evil.example",
        b"https://example.org.evil.example",
        b"https://evil.example/https://example.org",
        b"http://example.org",
        b"https://example.org:8443",
        b"https://example.org/",
        b"https://user@example.org",
        b"https://www.example.org",
        b"https://*.example.org",
        b"example.org",
        b"\xff",
    ];
    for origin in origins {
        let what = format!("Origin {}", String::from_utf8_lossy(origin));
        rows.push(
            submit(403, "origin_not_allowed")
                .with("origin", origin)
                .named(what),
        );
    }
    rows.push(
        Row::submit(FORM, "name=Ada", 403, "origin_not_allowed")
            .with("origin", "https://evil.example")
            .named("a form from elsewhere"),
    );
    rows
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = malformed();
    rows.push(Row::submit(JSON, "", 400, "malformed_body").named("an empty body"));
    rows.extend(unsupported());
    rows.extend(headers());
    rows
}
