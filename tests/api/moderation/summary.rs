//! `GET /api/v1/admin/summary`: figures that equal a recount, whoever asks and whenever the daily job comes.

use std::time::Duration as StdDuration;

use rejoinder::base::random;
use serde_json::{Value, json};
use time::Duration;

use super::counts::Dice;
use super::{DECISIONS, held, one_of_each};
use crate::backstage::{change, hire, hire_for_gazette, number, texts, two_sites};
use crate::support::app::{OWNER, PASSWORD, TestApp, comment_on};

const SUMMARY: &str = "/api/v1/admin/summary";
/// Waiting for a job ends after so many looks, 20 ms apart.
const LOOKS_MAX: usize = 500;

/// Each moderator's decisions of a day, as `day name approved rejected spam restored`, the latest day first.
const RECOUNTED_DECISIONS: &str = "
    select (h.at at time zone 'UTC')::date || ' ' || m.name || ' ' || count(*) filter (where h.to_status = 'approved')
        || ' ' || count(*) filter (where h.to_status = 'rejected') || ' ' || count(*) filter (where h.to_status = 'spam')
        || ' ' || count(*) filter (where h.to_status = 'pending')
    from comment_history h
    join moderators m on m.id = h.actor_id
    where h.actor_kind = 'moderator' and h.from_status <> h.to_status and h.to_status <> 'deleted'
    group by (h.at at time zone 'UTC')::date, m.id, m.name
    order by (h.at at time zone 'UTC')::date desc, m.id";

/// How long comments waited for their first decision (to delete is none), by its day, as `day number median`, the latest day first.
const RECOUNTED_WAITS: &str = "
    select f.day || ' ' || count(*) || ' ' || percentile_disc(0.5) within group (order by f.seconds)
    from (
        select distinct on (c.id) (h.at at time zone 'UTC')::date as day, h.from_status,
            floor(extract(epoch from h.at - c.submitted_at))::integer as seconds
        from comments c
        join comment_history h on h.comment_id = c.id
        where h.actor_kind = 'moderator' and h.from_status <> h.to_status and h.to_status <> 'deleted'
        order by c.id, h.version
    ) f
    where f.from_status = 'pending'
    group by f.day
    order by f.day desc";

const KEPT: &str = "
    select x from (
        select day || ' ' || site_id || ' ' || moderator_id || ' ' || to_status || ' ' || decided as x from daily_decisions
        union all
        select day || ' ' || site_id || ' ' || decided || ' ' || median_seconds from daily_waits
    ) all_of_them order by x";

fn lines(list: &Value, line: impl Fn(&Value) -> String) -> Vec<String> {
    list.as_array().unwrap().iter().map(line).collect()
}

fn word(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn decisions(summary: &Value) -> Vec<String> {
    lines(&summary["decisions"], |one| {
        let parts = [
            &one["day"],
            &one["moderator"]["name"],
            &one["approved"],
            &one["rejected"],
            &one["spam"],
            &one["restored"],
        ];
        parts.map(word).join(" ")
    })
}

fn waits(summary: &Value) -> Vec<String> {
    lines(&summary["waits"], |one| {
        [&one["day"], &one["decided"], &one["median_seconds"]]
            .map(word)
            .join(" ")
    })
}

/// Has the job make the figures of all finished days, and waits for its end.
async fn make_figures(app: &TestApp) {
    change(
        app,
        "insert into jobs (id, kind, run_at, created_at)
        values (gen_random_uuid(), 'moderation.daily_figures', '2026-01-01', '2026-01-01')",
    )
    .await;
    let living = "select count(*) from jobs where kind = 'moderation.daily_figures'";
    for _ in 0..LOOKS_MAX {
        if number(&app.database.pool, living).await == 0 {
            return;
        }
        tokio::time::sleep(StdDuration::from_millis(20)).await;
    }
    panic!("the figures aren't made");
}

async fn token(app: &TestApp, email: &str) -> crate::support::app::Desk {
    let answer = app.sign_in(email, PASSWORD).await.is(201);
    crate::support::app::Desk {
        token: answer.at("/token").as_str().unwrap().to_owned(),
    }
}

pub(super) async fn check(app: &TestApp, story: &str) -> Value {
    let desk = app.desk().await;
    let summary = desk.get(app, SUMMARY).await.is(200).json();
    let pool = &app.database.pool;
    let recounted = texts(pool, RECOUNTED_DECISIONS).await;
    assert_eq!(decisions(&summary), recounted, "{story}");
    assert_eq!(
        waits(&summary),
        texts(pool, RECOUNTED_WAITS).await,
        "{story}"
    );
    assert_eq!(summary["complete"], true, "{story}");
    for status in ["pending", "approved", "rejected", "spam", "deleted"] {
        let shown = texts(pool, "select status from comments").await;
        let shown = shown.iter().filter(|one| *one == status).count();
        assert_eq!(summary["counts"][status], shown, "{story}");
    }
    summary
}

#[tokio::test]
async fn figures_equal_a_recount_of_the_history_before_and_after_the_daily_job() {
    let app = TestApp::start().await;
    let seed = u64::from_le_bytes(random::bytes());
    let mut dice = Dice(seed);
    hire(&app, "moderator", "Mo").await;
    let mut ids: Vec<String> = Vec::new();
    for round in 0..12 {
        let desks = [
            token(&app, OWNER).await,
            token(&app, "mo@example.org").await,
        ];
        for turn in 0..=dice.roll(4) {
            let text = format!("Comment {round}, {turn}");
            ids.push(held(&app, "/tides", &text).await);
        }
        for _ in 0..dice.roll(8) {
            let id = dice.pick(&ids).clone();
            let (decision, _) = *dice.pick(&DECISIONS);
            let desk = &desks[dice.roll(2)];
            desk.decide(&app, &id, decision, &json!({})).await.is(200);
        }
        if round == 5 {
            make_figures(&app).await;
        }
        check(&app, &format!("seed {seed}, round {round}")).await;
        app.clock
            .advance(Duration::minutes(i64::try_from(dice.roll(1_500)).unwrap()));
    }
    app.clock.advance(Duration::days(1));
    let story = format!("seed {seed}, at the end");
    check(&app, &story).await;
    make_figures(&app).await;
    let after = check(&app, &story).await;
    let kept = texts(&app.database.pool, KEPT).await;
    assert!(!kept.is_empty());
    make_figures(&app).await;
    assert_eq!(texts(&app.database.pool, KEPT).await, kept, "{story}");
    assert_eq!(check(&app, &story).await, after, "{story}");
    app.stop().await;
}

#[tokio::test]
async fn counts_and_the_oldest_pending_are_of_the_sites_that_the_caller_sees() {
    let app = TestApp::on(two_sites().await, &[]).await;
    let desk = app.desk().await;
    let gazette = hire_for_gazette(&app, "viewer", "Gus").await;
    let [pending, ..] = one_of_each(&app, &desk).await;
    let mut other = comment_on("/", "Elsewhere", None);
    other["page_url"] = json!("https://gazette.example/");
    let (other, _) = app.submitted(&other).await;

    let all = desk.get(&app, SUMMARY).await.is(200);
    assert_eq!(all.header("cache-control"), "private, no-store");
    let all = all
        .has(
            "/counts",
            json!({"pending": 2, "approved": 1, "rejected": 1, "spam": 1, "deleted": 1}),
        )
        .has("/oldest_pending/id", pending)
        .has("/decisions/0/approved", 1)
        .has("/decisions/0/rejected", 1)
        .has("/decisions/0/spam", 1)
        .has("/decisions/0/moderator/kind", "moderator")
        .has("/waits/0/decided", 3);
    assert!(all.at("/median_wait_seconds").is_number());
    for (desk, path) in [
        (&gazette, SUMMARY),
        (&desk, "/api/v1/admin/summary?site=gazette"),
    ] {
        desk.get(&app, path)
            .await
            .is(200)
            .has(
                "/counts",
                json!({"pending": 1, "approved": 0, "rejected": 0, "spam": 0, "deleted": 0}),
            )
            .has("/oldest_pending/id", other.as_str())
            .has("/decisions", json!([]))
            .has("/waits", json!([]))
            .has("/median_wait_seconds", Value::Null);
    }
    for (desk, site) in [(&gazette, "default"), (&desk, "nowhere")] {
        desk.get(&app, &format!("{SUMMARY}?site={site}"))
            .await
            .is_problem(404, "unknown_site");
    }
    desk.get(&app, &format!("{SUMMARY}?days=3"))
        .await
        .is_problem(400, "invalid_query");
    app.stop().await;
}

#[tokio::test]
async fn a_count_above_ten_thousand_says_only_that() {
    let app = TestApp::start().await;
    let desk = app.desk().await;
    held(&app, "/tides", "Ebb").await;
    let more = |number: u32| {
        format!(
            "insert into comments (id, site_id, page_id, root_id, depth, status, name, email, email_key, body, body_html,
                avatar, submitted_at, content_hash)
            select n.id, c.site_id, c.page_id, n.id, 0, 'pending', c.name, c.email, c.email_key, c.body, c.body_html,
                c.avatar, c.submitted_at, c.content_hash
            from (select * from comments limit 1) c, (select gen_random_uuid() as id from generate_series(1, {number})) n"
        )
    };
    change(&app, more(9_999)).await;
    desk.get(&app, SUMMARY).await.has("/counts/pending", 10_000);
    change(&app, more(1)).await;
    desk.get(&app, SUMMARY)
        .await
        .has("/counts/pending", "10000+");
    app.stop().await;
}
