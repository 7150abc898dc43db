//! Submissions while the sign-in is flooded: `cargo bench --bench login_flood`. Prints submissions a second and the
//! slowest percent, alternating: alone; under a flood of sign-ins that are refused for their empty password, which costs
//! what any requests cost; under one that is hashed. Not a test: it judges nothing.
//!
//! The flood is the worst that one can send: unknown accounts from ever other networks, so that no back-off takes hold and
//! each try is worth a whole argon2id hash. Passwords cost what they do in production; the database syncs to disk.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark may stop, and prints its figures"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rejoinder::app::startup::{self, Audience, Setting};
use rejoinder::database::embedded::{self, Durability};
use rejoinder::settings::{Flags, Settings, Sources};
use reqwest::Client;
use serde_json::json;
use sqlx::ConnectOptions as _;
use tokio::task::JoinSet;

const SUBMITTERS: usize = 16;
const FLOODERS: usize = 64;
const STRETCH: Duration = Duration::from_secs(8);
const ROUNDS: usize = 3;

static NUMBER: AtomicU64 = AtomicU64::new(0);

struct Stretch {
    a_second: f64,
    p99: Duration,
    failed: u64,
}

#[tokio::main]
async fn main() {
    let data_dir = std::env::temp_dir().join(format!("rejoinder-flood-{}", std::process::id()));
    let database = embedded::start(embedded::Options {
        data_dir: data_dir.clone(),
        programs: None,
        keeper: PathBuf::from(env!("CARGO_BIN_EXE_rejoinder")),
        durability: Durability::Durable,
    })
    .await
    .unwrap();
    let url = database.connect_options().to_url_lossy().to_string();
    let service = startup::start_with(settings(&url), Audience::Machine, Setting::default())
        .await
        .unwrap();
    let base = format!("http://127.0.0.1:{}", service.port);

    let mut figures: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for round in 1..=ROUNDS {
        for (name, flood) in [
            ("alone", None),
            ("refused", Some("")),
            ("hashed", Some("guess")),
        ] {
            let (stop, tries) = (Arc::default(), Arc::default());
            let flooders = flood.map(|password| begin_flood(&base, password, &stop, &tries));
            let found = submit(&base).await;
            stop.store(true, Ordering::Relaxed);
            if let Some(flooders) = flooders {
                flooders.join_all().await;
            }
            println!(
                "round {round}, {name}: {:.0} submissions/s (p99 {:?}, {} failed), {:.0} sign-ins/s",
                found.a_second,
                found.p99,
                found.failed,
                as_f64(tries.load(Ordering::Relaxed)) / STRETCH.as_secs_f64(),
            );
            figures.entry(name).or_default().push(found.a_second);
        }
    }
    let alone = median(&figures["alone"]);
    for (name, stretches) in &figures {
        let median = median(stretches);
        println!(
            "{name}: median {median:.0} submissions/s, ratio {:.2}",
            median / alone
        );
    }
    service.stop().await.unwrap();
    database.stop().await.unwrap();
    std::fs::remove_dir_all(data_dir).ok();
}

fn settings(url: &str) -> Settings {
    let environment: BTreeMap<String, OsString> = [
        ("DATABASE_URL", url),
        ("REJOINDER_LISTEN", "127.0.0.1:0"),
        ("REJOINDER_SITE_ORIGINS", "https://example.org"),
        ("REJOINDER_ADMIN_EMAIL", "owner@example.org"),
        ("REJOINDER_ADMIN_PASSWORD", "correct horse battery"),
        ("REJOINDER_RATE_LIMIT", "off"),
        ("REJOINDER_TRUSTED_PROXIES", "127.0.0.1/32"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), OsString::from(value)))
    .collect();
    let sources = Sources {
        flags: Flags::default(),
        environment,
        read: Box::new(|path: &Path| std::fs::read_to_string(path)),
    };
    Settings::gather(sources).unwrap()
}

/// Submits for the time of a stretch, each comment under one of a hundred pages.
async fn submit(base: &str) -> Stretch {
    let client = Client::new();
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..SUBMITTERS {
        let (client, url) = (client.clone(), format!("{base}/api/v1/comments"));
        tasks.spawn(async move {
            let (mut took, mut failed) = (Vec::new(), 0_u64);
            while begun.elapsed() < STRETCH {
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                let comment = json!({
                    "page_url": format!("https://example.org/{}", number % 100),
                    "name": "Ebb", "email": format!("reader{number}@example.org"),
                    "body": format!("The tide comes in, for the {number}th time."),
                });
                let sent = Instant::now();
                match client.post(&url).json(&comment).send().await {
                    Ok(answer) if answer.status() == 201 => took.push(sent.elapsed()),
                    _ => failed += 1,
                }
            }
            (took, failed)
        });
    }
    let (mut took, mut failed) = (Vec::new(), 0);
    for (times, failures) in tasks.join_all().await {
        took.extend(times);
        failed += failures;
    }
    let seconds = begun.elapsed().as_secs_f64();
    took.sort();
    Stretch {
        a_second: as_f64(u64::try_from(took.len()).unwrap()) / seconds,
        p99: took[took.len() * 99 / 100],
        failed,
    }
}

/// Signs in without end, until told to stop.
fn begin_flood(
    base: &str,
    password: &'static str,
    stop: &Arc<AtomicBool>,
    tries: &Arc<AtomicU64>,
) -> JoinSet<()> {
    let client = Client::new();
    let mut tasks = JoinSet::new();
    for _ in 0..FLOODERS {
        let (client, url) = (client.clone(), format!("{base}/api/v1/admin/sessions"));
        let (stop, tries) = (Arc::clone(stop), Arc::clone(tries));
        tasks.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                let [.., a, b, c] = number.to_be_bytes();
                let sign_in =
                    json!({"email": format!("nobody{number}@example.org"), "password": password});
                let request = client.post(&url).json(&sign_in);
                let request = request.header("x-forwarded-for", format!("100.{a}.{b}.{c}"));
                request.send().await.ok();
                tries.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    tasks
}

fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn as_f64(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}
