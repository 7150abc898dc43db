//! One breach of a rule, in the one form in which all are told. Must not know any rule.

use std::fmt;

/// Where, against which rule, what is wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Breach {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) rule: &'static str,
    pub(crate) wrong: String,
    pub(crate) cure: String,
}

impl Breach {
    pub(crate) fn new(
        path: &str,
        line: usize,
        rule: &'static str,
        wrong: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            line,
            rule,
            wrong: wrong.into(),
            cure: cure.into(),
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            rule,
            wrong,
            cure,
        } = self;
        write!(f, "{path}:{line}: {rule}: {wrong}. Cure: {cure}.")
    }
}
