//! What authors do to their own comments: edit, withdraw. Must not know HTTP.

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::submit::{ATTEMPTS_MAX, REMEMBERED, duplicate_key, judge, render_body};
use super::{AuthorView, Change, Comments};
use crate::accounts::model::SiteScope;
use crate::base::ids::CommentId;
use crate::base::page_url::Origin;
use crate::base::text::Body;
use crate::comments::error::Error;
use crate::comments::limits::Pace;
use crate::comments::model::Status;
use crate::comments::model::changes::{Deleter, Deletion};
use crate::comments::store::edit_own::{self as store, Edited};
use crate::comments::store::erase::delete_comments;
use crate::comments::store::read::WholeComment;
use crate::comments::store::submit::free_keys;
use crate::comments::tokens::ManageToken;
use crate::database::Lane;
use crate::sites::Hold;
use crate::web::client_address::Network;

/// An author's own comment, as the request names it.
pub struct Own {
    /// Which comment.
    pub comment_id: CommentId,
    /// What proves whose it is.
    pub token: ManageToken,
    /// The web page's origin, where a browser names it.
    pub origin: Option<Origin>,
}

/// What became of one try to edit.
enum Attempt {
    /// It is as the author wants it, by this change, if it wasn't before.
    Done(Box<AuthorView>, Option<Change>),
    /// Somebody else was faster; the next try will see what they did.
    Raced,
    /// A comment has the text whose 24 hours are over: the next try needs its keys.
    Forgotten(CommentId),
}

impl Comments {
    /// Replaces the text of an author's own comment that waits or is published, as long as the site's window is open; what
    /// it was is kept with the history. A held one stays held; a published one stays published only where a submission by
    /// the same author would be published now, else it waits again. That the page is closed meanwhile forbids nothing. The
    /// same text changes nothing. A transaction of three statements, a fourth where it was published; more only after a lost
    /// race, or where the key of a text has to be freed.
    pub async fn edit_own(
        &self,
        own: &Own,
        body: &Body,
        network: Network,
    ) -> Result<AuthorView, Error> {
        self.limits.take_edit(network).map_err(Error::RateLimited)?;
        let body_html = render_body(body.clone()).await;
        for _ in 0..ATTEMPTS_MAX {
            let attempt = async |connection: &mut PgConnection| {
                let whole = self.load_own(connection, own).await?;
                self.attempt_edit(connection, whole, body, &body_html).await
            };
            match self.database.transact(Lane::Readers, attempt).await? {
                Attempt::Done(view, change) => {
                    self.changes.publish(change.as_slice());
                    return Ok(*view);
                }
                Attempt::Raced => {}
                // By itself: one comment's lock is held here, and this one may come before it.
                Attempt::Forgotten(id) => {
                    let until = self.clock.now() - REMEMBERED;
                    let free = async |connection: &mut PgConnection| {
                        free_keys(connection, id, until).await
                    };
                    self.database.run(Lane::Readers, free).await?;
                }
            }
        }
        Err(Error::Contended)
    }

    /// One try.
    async fn attempt_edit(
        &self,
        connection: &mut PgConnection,
        mut whole: WholeComment,
        body: &Body,
        body_html: &str,
    ) -> Result<Attempt, Error> {
        let now = self.clock.now();
        may_edit(&whole, now)?;
        if whole.body == body.as_str() {
            let view = Box::new(AuthorView::of(whole, &self.sites));
            return Ok(Attempt::Done(view, None));
        }
        let site = self.sites.find_by_id(whole.site_id);
        // A site that this instance hasn't read yet can only be one that holds.
        let hold = site.map_or(Hold::All, |site| site.hold);
        let status = judge_again(hold, whole.status);
        let edit = store::OwnEdit {
            comment_id: whole.comment.id,
            site_id: whole.site_id,
            was: whole.status,
            version: whole.version,
            token_version: whole.token_version,
            body: body.as_str(),
            body_html,
            status,
            duplicate_key: &duplicate_key(whole.page_id, &whole.email_key, body),
            at: now,
            remembered_until: now - REMEMBERED,
        };
        let result = match store::edit(connection, &edit).await? {
            Edited::Done(result) => result,
            Edited::Raced => return Ok(Attempt::Raced),
            Edited::InTheWay { id, submitted_at } if submitted_at <= now - REMEMBERED => {
                return Ok(Attempt::Forgotten(id));
            }
            Edited::InTheWay { .. } => return Err(Error::Duplicate),
        };
        whole.status = status;
        body.as_str().clone_into(&mut whole.body);
        body_html.clone_into(&mut whole.comment.body_html);
        whole.comment.edited_at = Some(now);
        let view = Box::new(AuthorView::of(whole, &self.sites));
        Ok(Attempt::Done(view, Change::of(&result)))
    }

    /// Deletes an author's own comment for good, whatever its state, with all that was written about it; what is deleted
    /// already stays so. One transaction of three round trips.
    pub async fn withdraw(&self, own: &Own) -> Result<(), Error> {
        let deletion = Deletion {
            ids: &[own.comment_id],
            only: None,
            version: None,
            by: Deleter::Author,
            at: self.clock.now(),
        };
        let work = async |connection: &mut PgConnection| {
            self.load_own(connection, own).await?;
            Ok::<_, Error>(delete_comments(connection, &SiteScope::All, &deletion).await?)
        };
        let results = self.database.transact(Lane::Readers, work).await?;
        let changes: Vec<Change> = results.iter().filter_map(Change::of).collect();
        self.changes.publish(&changes);
        Ok(())
    }

    /// The comment, for whoever holds its token and comes from a page of its site.
    async fn load_own(
        &self,
        connection: &mut PgConnection,
        own: &Own,
    ) -> Result<WholeComment, Error> {
        let whole = self.find_whole(connection, own.comment_id).await?;
        if own.token.comment_id != own.comment_id
            || !self.tokens.verify(&own.token, whole.token_version)
        {
            return Err(Error::NotFound);
        }
        if !self.writable_from(own.origin.as_ref()).holds(whole.site_id) {
            return Err(Error::OriginNotAllowed);
        }
        Ok(whole)
    }

    /// The sites whose comments may be written from there; all where no browser names an origin.
    pub(super) fn writable_from(&self, origin: Option<&Origin>) -> SiteScope {
        origin.map_or(SiteScope::All, |origin| self.sites.writable_from(origin))
    }
}

fn may_edit(whole: &WholeComment, now: OffsetDateTime) -> Result<(), Error> {
    match whole.status {
        Status::Pending | Status::Approved => {}
        Status::Rejected | Status::Spam => return Err(Error::NotEditable),
        Status::Deleted => return Err(Error::NotFound),
    }
    let window = Duration::minutes(whole.edit_window_minutes.into());
    if now > whole.comment.submitted_at + window {
        return Err(Error::EditWindowOver);
    }
    Ok(())
}

/// The state after an edit. An edit publishes nothing that was held: somebody may have held it for a reason. Whoever shows
/// the token of a published comment is an author whom the site knows, as in a submission.
fn judge_again(hold: Hold, status: Status) -> Status {
    if status == Status::Approved && judge(hold, true, Pace::Usual) == Status::Approved {
        Status::Approved
    } else {
        Status::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_never_publishes_and_keeps_published_what_would_be_published_at_once() {
        for hold in [Hold::All, Hold::FirstTime, Hold::Flagged] {
            assert_eq!(judge_again(hold, Status::Pending), Status::Pending);
            let stays = hold != Hold::All;
            assert_eq!(
                judge_again(hold, Status::Approved) == Status::Approved,
                stays
            );
        }
    }
}
