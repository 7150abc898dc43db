//! The statement that stores pages with their past, many at once. Must not know where they come from.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::base::ids::SiteId;
use crate::base::text::{PageKey, Title};
use crate::database;
use crate::sites::error::Error;
use crate::sites::model::pages::{PastPage, WordpressId};

/// The columns, one array each.
#[derive(Default)]
struct Columns<'a> {
    ids: Vec<Uuid>,
    urls: Vec<&'a str>,
    url_keys: Vec<&'a str>,
    keys: Vec<Option<&'a str>>,
    titles: Vec<Option<&'a str>>,
    wordpress_ids: Vec<Option<i64>>,
    published: Vec<Option<OffsetDateTime>>,
    open: Vec<bool>,
    created: Vec<OffsetDateTime>,
}

/// Stores those of these pages whose address, key and WordPress id no other page has, and says how many. One statement.
pub(in crate::sites) async fn insert_pages(
    connection: &mut PgConnection,
    site: SiteId,
    pages: &[PastPage<'_>],
) -> Result<usize, Error> {
    let mut columns = Columns::default();
    for PastPage {
        id,
        page,
        created_at,
    } in pages
    {
        columns.ids.push(*id.as_uuid());
        columns.urls.push(page.url.as_str());
        columns.url_keys.push(page.url.key());
        columns.keys.push(page.key.as_ref().map(PageKey::as_str));
        columns.titles.push(page.title.as_ref().map(Title::as_str));
        columns
            .wordpress_ids
            .push(page.wordpress_id.map(WordpressId::get));
        columns.published.push(page.published_at);
        columns.open.push(page.comments_open);
        columns.created.push(*created_at);
    }
    let inserted = sqlx::query!(
        r#"
        insert into pages (id, site_id, url, url_key, key, title, wordpress_id, published_at, comments_open, created_at)
        select g.id, $1, g.url, g.url_key, g.key, g.title, g.wordpress_id, g.published_at, g.comments_open, g.created_at
        from unnest(
            $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::timestamptz[],
            $9::boolean[], $10::timestamptz[]
        ) as g (id, url, url_key, key, title, wordpress_id, published_at, comments_open, created_at)
        where not exists (select 1 from page_aliases a where a.site_id = $1 and a.url_key = g.url_key)
        on conflict do nothing
        "#,
        site.as_uuid(),
        &columns.ids,
        &columns.urls as _,
        &columns.url_keys as _,
        &columns.keys as _,
        &columns.titles as _,
        &columns.wordpress_ids as _,
        &columns.published as _,
        &columns.open,
        &columns.created
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(usize::try_from(inserted.rows_affected()).unwrap_or(usize::MAX))
}
