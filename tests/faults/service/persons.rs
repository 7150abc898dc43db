//! `rejoinder person …` by the real program: beside a running service, without one, and with another secret. Must not know
//! what is held of a person in full.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::people::{Done, call};
use super::{Service, client};
use crate::embedded::Scratch;

const EMAIL: &str = "ada@example.org";

fn person(scratch: &Scratch, arguments: &[&str], input: &str) -> Done {
    let arguments = [&["person"], arguments].concat();
    call(scratch, &[], &arguments, input)
}

async fn submit(base: &str, text: &str) {
    let body = json!({
        "page_url": "http://localhost/tides", "name": "Ada", "email": EMAIL, "body": text,
    });
    let sent = client().post(format!("{base}/api/v1/comments")).json(&body);
    assert_eq!(sent.send().await.unwrap().status(), 201);
}

fn comments(document: &str) -> usize {
    let document: Value = serde_json::from_str(document).unwrap();
    document["comments"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_person_is_exported_and_erased_beside_a_running_service_and_without_one() {
    let scratch = Scratch::new();
    let service = Service::start(&scratch).await;
    for text in ["first", "second"] {
        submit(&service.base, text).await;
    }
    let exported = person(&scratch, &["export", "-"], "Ada@example.org\n").well();
    assert_eq!(comments(&exported.out), 2, "{}", exported.out);
    let erased = person(&scratch, &["erase", EMAIL, "--yes"], "").well();
    assert!(erased.out.contains("erased 2 comments"), "{}", erased.out);
    assert!(!erased.out.contains(EMAIL));
    submit(&service.base, "third").await;
    assert!(service.stop().success());

    let file = scratch.data_dir("exports").join("ada.json");
    let path = file.to_str().unwrap();
    person(&scratch, &["export", EMAIL, path], "").well();
    assert_eq!(comments(&std::fs::read_to_string(&file).unwrap()), 1);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    person(&scratch, &["export", EMAIL, path], "").refused(1, "making the file");

    person(&scratch, &["erase", EMAIL], "y\n").refused(2, "nobody can be asked");
    person(&scratch, &["erase", "-", "--yes"], "ada\n").refused(2, "no e-mail address");
    person(&scratch, &["erase", "ada"], "").refused(2, "e-mail address");
    let other = [("REJOINDER_SECRET", "another-secret-0123456789-0123456789")];
    call(&scratch, &other, &["person", "export", EMAIL], "").refused(1, "another secret");
    let erased = person(&scratch, &["erase", "-", "--yes"], EMAIL).well();
    assert!(erased.out.contains("erased 1 comment;"), "{}", erased.out);
    let exported = person(&scratch, &["export", EMAIL], "").well();
    assert_eq!(comments(&exported.out), 0);
}
