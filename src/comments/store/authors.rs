//! Authors by the ids that stand for their addresses: what they wrote, and comments that lack the id. Must not know how ids
//! are made, nor who may ask.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::admin_row::status;
use crate::accounts::model::SiteScope;
use crate::base::email::EmailKey;
use crate::base::ids::{AuthorId, CommentId, SiteId};
use crate::comments::model::queue::{AuthorProfile, AuthorRecord, AuthorSite, RECORD_MAX};
use crate::database::Error;

/// The most pairs of a site and a state that an author's page looks at.
const KINDS_MAX: i64 = 10_000;

/// What the comments on the scope's sites say of an author; none where there are none. One statement, which goes in an
/// index from each of the author's sites and states to the next.
pub async fn find_author(
    connection: &mut PgConnection,
    scope: &SiteScope,
    author: AuthorId,
) -> Result<Option<AuthorProfile>, Error> {
    let rows = sqlx::query_as!(
        KindRow,
        r#"
        with recursive kinds (site_id, status) as (
            (
                select c.site_id, c.status
                from comments c
                where c.author_id = $1
                order by c.site_id, c.status
                limit 1
            )
            union all
            select n.site_id, n.status
            from kinds k
            cross join lateral (
                select c.site_id, c.status
                from comments c
                where c.author_id = $1 and (c.site_id, c.status) > (k.site_id, k.status)
                order by c.site_id, c.status
                limit 1
            ) n
        ), seen as materialized (
            select k.site_id, k.status, n.number, f.submitted_at as first_at, l.submitted_at as last_at, l.id as last_id
            from kinds k
            cross join lateral (
                select c.submitted_at
                from comments c
                where c.author_id = $1 and c.site_id = k.site_id and c.status = k.status
                order by c.submitted_at, c.id
                limit 1
            ) f
            cross join lateral (
                select c.submitted_at, c.id
                from comments c
                where c.author_id = $1 and c.site_id = k.site_id and c.status = k.status
                order by c.submitted_at desc, c.id desc
                limit 1
            ) l
            cross join lateral (
                select count(*) as number
                from (
                    select 1
                    from comments c
                    where c.author_id = $1 and c.site_id = k.site_id and c.status = k.status
                    limit $3
                ) c
            ) n
            where $2::uuid[] is null or k.site_id = any($2)
        )
        select
            w.site_id as "site_id!: SiteId", s.slug, w.status as "status!", w.number as "number!",
            w.first_at as "first_at!", w.last_at as "last_at!", c.name, c.email
        from seen w
        join sites s on s.id = w.site_id
        join comments c on c.id = w.last_id
        order by w.site_id, w.last_at
        limit $4
        "#,
        author.as_uuid(),
        scope.uuids() as _,
        RECORD_MAX,
        KINDS_MAX,
    )
    .fetch_all(connection)
    .await?;
    profile(author, &rows)
}

/// What an author wrote on one site, as far as it is in one state.
#[derive(Debug)]
struct KindRow {
    site_id: SiteId,
    slug: String,
    status: String,
    number: i64,
    first_at: OffsetDateTime,
    last_at: OffsetDateTime,
    name: String,
    email: String,
}

fn profile(author: AuthorId, rows: &[KindRow]) -> Result<Option<AuthorProfile>, Error> {
    let Some(latest) = rows.iter().max_by_key(|row| row.last_at) else {
        return Ok(None);
    };
    let mut record = AuthorRecord::default();
    let mut sites: Vec<AuthorSite> = Vec::new();
    for row in rows {
        record.add(status(&row.status)?, row.number);
        if sites.last().is_none_or(|site| site.id != row.site_id) {
            sites.push(AuthorSite {
                id: row.site_id,
                slug: row.slug.clone(),
            });
        }
    }
    let first = rows.iter().map(|row| row.first_at).min();
    Ok(Some(AuthorProfile {
        id: author,
        name: latest.name.clone(),
        email: latest.email.clone(),
        record,
        first_seen_at: first.unwrap_or(latest.first_at),
        last_seen_at: latest.last_at,
        sites,
    }))
}

/// The site of a comment of the scope. One statement.
pub async fn find_site_of(
    connection: &mut PgConnection,
    scope: &SiteScope,
    id: CommentId,
) -> Result<Option<AuthorSite>, Error> {
    let row = sqlx::query!(
        r#"
        select s.id as "id: SiteId", s.slug
        from comments c
        join sites s on s.id = c.site_id
        where c.id = $1 and ($2::uuid[] is null or c.site_id = any($2))
        "#,
        id.as_uuid(),
        scope.uuids() as _,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| AuthorSite {
        id: row.id,
        slug: row.slug,
    }))
}

/// Whether any comment lacks its author's id. One statement, on an index that holds nothing else.
pub(in crate::comments) async fn any_without_author(
    connection: &mut PgConnection,
) -> Result<bool, Error> {
    let any = sqlx::query_scalar!(
        r#"
        select exists (
            select 1
            from comments
            where author_id is null and status <> 'deleted'
        ) as "any!"
        "#,
    )
    .fetch_one(connection)
    .await?;
    Ok(any)
}

/// The first comments that lack their author's id, locked in the order of ids, as decisions lock theirs. One statement.
pub(in crate::comments) async fn lock_without_author(
    connection: &mut PgConnection,
    limit: i64,
) -> Result<Vec<(CommentId, EmailKey)>, Error> {
    let rows = sqlx::query!(
        r#"
        select id as "id: CommentId", email_key
        from comments
        where author_id is null and status <> 'deleted'
        order by id
        limit $1
        for no key update
        "#,
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, EmailKey::from_stored(row.email_key)))
        .collect())
}

/// Sets the authors of comments that [`lock_without_author`] has locked. One statement.
pub(in crate::comments) async fn set_authors(
    connection: &mut PgConnection,
    authors: &[(CommentId, AuthorId)],
) -> Result<(), Error> {
    let (ids, authors): (Vec<Uuid>, Vec<Uuid>) = authors
        .iter()
        .map(|(id, author)| (*id.as_uuid(), *author.as_uuid()))
        .unzip();
    sqlx::query!(
        r#"
        update comments c
        set author_id = f.author_id
        from unnest($1::uuid[], $2::uuid[]) as f (id, author_id)
        where c.id = f.id
        "#,
        &ids,
        &authors,
    )
    .execute(connection)
    .await?;
    Ok(())
}
