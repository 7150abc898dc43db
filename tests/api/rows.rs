//! Rows behind the service's back: a site before the start, many comments at once, and counts. Must not know what is tested.

use crate::support::app::TestApp;
use crate::support::{TestDatabase, execute};

/// A service whose only site has this policy, as `hold = 'flagged'`; sites are read before the first request.
pub(crate) async fn app_with_policy(policy: &str) -> TestApp {
    app_with(policy, &[]).await
}

/// The same with settings more.
pub(crate) async fn app_with(policy: &str, settings: &[(&str, &str)]) -> TestApp {
    let database = TestDatabase::create().await;
    add_site(&database, "default", "https://example.org").await;
    change(&database, &format!("update sites set {policy}")).await;
    TestApp::on(database, settings).await
}

/// A site that is there before the service starts.
pub(crate) async fn add_site(database: &TestDatabase, slug: &str, origin: &str) {
    change(
        database,
        &format!(
            "insert into sites (id, slug, name, origins, created_at)
            values (gen_random_uuid(), '{slug}', 'Tides', '{{{origin}}}', clock_timestamp())"
        ),
    )
    .await;
}

/// Runs a statement.
pub(crate) async fn change(database: &TestDatabase, statement: &str) {
    execute(&database.options, statement.to_owned()).await;
}

/// What is stored: comments, pages, lines of history.
pub(crate) async fn counts(database: &TestDatabase) -> [i64; 3] {
    let row = sqlx::query!(
        r#"select (select count(*) from comments) as "comments!", (select count(*) from pages) as "pages!",
            (select count(*) from comment_history) as "lines!""#
    )
    .fetch_one(&database.pool)
    .await
    .unwrap();
    [row.comments, row.pages, row.lines]
}

/// The id of the numbered comment of [`add_threads`] or [`add_replies`]; ids don't sort as numbers do.
pub(crate) fn id(number: u32) -> String {
    format!(
        "00000000-0000-7000-8000-{:012x}",
        u64::from(number) * 7_919 % 100_003
    )
}

const ID: &str =
    "('00000000-0000-7000-8000-' || lpad(to_hex((n::bigint * 7919) % 100003), 12, '0'))::uuid";

/// A page of example.org with published threads, numbered from 1: ten at the same minute, seven scores.
pub(crate) async fn add_threads(database: &TestDatabase, path: &str, number: u32) {
    change(
        database,
        &format!(
            "with page as (
                insert into pages (id, site_id, url, url_key, comment_count, first_comment_at, created_at)
                select gen_random_uuid(), id, 'https://example.org{path}', 'example.org{path}', {number}, now(), now()
                from sites where slug = 'default'
                returning id, site_id
            )
            insert into comments (id, site_id, page_id, root_id, depth, status, name, email, email_key, body, body_html,
                avatar, submitted_at, published_at, content_hash, score)
            select {ID}, p.site_id, p.id, {ID}, 0, 'approved', 'Ada', 'ada@example.org', 'ada@example.org',
                'Thread ' || n, '<p>Thread ' || n || '</p>', repeat('a', 32), t.at, t.at, '\\x00', n % 7
            from page p, generate_series(1, {number}) n,
                lateral (select timestamptz '2026-01-01 00:00Z' + n / 10 * interval '1 minute' as at) t"
        ),
    )
    .await;
}

/// Published answers to the numbered comment, numbered from `from` on: five at the same minute.
pub(crate) async fn add_replies(database: &TestDatabase, to: u32, from: u32, number: u32) {
    let (parent, last) = (id(to), from + number - 1);
    change(
        database,
        &format!(
            "insert into comments (id, site_id, page_id, parent_id, root_id, depth, status, name, email, email_key,
                body, body_html, avatar, submitted_at, published_at, content_hash)
            select {ID}, c.site_id, c.page_id, c.id, c.root_id, c.depth + 1, 'approved', 'Bob', 'bob@example.org',
                'bob@example.org', 'Answer ' || n, '<p>Answer ' || n || '</p>', repeat('b', 32), t.at, t.at, '\\x00'
            from comments c, generate_series({from}, {last}) n,
                lateral (select timestamptz '2026-02-01 00:00Z' + n / 5 * interval '1 minute' as at) t
            where c.id = '{parent}'"
        ),
    )
    .await;
    change(
        database,
        &format!(
            "update pages set comment_count = comment_count + {number}
            where id = (select page_id from comments where id = '{parent}')"
        ),
    )
    .await;
}
