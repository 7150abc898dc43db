//! What those who run sites do with them: list, make, change, delete. Must not know HTTP.

use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::Sites;
use crate::accounts::model::{Caller, SiteScope};
use crate::audit;
use crate::audit::model::{Act, AuditActor, Subject};
use crate::base::ids::SiteId;
use crate::base::paging::Limit;
use crate::database::Lane;
use crate::sites::error::Error;
use crate::sites::model::settings::{NewSite, Policy, SiteChange, SiteDetails};
use crate::sites::store::reasons::make_defaults;
use crate::sites::store::settings as store;

/// A part of the list of sites.
#[derive(Debug)]
pub struct SiteList {
    /// The sites, in the order of their ids.
    pub sites: Vec<SiteDetails>,
    /// The last one, where more follow.
    pub next: Option<SiteId>,
}

impl Sites {
    /// The caller's sites, the oldest first. One round trip.
    pub async fn list_sites(
        &self,
        caller: &Caller,
        after: Option<SiteId>,
        limit: Limit,
    ) -> Result<SiteList, Error> {
        let filter = store::SiteFilter {
            ids: caller.sites.uuids(),
            after,
            limit,
        };
        let mut sites = self
            .database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                store::list_sites(connection, &filter).await
            })
            .await?;
        let more = sites.len() > limit.get();
        sites.truncate(limit.get());
        let next = sites.last().filter(|_| more).map(|site| site.id);
        Ok(SiteList { sites, next })
    }

    /// One of the caller's sites. One round trip.
    pub async fn show_site(&self, caller: &Caller, id: SiteId) -> Result<SiteDetails, Error> {
        self.database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                load_seen(connection, caller, id).await
            })
            .await
    }

    /// Makes a site; for those who see all. Afterwards this instance knows it, the others within two seconds. Six round
    /// trips and the reading of all sites.
    pub async fn make_site(&self, caller: &Caller, new: NewSite) -> Result<SiteDetails, Error> {
        if caller.sites != SiteScope::All {
            return Err(Error::SeesFewSites);
        }
        let now = self.clock.now();
        let site = SiteDetails {
            id: SiteId::new(now),
            slug: new.slug,
            name: new.name,
            origins: new.origins,
            policy: new.policy,
            created_at: now,
        };
        self.database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                store::lock_sites(connection).await?;
                refuse_taken(connection, &site).await?;
                store::insert_site(connection, &site).await?;
                make_defaults(connection, site.id, now).await?;
                record(connection, caller, "site.created", site.id, Map::new(), now).await
            })
            .await?;
        self.read_anew().await;
        Ok(site)
    }

    /// Changes one of the caller's sites; where nothing is other than before, nothing is written. Afterwards it counts
    /// in this instance, in the others within two seconds. Seven round trips and the reading of all sites.
    pub async fn change_site(
        &self,
        caller: &Caller,
        id: SiteId,
        change: SiteChange,
    ) -> Result<SiteDetails, Error> {
        let now = self.clock.now();
        let site: SiteDetails = self
            .database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                store::lock_sites(connection).await?;
                let mut site = load_seen(connection, caller, id).await?;
                let fields = change.apply(&mut site);
                if fields.is_empty() {
                    return Ok::<_, Error>(site);
                }
                refuse_taken(connection, &site).await?;
                store::update_site(connection, &site).await?;
                let details = changed_details(&fields, &site.policy);
                record(connection, caller, "site.changed", id, details, now).await?;
                Ok(site)
            })
            .await?;
        self.read_anew().await;
        Ok(site)
    }

    /// Deletes one of the caller's sites that has no pages; never the last one. Six round trips and the reading of all
    /// sites.
    pub async fn delete_site(&self, caller: &Caller, id: SiteId) -> Result<(), Error> {
        let now = self.clock.now();
        self.database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                store::lock_sites(connection).await?;
                load_seen(connection, caller, id).await?;
                store::delete_site(connection, id).await?;
                record(connection, caller, "site.deleted", id, Map::new(), now).await
            })
            .await?;
        self.read_anew().await;
        Ok(())
    }

    /// The change is on disk, so a failure of this is no failure of it: the regular reading catches up.
    async fn read_anew(&self) {
        if let Err(error) = self.refresh().await {
            tracing::warn!(%error, "reading the sites after a change failed, trying again soon");
        }
    }
}

async fn load_seen(
    connection: &mut PgConnection,
    caller: &Caller,
    id: SiteId,
) -> Result<SiteDetails, Error> {
    if !caller.sites.holds(id) {
        return Err(Error::SiteNotFound);
    }
    let site = store::find_site(connection, id).await?;
    site.ok_or(Error::SiteNotFound)
}

async fn refuse_taken(connection: &mut PgConnection, site: &SiteDetails) -> Result<(), Error> {
    match store::find_taken(connection, site).await? {
        Some(taken) => Err(Error::SiteExists(taken)),
        None => Ok(()),
    }
}

async fn record(
    connection: &mut PgConnection,
    caller: &Caller,
    name: &'static str,
    site: SiteId,
    details: Map<String, Value>,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let act = Act {
        by: AuditActor::Moderator(caller.moderator_id),
        name,
        subject: Subject {
            kind: "site",
            id: Some(*site.as_uuid()),
            site: Some(site),
        },
        details,
    };
    Ok(audit::service::record(connection, &act, now).await?)
}

/// The names of the fields, and the new values of those that are codes or numbers.
fn changed_details(fields: &[&'static str], policy: &Policy) -> Map<String, Value> {
    let mut details = Map::new();
    details.insert("fields".to_owned(), json!(fields));
    for field in fields {
        let value = match *field {
            "policy.hold" => json!(policy.hold.as_str()),
            "policy.pages" => json!(policy.pages.as_str()),
            "policy.max_links" => json!(policy.max_links),
            "policy.edit_window_minutes" => json!(policy.edit_window_minutes),
            "policy.close_after_days" => json!(policy.close_after_days),
            "policy.ip_retention_days" => json!(policy.ip_retention_days),
            "policy.spam_retention_days" => json!(policy.spam_retention_days),
            "policy.after_form" => json!(policy.after_form.as_str()),
            _ => continue,
        };
        details.insert((*field).to_owned(), value);
    }
    details
}
