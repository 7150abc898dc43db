//! The newest comments of a page or a site. Must not know HTTP, nor the format of feeds.

use std::sync::Arc;

use sqlx::PgConnection;

use super::{Comments, PageName};
use crate::comments::error::Error;
use crate::comments::model::feed::Feed;
use crate::comments::store::feed as store;
use crate::database::Lane;
use crate::sites::Site;

impl Comments {
    /// A page's newest published comments, with its site; none under a page that isn't known. One round trip.
    pub async fn page_feed(&self, name: &PageName) -> Result<(Arc<Site>, Feed), Error> {
        let site = name.find_site(&self.sites).ok_or(Error::UnknownSite)?;
        let asked = name.asked(&site);
        let feed = self
            .database
            .run(Lane::Readers, async |connection: &mut PgConnection| {
                store::find_page_feed(connection, &asked).await
            })
            .await?;
        Ok((site, feed.ok_or(Error::UnknownSite)?))
    }

    /// A site's newest published comments. One round trip.
    pub async fn site_feed(&self, slug: &str) -> Result<(Arc<Site>, Feed), Error> {
        let site = self.sites.find_by_slug(slug).ok_or(Error::UnknownSite)?;
        let feed = self
            .database
            .run(Lane::Readers, async |connection: &mut PgConnection| {
                store::find_site_feed(connection, site.id).await
            })
            .await?;
        Ok((site, feed.ok_or(Error::UnknownSite)?))
    }
}
