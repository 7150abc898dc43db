//! Rule 4 and what else of the house style a machine can see in names, lines and links. Must not know what code means.

use crate::breach::Breach;
use crate::source::{Source, Tree, has_extension};

const LINES_MAX: usize = 600;
const README_LINES_MAX: usize = 150;

/// What people write; images, fonts and generated files are not among it.
const WRITTEN: [&str; 9] = ["rs", "js", "mjs", "ts", "css", "html", "sql", "sh", "md"];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 7] = [
    "util", "utils", "helper", "helpers", "common", "misc", "shared",
];

fn is_written(path: &str) -> bool {
    WRITTEN
        .iter()
        .any(|extension| has_extension(path, extension))
}

pub(crate) fn long_files(tree: &Tree) -> Vec<Breach> {
    const FOLDERS: [&str; 6] = [
        "src/",
        "tests/",
        "assets/",
        "templates/",
        "benches/",
        "migrations/",
    ];
    tree.iter()
        .filter(|(path, _)| FOLDERS.iter().any(|folder| path.starts_with(folder)))
        .filter(|(path, _)| is_written(path) && !path.starts_with("tests/fixtures/"))
        .filter(|(_, text)| text.lines().count() > LINES_MAX)
        .map(|(path, text)| {
            let wrong = format!("{} lines, more than {LINES_MAX}", text.lines().count());
            let cure = "make a folder of that name, one file for each question that it answers";
            Breach::new(
                path,
                LINES_MAX + 1,
                "rule 4 (no file over 600 lines)",
                wrong,
                cure,
            )
        })
        .collect()
}

pub(crate) fn purpose_lines(tree: &Tree) -> Vec<Breach> {
    tree.iter()
        .filter(|(path, _)| path.starts_with("src/") && has_extension(path, "rs"))
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| {
            let cure =
                "begin with `//! ` and a sentence: what the file is for, and what it must not know";
            Breach::new(
                path,
                1,
                "style (files)",
                "the first line doesn't say what the file is for",
                cure,
            )
        })
        .collect()
}

pub(crate) fn empty_names(tree: &Tree) -> Vec<Breach> {
    let is_code = |path: &str| {
        path.starts_with("src/") || path.starts_with("tests/") || path.starts_with("assets/")
    };
    tree.iter()
        .filter(|(path, _)| is_code(path) && !path.starts_with("tests/fixtures/"))
        .filter_map(|(path, _)| {
            let name = path
                .split('/')
                .find(|name| EMPTY_NAMES.contains(&name.split('.').next().unwrap_or(name)))?;
            let wrong = format!("the name `{name}` says nothing about what is inside");
            Some(Breach::new(
                path,
                1,
                "style (names)",
                wrong,
                "name it after what it holds, or put it beside what uses it",
            ))
        })
        .collect()
}

pub(crate) fn migration_names(tree: &Tree) -> Vec<Breach> {
    const RULE: &str = "style (migrations)";
    let mut found = Vec::new();
    let mut last = "";
    for (path, _) in tree
        .iter()
        .filter(|(path, _)| path.starts_with("migrations/"))
    {
        let name = path.strip_prefix("migrations/").unwrap_or(path);
        if !is_migration_name(name) {
            let cure = "name it YYYYMMDDHHMMSS_verb_object.sql, in lower case";
            found.push(Breach::new(
                path,
                1,
                RULE,
                "the name doesn't say when and what",
                cure,
            ));
        }
        let stamp = name.split('_').next().unwrap_or_default();
        if stamp == last {
            found.push(Breach::new(
                path,
                1,
                RULE,
                "two migrations have the same time",
                "give the later one a later time",
            ));
        }
        last = stamp;
    }
    found
}

fn is_migration_name(name: &str) -> bool {
    let Some((stamp, rest)) = name
        .strip_suffix(".sql")
        .and_then(|bare| bare.split_once('_'))
    else {
        return false;
    };
    let Some((verb, object)) = rest.split_once('_') else {
        return false;
    };
    let part = |from: usize, to: usize| {
        stamp
            .get(from..to)
            .and_then(|digits| digits.parse::<u32>().ok())
            .unwrap_or(99)
    };
    let is_time = stamp.len() == 14
        && stamp.bytes().all(|byte| byte.is_ascii_digit())
        && (1..=12).contains(&part(4, 6))
        && (1..=31).contains(&part(6, 8))
        && part(8, 10) < 24
        && part(10, 12) < 60
        && part(12, 14) < 60;
    let is_plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    is_time && is_plain(verb) && is_plain(object)
}

pub(crate) fn loose_ends(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for (path, text) in tree
        .iter()
        .filter(|(path, _)| is_written(path) || path.starts_with("scripts/"))
    {
        if path.starts_with("tests/fixtures/") || has_extension(path, "md") {
            continue;
        }
        let lines: Vec<(usize, String)> = if has_extension(path, "rs") {
            let comments = Source::parse(path, text).comments;
            comments
                .into_iter()
                .flat_map(|(at, comment)| numbered(&comment, at))
                .collect()
        } else {
            numbered(text, 1)
        };
        for (line, content) in lines {
            if is_loose(&content) {
                let cure = "do it now, or file an issue and write `TODO(#12): …`";
                found.push(Breach::new(
                    path,
                    line,
                    "style (loose ends)",
                    "a remark without an issue",
                    cure,
                ));
            }
        }
    }
    found
}

fn numbered(text: &str, first: usize) -> Vec<(usize, String)> {
    text.lines()
        .enumerate()
        .map(|(at, line)| (first + at, line.to_owned()))
        .collect()
}

fn is_loose(line: &str) -> bool {
    let mut words =
        line.split(|char: char| !char.is_alphanumeric() && !matches!(char, '(' | '#' | ')' | '_'));
    words.any(|word| match word.strip_prefix("TODO") {
        Some("") => true,
        Some(issue) if issue.starts_with('(') => {
            let number = issue
                .strip_prefix("(#")
                .and_then(|rest| rest.split_once(')'))
                .map(|(number, _)| number);
            number.is_none_or(|number| number.parse::<u32>().is_err())
        }
        _ => matches!(word, "FIXME" | "XXX"),
    })
}

pub(crate) fn dead_links(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for (path, text) in tree.iter().filter(|(path, _)| has_extension(path, "md")) {
        for (line, link) in links(text) {
            let target = link.split(['#', '?']).next().unwrap_or_default();
            let is_elsewhere =
                link.contains("://") || link.starts_with("mailto:") || target.is_empty();
            if !is_elsewhere && !resolve(path, target).is_some_and(|target| tree.has(&target)) {
                let wrong = format!("the link to `{link}` leads nowhere");
                found.push(Breach::new(
                    path,
                    line,
                    "style (documents)",
                    wrong,
                    "correct the path, or take the link out",
                ));
            }
        }
    }
    found
}

/// Targets of `[text](target)` and `[name]: target` outside code.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fence: Option<&str> = None;
    for (at, line) in text.lines().enumerate() {
        let bare = line.trim_start();
        if let Some(mark) = ["```", "~~~"]
            .into_iter()
            .find(|mark| bare.starts_with(mark))
        {
            fence = match fence {
                None => Some(mark),
                Some(open) if open == mark => None,
                other => other,
            };
            continue;
        }
        if fence.is_some() {
            continue;
        }
        // Every second part stands between backticks.
        let prose: String = line
            .split('`')
            .enumerate()
            .map(|(part, piece)| if part % 2 == 0 { piece } else { "x" })
            .collect();
        for piece in prose.split("](").skip(1) {
            let target = piece.split([')', ' ']).next().unwrap_or_default();
            found.push((at + 1, target.trim_matches(['<', '>']).to_owned()));
        }
        if let Some((_, target)) = prose
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("]: "))
        {
            found.push((
                at + 1,
                target
                    .split_whitespace()
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            ));
        }
    }
    found
}

/// The path from the repository's root; none when it leads out of it.
fn resolve(document: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = if target.starts_with('/') {
        Vec::new()
    } else {
        document.split('/').collect()
    };
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

pub(crate) fn readme_length(tree: &Tree) -> Vec<Breach> {
    let readme = tree.iter().filter(|(path, _)| *path == "README.md");
    readme
        .filter(|(_, text)| text.lines().count() > README_LINES_MAX)
        .map(|(path, text)| {
            let wrong = format!(
                "{} lines, more than {README_LINES_MAX}",
                text.lines().count()
            );
            Breach::new(
                path,
                README_LINES_MAX + 1,
                "style (documents)",
                wrong,
                "move the detail to docs/ and link to it",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(breaches: Vec<Breach>) -> Vec<(String, usize)> {
        breaches
            .into_iter()
            .map(|breach| (breach.path, breach.line))
            .collect()
    }

    fn at(path: &str, line: usize) -> Vec<(String, usize)> {
        vec![(path.to_owned(), line)]
    }

    #[test]
    fn the_601st_line_is_caught() {
        let full = "x\n".repeat(600);
        let over = "x\n".repeat(601);
        let tree = Tree::of(&[
            ("src/a.rs", &full),
            ("assets/b.js", &over),
            ("tests/fixtures/c.sql", &over),
            ("assets/d.svg", &over),
        ]);
        assert_eq!(places(long_files(&tree)), at("assets/b.js", 601));
    }

    #[test]
    fn files_without_purpose_and_empty_names_are_caught() {
        let tree = Tree::of(&[
            ("src/a.rs", "//! Why."),
            ("src/b.rs", "// Why."),
            ("tests/c.rs", ""),
            ("src/utils/mod.rs", "//! Why."),
        ]);
        assert_eq!(places(purpose_lines(&tree)), at("src/b.rs", 1));
        assert_eq!(places(empty_names(&tree)), at("src/utils/mod.rs", 1));
        assert_eq!(
            empty_names(&Tree::of(&[
                ("src/base/commons.rs", ""),
                ("src/common.rs", "")
            ]))
            .len(),
            1
        );
    }

    #[test]
    fn names_of_migrations_tell_when_and_what() {
        assert!(is_migration_name("20261124093000_create_comments.sql"));
        assert!(is_migration_name(
            "20261124093000_index_comments_by_page.sql"
        ));
        for name in [
            "20261124_create_comments.sql",
            "20261324093000_create_x.sql",
            "20261124093000_comments.sql",
            "20261124093000_Create_x.sql",
            "a.sql",
            "20261124093000_create_x.down.txt",
        ] {
            assert!(!is_migration_name(name), "{name}");
        }
        let twins = Tree::of(&[
            ("migrations/20261124093000_create_a.sql", ""),
            ("migrations/20261124093000_create_b.sql", ""),
        ]);
        assert_eq!(
            places(migration_names(&twins)),
            at("migrations/20261124093000_create_b.sql", 1)
        );
    }

    #[test]
    fn loose_ends_are_caught_in_comments_only() {
        let tree = Tree::of(&[
            (
                "src/a.rs",
                "//! A.\nconst TODO: &str = \"TODO\";\n/* b\n TODO c */",
            ),
            ("src/b.rs", "// TODO(#12): later"),
        ]);
        assert_eq!(places(loose_ends(&tree)), at("src/a.rs", 4));
        assert!(
            is_loose("TODO: x")
                && is_loose("TODO(me): x")
                && is_loose("FIXME x")
                && is_loose("-- TODO(#): x")
        );
        assert!(!is_loose("TODO(#7): x") && !is_loose("TODOS") && !is_loose("mktemp x.XXXXXX"));
    }

    #[test]
    fn links_to_nothing_are_caught() {
        let text = "[a](b.md) [c](../d.md#e) `[f](g)`\n```\n[h](i.md)\n```\n[j](https://k/l) [m](#n)\n[o](docs/p.md)\n[q]: r.md";
        let tree = Tree::of(&[("docs/x.md", text), ("docs/b.md", ""), ("d.md", "")]);
        assert_eq!(
            places(dead_links(&tree)),
            [at("docs/x.md", 6), at("docs/x.md", 7)].concat()
        );
        assert_eq!(
            dead_links(&Tree::of(&[("x.md", "[out](../y.md)")])).len(),
            1
        );
        assert_eq!(
            dead_links(&Tree::of(&[("x.md", "[folder](docs/)"), ("docs/y.md", "")])).len(),
            0
        );
    }

    #[test]
    fn a_long_readme_is_caught() {
        let long = "x\n".repeat(151);
        assert_eq!(
            places(readme_length(&Tree::of(&[("README.md", &long)]))),
            at("README.md", 151)
        );
        assert_eq!(
            readme_length(&Tree::of(&[("README.md", "x"), ("docs/long.md", &long)])),
            []
        );
    }
}
