//! A batch: one decision on all comments that a filter took, and what came of each. Must not know HTTP or SQL.

use time::OffsetDateTime;

use crate::base::ids::{BatchId, CommentId};
use crate::comments::model::decisions::{Decision, Outcome, Reason};
use crate::comments::model::queue::CommentFilter;
use crate::comments::model::{Actor, Status};

/// The most comments of one batch: what can be counted and written down within the time of one request.
pub const BATCH_COMMENTS_MAX: i64 = 100_000;

/// How far a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BatchState {
    /// Comments are being decided.
    Running,
    /// All have been gone over.
    Done,
    /// What it decided is being taken back.
    Undoing,
    /// What it decided has been taken back, but for what has changed since.
    Undone,
}

impl BatchState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Running, Self::Done, Self::Undoing, Self::Undone];

    /// The state as it is stored and answered.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
        }
    }

    /// The state of a stored word; the schema holds no other.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A batch as people see it.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Its id; later ones sort after earlier ones.
    pub id: BatchId,
    /// How far it is.
    pub state: BatchState,
    /// The word on its comments.
    pub decision: Decision,
    /// The code of the reason.
    pub reason: Option<String>,
    /// How many comments it has.
    pub total: i32,
    /// How many have been gone over: by the batch, and from [`BatchState::Undoing`] on anew by its undo.
    pub processed: i32,
    /// How many it has decided; the others were so already, have changed meanwhile, or are gone.
    pub decided: i32,
    /// How many the undo has brought back.
    pub undone: i32,
    /// It has comments that were submitted until then.
    pub as_of: OffsetDateTime,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When the batch, or its undo, came to an end; none while one is at work.
    pub finished_at: Option<OffsetDateTime>,
    /// Who made it.
    pub moderator: Actor,
    /// Who had it undone.
    pub undone_by: Option<Actor>,
}

/// A batch as a moderator asks for it.
#[derive(Debug, Clone)]
pub struct BatchOrder {
    /// The comments.
    pub filter: CommentFilter,
    /// The word on them.
    pub decision: Decision,
    /// Why; the authors may read its text.
    pub reason: Option<Reason>,
    /// How many comments there have to be: what the moderator was shown.
    pub expected_count: i64,
    /// Only comments that were submitted until then; now, where it isn't said or still to come.
    pub as_of: Option<OffsetDateTime>,
}

/// How many comments a filter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchCount {
    /// How many.
    pub count: i64,
    /// Of those that were submitted until then.
    pub as_of: OffsetDateTime,
}

/// The payload of a batch's jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BatchJob {
    /// The batch.
    pub batch: BatchId,
}

/// A batch to be written down.
#[derive(Debug, Clone)]
pub struct NewBatch {
    /// Its id.
    pub id: BatchId,
    /// The word on its comments.
    pub decision: Decision,
    /// The code of the reason.
    pub reason: Option<String>,
    /// It has comments that were submitted until then.
    pub as_of: OffsetDateTime,
    /// Now.
    pub created_at: OffsetDateTime,
    /// How many comments it has; one without any is done at once.
    pub total: i32,
}

/// What came of one comment of a batch.
#[derive(Debug, Clone)]
pub struct BatchItem {
    /// Its place in the batch, from 1.
    pub place: i32,
    /// The comment.
    pub comment_id: CommentId,
    /// Its state when the batch was made.
    pub was: Status,
    /// Its state now.
    pub status: Status,
    /// What came of the decision; none until it was gone over.
    pub outcome: Option<Outcome>,
    /// What came of the undo; none where there was nothing to undo, or until it was gone over.
    pub undo: Option<UndoOutcome>,
}

/// What came of undoing one decision of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UndoOutcome {
    /// The comment is as it was before the batch.
    Undone,
    /// It has been decided or edited since, and stays as it is.
    ChangedSince,
    /// Its content is gone.
    Deleted,
}

impl UndoOutcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Undone, Self::ChangedSince, Self::Deleted];

    /// The outcome as it is stored and answered.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Undone => "undone",
            Self::ChangedSince => "changed_since",
            Self::Deleted => "deleted",
        }
    }

    /// The outcome of a stored word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
    }
}

/// The decision that leads (back) to a state; none leads to [`Status::Deleted`].
pub fn decision_to(status: Status) -> Option<Decision> {
    Decision::ALL
        .into_iter()
        .find(|decision| decision.target() == status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_but_deleted_has_its_decision() {
        for status in Status::ALL {
            let target = decision_to(status).map(Decision::target);
            assert_eq!(target, (status != Status::Deleted).then_some(status));
        }
    }

    #[test]
    fn stored_words_are_read_again() {
        for state in BatchState::ALL {
            assert_eq!(BatchState::parse(state.as_str()), Some(state));
        }
        for outcome in UndoOutcome::ALL {
            assert_eq!(UndoOutcome::parse(outcome.as_str()), Some(outcome));
        }
        assert_eq!(BatchState::parse("Done"), None);
        assert_eq!(UndoOutcome::parse(""), None);
    }
}
