//! What readers do with published comments: vote, report. Must not know HTTP.

use sqlx::PgConnection;

use super::{Change, Comments};
use crate::accounts::model::SiteScope;
use crate::base::ids::{CommentId, ReportId, SiteId, VoterId};
use crate::base::page_url::Origin;
use crate::comments::error::Error;
use crate::comments::model::reactions::{Grievance, Vote};
use crate::comments::store::{reports, votes};
use crate::database::Lane;
use crate::web::client_address::Network;

/// Whose reaction it is, and to what.
pub struct Reaction {
    /// The comment.
    pub comment_id: CommentId,
    /// The web page's origin, where a browser names it.
    pub origin: Option<Origin>,
    /// What limits are counted by.
    pub network: Network,
}

impl Comments {
    /// Sets what a voter thinks of a published comment, or takes it back; answers the comment's score afterwards. One
    /// transaction. The score equals the sum of the votes whoever races; neither the comment's version nor its page's moves, so
    /// whoever keeps a page by its version shows scores as old as what they keep.
    ///
    /// The voter's id isn't stored, only a keyed hash of it and the comment.
    pub async fn vote(
        &self,
        reaction: &Reaction,
        voter: VoterId,
        vote: Option<Vote>,
    ) -> Result<i32, Error> {
        self.take_reaction(reaction)?;
        let scope = self.writable_from(reaction.origin.as_ref());
        let comment = reaction.comment_id;
        let key = self
            .voters
            .mac(&[comment.as_uuid().as_bytes(), voter.as_uuid().as_bytes()]);
        let now = self.clock.now();
        let run = async |connection: &mut PgConnection| {
            let scored = match vote {
                Some(vote) => votes::set(connection, &scope, comment, &key, vote, now).await?,
                None => votes::take_back(connection, &scope, comment, &key).await?,
            };
            let scored = scored.ok_or(Error::NotFound)?;
            came_from_its_site(&scope, scored.site)?;
            Ok::<_, Error>(scored)
        };
        let scored = self.database.transact(Lane::Readers, run).await?;
        let shown = (scored.moved != 0).then_some(scored.page);
        self.changes.pages().publish(shown);
        Ok(scored.score)
    }

    /// Takes a reader's report of a published comment, for moderators. One round trip. A network has one open report of a
    /// comment at most: another one changes nothing, and isn't told so.
    pub async fn report(&self, reaction: &Reaction, grievance: &Grievance) -> Result<(), Error> {
        self.take_reaction(reaction)?;
        let scope = self.writable_from(reaction.origin.as_ref());
        let comment = reaction.comment_id;
        let network = reaction.network.octets();
        let key = self
            .reporters
            .mac(&[comment.as_uuid().as_bytes(), &network]);
        let now = self.clock.now();
        let new = reports::NewReport {
            id: ReportId::new(now),
            comment_id: comment,
            reporter_key: &key,
            grievance,
            at: now,
        };
        let run = async |connection: &mut PgConnection| {
            let reported = reports::insert(connection, &scope, &new).await?;
            let reported = reported.ok_or(Error::NotFound)?;
            came_from_its_site(&scope, reported.site)?;
            Ok::<_, Error>(reported)
        };
        let reported = self.database.run(Lane::Readers, run).await?;
        if reported.is_new {
            self.changes.publish(&[Change {
                comment_id: comment,
                site_id: reported.site,
                status: reported.status,
                version: reported.version,
                shown_page: None,
            }]);
        }
        Ok(())
    }

    fn take_reaction(&self, reaction: &Reaction) -> Result<(), Error> {
        self.limits
            .take_reaction(reaction.network)
            .map_err(Error::RateLimited)
    }
}

/// Otherwise the statement has written nothing.
fn came_from_its_site(scope: &SiteScope, site: SiteId) -> Result<(), Error> {
    if scope.holds(site) {
        Ok(())
    } else {
        Err(Error::OriginNotAllowed)
    }
}
