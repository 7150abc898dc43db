//! Text that people write: one normal form, and what no text may hide. Must not know the fields of any form.

use std::borrow::Cow;
use std::fmt;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::canonical_combining_class;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

use crate::base::complaint::{Complaint, ComplaintCode};

/// The most combining marks on one character. Pointed Hebrew with accents needs five, Vietnamese in its
/// composed form none; from about eight on a mark reaches into the lines above and below.
pub const MARKS_MAX: usize = 8;

/// What one kind of text may hold.
struct Rules {
    chars_max: usize,
    too_long: &'static str,
    lines: Lines,
    direction: Direction,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    /// No line breaks and no tabs.
    Single,
    /// LF and TAB are welcome.
    Many,
    /// Made one: white space in a row becomes a space, controls but NUL are dropped.
    Joined,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// Direction overrides, embeddings and isolates are refused.
    Refuse,
    /// They are put right: see [`settle_direction`].
    Settle,
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $rules:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The most Unicode scalar values, counted after normalisation.
            pub const CHARS_MAX: usize = $rules.chars_max;

            /// Normalises and checks what was sent.
            pub fn parse(raw: &str) -> Result<Self, Complaint> {
                $rules.parse(raw).map(Self)
            }

            /// A value that was parsed before and comes back from the database.
            pub fn from_stored(value: String) -> Self {
                Self(value)
            }

            /// The normalised text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The normalised text, given away.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl fmt::Debug for $name {
            /// Without the text: what people write has no place in logs.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

text! {
    /// The name that an author or moderator goes by: 1–100 on one line.
    ///
    /// Direction marks (LRM, RLM, ALM) and joiners (ZWJ, ZWNJ) may be in it, since right-to-left names and
    /// emoji need them; overrides, embeddings and isolates not, since they turn the text around the name.
    Name,
    Rules {
        chars_max: 100,
        too_long: "must have at most 100 characters",
        lines: Lines::Single,
        direction: Direction::Refuse,
    }
}

text! {
    /// A comment's text in Markdown: 1–10,000; LF and TAB are the only controls.
    ///
    /// Direction characters come unseen with pasted text, so they aren't refused but put right: overrides go,
    /// embeddings and isolates stay where they are closed on their line.
    Body,
    Rules {
        chars_max: 10_000,
        too_long: "must have at most 10,000 characters",
        lines: Lines::Many,
        direction: Direction::Settle,
    }
}

text! {
    /// A moderator's note: 1–2,000, otherwise like [`Body`].
    Note,
    Rules {
        chars_max: 2_000,
        too_long: "must have at most 2,000 characters",
        lines: Lines::Many,
        direction: Direction::Settle,
    }
}

text! {
    /// What a reader adds to a report: 1–1,000, otherwise like [`Body`].
    ReportNote,
    Rules {
        chars_max: 1_000,
        too_long: "must have at most 1,000 characters",
        lines: Lines::Many,
        direction: Direction::Settle,
    }
}

text! {
    /// What the author of a comment reads as the reason for a decision: 1–500, otherwise like [`Body`].
    ReasonText,
    Rules {
        chars_max: 500,
        too_long: "must have at most 500 characters",
        lines: Lines::Many,
        direction: Direction::Settle,
    }
}

text! {
    /// A page's title: 1–300 on one line.
    ///
    /// It comes from the publisher's page, where the reader who writes can't mend it. So runs of white space
    /// (line breaks too) become one space and controls but NUL are dropped, and neither is refused.
    Title,
    Rules {
        chars_max: 300,
        too_long: "must have at most 300 characters",
        lines: Lines::Joined,
        direction: Direction::Settle,
    }
}

text! {
    /// The publisher's own id of a page: 1–200 on one line; upper and lower case differ.
    PageKey,
    Rules {
        chars_max: 200,
        too_long: "must have at most 200 characters",
        lines: Lines::Single,
        direction: Direction::Refuse,
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for PageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// CRLF and lone CR become LF, what can't be seen goes from both ends, and the rest gets Unicode's
/// composed form (NFC, UAX #15). All lengths are counted in this form, and it is what is stored.
pub fn normalise(raw: &str) -> String {
    let feeds = line_feeds(raw);
    let text = trim(&feeds);
    // ASCII is composed already, and most of what is written.
    if text.is_ascii() {
        return text.to_owned();
    }
    text.nfc().collect()
}

fn line_feeds(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\r') {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.replace("\r\n", "\n").replace('\r', "\n"))
}

/// Without white space and blank characters at both ends: Unicode's white space, zero-width and word-joining
/// characters, byte order mark, soft hyphen, fillers. Joiners, direction marks, variation selectors and tags
/// stay, for they change how their neighbours look.
pub fn trim(raw: &str) -> &str {
    raw.trim_matches(|c: char| c.is_whitespace() || is_blank(c))
}

/// Characters that take part in nothing and show nothing.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{AD}' | '\u{180E}' | '\u{200B}' | '\u{2060}'..='\u{2065}' | '\u{2800}' | '\u{3164}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
    )
}

/// Whether a reader sees nothing of this character: white space, controls, and Unicode's property
/// `Default_Ignorable_Code_Point` (UAX #44), to which the blank Braille pattern and annotation marks are added.
pub fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || is_blank(c)
        || matches!(
            c,
            '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
                | '\u{180B}'..='\u{180F}' | '\u{200C}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
                | '\u{2066}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{1BCA0}'..='\u{1BCA3}'
                | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}'
        )
}

/// Whether the character turns the direction of what follows until it is closed (UAX #9): embeddings
/// and overrides (U+202A–202E), isolates (U+2066–2069).
pub fn is_direction_control(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Not for exchange: U+FDD0–FDEF and the last two of each plane. XML, and so the feeds, can't hold U+FFFE and U+FFFF.
fn is_noncharacter(c: char) -> bool {
    let number = u32::from(c);
    (0xFDD0..=0xFDEF).contains(&number) || number & 0xFFFE == 0xFFFE
}

/// A mark that is put above, below or around the character before it.
fn is_stacking_mark(c: char) -> bool {
    // None stands before the block of combining marks.
    c >= '\u{300}'
        && (canonical_combining_class(c) != 0
            || c.general_category() == GeneralCategory::EnclosingMark)
}

impl Rules {
    fn parse(&self, raw: &str) -> Result<String, Complaint> {
        // Before the composed form, for what is taken out may have stood between a letter and its mark.
        let text = match self.direction {
            Direction::Refuse => line_feeds(raw),
            Direction::Settle => settle_direction(line_feeds(raw)),
        };
        let text = match self.lines {
            Lines::Joined => normalise(&join_lines(&text)),
            Lines::Single | Lines::Many => normalise(&text),
        };
        self.check_characters(&text)?;
        if text.is_empty() {
            let code = if raw.is_empty() || raw.chars().all(char::is_whitespace) {
                ComplaintCode::Required
            } else {
                ComplaintCode::Invisible
            };
            return Err(Complaint::new(code, "must not be empty"));
        }
        if text.chars().all(is_invisible) {
            return Err(Complaint::new(
                ComplaintCode::Invisible,
                "must have characters that can be seen",
            ));
        }
        if text.chars().count() > self.chars_max {
            return Err(Complaint::new(ComplaintCode::TooLong, self.too_long));
        }
        Ok(text)
    }

    fn check_characters(&self, text: &str) -> Result<(), Complaint> {
        let refuse = |message| Err(Complaint::new(ComplaintCode::InvalidCharacters, message));
        let mut marks = 0;
        for c in text.chars() {
            marks = if is_stacking_mark(c) { marks + 1 } else { 0 };
            if marks > MARKS_MAX {
                return refuse("must not have more than 8 combining marks on one character");
            }
            if self.lines == Lines::Single && matches!(c, '\n' | '\u{2028}' | '\u{2029}') {
                return refuse("must be a single line");
            }
            let welcome = self.lines == Lines::Many && matches!(c, '\n' | '\t');
            if (c.is_control() && !welcome) || is_noncharacter(c) {
                return refuse("must not have control characters");
            }
            if self.direction == Direction::Refuse && is_direction_control(c) {
                return refuse("must not have characters that change the direction of text");
            }
        }
        Ok(())
    }
}

/// White space in a row becomes one space; other controls go, except NUL, which is refused everywhere.
fn join_lines(text: &str) -> String {
    let dropped = |c: char| c.is_control() && !c.is_whitespace() && c != '\0';
    let text = text.replace(dropped, "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Takes out what could turn the direction of text around it: overrides always (no language needs
/// them, they only hide what a text says), embeddings and isolates unless they are closed on the same line.
fn settle_direction(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.is_ascii() || !text.contains(is_direction_control) {
        return text;
    }
    let mut settled = String::with_capacity(text.len());
    for line in text.split_inclusive(['\n', '\u{2029}']) {
        settle_line(line, &mut settled);
    }
    Cow::Owned(settled)
}

/// One line of [`settle_direction`]. An opening character is kept when its own closing one comes before the
/// line ends; what lies open inside it then is dropped, as the Unicode algorithm closes it there anyway.
fn settle_line(line: &str, settled: &mut String) {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut kept: Vec<usize> = Vec::new();
    for (at, c) in line.char_indices() {
        match c {
            '\u{202A}' | '\u{202B}' | '\u{202D}' | '\u{202E}' | '\u{2066}'..='\u{2068}' => {
                open.push((at, c));
            }
            '\u{202C}' => {
                // PDF closes the last embedding or override, but never across an isolate.
                if open.last().is_some_and(|(_, opener)| !is_isolate(*opener))
                    && let Some((start, opener)) = open.pop()
                    && !is_override(opener)
                {
                    kept.extend([start, at]);
                }
            }
            '\u{2069}' => {
                // PDI closes the last isolate and whatever is open inside.
                if let Some(index) = open.iter().rposition(|(_, opener)| is_isolate(*opener)) {
                    kept.extend(open.get(index).map(|(start, _)| *start));
                    kept.push(at);
                    open.truncate(index);
                }
            }
            _ => {}
        }
    }
    kept.sort_unstable();
    settled.extend(
        line.char_indices()
            .filter(|(at, c)| !is_direction_control(*c) || kept.binary_search(at).is_ok())
            .map(|(_, c)| c),
    );
}

fn is_isolate(c: char) -> bool {
    matches!(c, '\u{2066}'..='\u{2068}')
}

fn is_override(c: char) -> bool {
    matches!(c, '\u{202D}' | '\u{202E}')
}

#[cfg(test)]
mod tests;
