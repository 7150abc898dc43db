//! A comment as a moderator's statements return it, made into the model. Must not know which statement it was.

use std::collections::BTreeMap;

use sqlx::types::Json;
use sqlx::types::ipnetwork::IpNetwork;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::base::ids::{CommentId, ModeratorId, PageId};
use crate::comments::model::decisions::{AdminComment, CommentedPage, ParentComment};
use crate::comments::model::reactions::Signal;
use crate::comments::model::{Actor, ActorKind, Status};
use crate::database::Error;

/// How many open reports give which reason, as the function `open_reports` returns it.
pub(super) type OpenReports = Json<BTreeMap<String, i32>>;

/// The columns of a comment with its site, page, parent and decider.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct AdminRow {
    pub(super) id: Uuid,
    pub(super) site: String,
    pub(super) status: String,
    pub(super) version: i32,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) website: Option<String>,
    pub(super) ip: Option<IpNetwork>,
    pub(super) user_agent: Option<String>,
    pub(super) body: String,
    pub(super) body_html: String,
    pub(super) submitted_at: OffsetDateTime,
    pub(super) edited_at: Option<OffsetDateTime>,
    pub(super) decided_at: Option<OffsetDateTime>,
    pub(super) decided_by_kind: Option<String>,
    pub(super) decided_by: Option<Uuid>,
    pub(super) decided_by_name: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) page_id: Uuid,
    pub(super) page_url: String,
    pub(super) page_title: Option<String>,
    pub(super) parent_id: Option<Uuid>,
    pub(super) parent_status: Option<String>,
    pub(super) parent_name: Option<String>,
    pub(super) parent_body_html: Option<String>,
    pub(super) reports: Option<OpenReports>,
}

impl AdminRow {
    pub(super) fn into_comment(self) -> Result<AdminComment, Error> {
        let decided_by = self
            .decided_by_kind
            .map(|kind| actor(&kind, self.decided_by, self.decided_by_name))
            .transpose()?;
        let parent = match (self.parent_id, self.parent_status) {
            (Some(id), Some(word)) => Some(ParentComment {
                id: CommentId::from_uuid(id),
                status: status(&word)?,
                name: self.parent_name.unwrap_or_default(),
                body_html: self.parent_body_html.unwrap_or_default(),
            }),
            _ => None,
        };
        Ok(AdminComment {
            id: CommentId::from_uuid(self.id),
            site: self.site,
            status: status(&self.status)?,
            version: self.version,
            name: self.name,
            email: Some(self.email).filter(|email| !email.is_empty()),
            website: self.website,
            ip: self.ip.map(|network| network.ip()),
            user_agent: self.user_agent,
            body: self.body,
            body_html: self.body_html,
            submitted_at: self.submitted_at,
            edited_at: self.edited_at,
            decided_at: self.decided_at,
            decided_by,
            reason: self.reason,
            page: CommentedPage {
                id: PageId::from_uuid(self.page_id),
                url: self.page_url,
                title: self.page_title,
            },
            parent,
            signals: self
                .reports
                .map(|Json(numbers)| Signal::of_reports(numbers))
                .into_iter()
                .collect(),
        })
    }
}

/// The state of a stored word.
pub(super) fn status(word: &str) -> Result<Status, Error> {
    Status::parse(word).ok_or_else(|| unknown("status"))
}

/// The actor of a stored kind.
pub(super) fn actor(kind: &str, id: Option<Uuid>, name: Option<String>) -> Result<Actor, Error> {
    let kind = ActorKind::parse(kind).ok_or_else(|| unknown("kind of actor"))?;
    Ok(Actor {
        kind,
        id: id.map(ModeratorId::from_uuid),
        name,
    })
}

/// The schema lets no other words in, so this is a schema that is newer than the program.
pub(super) fn unknown(what: &str) -> Error {
    sqlx::Error::Decode(format!("a stored {what} is not known to this version").into()).into()
}
