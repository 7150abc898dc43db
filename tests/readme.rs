//! The README's walk, done as a stranger does it: its shell blocks as they stand, in their order, in an empty directory.
//!
//! The blocks behind `<!-- walk -->` belong to it, all of them one after the other in one shell. Only the first block,
//! `cargo run`, is replaced: by the built program in the background, since cargo would need the repository around it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what a test needs and doesn't get may stop it"
)]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const MARKER: &str = "<!-- walk -->";
const FENCE: &str = "```sh";
/// Where the walk's addresses lead, the default.
const ADDRESS: &str = "127.0.0.1:8080";
/// Printed between the blocks, to tell whose output is whose.
const BOUNDARY: &str = "=== next block ===";

/// The shell blocks of a document, and whether each belongs to the walk.
fn blocks(document: &str) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    let mut is_marked = false;
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        if line == FENCE {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push((is_marked, block.join("\n")));
        }
        is_marked = line == MARKER || (is_marked && line.is_empty());
    }
    found
}

/// A directory and the program in it; both gone with the test.
struct Stage {
    directory: PathBuf,
    program: Child,
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.program.kill());
        drop(self.program.wait());
        drop(fs::remove_dir_all(&self.directory));
    }
}

fn stage() -> Stage {
    match TcpListener::bind(ADDRESS) {
        Ok(free) => drop(free),
        Err(cause) => panic!(
            "the README's walk needs {ADDRESS} for itself ({cause}): stop the program that listens there, then try again"
        ),
    }
    let name = format!("rejoinder-readme-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    fs::create_dir(&directory).unwrap();
    let log = fs::File::create(directory.with_extension("log")).unwrap();
    let program = bare(env!("CARGO_BIN_EXE_rejoinder"), &directory)
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    Stage { directory, program }
}

/// With nothing of our environment that a stranger's shell may not have.
#[expect(
    clippy::disallowed_methods,
    reason = "the shell finds curl there, and the service finds server programs"
)]
fn bare(program: &str, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .current_dir(directory)
        .stdin(Stdio::null());
    command
}

async fn is_ready() -> bool {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("http://{ADDRESS}/readyz")).send().await;
    answer.is_ok_and(|answer| answer.status() == 200)
}

async fn walk(document: &str) -> Vec<String> {
    let blocks = blocks(document);
    assert_eq!(
        blocks.first().map(|(_, block)| block.as_str()),
        Some("cargo run"),
        "the first block starts the service"
    );
    let steps: Vec<String> = blocks
        .into_iter()
        .filter_map(|(is_step, block)| is_step.then_some(block))
        .collect();
    assert!(!steps.is_empty(), "no block behind {MARKER}");

    let mut stage = stage();
    let log = stage.directory.with_extension("log");
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_ready().await {
        let has_ended = stage.program.try_wait().unwrap().is_some();
        assert!(
            !has_ended && Instant::now() < deadline,
            "not ready: {}",
            fs::read_to_string(&log).unwrap()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let script = steps.join(&format!("\necho; echo '{BOUNDARY}'\n"));
    let output: Output = bare("bash", &stage.directory)
        .args(["-euo", "pipefail", "-c", &script])
        .output()
        .unwrap();
    fs::remove_file(log).unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success(),
        "{}\n{said}\n{errors}",
        output.status
    );
    said.split(BOUNDARY)
        .map(|part| part.trim().to_owned())
        .collect()
}

#[tokio::test]
async fn the_readme_leads_from_an_empty_directory_to_an_approved_comment() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let said = walk(&fs::read_to_string(path).unwrap()).await;

    let last = said.last().unwrap();
    let thread: Value =
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {said:#?}"));
    let comments = thread["comments"].as_array().unwrap();
    assert_eq!(comments.len(), 1, "{said:#?}");
    let shown = comments[0]["body_html"].as_str().unwrap();
    assert!(shown.starts_with("<p>"), "{said:#?}");
    // What the walk has shown first: the same comment, held.
    let submitted: Value = serde_json::from_str(&said[0]).unwrap();
    assert_eq!(submitted["comment"]["status"], "pending", "{said:#?}");
    assert_eq!(submitted["comment"]["id"], comments[0]["id"], "{said:#?}");
}

#[test]
fn only_shell_blocks_right_behind_the_marker_belong_to_the_walk() {
    let document = "```sh\ncargo run\n```\n\n<!-- walk -->\n```sh\none\n  two\n```\n\ntext\n\n\
        ```sh\nnot\n```\n<!-- walk -->\n\n```sh\nthree\n```\n<!-- walk -->\ntext\n```sh\nnot\n```\n\
        ```toml\nnot = 1\n```\n";
    let found = blocks(document);
    let texts = |wanted: bool| -> Vec<&str> {
        found
            .iter()
            .filter(|(is_step, _)| *is_step == wanted)
            .map(|(_, text)| text.as_str())
            .collect()
    };
    assert_eq!(texts(true), ["one\n  two", "three"]);
    assert_eq!(texts(false), ["cargo run", "not", "not"]);
}
