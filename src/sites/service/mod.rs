//! The sites as this instance knows them: in memory, read anew every two seconds. Must not know HTTP.

pub mod merge;
mod page_changes;
mod pages;
pub mod reasons;
pub mod retention;
mod settings;
pub mod titles;

use std::sync::{Arc, PoisonError, RwLock};

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::accounts::model::SiteScope;
use crate::base::clock::Clock;
use crate::base::ids::SiteId;
use crate::base::page_url::Origin;
use crate::database::{Database, Lane};
use crate::sites::error::Error;
use crate::sites::model::Site;
use crate::sites::store;

pub use page_changes::{Moment, PageChanges};
pub use pages::{PageList, PagesAsked};
pub use settings::SiteList;

/// The handle to the sites; cheap to clone.
#[derive(Clone)]
pub struct Sites {
    database: Database,
    clock: Clock,
    own: Option<Origin>,
    known: Arc<RwLock<Arc<Vec<Arc<Site>>>>>,
    changes: PageChanges,
}

impl Sites {
    /// Knows no site until [`Self::refresh`]. `own` is the service's public origin, which always counts; what changes of
    /// pages is told to `changes`.
    pub fn new(
        database: Database,
        clock: Clock,
        own: Option<Origin>,
        changes: PageChanges,
    ) -> Self {
        Self {
            database,
            clock,
            own,
            known: Arc::default(),
            changes,
        }
    }

    /// Where changes of pages are told, after their commit.
    pub fn page_changes(&self) -> &PageChanges {
        &self.changes
    }

    /// Makes the first site where there is none, sets its origins where some are given, and reads all.
    pub async fn set_up(&self, origins: &[Origin]) -> Result<(), Error> {
        let origins: Vec<String> = origins
            .iter()
            .map(|origin| origin.as_str().to_owned())
            .collect();
        let now = self.clock.now();
        self.database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                store::set_up_first(connection, &origins, now).await
            })
            .await?;
        self.make_default_reasons().await?;
        self.refresh().await
    }

    /// Reads all sites with their reasons, so that what another instance changed counts here too. One that is as before
    /// stays the same in memory too, by which others know that. Two round trips.
    pub async fn refresh(&self) -> Result<(), Error> {
        let sites = self
            .database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                let mut sites = store::load_all(connection).await?;
                let mut reasons = store::reasons::load_known(connection).await?;
                for site in &mut sites {
                    site.reasons = reasons.remove(&site.id).unwrap_or_default();
                }
                Ok::<_, Error>(sites)
            })
            .await?;
        let before = self.known();
        let same = |site: Site| {
            let known = before.iter().find(|known| ***known == site);
            known.map_or_else(|| Arc::new(site), Arc::clone)
        };
        let sites = Arc::new(sites.into_iter().map(same).collect());
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = sites;
        Ok(())
    }

    fn known(&self) -> Arc<Vec<Arc<Site>>> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The site that pages of this origin belong to. Our own origin is the first site's; so are loopback origins as
    /// long as it has none of its own.
    pub fn find_by_origin(&self, origin: &Origin) -> Option<Arc<Site>> {
        let known = self.known();
        let named = known.iter().find(|site| site.origins.contains(origin));
        let first = || {
            known.first().filter(|first| {
                self.own.as_ref() == Some(origin)
                    || (first.origins.is_empty() && origin.is_loopback())
            })
        };
        named.or_else(first).cloned()
    }

    /// The time that the service goes by.
    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// The site of this id.
    pub fn find_by_id(&self, id: SiteId) -> Option<Arc<Site>> {
        self.known().iter().find(|site| site.id == id).cloned()
    }

    /// The site of this slug.
    pub fn find_by_slug(&self, slug: &str) -> Option<Arc<Site>> {
        self.known().iter().find(|site| site.slug == slug).cloned()
    }

    /// Whether web pages of this origin may write comments of this site.
    pub fn may_write(&self, origin: &Origin, site: &Site) -> bool {
        self.own.as_ref() == Some(origin)
            || self
                .find_by_origin(origin)
                .is_some_and(|of| of.id == site.id)
    }

    /// The sites whose comments web pages of this origin may write.
    pub fn writable_from(&self, origin: &Origin) -> SiteScope {
        if self.own.as_ref() == Some(origin) {
            return SiteScope::All;
        }
        let site = self.find_by_origin(origin);
        SiteScope::Only(site.iter().map(|site| site.id).collect())
    }

    /// Whether web pages of this origin may write comments of any site.
    pub fn may_write_any(&self, origin: &Origin) -> bool {
        self.own.as_ref() == Some(origin) || self.find_by_origin(origin).is_some()
    }
}
