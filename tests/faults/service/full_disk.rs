//! No room left for the database: 503 and a log line meanwhile, and service by itself once there is room. Must not
//! know of other failures of the database.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::refusals::one_complaint;
use super::{ANSWER_MAX, Service, client, ends, program, submit, text, unavailable};
use crate::embedded::{Scratch, is_root};

/// A small file system of its own; gone with the test.
pub(super) struct SmallDisk(pub(super) PathBuf);

impl SmallDisk {
    /// None where it can't be made, which is said.
    pub(super) fn mount(at: PathBuf) -> Option<Self> {
        if !is_root("a full disk") {
            return None;
        }
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=160m,mode=0755", "tmpfs"])
            .arg(&at)
            .status();
        if status.is_ok_and(|status| status.success()) {
            return Some(Self(at));
        }
        writeln!(
            std::io::stderr(),
            "NOT TRIED, mounting is forbidden here: a full disk"
        )
        .unwrap();
        None
    }

    /// As an operator makes room, without taking anything away.
    pub(super) fn grow(&self) {
        let status = Command::new("mount")
            .args(["-o", "remount,size=600m"])
            .arg(&self.0)
            .status();
        assert!(status.unwrap().success());
    }

    /// Takes all the room there is.
    pub(super) fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = fs::File::create(&path).unwrap();
        for size in [1 << 20, 1 << 12] {
            let block = vec![0; size];
            while file.write_all(&block).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

/// Long texts, so that the last pages are soon used up.
async fn submit_long(base: &str, key: &str) -> reqwest::Response {
    let mut body = super::submission(key);
    body["body"] = format!("{key} {}", random_words(key)).into();
    client()
        .post(format!("{base}/api/v1/comments"))
        .json(&body)
        .send()
        .await
        .unwrap()
}

/// Postgres would compress one word repeated.
fn random_words(key: &str) -> String {
    let mut state = key.bytes().fold(7_u64, |state, byte| {
        state.wrapping_mul(31).wrapping_add(byte.into())
    });
    let mut words = String::new();
    while words.len() < 9_000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        write!(words, "{state:x} ").unwrap();
    }
    words
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_means_503_and_room_means_service_again() {
    let scratch = Scratch::new();
    let Some(disk) = SmallDisk::mount(scratch.data_dir("disk")) else {
        return;
    };
    let data_dir = text(disk.0.join("data"));
    let service = Service::with(&scratch, &[("REJOINDER_DATA_DIR", &data_dir)]).await;
    let before = submit(&client(), &service.base, "before").await.unwrap();
    assert_eq!(before.status(), 201);

    let filler = disk.fill();
    let refused = first_refusal(&service.base).await;
    unavailable(refused).await;
    let log = service.log();
    assert!(log.contains("request failed"), "{log}");
    assert!(says_why(&log, Path::new(&data_dir)), "{log}");

    fs::remove_file(filler).unwrap();
    let begun = Instant::now();
    loop {
        let answer = submit_long(&service.base, "afterwards").await;
        if answer.status() == 201 || answer.status() == 409 {
            break;
        }
        unavailable(answer).await;
        assert!(begun.elapsed() < Duration::from_secs(10));
        super::pause().await;
    }
    println!("service again after {:?}", begun.elapsed());
    // What was there is there.
    let again = submit(&client(), &service.base, "before").await.unwrap();
    assert!(again.headers().contains_key("idempotency-replayed"));
    assert!(service.stop().success());
}

#[test]
fn a_disk_that_is_full_from_the_beginning_is_one_clear_line() {
    let scratch = Scratch::new();
    let Some(disk) = SmallDisk::mount(scratch.data_dir("disk")) else {
        return;
    };
    let filler = disk.fill();
    let data_dir = text(disk.0.join("data"));
    for room in [0, 4 << 20] {
        let file = fs::OpenOptions::new().write(true).open(&filler).unwrap();
        file.set_len(file.metadata().unwrap().len() - room).unwrap();
        let ended = ends(program(&scratch, &[("REJOINDER_DATA_DIR", &data_dir)]));
        assert_eq!(ended.code, Some(1), "{}", ended.said);
        let line = one_complaint(&ended.said);
        assert!(line.contains("No space left on device"), "{line}");
        assert!(line.contains(&data_dir), "{line}");
    }
}

async fn first_refusal(base: &str) -> reqwest::Response {
    for number in 0..5_000 {
        let begun = Instant::now();
        let answer = submit_long(base, &format!("filling-{number}")).await;
        let took = begun.elapsed();
        assert!(took <= ANSWER_MAX, "{took:?}");
        if answer.status() != 201 {
            return answer;
        }
    }
    panic!("the disk doesn't get full");
}

/// Ours, or that of the server where it had to stop.
fn says_why(log: &str, data_dir: &Path) -> bool {
    let servers = fs::read_to_string(data_dir.join("postgres.log")).unwrap_or_default();
    log.contains("No space left on device") || servers.contains("No space left on device")
}
