//! The newest comments of a page or a site, as a feed has them. Must not know the format of feeds.

use time::OffsetDateTime;

use crate::base::ids::CommentId;

/// Published comments, the newest first.
#[derive(Debug, Clone)]
pub struct Feed {
    /// The page's title, or the site's name; none for a page without a title, or that nobody has commented on.
    pub title: Option<String>,
    /// The address of the page; none for a site, and for a page that isn't known.
    pub url: Option<String>,
    /// When the page was made, else the site.
    pub began: OffsetDateTime,
    /// The comments, at most 50.
    pub entries: Vec<FeedEntry>,
}

/// A published comment with its page. By its type it can't hold an e-mail address.
#[derive(Debug, Clone)]
pub struct FeedEntry {
    /// Its id.
    pub id: CommentId,
    /// The comment it answers.
    pub parent_id: Option<CommentId>,
    /// The author's name.
    pub name: String,
    /// The author's website.
    pub website: Option<String>,
    /// Safe HTML.
    pub body_html: String,
    /// When it was sent.
    pub submitted_at: OffsetDateTime,
    /// When its text was last changed.
    pub edited_at: Option<OffsetDateTime>,
    /// Public answers to it, not those to its answers; none where there are too many to count.
    pub reply_count: Option<i64>,
    /// The address of its page.
    pub page_url: String,
    /// The title of its page.
    pub page_title: Option<String>,
}

impl Feed {
    /// When something in it last changed; where there is nothing, when its page or site began.
    pub fn updated_at(&self) -> OffsetDateTime {
        let entries = self.entries.iter().map(FeedEntry::updated_at);
        entries.max().unwrap_or(self.began)
    }
}

impl FeedEntry {
    /// When it was sent, or last changed.
    pub fn updated_at(&self) -> OffsetDateTime {
        self.edited_at.unwrap_or(self.submitted_at)
    }
}
