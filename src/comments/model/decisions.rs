//! What a moderator can decide, for which reasons, and what comes of it. Must not know HTTP or SQL.

use std::net::IpAddr;

use time::OffsetDateTime;

use super::reactions::Signal;
use super::{Actor, Status};
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::{CommentId, ModeratorId, PageId, SiteId};
use crate::base::text::Note;
use crate::sites::model::ReasonCode;

/// A moderator's word on a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It becomes public.
    Approve,
    /// It isn't wanted here.
    Reject,
    /// It is advertising by machines.
    Spam,
    /// It waits again.
    Restore,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 4] = [Self::Approve, Self::Reject, Self::Spam, Self::Restore];

    /// The decision as it stands in requests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Spam => "spam",
            Self::Restore => "restore",
        }
    }

    /// Reads the word of a request.
    pub fn parse(word: &str) -> Result<Self, Complaint> {
        Self::ALL
            .into_iter()
            .find(|decision| decision.as_str() == word)
            .ok_or_else(|| {
                Complaint::new(
                    ComplaintCode::InvalidValue,
                    "must be one of approve, reject, spam, restore",
                )
            })
    }

    /// The state that the comment has afterwards; never [`Status::Deleted`].
    pub const fn target(self) -> Status {
        match self {
            Self::Approve => Status::Approved,
            Self::Reject => Status::Rejected,
            Self::Spam => Status::Spam,
            Self::Restore => Status::Pending,
        }
    }
}

/// Why it was decided so: the code of a reason. Whether the comment's site has it is judged with the decision.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reason(ReasonCode);

impl Reason {
    /// Reads the code of a request. What can't be a code is no site's.
    pub fn parse(code: &str) -> Result<Self, Complaint> {
        let parsed = ReasonCode::parse(code).ok();
        parsed.map(Self).ok_or_else(Self::unknown)
    }

    /// The code.
    pub fn code(&self) -> &ReasonCode {
        &self.0
    }

    /// What is said of a code that stands for no reason.
    pub fn unknown() -> Complaint {
        Complaint::new(
            ComplaintCode::UnknownReason,
            "the site has no reason of this code",
        )
    }
}

/// What is to be decided about one comment.
#[derive(Debug, Clone)]
pub struct DecisionRequest {
    /// The comment.
    pub comment_id: CommentId,
    /// The word on it.
    pub decision: Decision,
    /// Why; the author may read its text.
    pub reason: Option<Reason>,
    /// For colleagues; kept only where the decision changes something.
    pub note: Option<Note>,
    /// The version that the moderator looked at. Without it the decision stands on whatever is there.
    pub version: Option<i32>,
}

/// Who decides, and when.
#[derive(Debug, Clone, Copy)]
pub struct Decider {
    /// The account.
    pub moderator_id: ModeratorId,
    /// The time by the service's clock.
    pub at: OffsetDateTime,
}

/// What came of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The comment has changed, and its history has a line more.
    Decided,
    /// It was so already; nothing was written.
    Unchanged,
    /// There is no such comment on the caller's sites.
    NotFound,
    /// Its content is gone; nothing can be decided.
    Deleted,
    /// It has another version than the moderator looked at; nothing was written.
    VersionConflict,
    /// Its site has no reason of the code that was given; nothing was written.
    UnknownReason,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 6] = [
        Self::Decided,
        Self::Unchanged,
        Self::NotFound,
        Self::Deleted,
        Self::VersionConflict,
        Self::UnknownReason,
    ];

    /// The outcome as it is answered.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::Unchanged => "unchanged",
            Self::NotFound => "not_found",
            Self::Deleted => "deleted",
            Self::VersionConflict => "version_conflict",
            Self::UnknownReason => "unknown_reason",
        }
    }

    /// The outcome of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
    }
}

/// What came of one decision, without the comment's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionResult {
    /// The comment that was asked for.
    pub comment_id: CommentId,
    /// What came of it.
    pub outcome: Outcome,
    /// The facts; none where there is no such comment.
    pub facts: Option<DecisionFacts>,
}

/// A comment's state around a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionFacts {
    /// Its site.
    pub site_id: SiteId,
    /// Its page.
    pub page_id: PageId,
    /// Its state before.
    pub was: Status,
    /// Its state now.
    pub status: Status,
    /// Its version now.
    pub version: i32,
    /// Whether that has settled reports of it; it does so also where it changes nothing.
    pub reports: SettledReports,
}

/// Whether a decision has settled reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettledReports {
    /// There were some.
    Some,
    /// There were none, or it decided nothing.
    None,
}

impl DecisionResult {
    /// The page whose published comments are others now, or read otherwise; caches of it are stale.
    pub fn changed_page(&self) -> Option<PageId> {
        let facts = self.facts.filter(|_| self.outcome == Outcome::Decided)?;
        // Who decides never decides for the state that is; an edit of a public comment leaves it.
        let shows = facts.was == Status::Approved || facts.status == Status::Approved;
        shows.then_some(facts.page_id)
    }
}

/// What came of one decision, and the comment as it is now (none exactly with [`Outcome::NotFound`]).
#[derive(Debug, Clone)]
pub struct DecidedComment {
    /// What came of it.
    pub result: DecisionResult,
    /// The comment as it is now.
    pub comment: Option<AdminComment>,
}

/// A comment with all that a moderator judges it by.
#[derive(Debug, Clone)]
pub struct AdminComment {
    /// Its id.
    pub id: CommentId,
    /// The slug of its site.
    pub site: String,
    /// Its state.
    pub status: Status,
    /// Raised with every change of state or text.
    pub version: i32,
    /// The author's name; empty once deleted.
    pub name: String,
    /// The author's address; personal.
    pub email: Option<String>,
    /// The author's website.
    pub website: Option<String>,
    /// Where it came from; personal, dropped after the site's retention time.
    pub ip: Option<IpAddr>,
    /// The browser's name of itself; personal.
    pub user_agent: Option<String>,
    /// The text, in Markdown.
    pub body: String,
    /// The text as safe HTML.
    pub body_html: String,
    /// When it was sent.
    pub submitted_at: OffsetDateTime,
    /// When its text was last changed.
    pub edited_at: Option<OffsetDateTime>,
    /// When it was last decided.
    pub decided_at: Option<OffsetDateTime>,
    /// Who took the last decision.
    pub decided_by: Option<Actor>,
    /// The code of the last decision's reason.
    pub reason: Option<String>,
    /// Where it stands.
    pub page: CommentedPage,
    /// What it answers.
    pub parent: Option<ParentComment>,
    /// What speaks about it, for whoever judges it.
    pub signals: Vec<Signal>,
}

/// The page that a comment stands under.
#[derive(Debug, Clone)]
pub struct CommentedPage {
    /// Its id.
    pub id: PageId,
    /// Its normalised address.
    pub url: String,
    /// Its title.
    pub title: Option<String>,
}

/// Enough of the answered comment to judge an answer in its context.
#[derive(Debug, Clone)]
pub struct ParentComment {
    /// Its id.
    pub id: CommentId,
    /// Its state.
    pub status: Status,
    /// Its author's name; empty once deleted.
    pub name: String,
    /// Its text as safe HTML; empty once deleted.
    pub body_html: String,
}

/// One change of a comment.
#[derive(Debug, Clone)]
pub struct HistoryLine {
    /// When.
    pub at: OffsetDateTime,
    /// By whom.
    pub actor: Actor,
    /// The state before; none for the submission.
    pub from: Option<Status>,
    /// The state after.
    pub to: Status,
    /// The reason's code.
    pub reason: Option<String>,
    /// What the moderator noted.
    pub note: Option<String>,
    /// What an edit replaced.
    pub earlier: Option<EarlierText>,
}

/// What a comment was before an edit.
#[derive(Debug, Clone)]
pub struct EarlierText {
    /// The author's name.
    pub name: String,
    /// The author's website.
    pub website: Option<String>,
    /// The text, in Markdown.
    pub body: String,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn every_decision_has_a_word_and_no_decision_deletes() {
        for decision in Decision::ALL {
            assert_eq!(Decision::parse(decision.as_str()), Ok(decision));
            assert_ne!(decision.target(), Status::Deleted);
        }
        for word in ["", "Approve", "approved", "delete", "approve "] {
            assert_eq!(
                Decision::parse(word).unwrap_err().code,
                ComplaintCode::InvalidValue
            );
        }
    }

    #[test]
    fn every_outcome_has_its_own_word() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::parse(outcome.as_str()), Some(outcome));
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
        }
    }

    #[test]
    fn what_cannot_be_a_code_is_an_unknown_reason() {
        let parsed = Reason::parse("off_topic").unwrap();
        assert_eq!(parsed.code().as_str(), "off_topic");
        for code in ["", "spam", "Abuse", "off-topic"] {
            assert_eq!(
                Reason::parse(code).unwrap_err().code,
                ComplaintCode::UnknownReason
            );
        }
    }

    #[test]
    fn a_page_changes_when_a_comment_becomes_public_or_ceases_to_be() {
        use Status::{Approved, Pending, Spam};
        let result = |outcome, was, status| DecisionResult {
            comment_id: CommentId::from_uuid(Uuid::nil()),
            outcome,
            facts: Some(DecisionFacts {
                site_id: SiteId::from_uuid(Uuid::nil()),
                page_id: PageId::from_uuid(Uuid::max()),
                was,
                status,
                version: 2,
                reports: SettledReports::None,
            }),
        };
        let changes = |outcome, was, status| result(outcome, was, status).changed_page().is_some();
        assert!(changes(Outcome::Decided, Pending, Approved));
        assert!(changes(Outcome::Decided, Approved, Spam));
        assert!(!changes(Outcome::Decided, Pending, Spam));
        assert!(!changes(Outcome::Unchanged, Approved, Approved));
    }
}
