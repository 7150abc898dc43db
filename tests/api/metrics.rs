//! The figures of the running program against docs/observability.md, both ways. Must not know what they are good for.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Client;
use serde_json::{Value, json};

use crate::secrets::program::{OWNER, OWNER_PASSWORD, Program};
use crate::support::{TestDatabase, eventually, execute};

/// Is told by a build with the feature `opentelemetry` only.
const OTHER_BUILDS: [&str; 1] = ["rejoinder_spans_total"];

/// A figure as it is written down: its form and labels.
#[derive(Debug, PartialEq, Eq, Default)]
struct Figure {
    form: String,
    labels: BTreeSet<String>,
}

/// The tables of the document.
fn documented() -> BTreeMap<String, Figure> {
    let document = include_str!("../../docs/observability.md");
    let rows = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `rejoinder_"));
    rows.map(|row| {
        let columns: Vec<&str> = row.split('|').map(str::trim).collect();
        let labels = columns[2].split(", ");
        let name = format!("rejoinder_{}", columns[0].trim_matches('`'));
        let figure = Figure {
            form: columns[1].to_owned(),
            labels: labels
                .map(|label| label.trim_matches('`').to_owned())
                .filter(|label| !label.is_empty())
                .collect(),
        };
        (name, figure)
    })
    .collect()
}

/// What a scrape holds (Prometheus's text format 0.0.4); each figure has to have its help and form.
fn scraped(text: &str) -> BTreeMap<String, Figure> {
    let mut found = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, form) = rest.split_once(' ').unwrap();
            assert!(
                text.contains(&format!("# HELP {name} ")),
                "{name} has no help"
            );
            let figure = Figure {
                form: form.to_owned(),
                ..Figure::default()
            };
            found.insert(name.to_owned(), figure);
        } else if !line.is_empty() && !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            let bare = ["_bucket", "_sum", "_count"].iter().find_map(|end| {
                name.strip_suffix(end)
                    .filter(|bare| found.contains_key(*bare))
            });
            let figure = found.get_mut(bare.unwrap_or(name));
            let figure: &mut Figure = figure.unwrap_or_else(|| panic!("{name} has no form"));
            let labels = line
                .split_once('{')
                .map_or("", |(_, rest)| rest.split('}').next().unwrap());
            let names = labels
                .split("\",")
                .filter_map(|label| label.split_once("=\""));
            figure.labels.extend(
                names
                    .map(|(name, _)| name.to_owned())
                    .filter(|name| name != "le"),
            );
        }
    }
    found
}

struct Visit {
    client: Client,
    base: String,
}

impl Visit {
    async fn post(&self, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let request = self
            .client
            .post(format!("{}{path}", self.base))
            .bearer_auth(token)
            .header("Idempotency-Key", body.to_string().len().to_string())
            .json(body);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }

    async fn get(&self, path: &str) -> String {
        let answer = self.client.get(format!("{}{path}", self.base)).send().await;
        answer.unwrap().text().await.unwrap()
    }
}

/// Everything that is counted happens once at least.
async fn use_all(visit: &Visit, database: &TestDatabase) {
    let comment = |text: &str| json!({"page_url": "https://example.org/tides", "name": "Ada", "email": "ada@example.org", "body": text});
    let submit = async |text: &str| visit.post("/api/v1/comments", "", &comment(text)).await;
    let (status, first) = submit("High water at noon").await;
    assert_eq!(status, 201, "{first}");
    assert_eq!(submit("High water at noon").await.0, 201, "a replay");
    visit
        .get("/api/v1/comments?page_url=https://example.org/tides")
        .await;
    let sign_in = json!({"email": OWNER, "password": OWNER_PASSWORD});
    let (status, session) = visit.post("/api/v1/admin/sessions", "", &sign_in).await;
    assert_eq!(status, 201, "{session}");
    let token = session["token"].as_str().unwrap();
    let id = first["comment"]["id"].as_str().unwrap();
    let approve = format!("/api/v1/admin/comments/{id}/approve");
    assert_eq!(visit.post(&approve, token, &json!({})).await.0, 200);
    let mut limited = false;
    for number in 0..20 {
        limited |= submit(&"again ".repeat(number + 2)).await.0 == 429;
    }
    assert!(limited, "twenty at once aren't too many");
    execute(
        &database.options,
        "alter table comments rename to gone".to_owned(),
    )
    .await;
    assert_eq!(visit.post(&approve, token, &json!({})).await.0, 500);
    execute(
        &database.options,
        "alter table gone rename to comments".to_owned(),
    )
    .await;
}

#[tokio::test]
async fn every_figure_is_documented_and_every_documented_one_is_told() {
    let mut program = Program::start(TestDatabase::create().await, &[]);
    let figures = program.await_address("metrics are at ");
    let base = program.await_address("rejoinder is running at ");
    let client = Client::builder().no_proxy().build().unwrap();
    let visit = Visit {
        client: client.clone(),
        base,
    };
    use_all(&visit, &program.database.clone()).await;

    let at = Visit {
        client,
        base: figures,
    };
    eventually("a job has run, and its figures are there", async || {
        at.get("/metrics")
            .await
            .contains("rejoinder_jobs_run_seconds_count")
    })
    .await;
    let text = at.get("/metrics").await;
    program.stop();

    let told = scraped(&text);
    assert!(told.contains_key("process_resident_memory_bytes"), "{text}");
    let told: BTreeMap<_, _> = told
        .into_iter()
        .filter(|(name, _)| name.starts_with("rejoinder_"))
        .collect();
    let documented: BTreeMap<_, _> = documented()
        .into_iter()
        .filter(|(name, _)| !OTHER_BUILDS.contains(&name.as_str()))
        .collect();
    assert_eq!(told, documented);

    for wanted in [
        "rejoinder_http_request_seconds_count{method=\"POST\",route=\"/api/v1/comments\",status=\"2xx\"}",
        "rejoinder_submissions_total{outcome=\"pending\"}",
        "rejoinder_submissions_total{outcome=\"replayed\"} 1",
        "rejoinder_decisions_total{status=\"approved\"} 1",
        "rejoinder_limits_reached_total{limit=\"submit_network\"}",
        "rejoinder_database_errors_total{module=\"moderation\",operation=\"decide_together\",error=\"failed\"} 1",
        "rejoinder_database_call_seconds_count{module=\"comments\",operation=\"take_in\"}",
        "rejoinder_http_requests_in_flight 0",
        "rejoinder_database_waiting{lane=\"readers\"} 0",
    ] {
        assert!(text.contains(wanted), "no {wanted} in {text}");
    }
}
