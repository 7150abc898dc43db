//! What must hold after a play, counted from scratch. Must not know what was played.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::operations::{PATHS, World};
use crate::backstage::{books_are_right, number, texts};
use crate::moderation::batches::results;
use crate::support::app::TestApp;

/// All that can be checked while nobody does anything.
pub(super) async fn all(world: &World<'_>) {
    let app = world.app;
    books_are_right(app).await;
    merged_pages_are_empty(app).await;
    threads_show_what_is_approved(app).await;
    counts_equal_a_recount(world).await;
    let lines = Lines::load(app).await;
    lines.check_told(world);
    check_batches(world, &lines).await;
}

/// Nothing is spam that was sent and decided 30 days ago.
pub(super) async fn spam_is_gone(app: &TestApp) {
    let spam = "select count(*) from comments where status = 'spam'";
    assert_eq!(number(&app.database.pool, spam).await, 0);
    let by_system = "select count(*) from comment_history
        where actor_kind = 'system' and (from_status <> 'spam' or to_status <> 'deleted')";
    assert_eq!(number(&app.database.pool, by_system).await, 0);
}

async fn merged_pages_are_empty(app: &TestApp) {
    let left = "select p.url from pages p join pages t on t.id = p.merged_into
        where t.merged_into is not null or exists (select 1 from comments c where c.page_id = p.id)";
    assert_eq!(texts(&app.database.pool, left).await, [""; 0]);
}

fn id(comment: &Value) -> String {
    comment["id"].as_str().unwrap().to_owned()
}

/// Everything public of a list, page by page: ids of comments, and of places that are left of removed ones.
async fn gather(app: &TestApp, path: &str, list: &str, shown: &mut [BTreeSet<String>; 2]) {
    let mut cursor = String::new();
    loop {
        let page = app.get(&format!("{path}{cursor}")).await.is(200);
        for comment in page.at(list).as_array().unwrap() {
            let set = usize::from(comment["removed"] == json!(true));
            assert!(shown[set].insert(id(comment)), "shown twice: {comment}");
            if comment["parent_id"].is_null() && comment["depth"] != 1 {
                let replies = format!("/api/v1/comments/{}/replies?limit=7", id(comment));
                if list == "/comments" {
                    Box::pin(gather(app, &replies, "/replies", shown)).await;
                }
            }
        }
        match page.at("/next_cursor").as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return,
        }
    }
}

/// Each page shows exactly its approved comments, and counts them.
async fn threads_show_what_is_approved(app: &TestApp) {
    let statement = "select p.id || ' ' || c.id from pages p join comments c on c.page_id = p.id
        where c.status = 'approved'";
    let mut approved: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in texts(&app.database.pool, statement).await {
        let (page, id) = line.split_once(' ').unwrap();
        let ids = approved.entry(page.to_owned()).or_default();
        ids.insert(id.to_owned());
    }
    for path in PATHS {
        let thread = app.thread(path, "").await.is(200);
        let page = thread.at("/page/id").as_str().unwrap().to_owned();
        let wanted = approved.get(&page).cloned().unwrap_or_default();
        assert_eq!(thread.at("/page/comment_count"), wanted.len(), "{thread:?}");
        let list = format!("/api/v1/comments?page_url=https://example.org{path}&limit=10");
        let mut shown = [BTreeSet::new(), BTreeSet::new()];
        gather(app, &list, "/comments", &mut shown).await;
        let [comments, removed] = shown;
        assert_eq!(comments, wanted, "{path}");
        assert!(removed.is_disjoint(&wanted), "{path}: {removed:?}");
    }
}

async fn counts_equal_a_recount(world: &World<'_>) {
    let path = "/api/v1/admin/summary";
    let summary = world.desk(0).get(world.app, path).await.is(200);
    let statement =
        "select json_object_agg(s, (select count(*) from comments where status = s))::text
        from unnest('{pending,approved,rejected,spam,deleted}'::text[]) s";
    let counted = texts(&world.app.database.pool, statement).await.remove(0);
    let counted: Value = serde_json::from_str(&counted).unwrap();
    assert_eq!(summary.at("/counts"), counted);
}

async fn objects(app: &TestApp, statement: &'static str) -> Vec<Value> {
    let found = texts(&app.database.pool, statement).await;
    found
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect()
}

/// The history of all comments, by comment and version.
struct Lines(BTreeMap<(String, i64), Value>);

impl Lines {
    async fn load(app: &TestApp) -> Self {
        let statement = "select json_build_object('id', comment_id, 'version', version, 'from', from_status,
            'to', to_status, 'by', actor_id, 'kind', actor_kind, 'reason', reason)::text from comment_history";
        let lines = objects(app, statement).await.into_iter();
        Self(
            lines
                .map(|line| ((id(&line), line["version"].as_i64().unwrap()), line))
                .collect(),
        )
    }

    fn at(&self, id: &str, version: i64) -> &Value {
        let line = self.0.get(&(id.to_owned(), version));
        line.unwrap_or_else(|| panic!("{id} never had version {version}"))
    }

    /// What a comment became last.
    fn status(&self, id: &str) -> &Value {
        let of_this = (id.to_owned(), 0)..(id.to_owned(), i64::MAX);
        &self.0.range(of_this).next_back().unwrap().1["to"]
    }

    fn check_told(&self, world: &World<'_>) {
        for (id, version, status) in world.told.borrow().iter() {
            assert_eq!(self.at(id, *version)["to"], **status, "{id} {version}");
        }
        // Each answer that something was decided is about a line of its own.
        let mut changes: BTreeMap<(String, &str), usize> = BTreeMap::new();
        for line in self.0.values() {
            if line["kind"] == "moderator" && line["from"] != line["to"] {
                let key = (id(line), line["to"].as_str().unwrap());
                *changes.entry(key).or_default() += 1;
            }
        }
        for (id, status) in world.decided.borrow().iter() {
            let left = changes.get_mut(&(id.clone(), status.as_str()));
            let left = left.filter(|left| **left > 0);
            *left.unwrap_or_else(|| panic!("{id} never became {status}")) -= 1;
        }
    }
}

/// The results of each batch say what the history says.
async fn check_batches(world: &World<'_>, lines: &Lines) {
    let statement = "select json_build_object('batch', i.batch_id, 'id', i.comment_id, 'was', i.was_status,
            'was_version', i.was_version, 'was_reason', i.was_reason, 'version', i.version, 'reason', b.reason,
            'by', b.moderator_id, 'undone_by', b.undone_by, 'target', case b.decision when 'approve' then 'approved'
                when 'reject' then 'rejected' when 'restore' then 'pending' else b.decision end)::text
        from batch_items i join batches b on b.id = i.batch_id
        order by i.batch_id, i.place";
    let mut items: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for item in objects(world.app, statement).await {
        let batch = item["batch"].as_str().unwrap().to_owned();
        items.entry(batch).or_default().push(item);
    }
    let desk = world.desk(0);
    let paths = world.batches.borrow().clone();
    for path in paths {
        let batch = desk.get(world.app, &path).await.is(200).json();
        let undone = match batch["state"].as_str().unwrap() {
            "done" => false,
            "undone" => true,
            _ => panic!("{batch} is still at work"),
        };
        let found = results(world.app, &desk, &path).await;
        let items = items.remove(batch["id"].as_str().unwrap());
        let items = items.unwrap_or_default();
        assert_eq!(found.len(), items.len());
        assert_eq!(batch["total"], found.len());
        assert_eq!(batch["processed"], found.len());
        let with = |member: &str, word| found.iter().filter(|one| one[member] == word).count();
        assert_eq!(batch["decided"], with("outcome", "decided"), "{batch}");
        assert_eq!(batch["undone"], with("undo", "undone"), "{batch}");
        for (result, item) in found.iter().zip(&items) {
            check_result(result, item, undone, lines);
        }
    }
}

fn check_result(result: &Value, item: &Value, undone: bool, lines: &Lines) {
    let story = format!("{result} of {item}");
    let comment = id(result);
    let number = |member: &str| item[member].as_i64().unwrap_or_else(|| panic!("{story}"));
    assert_eq!(comment, id(item));
    assert_eq!(result["status"], *lines.status(&comment), "{story}");
    assert_eq!(result["was"], item["was"], "{story}");
    let was = lines.at(&comment, number("was_version"));
    assert_eq!(result["was"], was["to"], "{story}");
    let outcome = result["outcome"].as_str().unwrap();
    let decided = outcome == "decided";
    match outcome {
        "decided" => {
            assert_eq!(number("version"), number("was_version") + 1, "{story}");
            let line = lines.at(&comment, number("version"));
            for (member, wanted) in [
                ("from", "was"),
                ("to", "target"),
                ("by", "by"),
                ("reason", "reason"),
            ] {
                assert_eq!(line[member], item[wanted], "{member} of {line}: {story}");
            }
        }
        "unchanged" => {
            let line = lines.at(&comment, number("version"));
            assert_eq!(line["to"], item["target"], "{story}");
        }
        "version_conflict" => {
            assert!(number("version") > number("was_version"), "{story}");
            let line = lines.at(&comment, number("version"));
            assert_ne!(line["to"], item["target"], "{story}");
        }
        "deleted" => assert_eq!(result["status"], "deleted", "{story}"),
        // Its reason was deleted after the batch was made.
        "unknown_reason" => assert!(item["reason"].is_string(), "{story}"),
        _ => panic!("{story}"),
    }
    if !undone || !decided {
        assert!(result["undo"].is_null(), "{story}");
        return;
    }
    match result["undo"].as_str().unwrap() {
        "undone" => {
            let line = lines.at(&comment, number("version") + 1);
            assert_eq!(line["to"], item["was"], "{line}: {story}");
            assert_eq!(line["by"], item["undone_by"], "{line}: {story}");
            let lost = line["reason"].is_null();
            assert!(
                lost || line["reason"] == item["was_reason"],
                "{line}: {story}"
            );
        }
        "changed_since" => drop(lines.at(&comment, number("version") + 1).clone()),
        "deleted" => assert_eq!(result["status"], "deleted", "{story}"),
        _ => panic!("{story}"),
    }
}
