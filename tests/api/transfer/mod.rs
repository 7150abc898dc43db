//! Taking a site along. Must not know how it is read.

mod command;
mod export;
mod slow;

use serde_json::Value;

use crate::rows;
use crate::support::TestDatabase;
use crate::support::app::{Answer, Desk, TestApp};

/// Comments of [`add_site_of`], in all states, of which every fifth is a thread's first.
const COMMENTS: usize = 5_000;

/// 50 pages with [`COMMENTS`], four answers below each first one, one below the other; every text this long.
async fn add_many(database: &TestDatabase, body_chars: usize) {
    let statement = format!(
        "insert into pages (id, site_id, url, url_key, key, created_at)
        select ('01900000-0000-7000-8000-0000000a' || lpad(n::text, 4, '0'))::uuid, s.id, 'https://example.org/' || n,
            'example.org/' || n, 'key-' || n, '2026-01-01Z'
        from sites s, generate_series(1, 50) n
        where s.slug = 'default';
        insert into comments (id, site_id, page_id, parent_id, root_id, depth, status, name, email, email_key, website,
            body, body_html, avatar, ip, user_agent, submitted_at, edited_at, published_at, content_hash, token_version)
        select i.id, p.site_id, p.id, case when n % 5 > 0 then i.above end, i.root, n % 5, i.status, 'Ada ' || n,
            'ada' || n || '@example.org', 'ada' || n || '@example.org', case when n % 3 = 0 then 'https://a.example/' || n end,
            rpad('Text ' || n, {body_chars}, '– '), '<p>Text</p>', repeat('a', 32), ('192.0.2.' || n % 250)::inet, 'Browser ' || n,
            i.at, case when n % 7 = 0 then i.at + interval '1 hour' end, case when i.status = 'approved' then i.at end,
            '\\x00', 1 + n % 2
        from generate_series(0, {COMMENTS} - 1) n
        cross join lateral (
            select
                ('01900000-0000-7000-9000-' || lpad(to_hex((n::bigint * 7919) % 100003), 12, '0'))::uuid as id,
                ('01900000-0000-7000-9000-' || lpad(to_hex(((n - 1)::bigint * 7919) % 100003), 12, '0'))::uuid as above,
                ('01900000-0000-7000-9000-' || lpad(to_hex(((n - n % 5)::bigint * 7919) % 100003), 12, '0'))::uuid as root,
                (array['pending', 'approved', 'approved', 'rejected', 'spam'])[1 + (n / 3) % 5] as status,
                timestamptz '2026-01-01Z' + n * interval '1.5 seconds' as at
        ) i
        join pages p on p.key = 'key-' || (1 + (n / 5) % 50);
        insert into comment_history (comment_id, version, at, actor_kind, to_status)
        select id, 1, submitted_at, 'author', status from comments;
        update pages set comment_count =
            (select count(*) from comments c where c.page_id = pages.id and c.status = 'approved')"
    );
    rows::change(database, &statement).await;
}

/// Where the default site is exported.
async fn path(app: &TestApp, desk: &Desk) -> String {
    let sites = desk.get(app, "/api/v1/admin/sites").await.is(200);
    let id = sites.at("/sites/0/id");
    format!("/api/v1/admin/sites/{}/export", id.as_str().unwrap())
}

fn lines(text: &str) -> Vec<Value> {
    assert!(text.ends_with('\n'));
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn of_kind<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["kind"] == kind).collect()
}

async fn exported(app: &TestApp, desk: &Desk) -> (Answer, Vec<Value>) {
    let answer = desk.get(app, &path(app, desk).await).await.is(200);
    let lines = lines(&answer.text);
    (answer, lines)
}
