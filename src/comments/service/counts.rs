//! How many published comments pages have. Must not know HTTP.

use sqlx::PgConnection;

use super::Comments;
use crate::base::page_url::PageUrl;
use crate::comments::error::Error;
use crate::comments::store::counts as store;
use crate::database::Lane;

impl Comments {
    /// The published comments of these pages, in their order; 0 for pages and sites that aren't known. An address of a
    /// page that was merged counts what the other page has. One round trip, none where no address is of a site.
    pub async fn count(&self, pages: &[PageUrl]) -> Result<Vec<i32>, Error> {
        let asked: Vec<_> = pages
            .iter()
            .map(|page| {
                let site = self.sites.find_by_origin(page.origin());
                (site.map(|site| site.id), page.key())
            })
            .collect();
        if asked.iter().all(|(site, _)| site.is_none()) {
            return Ok(vec![0; pages.len()]);
        }
        self.database
            .run(Lane::Readers, async |connection: &mut PgConnection| {
                store::count(connection, &asked).await
            })
            .await
    }
}
