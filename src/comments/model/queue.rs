//! What moderators' lists are asked for, and what they show of a comment besides itself. Must not know HTTP or SQL.

use std::net::IpAddr;

use time::OffsetDateTime;
use uuid::Uuid;

use super::decisions::AdminComment;
use super::reactions::SignalCode;
use super::{Actor, Status};
use crate::base::ids::{AuthorId, CommentId, SiteId};
use crate::base::page_url::PageUrl;
use crate::base::paging::{Limit, TimeCursor};

/// In which order a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// What waits longest comes first.
    Oldest,
    /// What came last comes first.
    Newest,
}

/// Which comments are meant. Everything that is set has to hold.
#[derive(Debug, Clone, Default)]
pub struct CommentFilter {
    /// The states; at least one, none twice.
    pub statuses: Vec<Status>,
    /// The slug of a site.
    pub site: Option<String>,
    /// The page.
    pub page: Option<PageUrl>,
    /// The author.
    pub author: Option<AuthorId>,
    /// The author whose e-mail address was asked for; only for those who may see addresses.
    pub address_author: Option<AuthorId>,
    /// Where it came from; only for those who may see addresses.
    pub ip: Option<IpAddr>,
    /// Words, as people type them into a search box.
    pub words: Option<String>,
    /// What speaks about it.
    pub signal: Option<SignalCode>,
    /// Submitted later than that.
    pub submitted_after: Option<OffsetDateTime>,
    /// Submitted earlier than that.
    pub submitted_before: Option<OffsetDateTime>,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy)]
pub struct ListAsked {
    /// The order.
    pub order: Order,
    /// Where to go on.
    pub after: Option<TimeCursor>,
    /// How many.
    pub limit: Limit,
}

/// The sites, and where a page was named its rows, in which a filter looks; all of them within the caller's scope.
#[derive(Debug, Clone)]
pub struct Places {
    /// The sites.
    pub(in crate::comments) sites: Vec<Uuid>,
    /// The pages of the address; none where no page was named.
    pub(in crate::comments) pages: Option<Vec<Uuid>>,
}

/// What a look at a list found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The comments, in the order that was asked for.
    pub ids: Vec<CommentId>,
    /// Where to go on, if there is or may be more.
    pub next: Option<TimeCursor>,
    /// Whether all was found that a page could hold. If not, the look ended early since it had taken too much, and goes
    /// on at `next`.
    pub completeness: Completeness,
}

/// Whether a look came as far as it was asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// The page is full, or the list at its end.
    Complete,
    /// The bound of candidates was reached before.
    CutOff,
}

/// A comment that matches, with what a decision on it goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Which one.
    pub id: CommentId,
    /// Its state.
    pub status: Status,
    /// Its version.
    pub version: i32,
    /// The code of the last decision's reason.
    pub reason: Option<String>,
}

/// A comment in a moderator's list, with what is known around it.
#[derive(Debug, Clone)]
pub struct QueuedComment {
    /// The comment.
    pub comment: AdminComment,
    /// Who wrote it; none once deleted.
    pub author: Option<AuthorStanding>,
    /// Who works on it at the moment.
    pub claim: Option<Claim>,
}

/// An author and what they wrote on the sites that the caller may see.
#[derive(Debug, Clone, Copy)]
pub struct AuthorStanding {
    /// The author.
    pub id: AuthorId,
    /// How many of their comments are in which state.
    pub record: AuthorRecord,
}

/// How many comments of an author are in which state; each counted up to [`RECORD_MAX`]. Deleted ones have no author.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AuthorRecord {
    /// Waiting.
    pub pending: i64,
    /// Public.
    pub approved: i64,
    /// Refused.
    pub rejected: i64,
    /// Advertising.
    pub spam: i64,
}

/// An author as the comments on some sites show them.
#[derive(Debug, Clone)]
pub struct AuthorProfile {
    /// The author.
    pub id: AuthorId,
    /// The name under the latest comment.
    pub name: String,
    /// The address of the latest comment, as it was written; personal.
    pub email: String,
    /// How many of their comments are in which state.
    pub record: AuthorRecord,
    /// When the first comment that is still there was sent.
    pub first_seen_at: OffsetDateTime,
    /// When the latest was sent.
    pub last_seen_at: OffsetDateTime,
    /// The sites on which they wrote.
    pub sites: Vec<AuthorSite>,
}

/// A site on which an author wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorSite {
    /// Its id.
    pub id: SiteId,
    /// Its slug.
    pub slug: String,
}

impl AuthorRecord {
    /// Adds to the count of a state; deleted comments don't count.
    pub(in crate::comments) fn add(&mut self, status: Status, number: i64) {
        let count = match status {
            Status::Pending => &mut self.pending,
            Status::Approved => &mut self.approved,
            Status::Rejected => &mut self.rejected,
            Status::Spam => &mut self.spam,
            Status::Deleted => return,
        };
        *count = count.saturating_add(number).min(RECORD_MAX);
    }
}

/// Counts of an author's comments end here.
pub const RECORD_MAX: i64 = 1_000;

/// That a comment is lent to somebody.
#[derive(Debug, Clone)]
pub struct Claim {
    /// To whom.
    pub by: Actor,
    /// For how long.
    pub until: OffsetDateTime,
}
