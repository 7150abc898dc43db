//! Merging two pages, as far as the pages go: who moves the comments calls this first. Must not know what a comment is.

use serde_json::{Map, json};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::pages::{load_seen, record};
use crate::accounts::model::Caller;
use crate::base::ids::PageId;
use crate::sites::error::Error;
use crate::sites::model::pages::PageDetails;
use crate::sites::store::merge as store;

/// Makes a page's addresses, key and WordPress id lead to another page of the same site, and records it; for the
/// transaction that also enqueues the moving of its comments. From its commit on nobody finds the first page any more.
/// Up to ten statements.
pub async fn merge_pages(
    connection: &mut PgConnection,
    caller: &Caller,
    source: PageId,
    target: PageId,
    now: OffsetDateTime,
) -> Result<(), Error> {
    store::lock_merges(connection).await?;
    store::lock_pages(connection, source, target).await?;
    let from = load_seen(connection, caller, source).await?;
    let into = match load_seen(connection, caller, target).await {
        Err(Error::PageNotFound) => return Err(Error::NoTarget),
        found => found?,
    };
    if source == target || from.site_id != into.site_id {
        return Err(Error::NoTarget);
    }
    if from.merged_into.is_some() {
        return Err(Error::PageMerged);
    }
    if into.merged_into.is_some() {
        return Err(Error::TargetMerged);
    }
    store::merge_pages(connection, &from, &into, now).await?;
    let mut details = Map::new();
    details.insert("into".to_owned(), json!(target));
    let of = (from.site_id, source);
    record(connection, caller, "page.merged", of, details, now).await
}

/// A page that the caller may see. One statement.
pub async fn load_page(
    connection: &mut PgConnection,
    caller: &Caller,
    id: PageId,
) -> Result<PageDetails, Error> {
    load_seen(connection, caller, id).await
}
