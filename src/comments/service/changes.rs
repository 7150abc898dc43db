//! Says what changed, to whoever follows it on any instance: ids and codes only. Must not know who follows.
//!
//! Whatever commits a change of a comment's state or text publishes it here, after the commit:
//! `changes.publish(&[Change { comment_id, site_id, status, version, shown_page }])`.

use tokio::sync::broadcast;

use crate::base::ids::{CommentId, PageId, SiteId};
use crate::comments::model::Status;
use crate::comments::model::decisions::{DecisionResult, Outcome, SettledReports};
use crate::database::{Channel, Notice, Notices};
use crate::sites::service::PageChanges;

const COMMENTS: Channel = Channel::new("comments");

/// A comment as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The comment.
    pub comment_id: CommentId,
    /// Its site.
    pub site_id: SiteId,
    /// Its state.
    pub status: Status,
    /// Its version.
    pub version: i32,
    /// Its page, where that shows something else now, or is new. It is told apart from the comment, so lines don't hold it.
    pub shown_page: Option<PageId>,
}

/// Where changes are told; cheap to clone.
#[derive(Clone)]
pub struct Changes {
    notices: Notices,
    pages: PageChanges,
}

impl Changes {
    /// Of comments by these notices, of their pages where these are told.
    pub fn new(notices: Notices, pages: PageChanges) -> Self {
        Self { notices, pages }
    }

    /// Tells that these comments have changed; after the commit. Never waits. Some or all may get lost, and then those
    /// who follow are told that.
    pub fn publish(&self, changes: &[Change]) {
        // First, so that whoever is told of a comment doesn't read an old page.
        self.pages
            .publish(changes.iter().filter_map(|change| change.shown_page));
        for change in changes {
            self.notices.publish(COMMENTS, &change.line());
        }
    }

    /// Where changes of pages are told.
    pub fn pages(&self) -> &PageChanges {
        &self.pages
    }

    /// Changes from now on, as lines for [`Change::parse`].
    pub fn follow(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe(COMMENTS)
    }
}

impl Change {
    /// What a decision, an edit or a deletion changed, if only that reports of the comment are settled; none where it
    /// changed nothing.
    pub fn of(result: &DecisionResult) -> Option<Self> {
        let facts = result.facts.filter(|facts| {
            result.outcome == Outcome::Decided || facts.reports == SettledReports::Some
        })?;
        Some(Self {
            comment_id: result.comment_id,
            site_id: facts.site_id,
            status: facts.status,
            version: facts.version,
            shown_page: result.changed_page(),
        })
    }

    fn line(self) -> String {
        format!(
            "{} {} {} {}",
            self.comment_id,
            self.site_id,
            self.status.as_str(),
            self.version
        )
    }

    /// Reads a published line; none for one of another release.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let change = Self {
            comment_id: words.next()?.parse().ok()?,
            site_id: words.next()?.parse().ok()?,
            status: Status::parse(words.next()?)?,
            version: words.next()?.parse().ok()?,
            shown_page: None,
        };
        words.next().is_none().then_some(change)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_line_is_read_again_and_nothing_else_is_one() {
        for status in Status::ALL {
            let change = Change {
                comment_id: CommentId::from_uuid(Uuid::max()),
                site_id: SiteId::from_uuid(Uuid::nil()),
                status,
                version: 7,
                shown_page: None,
            };
            let line = change.line();
            assert_eq!(Change::parse(&line), Some(change));
            assert_eq!(Change::parse(&format!("{line} more")), None);
        }
        for line in ["", "x", "x y pending 1"] {
            assert_eq!(Change::parse(line), None);
        }
    }
}
