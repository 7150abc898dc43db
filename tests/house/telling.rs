//! What the service tells operators against docs/observability.md: log lines with their fields, figures, and what the
//! dashboard and the alerts ask for. Must not know what any of it means.

use std::collections::{BTreeMap, BTreeSet};

use crate::breach::Breach;
use crate::source::{Kind, Source, Token, Tree};

const RULE: &str = "what operators are told";
const DOCUMENT: &str = "docs/observability.md";
const DASHBOARD: &str = "deploy/grafana/rejoinder.json";
const ALERTS: &str = "deploy/prometheus/alerts.yml";
/// Where all figures are described.
const FIGURES: &str = "src/app/metrics.rs";

/// Levels of lines that are documented; those below are for whoever reads the sources.
const LEVELS: [&str; 3] = ["error", "warn", "info"];
const METERS: [&str; 3] = ["counter", "gauge", "histogram"];
/// Figures of others that the dashboard and the alerts may ask for: Prometheus's own, and those of the process.
const FOREIGN: [&str; 1] = ["up"];
/// Figures of the process, which the crate `metrics-process` counts.
const PROCESS: &str = "process_";

/// What stands in the sources, with its place.
type Found = BTreeMap<String, (String, usize)>;

pub(crate) fn breaches(tree: &Tree) -> Vec<Breach> {
    let Some((_, document)) = tree.iter().find(|(path, _)| *path == DOCUMENT) else {
        let wrong = "there is no document of what operators are told";
        return vec![Breach::new(DOCUMENT, 1, RULE, wrong, "write it")];
    };
    let sources: Vec<Source> = tree.rust_under("src/").collect();
    let mut found = Vec::new();
    let (lines, fields) = lines(&sources);
    compare(&mut found, "line", &lines, &rows(document, "level"));
    compare(&mut found, "field", &fields, &rows(document, "field"));
    let (told, described) = figures(&sources);
    compare(&mut found, "figure", &described, &rows(document, "figure"));
    compare(
        &mut found,
        "figure",
        &described,
        &told.keys().cloned().collect(),
    );
    for path in [DASHBOARD, ALERTS] {
        let text = tree.iter().find(|(found, _)| *found == path);
        let Some((_, text)) = text else { continue };
        found.extend(unknown_figures(path, text, &described));
        found.extend(missing_runbooks(path, text, document));
    }
    found
}

/// Both ways: what is in the sources only, and what isn't there any more.
fn compare(found: &mut Vec<Breach>, what: &str, sources: &Found, listed: &BTreeSet<String>) {
    for (name, (path, line)) in sources {
        if !listed.contains(name) {
            let wrong =
                format!("the {what} `{name}` is in no table of {DOCUMENT}, or nobody tells it");
            found.push(Breach::new(
                path,
                *line,
                RULE,
                wrong,
                "add or remove its row",
            ));
        }
    }
    for name in listed.iter().filter(|name| !sources.contains_key(*name)) {
        let wrong = format!("the {what} `{name}` is not in the sources, or not described");
        let cure = format!("remove its row, or describe it in {FIGURES}");
        found.push(Breach::new(DOCUMENT, 1, RULE, wrong, cure));
    }
}

/// The first columns of all tables whose first heading is this word; a line's row begins with its level.
fn rows(document: &str, heading: &str) -> BTreeSet<String> {
    let mut rows = BTreeSet::new();
    let mut inside = false;
    for line in document.lines() {
        let Some(row) = line.strip_prefix("| ") else {
            inside &= line.starts_with("|-");
            continue;
        };
        let mut columns = row.split(" | ");
        let first = columns.next().unwrap_or_default().trim_matches('`');
        if first == heading {
            inside = true;
        } else if inside && heading == "level" {
            let message = columns.next().unwrap_or_default().trim_matches('`');
            rows.insert(format!("{first}: {message}"));
        } else if inside {
            rows.insert(first.to_owned());
        }
    }
    rows
}

/// Lines as `warn: message`, and the names of all fields that lines and their spans carry.
fn lines(sources: &[Source]) -> (Found, Found) {
    let (mut lines, mut fields) = (Found::new(), Found::new());
    for source in sources {
        for (name, arguments) in calls(source, "tracing") {
            let level = LEVELS.iter().find(|level| **level == name);
            if level.is_none() && name != "error_span" {
                continue;
            }
            let place = |line| (source.path.clone(), line);
            for argument in split(arguments) {
                let message = argument.iter().find_map(|token| match &token.kind {
                    Kind::Text(text) => Some((token.line, text)),
                    _ => None,
                });
                match (name_of(argument), message) {
                    (Some(field), _) => {
                        let line = argument.first().map_or(1, |token| token.line);
                        fields.insert(field, place(line));
                    }
                    (None, Some((line, text))) => {
                        if let Some(level) = level {
                            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                            lines.insert(format!("{level}: {text}"), place(line));
                            // What follows fills the gaps of the message.
                            break;
                        }
                    }
                    (None, None) => {}
                }
            }
        }
    }
    (lines, fields)
}

/// The name of a field: `a.b = x`, `%a`, `?a` or `a` itself. None for a text.
fn name_of(argument: &[Token]) -> Option<String> {
    let mut name = String::new();
    for token in argument {
        match &token.kind {
            Kind::Mark('%' | '?') if name.is_empty() => {}
            Kind::Word(word) => name.push_str(word),
            Kind::Mark('.') if !name.is_empty() => name.push('.'),
            Kind::Mark('=') => break,
            _ => return None,
        }
    }
    (!name.is_empty()).then_some(name)
}

/// Figures that are told, and those that are described.
fn figures(sources: &[Source]) -> (Found, Found) {
    let (mut told, mut described) = (Found::new(), Found::new());
    for source in sources {
        let is_ours = |text: &str| text.starts_with("rejoinder_");
        if source.path == FIGURES {
            for (line, text) in source.texts().filter(|(_, text)| is_ours(text)) {
                described.insert(text.to_owned(), (source.path.clone(), line));
            }
        }
        for (meter, arguments) in calls(source, "metrics") {
            if !METERS.contains(&meter) {
                continue;
            }
            if let Some(token) = arguments.first()
                && let Kind::Text(text) = &token.kind
            {
                told.insert(text.clone(), (source.path.clone(), token.line));
            }
        }
    }
    (told, described)
}

/// The arguments of each `of::name!(…)` outside of tests.
fn calls<'a>(source: &'a Source, of: &str) -> Vec<(&'a str, &'a [Token])> {
    let mut found = Vec::new();
    let mut rest = source.tokens.as_slice();
    while let [_, later @ ..] = rest {
        match rest {
            [module, name, ..] if module.word() == Some("mod") && name.word() == Some("tests") => {
                break;
            }
            [path, colons, name, mark, open, behind @ ..]
                if path.word() == Some(of)
                    && colons.kind == Kind::Colons
                    && mark.is_mark('!')
                    && open.is_mark('(') =>
            {
                found.extend(name.word().zip(until_closed(behind)));
            }
            _ => {}
        }
        rest = later;
    }
    found
}

/// What stands before the bracket that closes the one in front.
fn until_closed(tokens: &[Token]) -> Option<&[Token]> {
    let mut depth = 1_usize;
    let end = tokens.iter().position(|token| {
        depth += usize::from(token.is_mark('('));
        depth -= usize::from(token.is_mark(')'));
        depth == 0
    })?;
    tokens.get(..end)
}

/// Arguments apart, at commas that stand in no brackets.
fn split(arguments: &[Token]) -> impl Iterator<Item = &[Token]> {
    let mut depth = 0_usize;
    arguments.split(move |token| {
        match token.kind {
            Kind::Mark('(' | '[' | '{') => depth += 1,
            Kind::Mark(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && token.is_mark(',')
    })
}

/// Names in a dashboard or in alerts that nobody counts. A histogram has figures that end in `_bucket`, `_count`, `_sum`.
fn unknown_figures(path: &str, text: &str, described: &Found) -> Vec<Breach> {
    let is_part = |char: char| char == '_' || char.is_ascii_alphanumeric();
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for word in line.split(|char| !is_part(char)) {
            let bare = ["_bucket", "_count", "_sum"]
                .iter()
                .find_map(|end| word.strip_suffix(end))
                .unwrap_or(word);
            let is_known = described.contains_key(bare) || FOREIGN.contains(&bare);
            if bare.starts_with("rejoinder_") && !is_known {
                let wrong = format!("`{word}` is a figure that nobody tells");
                found.push(Breach::new(
                    path,
                    number + 1,
                    RULE,
                    wrong,
                    "correct its name",
                ));
            }
        }
    }
    if !text.contains(PROCESS) && path == DASHBOARD {
        let wrong = "nothing is shown of the process";
        found.push(Breach::new(path, 1, RULE, wrong, "show its memory"));
    }
    found
}

/// Each alert leads to a heading of the document.
fn missing_runbooks(path: &str, text: &str, document: &str) -> Vec<Breach> {
    let mut found = Vec::new();
    let mut alert = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim().trim_start_matches("- ");
        if let Some(name) = line.strip_prefix("alert: ")
            && let Some((name, at)) = alert.replace((name.to_owned(), number + 1))
        {
            found.push(no_runbook(path, at, &name));
        }
        if line.starts_with("runbook_url:")
            && let Some((name, at)) = alert.take()
        {
            let anchor = name.to_lowercase();
            let has_heading = document.lines().any(|line| line == format!("### {name}"));
            if !has_heading || !line.ends_with(&format!("{DOCUMENT}#{anchor}")) {
                found.push(no_runbook(path, at, &name));
            }
        }
    }
    found.extend(alert.map(|(name, at)| no_runbook(path, at, &name)));
    found
}

fn no_runbook(path: &str, line: usize, alert: &str) -> Breach {
    let wrong = format!("the alert {alert} does not lead to a heading of its name in {DOCUMENT}");
    Breach::new(
        path,
        line,
        RULE,
        wrong,
        "write what to do, and its runbook_url",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "fn a() { tracing::warn!(job.id = %b.id, %error, kind, \"job {}: \
         gone\", b.id); tracing::debug!(c, \"not this\"); let _ = tracing::error_span!(\"job\", trace.id = %d); \
         metrics::counter!(\"rejoinder_a_total\", \"kind\" => kind).increment(1); } mod tests { tracing::info!(\"not this\"); }";
    const DESCRIBED: &str = "const F: [&str; 1] = [\"rejoinder_a_total\"];";
    const TABLES: &str = "| level | message |\n|---|---|\n| warn | `job {}: gone` | why |\n\n| field | what |\n|---|---|\n\
        | `job.id` | a |\n| `error` | b |\n| `kind` | c |\n| `trace.id` | d |\n\n| figure | what |\n|---|---|\n\
        | `rejoinder_a_total` | a |\n\n### Gone\n";

    fn wrongs(document: &str, more: &[(&str, &str)]) -> Vec<String> {
        let files = [
            ("src/a.rs", LOG),
            (FIGURES, DESCRIBED),
            (DOCUMENT, document),
        ];
        breaches(&Tree::of(&[&files, more].concat()))
            .into_iter()
            .map(|breach| breach.wrong)
            .collect()
    }

    #[test]
    fn what_is_told_is_documented_both_ways() {
        assert_eq!(wrongs(TABLES, &[]), [""; 0]);
        for row in [
            "warn | `job {}: gone`",
            "`job.id`",
            "`kind`",
            "`rejoinder_a_total`",
        ] {
            assert_eq!(
                wrongs(&TABLES.replace(row, "x | `y`"), &[]).len(),
                2,
                "{row}"
            );
        }
    }

    #[test]
    fn alerts_ask_for_what_is_told_and_lead_to_a_heading() {
        let good = "- alert: Gone\n  expr: rejoinder_a_total > 0\n  runbook_url: https://x/docs/observability.md#gone";
        assert_eq!(wrongs(TABLES, &[(ALERTS, good)]), [""; 0]);
        for bad in [
            good.replace("a_total", "b_total"),
            good.replace("#gone", "#other"),
            good.replace("runbook_url", "summary"),
            good.replace("Gone", "Lost"),
        ] {
            assert_eq!(wrongs(TABLES, &[(ALERTS, &bad)]).len(), 1, "{bad}");
        }
    }
}
