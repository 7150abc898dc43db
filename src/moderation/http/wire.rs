//! The JSON of the admin API of comments. Must not know the database, nor decide anything.

use std::net::IpAddr;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::accounts::model::PersonalData;
use crate::base::clock::rfc3339;
use crate::base::ids::{AuthorId, CommentId, ModeratorId, PageId, ReportId};
use crate::comments::model::decisions::{AdminComment, EarlierText, HistoryLine, ParentComment};
use crate::comments::model::queue::{AuthorRecord, QueuedComment};
use crate::comments::model::reactions::{Report, ReportReason, Signal, SignalCode};
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
    /// What speaks about it; empty where nothing does.
    signals: Vec<SignalItem>,
}

/// Something that speaks about a comment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Signal)]
pub(super) struct SignalItem {
    /// What speaks.
    code: SignalCode,
    /// How much it speaks against the comment; for `reported`, how many open reports there are.
    weight: f64,
    /// The part of the comment that it is about, if it is about a part.
    #[serde(rename = "match")]
    found: Option<String>,
    /// The same in words.
    #[schema(example = "2 readers reported it: abuse (1), spam (1)")]
    text: String,
}

/// The page that a comment stands under.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommentedPage)]
pub(super) struct PageItem {
    id: PageId,
    /// Its address.
    url: String,
    /// Its title.
    title: Option<String>,
}

/// The comment that is answered, as far as the answer needs it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ParentComment)]
pub(super) struct ParentItem {
    id: CommentId,
    /// Its state.
    status: Status,
    /// Its author's name.
    name: String,
    /// Its text as safe HTML.
    body_html: String,
}

/// Who did something; never an e-mail address.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Actor)]
pub(super) struct ActorItem {
    /// Whether it was a person, and which.
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
    /// When it was changed.
    #[serde(with = "rfc3339")]
    at: OffsetDateTime,
    /// Who changed it.
    actor: ActorItem,
    /// Null for the submission.
    from: Option<Status>,
    /// The state from then on.
    to: Status,
    /// The code of the reason.
    reason: Option<String>,
    /// For colleagues.
    note: Option<String>,
    /// For an edit: what it replaced, until the comment is deleted.
    earlier: Option<EarlierItem>,
}

/// What a comment was before an edit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EarlierText)]
pub(super) struct EarlierItem {
    /// The author's name.
    name: String,
    /// The author's website.
    website: Option<String>,
    /// The text in Markdown.
    body: String,
}

/// A comment in a list, with its author's record and whoever works on it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueuedComment)]
pub(super) struct QueuedCommentItem {
    #[serde(flatten)]
    comment: CommentItem,
    #[serde(flatten)]
    around: AroundItem,
}

/// What is known around a comment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AroundComment)]
pub(super) struct AroundItem {
    /// Stands for the author's e-mail address, the same on all sites; null once the comment is deleted.
    author_id: Option<AuthorId>,
    /// What the author wrote on the sites that the caller may see.
    author_record: Option<AuthorRecordItem>,
    /// To whom it is lent at the moment; that forbids nobody anything.
    claimed_by: Option<ActorItem>,
    /// For how long.
    #[serde(with = "rfc3339::option")]
    claimed_until: Option<OffsetDateTime>,
}

/// How many of an author's comments are in which state; each counted up to 1,000.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuthorRecord)]
pub(super) struct AuthorRecordItem {
    /// So many are pending.
    #[schema(minimum = 0, maximum = 1000)]
    pending: i64,
    /// So many are approved.
    #[schema(minimum = 0, maximum = 1000)]
    approved: i64,
    /// So many are rejected.
    #[schema(minimum = 0, maximum = 1000)]
    rejected: i64,
    /// So many are spam.
    #[schema(minimum = 0, maximum = 1000)]
    spam: i64,
}

/// A comment with its history, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdminCommentDetails)]
pub(super) struct CommentDetailsItem {
    #[serde(flatten)]
    comment: CommentItem,
    #[serde(flatten)]
    around: AroundItem,
    /// Its changes, oldest first.
    history: Vec<HistoryItem>,
    /// What readers reported, newest first, the latest hundred.
    #[schema(max_items = 100)]
    reports: Vec<ReportItem>,
}

/// A reader's report; nothing tells who made it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Report)]
pub(super) struct ReportItem {
    id: ReportId,
    /// Why.
    reason: ReportReason,
    /// In the reader's words.
    note: Option<String>,
    /// When it was made.
    #[serde(with = "rfc3339")]
    at: OffsetDateTime,
    /// When a moderator decided about the comment; null while it is open.
    #[serde(with = "rfc3339::option")]
    settled_at: Option<OffsetDateTime>,
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
            signals: comment.signals.into_iter().map(SignalItem::from).collect(),
        }
    }
}

/// Both parts of a comment in a list, as somebody with this sight of personal data gets them.
fn parts(queued: QueuedComment, personal_data: PersonalData) -> (CommentItem, AroundItem) {
    let claim = queued.claim.map(|claim| (claim.by.into(), claim.until));
    let (claimed_by, claimed_until) = claim.unzip();
    let around = AroundItem {
        author_id: queued.author.map(|author| author.id),
        author_record: queued.author.map(|author| author.record.into()),
        claimed_by,
        claimed_until,
    };
    (CommentItem::of(queued.comment, personal_data), around)
}

impl QueuedCommentItem {
    /// The same, as somebody with this sight of personal data gets it.
    pub(super) fn of(queued: QueuedComment, personal_data: PersonalData) -> Self {
        let (comment, around) = parts(queued, personal_data);
        Self { comment, around }
    }
}

impl From<AuthorRecord> for AuthorRecordItem {
    fn from(record: AuthorRecord) -> Self {
        Self {
            pending: record.pending,
            approved: record.approved,
            rejected: record.rejected,
            spam: record.spam,
        }
    }
}

impl CommentDetailsItem {
    pub(super) fn of(details: CommentDetails, personal_data: PersonalData) -> Self {
        let (comment, around) = parts(details.comment, personal_data);
        Self {
            comment,
            around,
            history: details.history.into_iter().map(HistoryItem::from).collect(),
            reports: details.reports.into_iter().map(ReportItem::from).collect(),
        }
    }
}

impl From<Signal> for SignalItem {
    fn from(signal: Signal) -> Self {
        Self {
            code: signal.code,
            weight: signal.weight,
            found: signal.found,
            text: signal.text,
        }
    }
}

impl From<Report> for ReportItem {
    fn from(report: Report) -> Self {
        Self {
            id: report.id,
            reason: report.reason,
            note: report.note,
            at: report.at,
            settled_at: report.settled_at,
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
