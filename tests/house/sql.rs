//! Rule 2: statements stand in stores only; and how SQL is told from prose. Must not know who owns a table.

use crate::breach::Breach;
use crate::source::{Kind, Source, Token};

const RULE: &str = "rule 2 (no SQL outside a store)";

/// Places besides `store.rs` and `store/` that may hold statements, each with the reason.
const PLACES: [(&str, &str); 1] = [(
    "src/database/",
    "speaks to the server itself: migrations, advisory locks, LISTEN and NOTIFY, health, the tests' template; \
     rule 3 keeps it off the tables of the trade",
)];

/// What builds or runs a statement, as a macro or as a type.
const MACROS: [&str; 6] = [
    "query",
    "query_as",
    "query_scalar",
    "query_file",
    "query_file_as",
    "query_file_scalar",
];
const BUILDERS: [&str; 3] = ["QueryBuilder", "raw_sql", "AssertSqlSafe"];

pub(crate) fn breaches(sources: &[Source]) -> Vec<Breach> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| !may_hold_sql(&source.path)) {
        let mut lines: Vec<(usize, String)> = Vec::new();
        for (at, token) in source.tokens.iter().enumerate() {
            let Some(what) = statement(token, source.tokens.get(at + 1)) else {
                continue;
            };
            // The macro's own text is told once, with the macro.
            if lines.last().is_none_or(|(line, _)| token.line > line + 1) {
                lines.push((token.line, what));
            }
        }
        found.extend(lines.into_iter().map(|(line, what)| {
            let cure =
                "move it into the module's store.rs, as a function that answers one question";
            Breach::new(&source.path, line, RULE, what, cure)
        }));
    }
    found
}

fn statement(token: &Token, next: Option<&Token>) -> Option<String> {
    match &token.kind {
        Kind::Text(text) if is_sql(text) => Some("a text reads as a statement".to_owned()),
        Kind::Word(word)
            if MACROS.contains(&word.as_str()) && next.is_some_and(|next| next.is_mark('!')) =>
        {
            Some(format!("`{word}!` is used"))
        }
        Kind::Word(word) if BUILDERS.contains(&word.as_str()) => Some(format!("`{word}` is used")),
        _ => None,
    }
}

/// A store, or one of the listed places.
pub(crate) fn may_hold_sql(path: &str) -> bool {
    is_store(path)
        || PLACES
            .iter()
            .any(|(place, _reason)| path.starts_with(place))
}

/// `store.rs` or a file in a folder `store/`.
pub(crate) fn is_store(path: &str) -> bool {
    path.ends_with("/store.rs") || path.contains("/store/")
}

/// Words and marks of a statement in lower case, with the line inside the text; comments and literals left out.
pub(crate) fn words(text: &str) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    let mut in_block = false;
    for (line, row) in text.lines().enumerate() {
        let row = row.split("--").next().unwrap_or_default();
        for (part, piece) in row.split('\'').enumerate() {
            // Every second part stands between single quotes.
            if part % 2 == 1 {
                continue;
            }
            for word in pieces(piece) {
                match word.as_str() {
                    "/*" => in_block = true,
                    "*/" => in_block = false,
                    _ if in_block => {}
                    _ => words.push((line, word)),
                }
            }
        }
    }
    words
}

fn pieces(text: &str) -> Vec<String> {
    let spaced = text
        .replace("/*", " /* ")
        .replace("*/", " */ ")
        .replace('"', "");
    let mut pieces: Vec<String> = Vec::new();
    for run in spaced.split_whitespace() {
        if matches!(run, "/*" | "*/") {
            pieces.push(run.to_owned());
            continue;
        }
        let mut word = String::new();
        for char in run.chars() {
            if char == '_' || char == '.' || char.is_alphanumeric() {
                word.extend(char.to_lowercase());
            } else {
                if !word.is_empty() {
                    pieces.push(std::mem::take(&mut word));
                }
                pieces.push(char.to_string());
            }
        }
        if !word.is_empty() {
            pieces.push(word);
        }
    }
    pieces
}

/// Whether a text is a statement. Prose such as "select a site" or "update the page" is not.
pub(crate) fn is_sql(text: &str) -> bool {
    const OBJECTS: [&str; 13] = [
        "table",
        "index",
        "unique",
        "database",
        "role",
        "user",
        "schema",
        "extension",
        "trigger",
        "function",
        "view",
        "sequence",
        "type",
    ];
    let words = words(text);
    let word = |at: usize| words.get(at).map_or("", |(_, word)| word.as_str());
    let has = |wanted: &str| words.iter().any(|(_, word)| word == wanted);
    match word(0) {
        "select" => {
            let is_call =
                word(2) == "(" || word(1).starts_with(|first: char| first.is_ascii_digit());
            is_call || word(1) == "exists" || (has("from") && !prose(&words))
        }
        "insert" | "merge" => word(1) == "into",
        "delete" => word(1) == "from" && !prose(&words),
        "update" => has("set") && !prose(&words),
        "truncate" => word(1) == "table",
        "with" => has("as") && has("(") && has("select"),
        "create" | "alter" | "drop" => OBJECTS.contains(&word(1)) && !prose(&words),
        "listen" | "notify" | "unlisten" => words.len() == 2,
        _ => false,
    }
}

/// Articles and the like: no statement has them as bare words.
fn prose(words: &[(usize, String)]) -> bool {
    const ARTICLES: [&str; 8] = ["the", "a", "an", "this", "that", "your", "please", "its"];
    words
        .iter()
        .any(|(_, word)| ARTICLES.contains(&word.as_str()))
        && !words
            .iter()
            .any(|(_, word)| matches!(word.as_str(), "=" | "$" | "("))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        breaches(&[Source::parse(path, text)])
            .into_iter()
            .map(|breach| breach.line)
            .collect()
    }

    #[test]
    fn statements_outside_a_store_are_caught() {
        assert_eq!(
            lines(
                "src/comments/service.rs",
                "fn f() {\n  sqlx::query!(\n    \"select id from comments\"\n  )\n}"
            ),
            [2]
        );
        assert_eq!(
            lines("src/comments/http/list.rs", "use sqlx::QueryBuilder;"),
            [1]
        );
        assert_eq!(
            lines(
                "src/web/mod.rs",
                "const A: &str = r#\"\n  with gone as (delete from x returning id)\n  select 1\"#;"
            ),
            [1]
        );
        assert_eq!(lines("src/app/mod.rs", "f(\"select 1\");"), [1]);
        assert_eq!(
            lines("src/app/mod.rs", "f(\"SELECT pg_notify($1, $2)\");"),
            [1]
        );
        assert_eq!(
            lines("src/app/mod.rs", "f(\"update comments set state = $1\");"),
            [1]
        );
    }

    #[test]
    fn stores_the_listed_places_and_prose_pass() {
        assert_eq!(lines("src/comments/store.rs", "query!(\"select 1\")"), []);
        assert_eq!(
            lines("src/comments/store/decide.rs", "query!(\"select 1\")"),
            []
        );
        assert_eq!(
            lines("src/database/health.rs", "query_scalar!(\"select 1\")"),
            []
        );
        assert_eq!(
            lines(
                "src/web/mod.rs",
                "// select id from comments\nf(\"select a page from the list\");"
            ),
            []
        );
        assert_eq!(
            lines(
                "src/web/mod.rs",
                "f(\"delete from the queue\"); f(\"with care\"); f(\"update the page\");"
            ),
            []
        );
        assert_eq!(
            lines(
                "src/web/extract.rs",
                "struct Query; impl Query { fn query(&self) {} }"
            ),
            []
        );
    }

    #[test]
    fn comments_and_literals_of_a_statement_are_left_out() {
        let found: Vec<String> = words("select 'it''s', x -- y\n/* z */ from t")
            .into_iter()
            .map(|(_, word)| word)
            .collect();
        assert_eq!(found, ["select", ",", "x", "from", "t"]);
    }
}
