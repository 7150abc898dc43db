//! A page as those who run its site see and change it. Must not know HTTP or SQL.

use time::{Duration, OffsetDateTime};

use super::settings::names;
use crate::base::change::Change;
use crate::base::ids::{PageId, SiteId};
use crate::base::page_url::PageUrl;
use crate::base::text::{PageKey, Title};

/// A page with its settings.
#[derive(Debug, Clone)]
pub struct PageDetails {
    /// Its id.
    pub id: PageId,
    /// The site that it belongs to.
    pub site_id: SiteId,
    /// That site's name in addresses.
    pub site: String,
    /// Its normalised address.
    pub url: String,
    /// Its title.
    pub title: Option<Title>,
    /// The publisher's own id of it.
    pub key: Option<PageKey>,
    /// The id of the article in WordPress.
    pub wordpress_id: Option<WordpressId>,
    /// Whether it takes comments, as set by hand.
    pub comments_open: bool,
    /// The published comments.
    pub comment_count: i32,
    /// When the article was published, if the publisher said so.
    pub published_at: Option<OffsetDateTime>,
    /// When the first comment came in.
    pub first_comment_at: Option<OffsetDateTime>,
    /// When it was made here.
    pub created_at: OffsetDateTime,
    /// After how many days pages of the site close.
    pub close_after_days: Option<i32>,
    /// Further addresses, of pages that were merged into it.
    pub aliases: Vec<String>,
    /// The page that it was merged into.
    pub merged_into: Option<PageId>,
}

/// A page that comes with its past, from elsewhere than a form.
#[derive(Debug, Clone, Copy)]
pub struct PastPage<'a> {
    /// Its id, chosen by whoever brings it.
    pub id: PageId,
    /// The page.
    pub page: &'a NewPage,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

impl PageDetails {
    /// When it closes by age, or did: so many days after its publication, or else its first comment.
    pub fn closes_at(&self) -> Option<OffsetDateTime> {
        let began = self.published_at.or(self.first_comment_at)?;
        let days = self.close_after_days?;
        began.checked_add(Duration::days(days.into()))
    }

    /// Whether it takes comments at that time.
    pub fn is_open(&self, now: OffsetDateTime) -> bool {
        self.comments_open
            && self.merged_into.is_none()
            && self.closes_at().is_none_or(|closes_at| now < closes_at)
    }
}

/// The id of an article in WordPress: 1 or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WordpressId(i64);

impl WordpressId {
    /// Takes positive numbers.
    pub fn new(id: i64) -> Option<Self> {
        (id > 0).then_some(Self(id))
    }

    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// How a page is looked up; the name of a page that was merged leads to the one that it was merged into.
#[derive(Debug, Clone)]
pub enum PageName {
    /// By its address.
    Address(PageUrl),
    /// By the publisher's key.
    Key(PageKey),
    /// By the id of the article in WordPress.
    Wordpress(WordpressId),
}

/// A page to be registered.
#[derive(Debug, Clone)]
pub struct NewPage {
    /// Its address; its origin says the site.
    pub url: PageUrl,
    /// The slug of the site that is meant; where it is given, it must be the origin's.
    pub site: Option<String>,
    /// Its title.
    pub title: Option<Title>,
    /// The publisher's own id of it.
    pub key: Option<PageKey>,
    /// The id of the article in WordPress.
    pub wordpress_id: Option<WordpressId>,
    /// When the article was published.
    pub published_at: Option<OffsetDateTime>,
    /// Whether it takes comments.
    pub comments_open: bool,
}

/// What is to be changed of a page.
#[derive(Debug, Clone)]
pub struct PageChange {
    /// Its title.
    pub title: Change<Option<Title>>,
    /// The publisher's own id of it.
    pub key: Change<Option<PageKey>>,
    /// The id of the article in WordPress.
    pub wordpress_id: Change<Option<WordpressId>>,
    /// When the article was published.
    pub published_at: Change<Option<OffsetDateTime>>,
    /// Whether it takes comments.
    pub comments_open: Change<bool>,
}

/// What readers see of these fields; a change of one raises the page's version.
const SEEN_BY_READERS: [&str; 3] = ["title", "published_at", "comments_open"];

/// The fields of a page that have another value than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFields(pub Vec<&'static str>);

impl ChangedFields {
    /// By how much the page's version rises.
    pub fn version_step(&self) -> i64 {
        i64::from(self.0.iter().any(|field| SEEN_BY_READERS.contains(field)))
    }
}

impl PageChange {
    /// Makes the changes; the fields that are other than before, by the names that the API gives them.
    pub fn apply(self, page: &mut PageDetails) -> ChangedFields {
        let changed = [
            ("title", self.title.apply(&mut page.title)),
            ("key", self.key.apply(&mut page.key)),
            (
                "wordpress_id",
                self.wordpress_id.apply(&mut page.wordpress_id),
            ),
            (
                "published_at",
                self.published_at.apply(&mut page.published_at),
            ),
            (
                "comments_open",
                self.comments_open.apply(&mut page.comments_open),
            ),
        ];
        ChangedFields(names(changed).collect())
    }
}
