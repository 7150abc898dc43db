//! Bad paths, query strings, cursors and methods.

use super::Row;

const NOBODY: &str = "01980000-0000-7000-8000-000000000000";

#[expect(clippy::too_many_lines, reason = "a table")]
fn queries() -> Vec<Row> {
    let refused = [
        "",
        "page_url",
        "page_url=",
        "page_url=tides",
        "page_url=//example.org/",
        "page_url=javascript:alert(1)",
        "page_url=https://ada@example.org/",
        "page_url=https://example.org/%00",
        "page_url=https://example.org/%0ab",
        "page_url=%ff",
        "page_url=%c3",
        "page_url=%ed%a0%80",
        "page_url=%",
        "page_url=%zz",
        "page_url=https://example.org/%4",
        "page_url=https://example.org/&page_url=https://example.org/",
        "page_url=https://example.org/&page_key=k&site=default",
        "page_key=k",
        "page_key=&site=default",
        "page_key=%E2%80%8B&site=default",
        "page_key=a%0Ab&site=default",
        "page_key=a&site=default&site=default",
        "site=default",
    ];
    let mut rows: Vec<Row> = refused
        .iter()
        .map(|query| Row::get(format!("/api/v1/comments?{query}"), 400, "invalid_query"))
        .collect();
    rows.push(Row::get(
        format!(
            "/api/v1/comments?page_url=https://example.org/{}",
            "a".repeat(2_029)
        ),
        400,
        "invalid_query",
    ));
    let parameters = [
        "sort=best",
        "sort=",
        "sort=Newest",
        "sort=oldest&sort=oldest",
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=%2B5",
        "limit=1.5",
        "limit=1e1",
        "limit=0x10",
        "limit=x",
        "limit=",
        "limit=%D9%A3",
        "limit=99999999999999999999999999",
        "limit=5&limit=5",
        "around=",
        "around=x",
        "around=0",
        "around=%00",
        "a=%00",
        "a=%ff",
        "%ff=a",
        "%",
    ];
    rows.extend(parameters.iter().map(|query| {
        let path = format!("/api/v1/comments?page_url=https://example.org/tides&{query}");
        Row::get(path, 400, "invalid_query")
    }));
    rows.push(Row::get(
        format!("/api/v1/comments?page_url=https://example.org/tides&cursor=x&around={NOBODY}"),
        400,
        "invalid_query",
    ));
    rows.push(Row::get(
        format!("/api/v1/comments?page_url=https://example.org/tides&around={NOBODY}"),
        404,
        "comment_not_found",
    ));
    for query in [
        "limit=0",
        "limit=-1",
        "limit=101",
        "cursor=a&cursor=b",
        "a=%ff",
    ] {
        let path = format!("/api/v1/comments/{NOBODY}/replies?{query}");
        rows.push(Row::get(path, 400, "invalid_query"));
    }
    rows
}

fn cursors() -> Vec<Row> {
    let long = "A".repeat(2_000);
    // A good form of the order `oldest` (tag `o`), a far time, a good form of another list (tag `r`), and padding.
    let (wrong_list, far, padded) = (
        "cgAGTZ9EAAAAAZgAAAAAAHAAgAAAAAAAAAA",
        "b3__________AZgAAAAAAHAAgAAAAAAAAAA",
        "bwAGTZ9EAAAAAZgAAAAAAHAAgAAAAAAAAAA=",
    );
    let texts = [
        "", "x", "0", "%20", "null", "..", "'--", &long, wrong_list, far, padded,
    ];
    let mut rows: Vec<Row> = texts
        .iter()
        .map(|cursor| {
            let page = "page_url=https://example.org/tides";
            let path = format!("/api/v1/comments?{page}&cursor={cursor}");
            Row::get(path, 400, "invalid_cursor")
        })
        .collect();
    // What one order gave out is nothing in another.
    for order in ["newest", "top"] {
        let page = "page_url=https://example.org/tides";
        let cursor = "bwAGTZ9EAAAAAZgAAAAAAHAAgAAAAAAAAAA";
        let path = format!("/api/v1/comments?{page}&sort={order}&cursor={cursor}");
        rows.push(Row::get(path, 400, "invalid_cursor"));
    }
    for cursor in ["", "x", "bwAGTZ9EAAAAAZgAAAAAAHAAgAAAAAAAAAA"] {
        let path = format!("/api/v1/comments/{NOBODY}/replies?cursor={cursor}");
        rows.push(Row::get(path, 400, "invalid_cursor"));
    }
    rows
}

fn paths() -> Vec<Row> {
    let mut rows = Vec::new();
    let ids = [
        "x",
        "0",
        "-1",
        "01980000000070008000000000000000",
        "%7B01980000-0000-7000-8000-000000000000%7D",
        "%F0%9F%98%80",
        "a%2Fb",
        "%2e%2e%2fetc",
        "99999999999999999999",
        NOBODY,
    ];
    for id in ids {
        for rest in ["", "/replies"] {
            let path = format!("/api/v1/comments/{id}{rest}");
            rows.push(Row::get(path, 404, "comment_not_found"));
        }
    }
    for broken in ["%", "%4", "%zz", "%ff", "%c3", "%ed%a0%80", "%00", "a%00b"] {
        for before in [
            "/api/v1/comments/",
            "/api/v1/",
            "/problems/",
            "/avatars/",
            "/",
        ] {
            rows.push(Row::get(format!("{before}{broken}"), 400, "invalid_query"));
        }
    }
    let nothing = [
        "/nothing",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v2/comments",
        "/API/v1/comments",
        "/api/v1//comments",
        "/api/v1/comments/",
        "/api/v1/comments/a/b",
        "/problems/nothing",
        "/problems/validation_failed/x",
        "/avatars/x.svg",
        "/avatars/0123456789abcdef0123456789abcdef.png",
        "/avatars/0123456789ABCDEF0123456789ABCDEFF.svg",
        "/.env",
        "/wp-login.php",
    ];
    rows.extend(nothing.iter().map(|path| Row::get(*path, 404, "not_found")));
    for path in [
        "/api/v1/admin",
        "/api/v1/admin/",
        "/api/v1/admin/nothing",
        "/api/v1/admin/%7F",
    ] {
        rows.push(Row::get(path, 401, "unauthenticated"));
    }
    rows
}

fn methods() -> Vec<Row> {
    let comment = format!("/api/v1/comments/{NOBODY}");
    let mut rows = Vec::new();
    for (method, path) in [
        ("PUT", "/api/v1/comments"),
        ("PATCH", "/api/v1/comments"),
        ("DELETE", "/api/v1/comments"),
        ("OPTIONS", "/api/v1/comments"),
        ("TRACE", "/api/v1/comments"),
        ("BREW", "/api/v1/comments"),
        ("POST", &format!("{comment}/replies")),
        ("POST", "/healthz"),
        ("DELETE", "/readyz"),
        ("PUT", "/"),
        ("POST", "/problems/validation_failed"),
        ("POST", "/api/v1/openapi.json"),
        ("PUT", "/avatars/0123456789abcdef0123456789abcdef.svg"),
    ] {
        rows.push(Row::get(path, 405, "method_not_allowed").method(method));
    }
    rows
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = queries();
    rows.extend(cursors());
    rows.extend(paths());
    rows.extend(methods());
    rows
}
