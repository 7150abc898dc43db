//! The documents' commands, done as a stranger does them: each document's shell blocks as they stand, in their order, in
//! an empty directory beside a running service.
//!
//! A block behind `<!-- walk -->` belongs to the walk of its document, all of them one after the other in one shell. Every
//! other one says why it can't be run: `<!-- not run: why -->`. Only the port is another than the written one, so that the
//! walks don't stand in each other's way; `.ci/run` does the README's with `cargo run`, port and all.
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

const WALK: &str = "<!-- walk -->";
const NOT_RUN: (&str, &str) = ("<!-- not run:", "-->");
const FENCE: &str = "```sh";
/// Other words for the same kind of block, which would go unnoticed.
const OTHER_FENCES: [&str; 4] = ["```bash", "```shell", "```console", "```zsh"];
/// What the documents name.
const ADDRESS: &str = "127.0.0.1:8080";
/// Printed between the blocks, to tell whose output is whose.
const BOUNDARY: &str = "=== next block ===";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker {
    Walk,
    NotRun,
    Missing,
}

/// The shell blocks of a document, what stands before each, and in which line it begins, counted from one.
fn blocks(document: &str) -> Vec<(Marker, usize, String)> {
    let mut found = Vec::new();
    let mut marker = Marker::Missing;
    let mut lines = (1..).zip(document.lines());
    while let Some((number, line)) = lines.next() {
        if line.trim_start() == FENCE {
            let block: Vec<&str> = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| line.trim_start() != "```")
                .collect();
            found.push((marker, number, block.join("\n")));
        }
        let reason = line
            .strip_prefix(NOT_RUN.0)
            .and_then(|rest| rest.strip_suffix(NOT_RUN.1));
        marker = match reason {
            _ if line == WALK => Marker::Walk,
            Some(reason) if !reason.trim().is_empty() => Marker::NotRun,
            None if line.is_empty() => marker,
            _ => Marker::Missing,
        };
    }
    found
}

/// What people read, by path from the root: the documents there and in `docs/`, not those of single decisions.
fn documents() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["", "docs"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn document(name: &str) -> String {
    let found = documents().into_iter().find(|(path, _)| path == name);
    found.unwrap_or_else(|| panic!("no {name}")).1
}

/// A directory and the program in it; both gone with the test.
struct Stage {
    directory: PathBuf,
    program: Child,
    address: String,
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.program.kill());
        drop(self.program.wait());
        drop(fs::remove_dir_all(&self.directory));
        drop(fs::remove_file(self.log()));
    }
}

impl Stage {
    async fn set(document: &str) -> Self {
        let name: String = document.replace(['/', '.'], "-");
        let name = format!("rejoinder-{name}-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).unwrap();
        let log = fs::File::create(directory.with_extension("log")).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let program = bare(env!("CARGO_BIN_EXE_rejoinder"), &directory)
            .env("REJOINDER_LISTEN", &address)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut stage = Self {
            directory,
            program,
            address,
        };
        stage.await_readiness().await;
        stage
    }

    async fn await_readiness(&mut self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}/readyz", self.address);
        loop {
            let answer = client.get(&url).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            let has_ended = self.program.try_wait().unwrap().is_some();
            assert!(
                !has_ended && Instant::now() < deadline,
                "not ready: {}",
                fs::read_to_string(self.log()).unwrap()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn log(&self) -> PathBuf {
        self.directory.with_extension("log")
    }
}

/// With nothing of our environment that a stranger's shell may not have; `rejoinder` is on the path.
#[expect(
    clippy::disallowed_methods,
    reason = "the shell finds curl there, and the service finds server programs"
)]
fn bare(program: &str, directory: &Path) -> Command {
    let built = Path::new(env!("CARGO_BIN_EXE_rejoinder")).parent().unwrap();
    let mut path = built.as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", path)
        .current_dir(directory)
        .stdin(Stdio::null());
    command
}

/// Does a document's walk; what each of its blocks said, or what went wrong.
async fn walk(name: &str, document: &str) -> Result<Vec<String>, String> {
    let steps: Vec<String> = blocks(document)
        .into_iter()
        .filter_map(|(marker, _, block)| (marker == Marker::Walk).then_some(block))
        .collect();
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    let stage = Stage::set(name).await;
    let script = steps
        .join(&format!("\necho; echo '{BOUNDARY}'\n"))
        .replace(ADDRESS, &stage.address);
    let output: Output = bare("bash", &stage.directory)
        .args(["-euo", "pipefail", "-c", &script])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name}: {}\n{said}\n{errors}", output.status));
    }
    Ok(said
        .split(BOUNDARY)
        .map(|part| part.trim().to_owned())
        .collect())
}

#[tokio::test]
async fn the_readme_leads_from_an_empty_directory_to_an_approved_comment() {
    let readme = document("README.md");
    assert_eq!(
        blocks(&readme).first().map(|(_, _, block)| block.as_str()),
        Some("cargo run"),
        "the first block starts the service"
    );
    let said = walk("README.md", &readme).await.unwrap();

    let thread = said.iter().find(|part| part.starts_with(r#"{"page":"#));
    let thread = thread.unwrap_or_else(|| panic!("no thread: {said:#?}"));
    let thread: Value = serde_json::from_str(thread).unwrap();
    let comments = thread["comments"].as_array().unwrap();
    assert_eq!(comments.len(), 1, "{said:#?}");
    let shown = comments[0]["body_html"].as_str().unwrap();
    assert!(shown.starts_with("<p>"), "{said:#?}");
    // What the walk has shown first: the same comment, held.
    let submitted: Value = serde_json::from_str(&said[0]).unwrap();
    assert_eq!(submitted["comment"]["status"], "pending", "{said:#?}");
    assert_eq!(submitted["comment"]["id"], comments[0]["id"], "{said:#?}");
}

#[tokio::test]
async fn the_commands_of_every_other_document_do_what_they_say() {
    let mut failed = Vec::new();
    // One after the other: each starts a server, and a machine may have two processors.
    for (name, document) in documents() {
        if name != "README.md" {
            failed.extend(walk(&name, &document).await.err());
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn every_shell_block_is_either_run_or_says_why_not() {
    let mut wrong = Vec::new();
    for (name, document) in documents() {
        for (marker, number, _) in blocks(&document) {
            if marker == Marker::Missing {
                wrong.push(format!(
                    "{name}:{number}: put `{WALK}` or `{} why {}` into the line before the block",
                    NOT_RUN.0, NOT_RUN.1
                ));
            }
        }
        for (number, line) in (1..).zip(document.lines()) {
            if OTHER_FENCES.contains(&line.trim()) {
                wrong.push(format!(
                    "{name}:{number}: begin shell blocks with `{FENCE}`"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_shell_blocks_right_behind_a_marker_are_run_or_excused() {
    let document = "```sh\ncargo run\n```\n\n<!-- walk -->\n```sh\none\n  two\n```\n\ntext\n\n\
        ```sh\nnot\n```\n<!-- walk -->\n\n```sh\nthree\n```\n<!-- walk -->\ntext\n```sh\nnot\n```\n\
        ```toml\nnot = 1\n```\n<!-- not run: why -->\n```sh\nfour\n```\n<!-- not run: -->\n```sh\nnot\n```\n\
        - item\n\n  ```sh\n  not\n  ```\n";
    let found = blocks(document);
    let texts = |wanted: Marker| -> Vec<&str> {
        found
            .iter()
            .filter(|(marker, ..)| *marker == wanted)
            .map(|(_, _, text)| text.trim())
            .collect()
    };
    assert_eq!(texts(Marker::Walk), ["one\n  two", "three"]);
    assert_eq!(texts(Marker::NotRun), ["four"]);
    assert_eq!(
        texts(Marker::Missing),
        ["cargo run", "not", "not", "not", "not"]
    );
    assert_eq!(found.first().map(|(_, line, _)| *line), Some(1));
}
