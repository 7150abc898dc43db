//! A moderator's answer to a comment, published at once. Must not know HTTP, nor who may answer.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::submit::{ATTEMPTS_MAX, REMEMBERED, render_body, under};
use super::{Change, Comments};
use crate::accounts::model::SiteScope;
use crate::base::fingerprint::fingerprint;
use crate::base::ids::{CommentId, ModeratorId};
use crate::comments::avatar::AvatarHash;
use crate::comments::error::Error;
use crate::comments::model::Status;
use crate::comments::model::changes::{HeldParent, StaffReply};
use crate::comments::model::decisions::{
    AdminComment, Decider, Decision, DecisionRequest, Outcome,
};
use crate::comments::store::decide::decide_many;
use crate::comments::store::history::find_admin_comment;
use crate::comments::store::reply as store;
use crate::comments::store::submit::{Earlier, Stored, free_keys};
use crate::database::Lane;

/// An answer that is on disk.
#[derive(Debug)]
pub struct StoredReply {
    /// The answer as it is now.
    pub comment: AdminComment,
    /// True when an earlier request of the same key is answered again.
    pub replayed: bool,
}

/// What stays the same from try to try.
struct Candidate<'a> {
    reply: &'a StaffReply,
    by: ModeratorId,
    at: OffsetDateTime,
    body_html: &'a str,
    idempotency_key: Option<[u8; 32]>,
    content_hash: [u8; 32],
}

impl Comments {
    /// Publishes a moderator's answer to a comment of the scope, and approves that one where it is held and the moderator
    /// says so: both or neither. One transaction of three round trips, four with a key or an approval.
    ///
    /// The answered comment is locked first, so that it isn't taken back while the answer is stored. The answer comes
    /// before the approval: whoever stores a comment takes its keys and then the page, and another order would be one in
    /// which two can wait for each other. Nobody sees one without the other.
    pub async fn reply_as_staff(
        &self,
        scope: &SiteScope,
        by: ModeratorId,
        reply: &StaffReply,
    ) -> Result<StoredReply, Error> {
        let body_html = render_body(reply.body.clone()).await;
        let parent = reply.parent_id.as_uuid().as_bytes();
        let candidate = Candidate {
            reply,
            by,
            at: self.clock.now(),
            body_html: &body_html,
            // Three parts where readers' keys have two, so that none stands for another's.
            idempotency_key: reply.idempotency_key.as_ref().map(|key| {
                let moderator = by.as_uuid().as_bytes();
                self.idempotency.mac(&[b"reply", moderator, key.as_bytes()])
            }),
            content_hash: fingerprint(&[parent, reply.body.as_str().as_bytes()]),
        };
        let work = async |connection: &mut PgConnection| {
            let facts = store::lock_parent(connection, scope, reply.parent_id, by)
                .await?
                .ok_or(Error::NotFound)?;
            let (id, replayed) = match self.find_replay(connection, &candidate).await? {
                Some(id) => (id, true),
                None => self.publish(connection, scope, &candidate, &facts).await?,
            };
            let comment = find_admin_comment(connection, scope, id).await?;
            let stored = StoredReply {
                comment: comment.ok_or(Error::NotFound)?,
                replayed,
            };
            Ok::<_, Error>((stored, facts))
        };
        let (stored, facts) = self.database.transact(Lane::Moderators, work).await?;
        if !stored.replayed {
            self.changes.publish(&changes(reply, &stored, &facts));
        }
        Ok(stored)
    }

    /// The answer that this request's key stands for already.
    async fn find_replay(
        &self,
        connection: &mut PgConnection,
        candidate: &Candidate<'_>,
    ) -> Result<Option<CommentId>, Error> {
        let Some(key) = &candidate.idempotency_key else {
            return Ok(None);
        };
        match store::find_by_key(connection, key).await? {
            Some(earlier) => in_the_way(connection, candidate, &earlier).await,
            None => Ok(None),
        }
    }

    async fn publish(
        &self,
        connection: &mut PgConnection,
        scope: &SiteScope,
        candidate: &Candidate<'_>,
        facts: &store::ReplyFacts,
    ) -> Result<(CommentId, bool), Error> {
        let reply = candidate.reply;
        match (facts.status, reply.held_parent) {
            (Status::Approved, _) => {}
            (Status::Pending, HeldParent::Approve) => {
                if reply
                    .version
                    .is_some_and(|version| version != facts.version)
                {
                    let current = find_admin_comment(connection, scope, reply.parent_id).await?;
                    let current = current.ok_or(Error::NotFound)?;
                    return Err(Error::VersionConflict(Box::new(current)));
                }
            }
            (Status::Deleted, _) => return Err(Error::Deleted),
            (Status::Pending | Status::Rejected | Status::Spam, _) => {
                return Err(Error::ParentNotApproved);
            }
        }
        let stored = self.store_reply(connection, candidate, facts).await?;
        if facts.status == Status::Pending && !stored.1 {
            approve(connection, scope, candidate).await?;
        }
        Ok(stored)
    }

    async fn store_reply(
        &self,
        connection: &mut PgConnection,
        candidate: &Candidate<'_>,
        facts: &store::ReplyFacts,
    ) -> Result<(CommentId, bool), Error> {
        let reply = candidate.reply;
        let position = under(&facts.parent);
        let avatar = AvatarHash::new(&self.avatars, facts.site, &facts.email_key, &facts.name);
        let new = store::NewReply {
            id: CommentId::new(candidate.at),
            facts,
            parent_id: position.parent_id,
            root_id: position.root_id,
            depth: position.depth,
            body: &reply.body,
            body_html: candidate.body_html,
            avatar: &avatar.to_string(),
            author: self.authors.of(&facts.email_key),
            by: candidate.by,
            at: candidate.at,
            idempotency_key: candidate.idempotency_key.as_ref().map(<[u8; 32]>::as_slice),
            content_hash: &candidate.content_hash,
            // By the answered comment, not by the page: the same words may answer several.
            duplicate_key: &fingerprint(&[
                reply.parent_id.as_uuid().as_bytes(),
                facts.email_key.as_str().as_bytes(),
                reply.body.as_str().as_bytes(),
            ]),
        };
        for _ in 0..ATTEMPTS_MAX {
            match store::insert(connection, &new).await? {
                Stored::Inserted => return Ok((new.id, false)),
                Stored::InTheWay(earlier) => {
                    if let Some(id) = in_the_way(connection, candidate, &earlier).await? {
                        return Ok((id, true));
                    }
                }
                Stored::Raced => {}
            }
        }
        Err(Error::Contended)
    }
}

/// An answer with the same key or the same text is there: it is answered again, it is a refusal, or its time is over and
/// its keys are freed.
async fn in_the_way(
    connection: &mut PgConnection,
    candidate: &Candidate<'_>,
    earlier: &Earlier,
) -> Result<Option<CommentId>, Error> {
    let forgotten = candidate.at - REMEMBERED;
    if earlier.submitted_at <= forgotten {
        free_keys(connection, earlier.id, forgotten).await?;
        return Ok(None);
    }
    let same_key = candidate
        .idempotency_key
        .is_some_and(|key| earlier.idempotency_key.as_deref() == Some(&key[..]));
    match (same_key, earlier.content_hash == candidate.content_hash) {
        (false, _) => Err(Error::Duplicate),
        (true, false) => Err(Error::KeyReused),
        (true, true) => Ok(Some(earlier.id)),
    }
}

/// The answered comment is locked and was seen to be held, so this can't fail to decide.
async fn approve(
    connection: &mut PgConnection,
    scope: &SiteScope,
    candidate: &Candidate<'_>,
) -> Result<(), Error> {
    let by = Decider {
        moderator_id: candidate.by,
        at: candidate.at,
    };
    let request = DecisionRequest {
        comment_id: candidate.reply.parent_id,
        decision: Decision::Approve,
        reason: None,
        note: None,
        version: None,
    };
    let results = decide_many(connection, scope, by, std::slice::from_ref(&request)).await?;
    match results.first().map(|result| result.outcome) {
        Some(Outcome::Decided) => Ok(()),
        _ => Err(Error::ParentNotApproved),
    }
}

/// What a stored answer has changed: itself, and the answered comment where that one waited.
fn changes(reply: &StaffReply, stored: &StoredReply, parent: &store::ReplyFacts) -> Vec<Change> {
    let approved = |comment_id, version| Change {
        comment_id,
        site_id: parent.site,
        status: Status::Approved,
        version,
        shown_page: Some(parent.page),
    };
    let mut changes = vec![approved(stored.comment.id, stored.comment.version)];
    if parent.status == Status::Pending {
        changes.push(approved(reply.parent_id, parent.version + 1));
    }
    changes
}
