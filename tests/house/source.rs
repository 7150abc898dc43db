//! Reads the files of the repository and takes Rust apart into words, marks, texts and comments. Must not know any rule.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Folders that hold nothing written by hand.
const SKIPPED: [&str; 5] = [".git", "target", "data", "node_modules", ".sqlx"];

/// All text files of the repository by their path, with `/` between names.
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads everything below `root`; what is not UTF-8 (images, say) is left out.
    pub(crate) fn read(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        gather(root, "", &mut files);
        Self { files }
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Self {
            files: files.iter().map(own).collect(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Whether a file or a folder of this path exists.
    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        path.is_empty()
            || self
                .files
                .keys()
                .any(|file| file == path || file.starts_with(&folder))
    }

    pub(crate) fn rust_under(&self, folder: &str) -> impl Iterator<Item = Source> {
        self.iter()
            .filter(move |(path, _)| path.starts_with(folder) && has_extension(path, "rs"))
            .map(|(path, text)| Source::parse(path, text))
    }

    pub(crate) fn texts_under(&self, folder: &str, extension: &str) -> Vec<(String, String)> {
        self.iter()
            .filter(|(path, _)| path.starts_with(folder) && has_extension(path, extension))
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .collect()
    }
}

pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|found| found == extension)
}

fn gather(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            gather(&entry.path(), &format!("{prefix}{name}/"), files);
        } else if kind.is_file()
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            files.insert(format!("{prefix}{name}"), text);
        }
    }
}

/// A piece of Rust, without spaces, comments and the quotes around texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier, keyword or number.
    Word(String),
    /// `::`
    Colons,
    /// Any other character.
    Mark(char),
    /// What stands between the quotes of a string literal; escapes are spaces, line breaks are kept.
    Text(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

impl Token {
    pub(crate) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(crate) fn is_mark(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }
}

/// One Rust file, taken apart.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) tokens: Vec<Token>,
    /// Line comments and block comments with the line on which each begins.
    pub(crate) comments: Vec<(usize, String)>,
}

impl Source {
    pub(crate) fn parse(path: &str, text: &str) -> Self {
        let mut reader = Reader {
            chars: text.chars().collect(),
            at: 0,
            line: 1,
            tokens: Vec::new(),
            comments: Vec::new(),
        };
        while reader.step() {}
        Self {
            path: path.to_owned(),
            tokens: reader.tokens,
            comments: reader.comments,
        }
    }

    /// The module path that the file has: `src/comments/http/submit.rs` is `comments`, `http`, `submit`.
    pub(crate) fn module(&self) -> Vec<&str> {
        let bare = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let bare = bare.strip_suffix(".rs").unwrap_or(bare);
        bare.split('/').filter(|name| *name != "mod").collect()
    }

    pub(crate) fn texts(&self) -> impl Iterator<Item = (usize, &str)> {
        self.tokens.iter().filter_map(|token| match &token.kind {
            Kind::Text(text) => Some((token.line, text.as_str())),
            _ => None,
        })
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
    tokens: Vec<Token>,
    comments: Vec<(usize, String)>,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let char = self.peek(0)?;
        self.at += 1;
        if char == '\n' {
            self.line += 1;
        }
        Some(char)
    }

    fn push(&mut self, line: usize, kind: Kind) {
        self.tokens.push(Token { line, kind });
    }

    /// Takes one piece; false at the end of the file.
    fn step(&mut self) -> bool {
        let Some(first) = self.peek(0) else {
            return false;
        };
        match (first, self.peek(1)) {
            ('/', Some('/')) => self.line_comment(),
            ('/', Some('*')) => self.block_comment(),
            ('"', _) => self.text(),
            ('\'', _) => self.quote(),
            (':', Some(':')) => {
                self.push(self.line, Kind::Colons);
                self.at += 2;
            }
            _ if is_word(first) => self.word(),
            _ => {
                if !first.is_whitespace() {
                    self.push(self.line, Kind::Mark(first));
                }
                self.next();
            }
        }
        true
    }

    fn line_comment(&mut self) {
        let line = self.line;
        let mut comment = String::new();
        while let Some(char) = self.next().filter(|char| *char != '\n') {
            comment.push(char);
        }
        self.comments.push((line, comment));
    }

    fn block_comment(&mut self) {
        let line = self.line;
        let mut comment = String::new();
        let mut depth = 0_usize;
        while let Some(char) = self.next() {
            comment.push(char);
            match (char, self.peek(0)) {
                ('/', Some('*')) => depth += 1,
                ('*', Some('/')) => depth -= 1,
                _ => continue,
            }
            comment.extend(self.next());
            if depth == 0 {
                break;
            }
        }
        self.comments.push((line, comment));
    }

    fn text(&mut self) {
        let line = self.line;
        let mut text = String::new();
        self.next();
        while let Some(char) = self.next().filter(|char| *char != '"') {
            if char == '\\' {
                text.push(' ');
                if self.next() == Some('\n') {
                    text.push('\n');
                }
            } else {
                text.push(char);
            }
        }
        self.push(line, Kind::Text(text));
    }

    fn raw_text(&mut self, hashes: usize) {
        let line = self.line;
        let mut text = String::new();
        self.at += hashes + 1;
        while let Some(char) = self.next() {
            if char == '"' && (0..hashes).all(|ahead| self.peek(ahead) == Some('#')) {
                self.at += hashes;
                break;
            }
            text.push(char);
        }
        self.push(line, Kind::Text(text));
    }

    /// A character literal, or the mark that begins a lifetime.
    fn quote(&mut self) {
        self.next();
        if self.peek(0) == Some('\\') {
            self.next();
            self.next();
            while self.next().is_some_and(|char| char != '\'') {}
        } else if self.peek(1) == Some('\'') {
            self.next();
            self.next();
        }
    }

    fn word(&mut self) {
        let mut word = String::new();
        while let Some(char) = self.peek(0).filter(|char| is_word(*char)) {
            word.push(char);
            self.at += 1;
        }
        let hashes = self
            .chars
            .iter()
            .skip(self.at)
            .take_while(|char| **char == '#')
            .count();
        let quoted = self.peek(hashes) == Some('"');
        match word.as_str() {
            "r" | "br" | "cr" if quoted => self.raw_text(hashes),
            "b" | "c" if quoted && hashes == 0 => self.text(),
            "r" if hashes == 1 => self.at += 1,
            _ => self.push(self.line, Kind::Word(word)),
        }
    }
}

fn is_word(char: char) -> bool {
    char == '_' || char.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let source = Source::parse("src/x.rs", text);
        source
            .tokens
            .iter()
            .filter_map(|token| token.word().map(str::to_owned))
            .collect()
    }

    #[test]
    fn comments_and_texts_hold_no_words() {
        let text =
            "a /* b /* c */ d */ e // f\n\"g \\\" h\" r#\"i \" j\"# b\"k\" 'l' '\\'' 'm \"n\"";
        assert_eq!(words(text), ["a", "e", "m"]);
    }

    #[test]
    fn raw_identifiers_and_lifetimes_are_words() {
        assert_eq!(words("r#type &'static str"), ["type", "static", "str"]);
    }

    #[test]
    fn lines_are_counted_through_texts_and_comments() {
        let source = Source::parse("src/x.rs", "\"one\ntwo\"\n/* three\nfour */ here");
        assert_eq!(source.tokens.last().map(|token| token.line), Some(4));
    }

    #[test]
    fn a_file_has_the_module_path_of_its_place() {
        assert_eq!(
            Source::parse("src/comments/http/mod.rs", "").module(),
            ["comments", "http"]
        );
        assert_eq!(
            Source::parse("src/comments/store.rs", "").module(),
            ["comments", "store"]
        );
    }
}
