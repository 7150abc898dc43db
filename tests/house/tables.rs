//! Rule 3: a table is written by its owner's store only. Must not know how modules are ordered.

use std::collections::{BTreeMap, BTreeSet};

use crate::breach::Breach;
use crate::source::Source;
use crate::sql;

const RULE: &str = "rule 3 (a table has one owner)";
const THIS_FILE: &str = "tests/house/tables.rs";

/// Who writes which table. A new table in a migration needs a line here and one in ARCHITECTURE.md.
const OWNERS: [(&str, &str); 27] = [
    ("installation", "database"),
    ("moderators", "accounts"),
    ("sessions", "accounts"),
    ("sites", "sites"),
    ("pages", "sites"),
    ("comments", "comments"),
    ("comment_history", "comments"),
    ("comment_notes", "comments"),
    ("comment_texts", "comments"),
    ("votes", "comments"),
    ("reports", "comments"),
    ("recovery_codes", "accounts"),
    ("setup_links", "accounts"),
    ("api_tokens", "accounts"),
    ("audit_log", "audit"),
    ("jobs", "jobs"),
    ("schedules", "jobs"),
    ("page_aliases", "sites"),
    ("reasons", "sites"),
    ("notes", "moderation"),
    ("claims", "moderation"),
    ("batches", "moderation"),
    ("batch_items", "moderation"),
    ("erasures", "moderation"),
    ("daily_decisions", "moderation"),
    ("daily_waits", "moderation"),
    ("_sqlx_migrations", "database"),
];

/// Kept by the migration machinery itself, so that no migration creates it.
const BUILT_IN: [&str; 1] = ["_sqlx_migrations"];

/// Module, table of another module that it writes, reason.
const EXCEPTIONS: [(&str, &str, &str); 2] = [
    (
        "comments",
        "pages",
        "a decision changes the comment, its history, and the page's count and version in one statement, so that the count \
     can't drift and no transaction is held over round trips",
    ),
    (
        "comments",
        "notes",
        "whoever deletes a comment, its author too, takes along what moderators noted about it, in the transaction that empties \
     it; comments can't ask moderation, which stands below",
    ),
];

pub(crate) fn breaches(sources: &[Source], migrations: &[(String, String)]) -> Vec<Breach> {
    check(sources, migrations, &OWNERS, &EXCEPTIONS)
}

/// One statement's target.
#[derive(Debug, PartialEq, Eq)]
struct Write {
    line: usize,
    table: String,
    is_certain: bool,
}

/// What is looked up for each statement.
struct Books<'a> {
    owner_of: BTreeMap<&'a str, &'a str>,
    created: BTreeMap<String, (String, usize)>,
    exceptions: &'a [Exception<'a>],
}

type Exception<'a> = (&'a str, &'a str, &'a str);

fn check(
    sources: &[Source],
    migrations: &[(String, String)],
    owners: &[(&str, &str)],
    exceptions: &[Exception<'_>],
) -> Vec<Breach> {
    let books = Books {
        owner_of: owners.iter().copied().collect(),
        created: created(migrations),
        exceptions,
    };
    let mut found = Vec::new();
    let mut used = BTreeSet::new();
    for source in sources {
        for write in writes(source) {
            match judge(source, &write, &books) {
                Verdict::Allowed => {}
                Verdict::Excepted(exception) => drop(used.insert(exception)),
                Verdict::Breach(breach) => found.push(breach),
            }
        }
    }
    if !migrations.is_empty() {
        found.extend(wrong_owners(&books));
    }
    for exception @ (module, table, _) in exceptions {
        let store = format!("src/{module}/store");
        if !used.contains(exception) && sources.iter().any(|source| source.path.starts_with(&store))
        {
            let wrong = format!("`{module}` no longer writes `{table}`");
            found.push(Breach::new(
                THIS_FILE,
                1,
                RULE,
                wrong,
                "take the line out of EXCEPTIONS",
            ));
        }
    }
    found
}

/// Tables without a line in OWNERS, and lines without a table.
fn wrong_owners(books: &Books<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (table, (path, line)) in &books.created {
        if !books.owner_of.contains_key(table.as_str()) {
            let cure = format!(
                "add (\"{table}\", \"<module>\") to OWNERS in {THIS_FILE} and a line to ARCHITECTURE.md"
            );
            found.push(Breach::new(
                path,
                *line,
                RULE,
                format!("the new table `{table}` has no owner"),
                cure,
            ));
        }
    }
    for table in books
        .owner_of
        .keys()
        .filter(|table| !BUILT_IN.contains(table))
    {
        if !books.created.contains_key(*table) {
            let wrong = format!("`{table}` has an owner, but no migration creates it");
            found.push(Breach::new(
                THIS_FILE,
                1,
                RULE,
                wrong,
                "take its line out of OWNERS",
            ));
        }
    }
    found
}

enum Verdict<'a> {
    Allowed,
    Excepted(Exception<'a>),
    Breach(Breach),
}

fn judge<'a>(source: &Source, write: &Write, books: &Books<'a>) -> Verdict<'a> {
    let breach = |wrong: String, cure: String| {
        Verdict::Breach(Breach::new(&source.path, write.line, RULE, wrong, cure))
    };
    let module = source
        .module()
        .first()
        .copied()
        .unwrap_or_default()
        .to_owned();
    let table = write.table.as_str();
    let owner = books.owner_of.get(table).copied();
    if owner.is_none() && !books.created.contains_key(table) {
        // Prose may name anything after "insert into".
        if !write.is_certain {
            return Verdict::Allowed;
        }
        let cure = "correct the name, or add the migration and the owner".to_owned();
        return breach(
            format!("a statement writes `{table}`, which no migration creates"),
            cure,
        );
    }
    let is_home = sql::may_hold_sql(&source.path);
    if is_home && owner == Some(module.as_str()) {
        return Verdict::Allowed;
    }
    let mut listed = books.exceptions.iter().filter(|_| is_home);
    if let Some(exception) = listed.find(|(by, of, _)| *by == module && *of == table) {
        return Verdict::Excepted(*exception);
    }
    let owner = owner.unwrap_or("nobody");
    let cure = if owner == module {
        "move the statement into the module's store.rs".to_owned()
    } else {
        format!(
            "call the service of `{owner}`; where it must be one statement, list it in EXCEPTIONS with its reason"
        )
    };
    breach(
        format!("`{module}` writes `{table}`, which belongs to `{owner}`"),
        cure,
    )
}

/// Tables by name, with where they are created; renamed and dropped ones are followed.
fn created(migrations: &[(String, String)]) -> BTreeMap<String, (String, usize)> {
    let mut tables = BTreeMap::new();
    for (path, text) in migrations {
        let words = sql::words(text);
        let word = |at: usize| words.get(at).map_or("", |(_, word)| word.as_str());
        // `if not exists`, `if exists` and `only` may stand before the name.
        let name_at = |at: usize| {
            (at..at + 4).find(|at| !matches!(word(*at), "if" | "not" | "exists" | "only"))
        };
        for at in 0..words.len() {
            if word(at) != "table" {
                continue;
            }
            let verb = at.checked_sub(1).map_or("", word);
            let Some(place) = name_at(at + 1) else {
                continue;
            };
            let name = bare(word(place));
            let line = words.get(place).map_or(1, |(line, _)| line + 1);
            match verb {
                "create" | "unlogged" => drop(tables.insert(name, (path.clone(), line))),
                "drop" => drop(tables.remove(&name)),
                "alter" if word(place + 1) == "rename" && word(place + 2) == "to" => {
                    tables.remove(&name);
                    tables.insert(bare(word(place + 3)), (path.clone(), line));
                }
                _ => {}
            }
        }
    }
    tables
}

fn bare(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).to_owned()
}

fn writes(source: &Source) -> Vec<Write> {
    source
        .texts()
        .flat_map(|(line, text)| {
            let is_certain = sql::is_sql(text);
            targets(text).into_iter().map(move |(row, table)| Write {
                line: line + row,
                table,
                is_certain,
            })
        })
        .collect()
}

/// The tables that a statement writes, with the line inside the text.
fn targets(text: &str) -> Vec<(usize, String)> {
    let words = sql::words(text);
    let word = |at: usize| words.get(at).map_or("", |(_, word)| word.as_str());
    let later = |at: usize, wanted: &str| words.iter().skip(at).any(|(_, word)| word == wanted);
    let mut found = Vec::new();
    for at in 0..words.len() {
        let before = at.checked_sub(1).map_or("", word);
        let start = match (word(at), word(at + 1)) {
            ("insert" | "merge", "into") | ("delete", "from") | ("truncate", "table") => at + 2,
            ("truncate", _) if at == 0 => at + 1,
            // `for update`, `do update set`, `for no key update`, and triggers don't name a table here.
            ("update", _)
                if !matches!(
                    before,
                    "for" | "do" | "key" | "on" | "or" | "before" | "after"
                ) =>
            {
                if !later(at, "set") {
                    continue;
                }
                at + 1
            }
            ("copy", _) if later(at, "stdin") => at + 1,
            _ => continue,
        };
        let place = if word(start) == "only" {
            start + 1
        } else {
            start
        };
        if let Some((line, name)) = words.get(place) {
            found.push((*line, bare(name)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = "-- create table ghosts\ncreate table sites (id uuid);\ncreate table if not exists public.pages (id uuid);\n\
                          create table comments (id uuid);";
    const KEEPERS: [(&str, &str); 3] = [
        ("sites", "sites"),
        ("pages", "sites"),
        ("comments", "comments"),
    ];
    const LISTED: [(&str, &str, &str); 1] = [("comments", "pages", "one statement")];

    fn told(path: &str, text: &str, schema: &str) -> Vec<(usize, String)> {
        let migrations = [("migrations/1.sql".to_owned(), schema.to_owned())];
        check(&[Source::parse(path, text)], &migrations, &KEEPERS, &LISTED)
            .into_iter()
            .map(|breach| (breach.line, breach.wrong))
            .collect()
    }

    #[track_caller]
    fn caught(path: &str, text: &str, line: usize, part: &str) {
        let told = told(path, text, SCHEMA);
        assert!(
            told.len() == 1 && told[0].0 == line && told[0].1.contains(part),
            "{text}\n{told:?}"
        );
    }

    #[test]
    fn a_stranger_that_writes_is_caught() {
        caught(
            "src/moderation/store.rs",
            "query!(\n\"with x as (select 1)\n update only public.comments set a = 1\")",
            3,
            "belongs to `comments`",
        );
        caught(
            "src/moderation/store.rs",
            "query!(r#\"insert into \"sites\" (id) values ($1)\"#)",
            1,
            "belongs to `sites`",
        );
        caught(
            "src/sites/store.rs",
            "query!(\"delete from comments where id = $1\")",
            1,
            "belongs to `comments`",
        );
        caught(
            "src/sites/store.rs",
            "query!(\"merge into comments c using x on true\")",
            1,
            "belongs to `comments`",
        );
        caught(
            "src/sites/store.rs",
            "query!(\"truncate comments\")",
            1,
            "belongs to `comments`",
        );
        caught(
            "src/comments/service.rs",
            "f(\"delete from comments where id = $1\")",
            1,
            "`comments` writes `comments`",
        );
    }

    #[test]
    fn owners_exceptions_reads_and_locks_pass() {
        let passes = |path: &str, text: &str| assert_eq!(told(path, text, SCHEMA), [], "{text}");
        passes("src/sites/store.rs", "query!(\"update pages set a = 1\")");
        passes(
            "src/comments/store/decide.rs",
            "query!(\"update pages set a = 1\")",
        );
        passes(
            "src/moderation/store.rs",
            "query!(\"select id from comments for update of comments\")",
        );
        passes(
            "src/sites/store.rs",
            "query!(\"insert into pages (id) values ($1) on conflict (id) do update set a = 1\")",
        );
        passes(
            "src/moderation/service.rs",
            "f(\"update sites in the desk\")",
        );
    }

    #[test]
    fn a_table_without_owner_and_a_wrong_name_are_caught() {
        let told_of = told(
            "src/sites/mod.rs",
            "",
            &format!("{SCHEMA}\ncreate table votes (id uuid);"),
        );
        assert_eq!(
            told_of,
            [(5, "the new table `votes` has no owner".to_owned())]
        );
        caught(
            "src/sites/store.rs",
            "query!(\"insert into page (id) values ($1)\")",
            1,
            "no migration creates",
        );
    }

    #[test]
    fn dropped_and_renamed_tables_are_followed() {
        let schema = "create table a (x int); create table b (x int); drop table if exists a; alter table b rename to c;";
        let migrations = [("migrations/1.sql".to_owned(), schema.to_owned())];
        assert_eq!(created(&migrations).into_keys().collect::<Vec<_>>(), ["c"]);
    }

    #[test]
    fn lines_of_the_lists_that_are_no_longer_needed_are_caught() {
        let told_of = told(
            "src/comments/store.rs",
            "query!(\"insert into comments (id) values ($1)\")",
            SCHEMA,
        );
        assert_eq!(
            told_of,
            [(1, "`comments` no longer writes `pages`".to_owned())]
        );
        let told_of = told(
            "src/sites/mod.rs",
            "",
            "create table sites (x int); create table pages (x int);",
        );
        assert_eq!(
            told_of,
            [(
                1,
                "`comments` has an owner, but no migration creates it".to_owned()
            )]
        );
    }
}
