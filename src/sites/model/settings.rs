//! A site with all its settings, as those who run it see and change them. Must not know HTTP or SQL.

use std::ops::RangeInclusive;

use time::OffsetDateTime;

use super::{Hold, NewPages};
use crate::base::change::Change;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::SiteId;
use crate::base::page_url::Origin;
use crate::base::text::Name;

/// The most origins of a site.
pub const ORIGINS_MAX: usize = 100;
/// How many links a comment may have before it is a signal.
pub const MAX_LINKS: RangeInclusive<i64> = 0..=100;
/// For how long an author may edit, in minutes: a week at most.
pub const EDIT_WINDOW_MINUTES: RangeInclusive<i64> = 0..=10_080;
/// After how many days a page closes.
pub const CLOSE_AFTER_DAYS: RangeInclusive<i64> = 1..=36_500;
/// For how many days network addresses are kept.
pub const IP_RETENTION_DAYS: RangeInclusive<i64> = 0..=3_650;
/// For how many days spam is kept.
pub const SPAM_RETENTION_DAYS: RangeInclusive<i64> = 1..=3_650;

/// A site's name in addresses: 1 to 40 lower-case letters and digits, with single hyphens between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slug(String);

impl Slug {
    /// The most letters and digits.
    pub const LETTERS_MAX: usize = 40;

    /// Takes the text as it stands; nothing is put right.
    pub fn parse(raw: &str) -> Result<Self, Complaint> {
        if raw.is_empty() {
            return Err(Complaint::new(ComplaintCode::Required, "must not be empty"));
        }
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let letters = raw.bytes().filter(|byte| is_letter(*byte)).count();
        let hyphens = raw.bytes().filter(|byte| *byte == b'-').count();
        let framed = raw.starts_with('-') || raw.ends_with('-') || raw.contains("--");
        if letters + hyphens != raw.len() || framed {
            return Err(Complaint::new(
                ComplaintCode::InvalidValue,
                "must have lower-case letters a to z and digits only, with single hyphens between them",
            ));
        }
        if letters > Self::LETTERS_MAX {
            return Err(Complaint::new(
                ComplaintCode::TooLong,
                "must have at most 40 letters and digits",
            ));
        }
        Ok(Self(raw.to_owned()))
    }

    /// A value that was parsed before and comes back from the database.
    pub fn from_stored(value: String) -> Self {
        Self(value)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a reader sees after a form without JavaScript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterForm {
    /// Our page that shows the held comment and leads back.
    Status,
    /// The article, as WordPress does it.
    Article,
}

impl AfterForm {
    /// The setting of a stored word; the schema holds no other.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "status" => Some(Self::Status),
            "article" => Some(Self::Article),
            _ => None,
        }
    }

    /// The setting as it is stored and answered.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Article => "article",
        }
    }
}

/// How a site deals with comments. The bounds of the numbers are the constants of this file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What is held for a moderator.
    pub hold: Hold,
    /// Whether unknown pages are made.
    pub pages: NewPages,
    /// How many links a comment may have before it is a signal.
    pub max_links: i16,
    /// For how long an author may edit.
    pub edit_window_minutes: i32,
    /// When pages close, from their publication or else their first comment; none: never.
    pub close_after_days: Option<i32>,
    /// For how long network addresses and user agents are kept.
    pub ip_retention_days: i32,
    /// For how long spam is kept.
    pub spam_retention_days: i32,
    /// What a reader sees after a form without JavaScript.
    pub after_form: AfterForm,
}

impl Default for Policy {
    /// The same as the schema's.
    fn default() -> Self {
        Self {
            hold: Hold::All,
            pages: NewPages::Open,
            max_links: 2,
            edit_window_minutes: 15,
            close_after_days: None,
            ip_retention_days: 30,
            spam_retention_days: 30,
            after_form: AfterForm::Status,
        }
    }
}

/// A site as those who run it see it.
#[derive(Debug, Clone)]
pub struct SiteDetails {
    /// Its id.
    pub id: SiteId,
    /// Its name in addresses.
    pub slug: Slug,
    /// Its name for people.
    pub name: Name,
    /// The origins of its pages, each once.
    pub origins: Vec<Origin>,
    /// How it deals with comments.
    pub policy: Policy,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// A site to be made.
#[derive(Debug, Clone)]
pub struct NewSite {
    /// Its name in addresses.
    pub slug: Slug,
    /// Its name for people.
    pub name: Name,
    /// The origins of its pages, each once, at most [`ORIGINS_MAX`].
    pub origins: Vec<Origin>,
    /// How it deals with comments.
    pub policy: Policy,
}

/// What is to be changed of a site.
#[derive(Debug, Clone)]
pub struct SiteChange {
    /// Its name in addresses.
    pub slug: Change<Slug>,
    /// Its name for people.
    pub name: Change<Name>,
    /// The origins of its pages, all of them.
    pub origins: Change<Vec<Origin>>,
    /// How it deals with comments.
    pub policy: PolicyChange,
}

/// What is to be changed of a policy.
#[derive(Debug, Clone)]
pub struct PolicyChange {
    /// [`Policy::hold`].
    pub hold: Change<Hold>,
    /// [`Policy::pages`].
    pub pages: Change<NewPages>,
    /// [`Policy::max_links`].
    pub max_links: Change<i16>,
    /// [`Policy::edit_window_minutes`].
    pub edit_window_minutes: Change<i32>,
    /// [`Policy::close_after_days`].
    pub close_after_days: Change<Option<i32>>,
    /// [`Policy::ip_retention_days`].
    pub ip_retention_days: Change<i32>,
    /// [`Policy::spam_retention_days`].
    pub spam_retention_days: Change<i32>,
    /// [`Policy::after_form`].
    pub after_form: Change<AfterForm>,
}

impl SiteChange {
    /// Makes the changes; the fields that are other than before, by the names that the API gives them.
    pub fn apply(self, site: &mut SiteDetails) -> Vec<&'static str> {
        let changed = [
            ("slug", self.slug.apply(&mut site.slug)),
            ("name", self.name.apply(&mut site.name)),
            ("origins", self.origins.apply(&mut site.origins)),
        ];
        let mut fields = self.policy.apply(&mut site.policy);
        fields.extend(names(changed));
        fields
    }
}

impl PolicyChange {
    /// Makes the changes; the fields that are other than before.
    pub fn apply(self, policy: &mut Policy) -> Vec<&'static str> {
        let changed = [
            ("policy.hold", self.hold.apply(&mut policy.hold)),
            ("policy.pages", self.pages.apply(&mut policy.pages)),
            (
                "policy.max_links",
                self.max_links.apply(&mut policy.max_links),
            ),
            (
                "policy.edit_window_minutes",
                self.edit_window_minutes
                    .apply(&mut policy.edit_window_minutes),
            ),
            (
                "policy.close_after_days",
                self.close_after_days.apply(&mut policy.close_after_days),
            ),
            (
                "policy.ip_retention_days",
                self.ip_retention_days.apply(&mut policy.ip_retention_days),
            ),
            (
                "policy.spam_retention_days",
                self.spam_retention_days
                    .apply(&mut policy.spam_retention_days),
            ),
            (
                "policy.after_form",
                self.after_form.apply(&mut policy.after_form),
            ),
        ];
        names(changed).collect()
    }
}

/// The names of what has changed.
pub(super) fn names<const N: usize>(
    changed: [(&'static str, bool); N],
) -> impl Iterator<Item = &'static str> {
    let kept = changed.into_iter().filter(|(_, is_other)| *is_other);
    kept.map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_has_letters_digits_and_single_hyphens() {
        let longest = "a-".repeat(39) + "z";
        for text in ["a", "7", "gazette", "the-gazette-2", &longest] {
            assert_eq!(Slug::parse(text).unwrap().as_str(), text);
        }
        let long = "a".repeat(41);
        for text in [
            "", "-", "-a", "a-", "a--b", "A", "a b", "ä", "a_b", " a", "a.b", &long,
        ] {
            assert!(Slug::parse(text).is_err(), "{text:?}");
        }
    }
}
