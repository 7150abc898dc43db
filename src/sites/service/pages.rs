//! What those who run sites do with pages: list, look up, register, change, delete. Must not know HTTP.

use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Sites;
use crate::accounts::model::Caller;
use crate::audit;
use crate::audit::model::{Act, AuditActor, Subject};
use crate::base::ids::{PageId, SiteId};
use crate::base::paging::Limit;
use crate::database::Lane;
use crate::sites::error::Error;
use crate::sites::model::pages::{NewPage, PageChange, PageDetails, PageName, PastPage};
use crate::sites::store::merge::lock_merges;
use crate::sites::store::pages as store;
use crate::sites::store::past::insert_pages;

/// Which pages are asked for.
#[derive(Debug, Clone)]
pub struct PagesAsked {
    /// The slug of a site; none: all that the caller sees.
    pub site: Option<String>,
    /// The page of this name only.
    pub name: Option<PageName>,
    /// The last page of the list's part before.
    pub before: Option<PageId>,
    /// How many.
    pub limit: Limit,
}

/// A part of the list of pages.
#[derive(Debug)]
pub struct PageList {
    /// The pages, the newest first.
    pub pages: Vec<PageDetails>,
    /// The last one, where more follow.
    pub next: Option<PageId>,
}

impl Sites {
    /// The pages of the caller's sites, the newest first. Two round trips.
    pub async fn list_pages(&self, caller: &Caller, asked: &PagesAsked) -> Result<PageList, Error> {
        let sites = self.asked_sites(caller, asked.site.as_deref())?;
        let limit = asked.limit;
        let (pages, more) = self
            .database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                let sites = sites.as_deref();
                let mut ids = match &asked.name {
                    None => store::list_pages(connection, sites, asked.before, limit).await?,
                    Some(name) => {
                        store::look_up_pages(connection, sites, name, asked.before, limit).await?
                    }
                };
                let more = ids.len() > limit.get();
                ids.truncate(limit.get());
                Ok::<_, Error>((store::load_pages(connection, &ids).await?, more))
            })
            .await?;
        let next = pages.last().filter(|_| more).map(|page| page.id);
        Ok(PageList { pages, next })
    }

    /// One page of the caller's sites. One round trip.
    pub async fn show_page(&self, caller: &Caller, id: PageId) -> Result<PageDetails, Error> {
        self.database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                load_seen(connection, caller, id).await
            })
            .await
    }

    /// Stores pages that come with their past, and says how many: those whose address, key or WordPress id another page has
    /// are left out. One round trip.
    pub async fn take_in_pages(
        &self,
        site: SiteId,
        pages: &[PastPage<'_>],
    ) -> Result<usize, Error> {
        let stored = self
            .database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                insert_pages(connection, site, pages).await
            })
            .await?;
        self.changes.publish(pages.iter().map(|page| page.id));
        Ok(stored)
    }

    /// Registers a page before its first comment. Three round trips and those of the transaction.
    pub async fn register_page(
        &self,
        caller: &Caller,
        new: &NewPage,
    ) -> Result<PageDetails, Error> {
        let site = self.site_of(caller, new)?;
        let now = self.clock.now();
        let id = PageId::new(now);
        let page = self
            .database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                store::insert_page(connection, id, site, new, now).await?;
                record(
                    connection,
                    caller,
                    "page.created",
                    (site, id),
                    Map::new(),
                    now,
                )
                .await?;
                load_seen(connection, caller, id).await
            })
            .await?;
        self.changes.publish([id]);
        Ok(page)
    }

    /// Changes a page of the caller's sites; where nothing is other than before, nothing is written. Four round trips and
    /// those of the transaction.
    pub async fn change_page(
        &self,
        caller: &Caller,
        id: PageId,
        change: PageChange,
    ) -> Result<PageDetails, Error> {
        let now = self.clock.now();
        let page = self
            .database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                store::lock_page(connection, id).await?;
                let mut page = load_seen(connection, caller, id).await?;
                if page.merged_into.is_some() {
                    return Err(Error::PageMerged);
                }
                let changed = change.apply(&mut page);
                if changed.0.is_empty() {
                    return Ok(page);
                }
                store::update_page(connection, &page, &changed).await?;
                let mut details = Map::new();
                details.insert("fields".to_owned(), json!(changed.0));
                if changed.0.contains(&"comments_open") {
                    details.insert("comments_open".to_owned(), json!(page.comments_open));
                }
                let of = (page.site_id, id);
                record(connection, caller, "page.changed", of, details, now).await?;
                Ok(page)
            })
            .await?;
        self.changes.publish([id]);
        Ok(page)
    }

    /// Deletes a page that has no comments, with the emptied pages that were merged into it. The address of a page that
    /// was merged itself goes on leading to the other one. Six round trips and those of the transaction.
    pub async fn delete_page(&self, caller: &Caller, id: PageId) -> Result<(), Error> {
        let now = self.clock.now();
        self.database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                // What is merged into the page, and where its addresses lead, must not change meanwhile.
                lock_merges(connection).await?;
                let page = load_seen(connection, caller, id).await?;
                store::delete_page(connection, &page).await?;
                let of = (page.site_id, id);
                record(connection, caller, "page.deleted", of, Map::new(), now).await
            })
            .await?;
        self.changes.publish([id]);
        Ok(())
    }

    /// The sites to look into; none is all.
    fn asked_sites(&self, caller: &Caller, slug: Option<&str>) -> Result<Option<Vec<Uuid>>, Error> {
        let Some(slug) = slug else {
            return Ok(caller.sites.uuids());
        };
        let site = self
            .find_by_slug(slug)
            .filter(|site| caller.sites.holds(site.id));
        let site = site.ok_or(Error::UnknownSite)?;
        Ok(Some(vec![*site.id.as_uuid()]))
    }

    /// The site of a page to be registered: that of its origin, which must be the named one where one is named. A page
    /// elsewhere would never be found by those who comment on it.
    fn site_of(&self, caller: &Caller, new: &NewPage) -> Result<SiteId, Error> {
        if let Some(slug) = &new.site {
            self.find_by_slug(slug)
                .filter(|site| caller.sites.holds(site.id))
                .ok_or(Error::UnknownSiteNamed)?;
        }
        self.find_by_origin(new.url.origin())
            .filter(|site| caller.sites.holds(site.id))
            .filter(|site| new.site.as_ref().is_none_or(|slug| *slug == site.slug))
            .map(|site| site.id)
            .ok_or(Error::NotOfTheSite)
    }
}

/// A page that the caller may see, as the database has it. One statement.
pub(super) async fn load_seen(
    connection: &mut PgConnection,
    caller: &Caller,
    id: PageId,
) -> Result<PageDetails, Error> {
    let found = store::load_pages(connection, &[id]).await?;
    let mut seen = found
        .into_iter()
        .filter(|page| caller.sites.holds(page.site_id));
    seen.next().ok_or(Error::PageNotFound)
}

/// Records what somebody did to a page, given with its site. One statement.
pub(super) async fn record(
    connection: &mut PgConnection,
    caller: &Caller,
    name: &'static str,
    (site, page): (SiteId, PageId),
    details: Map<String, Value>,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let act = Act {
        by: AuditActor::Moderator(caller.moderator_id),
        name,
        subject: Subject {
            kind: "page",
            id: Some(*page.as_uuid()),
            site: Some(site),
        },
        details,
    };
    Ok(audit::service::record(connection, &act, now).await?)
}
