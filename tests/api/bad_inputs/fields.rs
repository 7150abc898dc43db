//! Bad values of each field of a submission, in JSON and, where they are texts, as forms too.

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde_json::{Value, json};

use super::{FORM, JSON, Row};
use crate::support::app::comment_on;

#[expect(clippy::too_many_lines, reason = "a table")]
fn texts() -> Vec<(&'static str, String, &'static str)> {
    let marks = |letter: &str| format!("{letter}{}", "\u{301}\u{316}".repeat(6));
    let mut table: Vec<(&str, String, &str)> = Vec::new();
    let mut add = |field, code, values: &[&str]| {
        table.extend(
            values
                .iter()
                .map(|value| (field, (*value).to_owned(), code)),
        );
    };
    add("name", "required", &["", " \t\r\n"]);
    add(
        "name",
        "invisible",
        &[
            "\u{200B}",
            "\u{FEFF}\u{2060}",
            "\u{2800}",
            "\u{3164}",
            "\u{AD}",
            "\u{200E}",
            "\u{200D}\u{200C}",
            "\u{34F}",
            "\u{FE0F}",
            "\u{E0041}",
        ],
    );
    add(
        "name",
        "invalid_characters",
        &[
            "a\0b",
            "\0",
            "a\nb",
            "a\tb",
            "a\u{7}b",
            "a\u{7F}b",
            "a\u{85}b",
            "a\u{9F}b",
            "a\u{2028}b",
            "a\u{202E}b",
            "a\u{202A}b\u{202C}",
            "\u{2066}a\u{2069}",
            "a\u{FFFE}b",
            "a\u{FDD0}b",
            "a\u{10FFFF}b",
            &marks("a"),
        ],
    );
    add(
        "name",
        "too_long",
        &["a".repeat(101).as_str(), "😀".repeat(101).as_str()],
    );
    add("email", "required", &["", " \n"]);
    add(
        "email",
        "invalid_email",
        &[
            "ada",
            "ada@",
            "@example.org",
            "ada@localhost",
            "ada@127.0.0.1",
            "ada@[127.0.0.1]",
            "\"a b\"@example.org",
            "Ada <ada@example.org>",
            "a@b@example.org",
            "ada@exam ple.org",
            "ada@example..org",
            ".ada@example.org",
            "a\u{200B}da@example.org",
            "a\u{202E}da@example.org",
            "ada@exam\u{AD}ple.org",
            "ada@xn--a.example",
            "ada@example.org?cc=b",
        ],
    );
    add(
        "email",
        "invalid_characters",
        &["a\0@example.org", "a@exa\nmple.org"],
    );
    add(
        "email",
        "too_long",
        &[format!("{}@example.org", "é".repeat(33)).as_str()],
    );
    add("body", "required", &["", "\r\n \t\n"]);
    add(
        "body",
        "invisible",
        &[
            "\u{200B}",
            "\u{FEFF}\u{FEFF}",
            "\u{202E}\u{202C}",
            "\u{200F}\n",
        ],
    );
    add(
        "body",
        "invalid_characters",
        &["a\0b", "a\u{1}b", "a\u{1B}[31m", "a\u{FFFF}"],
    );
    add(
        "body",
        "invalid_characters",
        &[&marks("Z"), &marks("e\u{301}")],
    );
    add(
        "body",
        "too_long",
        &["a".repeat(10_001).as_str(), "ü".repeat(10_001).as_str()],
    );
    add("page_url", "required", &["", "  "]);
    add(
        "page_url",
        "invalid_url",
        &[
            "tides",
            "/tides",
            "//example.org/tides",
            "ftp://example.org/",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://",
            "https:///tides",
            "https:example.org",
            "https://ada:pw@example.org/",
            "https://ada@example.org/",
            "https://exa mple.org/",
            "https://[::1/",
            "https://example.org:99999/",
            "https://%00.example.org/",
        ],
    );
    add(
        "page_url",
        "invalid_characters",
        &["https://example.org/a\tb", "https://example.org/\0"],
    );
    add(
        "page_url",
        "too_long",
        &[format!("https://example.org/{}", "a".repeat(2_029)).as_str()],
    );
    add(
        "page_url",
        "unknown_site",
        &[
            "https://example.net/",
            "http://example.org/",
            "https://example.org:8443/",
            "https://example.org.evil.example/",
            "https://www.example.org/",
        ],
    );
    add(
        "website",
        "invalid_url",
        &[
            "ada.example",
            "javascript:alert(1)",
            "https://a:b@ada.example",
            "https://a b.example",
        ],
    );
    add(
        "website",
        "invalid_characters",
        &["https://ada.example/\0", "https://ada.ex\nample/"],
    );
    add(
        "website",
        "too_long",
        &[format!("https://a.example/{}", "a".repeat(2_031)).as_str()],
    );
    add(
        "parent_id",
        "invalid_value",
        &[
            "0",
            "-1",
            "x",
            "01980000000070008000000000000000",
            "{01980000-0000-7000-8000-000000000000}",
            "01980000-0000-7000-8000-0000000000000",
            "01980000-0000-7000-8000-00000000000g",
            "' or 1=1 --",
        ],
    );
    add("parent_id", "invalid_characters", &["\0"]);
    add(
        "page_title",
        "invalid_characters",
        &["a\0", "a\u{FFFE}", &marks("T")],
    );
    add("page_title", "invisible", &["\u{200B}"]);
    add("page_title", "too_long", &["a".repeat(301).as_str()]);
    add(
        "page_key",
        "invalid_characters",
        &["a\nb", "k\u{202E}", "k\0"],
    );
    add("page_key", "invisible", &["\u{200B}"]);
    add("page_key", "too_long", &["k".repeat(201).as_str()]);
    table
}

fn others() -> Vec<(&'static str, Value, &'static str)> {
    let mut table = Vec::new();
    let fields = [
        "page_url",
        "name",
        "email",
        "body",
        "website",
        "parent_id",
        "page_title",
        "page_key",
    ];
    for field in fields {
        for value in [json!(1), json!(true), json!(["a"]), json!({"a": "b"})] {
            table.push((field, value, "invalid_type"));
        }
    }
    for value in [
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(1e300),
        json!([[[]]]),
    ] {
        table.push(("name", value, "invalid_type"));
    }
    for field in ["page_url", "name", "email", "body"] {
        table.push((field, Value::Null, "required"));
    }
    table
}

fn code_of(complaint: &str) -> &str {
    match complaint {
        "unknown_site" => "unknown_site",
        _ => "validation_failed",
    }
}

fn form(body: &Value) -> String {
    let pairs = body.as_object().unwrap().iter();
    let pairs = pairs.filter_map(|(name, value)| Some((name, value.as_str()?)));
    let encoded: Vec<String> = pairs
        .map(|(name, value)| {
            let octets = percent_encode(value.as_bytes(), NON_ALPHANUMERIC);
            format!("{name}={octets}")
        })
        .collect();
    encoded.join("&")
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (field, value, complaint) in texts() {
        let mut body = comment_on("/tides", "Text", None);
        body[field] = json!(value);
        let shown: String = value.chars().take(40).collect();
        let named = format!("{field}: {complaint}");
        for (kind, sent) in [(JSON, body.to_string()), (FORM, form(&body))] {
            rows.push(
                Row::submit(kind, sent, 422, code_of(complaint))
                    .named(format!("{kind} {field} {shown:?}"))
                    .fields(&[&named]),
            );
        }
    }
    for (field, value, complaint) in others() {
        let mut body = comment_on("/tides", "Text", None);
        body[field] = value;
        rows.push(
            Row::submit(JSON, body.to_string(), 422, "validation_failed")
                .fields(&[&format!("{field}: {complaint}")]),
        );
    }
    rows.extend(several());
    rows
}

/// All complaints come at once.
fn several() -> Vec<Row> {
    let required = [
        "body: required",
        "email: required",
        "name: required",
        "page_url: required",
    ];
    let mut mixed = comment_on("/tides", "a\0", None);
    mixed["name"] = json!(5);
    mixed["email"] = json!("ada");
    mixed["website"] = json!("\0");
    mixed["page_key"] = json!(false);
    let mut elsewhere = comment_on("/tides", "Text", None);
    elsewhere["page_url"] = json!("https://example.net/");
    elsewhere["name"] = json!("");
    vec![
        Row::submit(JSON, "{}", 422, "validation_failed").fields(&required),
        Row::submit(FORM, "&&", 422, "validation_failed").fields(&required),
        Row::submit(FORM, "name&email&body&page_url", 422, "validation_failed").fields(&required),
        Row::submit(
            JSON,
            r#"{"na\u0000me": "Ada", "Name": "Ada"}"#,
            422,
            "validation_failed",
        )
        .fields(&required),
        Row::submit(JSON, mixed.to_string(), 422, "validation_failed").fields(&[
            "body: invalid_characters",
            "email: invalid_email",
            "name: invalid_type",
            "page_key: invalid_type",
            "website: invalid_characters",
        ]),
        Row::submit(JSON, elsewhere.to_string(), 422, "validation_failed")
            .fields(&["name: required"]),
    ]
}
