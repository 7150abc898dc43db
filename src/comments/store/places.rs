//! Where a filter of moderators looks: sites and pages of a scope. Must not know who may ask, nor HTTP.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::accounts::model::SiteScope;
use crate::base::page_url::PageUrl;
use crate::comments::model::queue::{CommentFilter, Places};
use crate::database::Error;

/// The most places that a statement looks at.
const PLACES_MAX: i64 = 10_000;

/// Where the filter looks; none where it names a site that the scope doesn't have. One statement.
///
/// An address may lead to several pages: one that was merged, and the one that it went into.
pub async fn find_places(
    connection: &mut PgConnection,
    scope: &SiteScope,
    filter: &CommentFilter,
) -> Result<Option<Places>, Error> {
    let rows = sqlx::query!(
        r#"
        select s.id as site_id, g.id as "page_id?"
        from sites s
        left join lateral (
            select p.id
            from pages p
            where p.site_id = s.id and p.url_key = $3
            union
            select p.merged_into
            from pages p
            where p.site_id = s.id and p.url_key = $3 and p.merged_into is not null
            union
            select a.page_id
            from page_aliases a
            where a.site_id = s.id and a.url_key = $3
        ) g on true
        where ($1::uuid[] is null or s.id = any($1)) and ($2::text is null or s.slug = $2)
        order by s.id, g.id
        limit $4
        "#,
        scope.uuids() as _,
        filter.site,
        filter.page.as_ref().map(PageUrl::key),
        PLACES_MAX,
    )
    .fetch_all(connection)
    .await?;
    if rows.is_empty() && filter.site.is_some() {
        return Ok(None);
    }
    let mut sites: Vec<Uuid> = rows.iter().map(|row| row.site_id).collect();
    sites.dedup();
    let pages = rows.iter().filter_map(|row| row.page_id);
    Ok(Some(Places {
        sites,
        pages: filter.page.as_ref().map(|_| pages.collect()),
    }))
}
