//! A site and its policy. Must not know HTTP or SQL.

pub mod pages;
pub mod settings;

use std::fmt;

use time::{Duration, OffsetDateTime};

use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::{ReasonId, SiteId};
use crate::base::page_url::Origin;

/// What is held for a moderator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Everything.
    All,
    /// Authors without an approved comment.
    FirstTime,
    /// What signals flag.
    Flagged,
}

impl Hold {
    /// The policy of a stored word; the schema holds no other.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "all" => Some(Self::All),
            "first_time" => Some(Self::FirstTime),
            "flagged" => Some(Self::Flagged),
            _ => None,
        }
    }

    /// The policy as it is stored and answered.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::FirstTime => "first_time",
            Self::Flagged => "flagged",
        }
    }
}

/// How pages come into being.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewPages {
    /// With their first comment.
    Open,
    /// By registration only.
    Registered,
}

impl NewPages {
    /// The policy of a stored word; the schema holds no other.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "open" => Some(Self::Open),
            "registered" => Some(Self::Registered),
            _ => None,
        }
    }

    /// The policy as it is stored and answered.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Registered => "registered",
        }
    }
}

/// A publication whose pages carry comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// Its name in addresses.
    pub slug: String,
    /// The origins of its pages.
    pub origins: Vec<Origin>,
    /// What is held.
    pub hold: Hold,
    /// Whether unknown pages are made.
    pub new_pages: NewPages,
    /// How long an author may edit, from the submission on.
    pub edit_window: Duration,
    /// Pages close this long after their publication, or else their first comment.
    pub close_after: Option<Duration>,
    /// Why its comments may be rejected, as moderators give it and authors read it.
    pub reasons: Vec<KnownReason>,
}

impl Site {
    /// Whether a page that began then takes no comments any more.
    pub fn has_closed(&self, began: Option<OffsetDateTime>, now: OffsetDateTime) -> bool {
        matches!((self.close_after, began), (Some(after), Some(began)) if now - began >= after)
    }

    /// What the author reads for this code; none where the site has no such reason (any more).
    pub fn find_reason(&self, code: &str) -> Option<&str> {
        let known = self.reasons.iter().find(|reason| reason.code == code)?;
        Some(&known.text)
    }
}

/// A reason as decisions need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownReason {
    /// What is stored with a decision.
    pub code: String,
    /// For the author, in plain words.
    pub text: String,
}

/// Names a reason within its site: a letter, then letters, digits and `_`, in lower case, at most 40.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ReasonCode(String);

/// What authors read of spam. Their comments show as rejected with this code, so no reason can have it.
pub const SPAM_CODE: &str = "spam";
/// The most characters of a code.
const CODE_CHARS_MAX: usize = 40;

impl ReasonCode {
    /// Reads a code.
    pub fn parse(code: &str) -> Result<Self, Complaint> {
        let refuse = |message| Err(Complaint::new(ComplaintCode::InvalidValue, message));
        let mut bytes = code.bytes();
        let formed = bytes.next().is_some_and(|first| first.is_ascii_lowercase())
            && bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
            && code.len() <= CODE_CHARS_MAX;
        if !formed {
            return refuse(
                "must be a lower-case letter, then at most 39 lower-case letters, digits and _",
            );
        }
        if code == SPAM_CODE {
            return refuse("must not be spam, which stands for spam itself");
        }
        Ok(Self(code.to_owned()))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ReasonCode {
    /// Without the code: until it is known, it is only what somebody sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReasonCode(…)")
    }
}

/// A reason as those see it who look after them.
#[derive(Debug, Clone)]
pub struct Reason {
    /// Its id.
    pub id: ReasonId,
    /// Whose it is.
    pub site_id: SiteId,
    /// The slug of that site.
    pub site: String,
    /// What is stored with a decision.
    pub code: String,
    /// For the author, in plain words.
    pub text: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// A reason that every site begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultReason {
    /// What is stored with a decision.
    pub code: &'static str,
    /// For the author, in plain words.
    pub text: &'static str,
}

/// What stands for all that no other reason says.
pub const OTHER: DefaultReason = DefaultReason {
    code: "other",
    text: "It doesn't follow this site's rules for comments.",
};

/// The reasons that every site begins with; its people change and delete them as they like.
pub const DEFAULT_REASONS: [DefaultReason; 7] = [
    DefaultReason {
        code: "off_topic",
        text: "It has nothing to do with the article.",
    },
    DefaultReason {
        code: "abuse",
        text: "It attacks or insults people.",
    },
    DefaultReason {
        code: "illegal",
        text: "It may break the law.",
    },
    DefaultReason {
        code: "advertising",
        text: "It advertises something.",
    },
    DefaultReason {
        code: "duplicate",
        text: "It was already said under this article.",
    },
    DefaultReason {
        code: "unreadable",
        text: "It can't be read or understood.",
    },
    OTHER,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_reasons_have_codes_and_words() {
        for reason in DEFAULT_REASONS {
            assert_eq!(
                ReasonCode::parse(reason.code).unwrap().as_str(),
                reason.code
            );
            assert!(reason.text.ends_with('.'));
        }
    }

    #[test]
    fn a_code_begins_with_a_letter_and_is_short_and_plain() {
        for code in ["a", "a1", "off_topic", &"x".repeat(40)] {
            assert!(ReasonCode::parse(code).is_ok(), "{code}");
        }
        for code in [
            "",
            "1a",
            "_a",
            "Abuse",
            "off-topic",
            "é",
            "a ",
            "spam",
            &"x".repeat(41),
        ] {
            let complaint = ReasonCode::parse(code).unwrap_err();
            assert_eq!(complaint.code, ComplaintCode::InvalidValue, "{code}");
        }
    }
}
