//! A site and its policy. Must not know HTTP or SQL.

use time::{Duration, OffsetDateTime};

use crate::base::ids::SiteId;
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
}

/// A publication whose pages carry comments.
#[derive(Debug, Clone)]
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
}

impl Site {
    /// Whether a page that began then takes no comments any more.
    pub fn has_closed(&self, began: Option<OffsetDateTime>, now: OffsetDateTime) -> bool {
        matches!((self.close_after, began), (Some(after), Some(began)) if now - began >= after)
    }
}
