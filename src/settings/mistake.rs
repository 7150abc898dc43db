//! One thing that is wrong with the settings, said in one line. Must not know which settings there are; never holds a value.

use std::{borrow::Cow, fmt};

/// Where a setting was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On the command line.
    Flag,
    /// In an environment variable.
    Environment,
    /// In the configuration file.
    File {
        /// The file, as it was named.
        file: String,
        /// Counted from one; none when the file as a whole is meant.
        line: Option<usize>,
    },
    /// Nowhere: the built-in value.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment => f.write_str("environment"),
            Self::File {
                file,
                line: Some(line),
            } => write!(f, "{file}, line {line}"),
            Self::File { file, line: None } => f.write_str(file),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Which setting, from where, what is wrong, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The name under which it was given: `--listen`, `REJOINDER_LISTEN` or `listen`.
    pub name: String,
    /// Where it was given.
    pub place: Place,
    /// What is wrong: lower case, no full stop, never the value.
    pub problem: Cow<'static, str>,
    /// What to do: lower case, no full stop.
    pub remedy: Cow<'static, str>,
}

impl Mistake {
    /// A mistake in words.
    pub fn new(
        name: impl Into<String>,
        place: Place,
        problem: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            name: name.into(),
            place,
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}

impl Mistake {
    /// The name, fit for a terminal.
    pub fn shown_name(&self) -> Cow<'_, str> {
        one_line(&self.name)
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            place,
            problem,
            remedy,
        } = self;
        write!(f, "{} ({place}): {problem}; {remedy}", one_line(name))
    }
}

/// Names come from outside: one with a line break or escape sequence in it must not paint the terminal.
fn one_line(name: &str) -> Cow<'_, str> {
    if name.chars().any(char::is_control) {
        Cow::Owned(
            name.chars()
                .map(|c| if c.is_control() { '?' } else { c })
                .collect(),
        )
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_one_line_that_says_which_where_what_and_what_to_do() {
        let place = Place::File {
            file: "rejoinder.toml".into(),
            line: Some(3),
        };
        let mistake = Mistake::new("lis\nten", place, "is not an address", "give another");
        assert_eq!(
            mistake.to_string(),
            "lis?ten (rejoinder.toml, line 3): is not an address; give another"
        );
    }
}
