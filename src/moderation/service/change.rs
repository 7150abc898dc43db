//! What a moderator does to one comment besides deciding: edit it, delete it, answer it. Must not know HTTP or SQL.

use std::slice;

use sqlx::PgConnection;

use super::{Moderation, settle};
use crate::accounts::model::Caller;
use crate::base::ids::CommentId;
use crate::comments::model::changes::{Deleter, Deletion, StaffReply, TextChange};
use crate::comments::model::decisions::{AdminComment, Outcome};
use crate::comments::service::{StoredReply, moderate};
use crate::database::Lane;
use crate::moderation::error::Error;

impl Moderation {
    /// Changes a comment's text. Afterwards it is as meant, was so already, or the refusal says why not. One round trip,
    /// two where the name changes.
    pub async fn edit(&self, caller: &Caller, change: &TextChange) -> Result<AdminComment, Error> {
        let by = self.decider(caller);
        let edited = self
            .comments
            .edit_for_moderator(&caller.sites, by, change)
            .await?;
        self.publish(slice::from_ref(&edited.result));
        settle(edited)
    }

    /// Deletes a comment for good; what is deleted already stays so. One transaction.
    pub async fn delete(
        &self,
        caller: &Caller,
        id: CommentId,
        version: Option<i32>,
    ) -> Result<(), Error> {
        let deletion = Deletion {
            ids: &[id],
            only: None,
            version,
            by: Deleter::Moderator(caller.moderator_id),
            at: self.clock.now(),
        };
        let work = async |connection: &mut PgConnection| {
            let results = moderate::delete_comments(connection, &caller.sites, &deletion).await?;
            let result = results.first().ok_or(Error::CommentNotFound)?;
            if result.outcome != Outcome::VersionConflict {
                return Ok(results);
            }
            // Still locked, so it is the one that was compared.
            let current = moderate::find_admin_comment(connection, &caller.sites, id).await?;
            let current = current.ok_or(Error::CommentNotFound)?;
            Err(Error::VersionConflict(Box::new(current)))
        };
        let results = self.database.transact(Lane::Moderators, work).await?;
        self.publish(&results);
        Ok(())
    }

    /// Publishes an answer to a comment. One transaction.
    pub async fn reply(&self, caller: &Caller, reply: &StaffReply) -> Result<StoredReply, Error> {
        let stored = self
            .comments
            .reply_as_staff(&caller.sites, caller.moderator_id, reply)
            .await?;
        Ok(stored)
    }
}
