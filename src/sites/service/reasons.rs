//! The reasons that a site gives for its decisions: looking after them, and what authors read. Must not know HTTP or SQL.

use serde_json::{Map, Value};
use sqlx::PgConnection;
use time::Duration;

use super::Sites;
use crate::accounts::model::{Caller, SiteScope};
use crate::audit;
use crate::audit::model::{Act, AuditActor, Subject};
use crate::base::ids::{ReasonId, SiteId};
use crate::base::paging::TimeCursor;
use crate::base::text::ReasonText;
use crate::database::Lane;
use crate::sites::error::Error;
use crate::sites::model::{DEFAULT_REASONS, OTHER, Reason, ReasonCode};
use crate::sites::store::reasons as store;

pub use crate::sites::store::reasons::ReasonFilter;

/// A page of the list.
#[derive(Debug)]
pub struct ReasonPage {
    /// The reasons, in the order in which they were made.
    pub reasons: Vec<Reason>,
    /// Where the next page begins, if there is one.
    pub next: Option<TimeCursor>,
}

impl Sites {
    /// Gives the reasons that every site begins with to sites that have not had them yet. One round trip, and one for
    /// each such site.
    pub(super) async fn make_default_reasons(&self) -> Result<(), Error> {
        let mut at = self.clock.now();
        let fresh = self
            .database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                store::list_fresh_sites(connection).await
            })
            .await?;
        for site in fresh {
            self.database
                .run(Lane::Moderators, async |connection: &mut PgConnection| {
                    store::make_defaults(connection, site, at).await
                })
                .await?;
            // So that lists, which are in the order of ids, have the sites' reasons one site after the other.
            at += Duration::MILLISECOND;
        }
        Ok(())
    }

    /// The reasons of the caller's sites. One round trip; none where the slug is no site of theirs.
    pub async fn list_reasons(
        &self,
        caller: &Caller,
        filter: &ReasonFilter,
    ) -> Result<ReasonPage, Error> {
        if let Some(slug) = &filter.site {
            self.find_in_scope(&caller.sites, slug)
                .ok_or(Error::UnknownSite)?;
        }
        let run = async |connection: &mut PgConnection| {
            store::list(connection, &caller.sites, filter).await
        };
        let mut reasons = self.database.run(Lane::Moderators, run).await?;
        let more = reasons.len() > filter.limit.get();
        reasons.truncate(filter.limit.get());
        let last = reasons.last().filter(|_| more);
        let next = last.map(|last| TimeCursor {
            at: last.created_at,
            id: *last.id.as_uuid(),
        });
        Ok(ReasonPage { reasons, next })
    }

    /// A reason of the caller's sites. One round trip.
    pub async fn load_reason(&self, caller: &Caller, id: ReasonId) -> Result<Reason, Error> {
        let run = async |connection: &mut PgConnection| {
            store::find(connection, &caller.sites, id)
                .await?
                .ok_or(Error::ReasonNotFound)
        };
        self.database.run(Lane::Moderators, run).await
    }

    /// Makes a reason of a site. One transaction; afterwards this instance knows it, the others within two seconds.
    pub async fn create_reason(
        &self,
        caller: &Caller,
        slug: &str,
        code: &ReasonCode,
        text: &ReasonText,
    ) -> Result<Reason, Error> {
        let site = self
            .find_in_scope(&caller.sites, slug)
            .ok_or(Error::UnknownSiteNamed)?;
        let now = self.clock.now();
        let new = store::NewReason {
            id: ReasonId::new(now),
            site,
            code,
            text,
            created_at: now,
        };
        let work = async |connection: &mut PgConnection| {
            store::insert(connection, &new).await?;
            let made = store::find(connection, &caller.sites, new.id)
                .await?
                .ok_or(Error::ReasonNotFound)?;
            self.record(connection, caller, "reason.created", &made)
                .await?;
            Ok::<_, Error>(made)
        };
        let made = self.database.transact(Lane::Moderators, work).await?;
        self.know_the_change().await;
        Ok(made)
    }

    /// Changes a reason's text, or nothing where none is given or it is the same. One transaction.
    pub async fn change_reason(
        &self,
        caller: &Caller,
        id: ReasonId,
        text: Option<&ReasonText>,
    ) -> Result<Reason, Error> {
        let work = async |connection: &mut PgConnection| {
            let mut reason = store::find(connection, &caller.sites, id)
                .await?
                .ok_or(Error::ReasonNotFound)?;
            if let Some(text) = text
                && store::change_text(connection, id, text).await?
            {
                self.record(connection, caller, "reason.changed", &reason)
                    .await?;
                text.as_str().clone_into(&mut reason.text);
            }
            Ok::<_, Error>(reason)
        };
        let reason = self.database.transact(Lane::Moderators, work).await?;
        self.know_the_change().await;
        Ok(reason)
    }

    /// Deletes a reason. Decisions that were taken for it keep its code. One transaction.
    pub async fn delete_reason(&self, caller: &Caller, id: ReasonId) -> Result<(), Error> {
        let work = async |connection: &mut PgConnection| {
            let reason = store::find(connection, &caller.sites, id)
                .await?
                .ok_or(Error::ReasonNotFound)?;
            if !store::delete(connection, id).await? {
                return Err(Error::ReasonNotFound);
            }
            self.record(connection, caller, "reason.deleted", &reason)
                .await
        };
        self.database.transact(Lane::Moderators, work).await?;
        self.know_the_change().await;
        Ok(())
    }

    async fn record(
        &self,
        connection: &mut PgConnection,
        caller: &Caller,
        name: &'static str,
        reason: &Reason,
    ) -> Result<(), Error> {
        let act = Act {
            by: AuditActor::Moderator(caller.moderator_id),
            name,
            subject: Subject {
                kind: "reason",
                id: Some(*reason.id.as_uuid()),
                site: Some(reason.site_id),
            },
            details: Map::from_iter([("code".to_owned(), Value::from(reason.code.as_str()))]),
        };
        audit::service::record(connection, &act, self.clock.now()).await?;
        Ok(())
    }

    /// The change stands already; where reading it fails, the next regular reading makes it known.
    async fn know_the_change(&self) {
        if let Err(error) = self.refresh().await {
            tracing::warn!(%error, "reading the sites after a change failed, trying again soon");
        }
    }

    fn find_in_scope(&self, scope: &SiteScope, slug: &str) -> Option<SiteId> {
        let site = self.find_by_slug(slug)?;
        scope.holds(site.id).then_some(site.id)
    }

    /// Which of these codes no site of the scope has, by their places. No round trip where all are known, else one
    /// reading of all sites, since another instance may have made one a moment ago.
    pub async fn unknown_reasons(
        &self,
        scope: &SiteScope,
        codes: &[Option<&ReasonCode>],
    ) -> Result<Vec<usize>, Error> {
        let unknown = self.unknown_here(scope, codes);
        if unknown.is_empty() {
            return Ok(unknown);
        }
        self.refresh().await?;
        Ok(self.unknown_here(scope, codes))
    }

    fn unknown_here(&self, scope: &SiteScope, codes: &[Option<&ReasonCode>]) -> Vec<usize> {
        let known = self.known();
        let is_known = |code: &ReasonCode| {
            known
                .iter()
                .any(|site| scope.holds(site.id) && site.find_reason(code.as_str()).is_some())
        };
        codes
            .iter()
            .enumerate()
            .filter(|(_, code)| code.is_some_and(|code| !is_known(code)))
            .map(|(place, _)| place)
            .collect()
    }

    /// What the author of a comment of this site reads for a code. One whose reason was deleted meanwhile reads as the
    /// default of that code, or else as what stands for everything else. Asks nothing of the database.
    pub fn reason_text(&self, site_id: SiteId, code: &str) -> String {
        let known = self.known();
        let site = known.iter().find(|site| site.id == site_id);
        let of_site = |code: &str| site.and_then(|site| site.find_reason(code));
        let default = || {
            let mut all = DEFAULT_REASONS.iter();
            all.find(|reason| reason.code == code)
                .map(|reason| reason.text)
        };
        of_site(code)
            .or_else(default)
            .or_else(|| of_site(OTHER.code))
            .unwrap_or(OTHER.text)
            .to_owned()
    }
}
