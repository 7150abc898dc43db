//! The first owner: made once however many instances start, with a password that only its reader gets.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use futures_util::future::join_all;

use crate::backstage::{change, hire, number, texts};
use crate::support::TestDatabase;
use crate::support::app::{OWNER, PASSWORD, TestApp};

const OWNERS: &str = "select count(*) from moderators where role = 'owner'";

/// A directory for generated passwords, which goes with the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let name = format!("rejoinder-owner-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("owner-password")
    }

    /// The service with a generated password.
    async fn start(&self, database: TestDatabase) -> TestApp {
        let more = [
            ("REJOINDER_DATA_DIR", self.0.to_str().unwrap()),
            ("REJOINDER_ADMIN_PASSWORD", ""),
        ];
        TestApp::on(database, &more).await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[tokio::test]
async fn of_eight_instances_that_start_at_once_one_makes_the_owner() {
    let database = TestDatabase::create().await;
    let places: Vec<Place> = (0..8)
        .map(|number| Place::new(&format!("race{number}")))
        .collect();
    let apps = join_all(places.iter().map(|place| place.start(database.clone()))).await;
    assert_eq!(number(&database.pool, OWNERS).await, 1);
    assert_eq!(
        number(&database.pool, "select count(*) from sites").await,
        1
    );
    let passwords: Vec<String> = places
        .iter()
        .filter_map(|place| fs::read_to_string(place.file()).ok())
        .collect();
    assert_eq!(passwords.len(), 1, "every other instance found the owner");
    for app in &apps {
        app.sign_in(OWNER, passwords[0].trim_end()).await.is(201);
    }
    for app in apps {
        app.stop().await;
    }
}

#[tokio::test]
async fn a_generated_password_goes_to_a_file_that_only_we_can_read() {
    let place = Place::new("file");
    // Left behind by somebody, open to all: what is written now must not be.
    fs::write(
        place.file(),
        "an earlier password, and a longer one than any\n",
    )
    .unwrap();
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o644)).unwrap();
    let app = place.start(TestDatabase::create().await).await;
    let mode = fs::metadata(place.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{mode:o}");
    let text = fs::read_to_string(place.file()).unwrap();
    let password = text.strip_suffix('\n').unwrap();
    assert!(password.len() >= 20 && !password.contains(char::is_whitespace));
    app.sign_in(OWNER, password).await.is(201);
    app.stop().await;
}

#[tokio::test]
async fn a_generated_password_is_not_written_through_a_link_of_somebody_else() {
    let place = Place::new("link");
    let elsewhere = place.0.join("elsewhere");
    fs::write(&elsewhere, "untouched").unwrap();
    std::os::unix::fs::symlink(&elsewhere, place.file()).unwrap();
    let app = place.start(TestDatabase::create().await).await;
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "untouched");
    let text = fs::read_to_string(place.file()).unwrap();
    app.sign_in(OWNER, text.trim_end()).await.is(201);
    app.stop().await;
}

#[tokio::test]
async fn a_given_password_is_put_into_no_file_and_changes_no_owner_that_is_there() {
    let place = Place::new("given");
    let data_dir = place.0.to_str().unwrap().to_owned();
    let app = TestApp::with(&[("REJOINDER_DATA_DIR", &data_dir)]).await;
    let more = [
        ("REJOINDER_DATA_DIR", data_dir.as_str()),
        ("REJOINDER_ADMIN_EMAIL", "other@example.org"),
        ("REJOINDER_ADMIN_PASSWORD", "another long password"),
    ];
    let later = TestApp::on(app.database.clone(), &more).await;
    assert!(!place.file().exists());
    later.sign_in(OWNER, PASSWORD).await.is(201);
    later
        .sign_in("other@example.org", "another long password")
        .await
        .is(401);
    assert_eq!(number(&app.database.pool, OWNERS).await, 1);
    later.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn other_moderators_are_no_owner_so_one_is_made() {
    let app = TestApp::start().await;
    hire(&app, "admin", "Mo").await;
    change(&app, "delete from sessions").await;
    change(&app, "delete from moderators where role = 'owner'").await;
    let later = TestApp::on(app.database.clone(), &[]).await;
    let roles = texts(
        &app.database.pool,
        "select role from moderators order by role",
    )
    .await;
    assert_eq!(roles, ["admin", "owner"]);
    later.sign_in(OWNER, PASSWORD).await.is(201);
    later.stop().await;
    app.stop().await;
}
