//! The words of pages, for whoever looks something up in them all. Must not know what is looked for.

use sqlx::PgConnection;

use crate::accounts::model::SiteScope;
use crate::base::ids::{PageId, SiteId};
use crate::base::text::Title;
use crate::database::Error;

/// What a publisher or reader wrote about a page.
#[derive(Debug)]
pub struct PageWords {
    /// The page.
    pub id: PageId,
    /// Its site.
    pub site_id: SiteId,
    /// Its title.
    pub title: Option<String>,
    /// Its normalised address.
    pub url: String,
    /// The publisher's own id of it.
    pub key: Option<String>,
}

/// The next pages of the scope's sites, in the order of their ids. One statement.
pub async fn list_words(
    connection: &mut PgConnection,
    scope: &SiteScope,
    after: PageId,
    limit: i64,
) -> Result<Vec<PageWords>, Error> {
    let pages = sqlx::query_as!(
        PageWords,
        r#"
        select id as "id: PageId", site_id as "site_id: SiteId", title, url, key
        from pages
        where id > $1 and ($2::uuid[] is null or site_id = any($2))
        order by id
        limit $3
        "#,
        after.as_uuid(),
        scope.uuids() as _,
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(pages)
}

/// Puts another title in the place of this one, if it is still the page's. One statement.
pub async fn replace_title(
    connection: &mut PgConnection,
    page: PageId,
    was: &str,
    title: &Title,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        update pages
        set title = $3,
            version = version + 1
        where id = $1 and title = $2
        "#,
        page.as_uuid(),
        was,
        title.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
