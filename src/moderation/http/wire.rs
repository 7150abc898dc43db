//! The JSON of the admin API of comments. Must not know the database, nor decide anything.

use std::net::IpAddr;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::accounts::model::PersonalData;
use crate::base::clock::rfc3339;
use crate::base::ids::{CommentId, ModeratorId, PageId};
use crate::comments::model::decisions::{AdminComment, EarlierText, HistoryLine, ParentComment};
use crate::comments::model::{Actor, ActorKind, Status};
use crate::moderation::{CommentDetails, Error};
use crate::web::ApiError;

/// A comment with all that a moderator judges it by.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdminComment)]
pub(super) struct CommentItem {
    /// Its id.
    id: CommentId,
    /// Its state.
    status: Status,
    /// Raised with every change of state or text; send it with a decision.
    version: i32,
    /// The author's name.
    name: String,
    /// The author's address; null for viewers.
    email: Option<String>,
    /// The author's website.
    website: Option<String>,
    /// Where it came from; null for viewers and after the site's retention time.
    #[schema(value_type = Option<String>)]
    ip: Option<IpAddr>,
    /// The browser's name of itself; null for viewers.
    user_agent: Option<String>,
    /// The text in Markdown.
    body: String,
    /// The text as safe HTML.
    body_html: String,
    /// When it was sent.
    #[serde(with = "rfc3339")]
    submitted_at: OffsetDateTime,
    /// When its text was last changed.
    #[serde(with = "rfc3339::option")]
    edited_at: Option<OffsetDateTime>,
    /// When it was last decided.
    #[serde(with = "rfc3339::option")]
    decided_at: Option<OffsetDateTime>,
    /// Who took the last decision.
    decided_by: Option<ActorItem>,
    /// The code of the last decision's reason.
    reason: Option<String>,
    /// The slug of its site.
    site: String,
    /// Where it stands.
    page: PageItem,
    /// What it answers.
    parent: Option<ParentItem>,
}

/// The page that a comment stands under.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommentedPage)]
pub(super) struct PageItem {
    id: PageId,
    url: String,
    title: Option<String>,
}

/// The comment that is answered, as far as the answer needs it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ParentComment)]
pub(super) struct ParentItem {
    id: CommentId,
    status: Status,
    name: String,
    body_html: String,
}

/// Who did something; never an e-mail address.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Actor)]
pub(super) struct ActorItem {
    kind: ActorKind,
    /// The moderator, where it was one.
    id: Option<ModeratorId>,
    /// The moderator's name.
    name: Option<String>,
}

/// One change of a comment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryLine)]
pub(super) struct HistoryItem {
    #[serde(with = "rfc3339")]
    at: OffsetDateTime,
    actor: ActorItem,
    /// Null for the submission.
    from: Option<Status>,
    to: Status,
    reason: Option<String>,
    note: Option<String>,
    /// For an edit: what it replaced, until the comment is deleted.
    earlier: Option<EarlierItem>,
}

/// What a comment was before an edit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EarlierText)]
pub(super) struct EarlierItem {
    name: String,
    website: Option<String>,
    body: String,
}

/// A comment with its history, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdminCommentDetails)]
pub(super) struct CommentDetailsItem {
    #[serde(flatten)]
    comment: CommentItem,
    history: Vec<HistoryItem>,
}

impl CommentItem {
    /// The comment as somebody with this sight of personal data gets it.
    pub(super) fn of(comment: AdminComment, personal_data: PersonalData) -> Self {
        let shown = personal_data == PersonalData::Shown;
        Self {
            id: comment.id,
            status: comment.status,
            version: comment.version,
            name: comment.name,
            email: comment.email.filter(|_| shown),
            website: comment.website,
            ip: comment.ip.filter(|_| shown),
            user_agent: comment.user_agent.filter(|_| shown),
            body: comment.body,
            body_html: comment.body_html,
            submitted_at: comment.submitted_at,
            edited_at: comment.edited_at,
            decided_at: comment.decided_at,
            decided_by: comment.decided_by.map(ActorItem::from),
            reason: comment.reason,
            site: comment.site,
            page: PageItem {
                id: comment.page.id,
                url: comment.page.url,
                title: comment.page.title,
            },
            parent: comment.parent.map(ParentItem::from),
        }
    }
}

impl CommentDetailsItem {
    pub(super) fn of(details: CommentDetails, personal_data: PersonalData) -> Self {
        Self {
            comment: CommentItem::of(details.comment, personal_data),
            history: details.history.into_iter().map(HistoryItem::from).collect(),
        }
    }
}

impl From<ParentComment> for ParentItem {
    fn from(parent: ParentComment) -> Self {
        Self {
            id: parent.id,
            status: parent.status,
            name: parent.name,
            body_html: parent.body_html,
        }
    }
}

impl From<Actor> for ActorItem {
    fn from(actor: Actor) -> Self {
        Self {
            kind: actor.kind,
            id: actor.id,
            name: actor.name,
        }
    }
}

impl From<EarlierText> for EarlierItem {
    fn from(earlier: EarlierText) -> Self {
        Self {
            name: earlier.name,
            website: earlier.website,
            body: earlier.body,
        }
    }
}

impl From<HistoryLine> for HistoryItem {
    fn from(line: HistoryLine) -> Self {
        Self {
            at: line.at,
            actor: line.actor.into(),
            from: line.from,
            to: line.to,
            reason: line.reason,
            note: line.note,
            earlier: line.earlier.map(EarlierItem::from),
        }
    }
}

/// The refusal, with the current comment where the module's error has it.
pub(super) fn refusal(error: Error, personal_data: PersonalData) -> ApiError {
    let current = error.current().and_then(|comment| {
        serde_json::to_value(CommentItem::of(comment.clone(), personal_data)).ok()
    });
    let refusal = ApiError::from(error);
    match current {
        Some(comment) => refusal.with_comment(comment),
        None => refusal,
    }
}
