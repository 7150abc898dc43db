//! The statement that counts for many pages at once. Must not know HTTP.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::base::ids::SiteId;
use crate::comments::error::Error;
use crate::database;

/// The published comments of the pages of these sites and keys of addresses, in their order; 0 where there is none.
/// One round trip: each by the key of `pages` or of `page_aliases`, and no comment is looked at.
pub(in crate::comments) async fn count(
    connection: &mut PgConnection,
    asked: &[(Option<SiteId>, &str)],
) -> Result<Vec<i32>, Error> {
    let sites: Vec<Option<Uuid>> = asked
        .iter()
        .map(|(site, _)| site.as_ref().map(|site| *site.as_uuid()))
        .collect();
    let keys: Vec<String> = asked.iter().map(|(_, key)| (*key).to_owned()).collect();
    let counts = sqlx::query_scalar!(
        r#"
        select coalesce(f.comment_count, 0) as "count!"
        from unnest($1::uuid[], $2::text[]) with ordinality a(site_id, url_key, place)
        left join lateral (
            select p.comment_count
            from (
                select coalesce(n.merged_into, n.id) as id
                from pages n
                where n.site_id = a.site_id and n.url_key = a.url_key
                union all
                select l.page_id
                from page_aliases l
                where l.site_id = a.site_id and l.url_key = a.url_key
            ) named
            join pages p on p.id = named.id
            limit 1
        ) f on true
        order by a.place
        "#,
        &sites as _,
        &keys,
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(counts)
}
