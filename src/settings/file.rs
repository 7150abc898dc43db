//! The configuration file: TOML to keys, values and line numbers. Must not know which keys there are.

use std::{borrow::Cow, collections::BTreeMap};

use toml::de::{DeTable, DeValue};

use super::mistake::{Mistake, Place};

/// What stands behind a key.
pub(super) enum FileValue {
    /// A text, number or truth value, as text.
    One(String),
    /// An array of such.
    Many(Vec<String>),
    /// What no setting can be: a table, a date, a nested array.
    Unfit,
}

/// A key's value with its line, counted from one.
pub(super) struct FileEntry {
    pub(super) value: FileValue,
    pub(super) line: usize,
}

/// The keys of a file. A file that is not TOML yields what could be read, and every mistake in it.
pub(super) fn parse_file(name: &str, text: &str) -> (BTreeMap<String, FileEntry>, Vec<Mistake>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mistakes = errors
        .iter()
        .map(|error| {
            let line = error.span().map(|span| line_of(text, span.start));
            let place = Place::File {
                file: name.to_owned(),
                line,
            };
            // The parser's own text quotes the line, and the line may hold a secret: only its sentence is taken.
            let problem = error.message().lines().next().unwrap_or_default();
            Mistake::new(
                "configuration file",
                place,
                format!("is not TOML: {problem}"),
                "write one `key = \"value\"` a line",
            )
        })
        .collect();
    let entries = table
        .into_inner()
        .into_iter()
        .map(|(key, value)| {
            let line = line_of(text, key.span().start);
            let value = FileValue::from(value.get_ref());
            (key.into_inner().into_owned(), FileEntry { value, line })
        })
        .collect();
    (entries, mistakes)
}

impl From<&DeValue<'_>> for FileValue {
    fn from(value: &DeValue<'_>) -> Self {
        if let Some(items) = value.as_array() {
            return items
                .iter()
                .map(|item| scalar(item.get_ref()))
                .collect::<Option<Vec<_>>>()
                .map_or(Self::Unfit, Self::Many);
        }
        scalar(value).map_or(Self::Unfit, Self::One)
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    let text: Cow<'_, str> = match value {
        DeValue::String(text) => Cow::Borrowed(text.as_ref()),
        DeValue::Integer(number) if number.radix() == 10 => Cow::Borrowed(number.as_str()),
        DeValue::Boolean(true) => Cow::Borrowed("on"),
        DeValue::Boolean(false) => Cow::Borrowed("off"),
        _ => return None,
    };
    Some(text.into_owned())
}

fn line_of(text: &str, byte: usize) -> usize {
    1 + text
        .bytes()
        .take(byte)
        .filter(|byte| *byte == b'\n')
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_with_their_lines() {
        let (entries, mistakes) = parse_file(
            "a.toml",
            "# words\nlisten = \"x\"\n\ndemo = true\nlist = [\"a\", \"b\"]\nt = {a=1}\n",
        );
        assert!(mistakes.is_empty());
        assert_eq!(entries["listen"].line, 2);
        assert!(matches!(&entries["demo"].value, FileValue::One(v) if v == "on"));
        assert!(matches!(&entries["list"].value, FileValue::Many(v) if v.len() == 2));
        assert!(matches!(entries["t"].value, FileValue::Unfit));
    }

    #[test]
    fn a_broken_line_is_named_without_its_content() {
        let (_, mistakes) = parse_file("a.toml", "listen = \"x\"\nsecret = hunter2 hunter2\n");
        assert!(!mistakes.is_empty());
        for mistake in mistakes {
            assert!(mistake.to_string().contains("a.toml, line 2"), "{mistake}");
            assert!(!mistake.to_string().contains("hunter2"), "{mistake}");
        }
    }
}
