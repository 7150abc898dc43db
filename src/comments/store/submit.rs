//! The statements that store submissions, many at once: their pages, where these are new, and the comments. Must not know
//! policy.

use std::collections::HashMap;

use ipnetwork::IpNetwork;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::base::fingerprint::fingerprint;
use crate::base::ids::{AuthorId, CommentId, PageId, SiteId};
use crate::base::page_url::Website;
use crate::base::text::{PageKey, Title};
use crate::comments::error::Error;
use crate::comments::model::{Draft, Status};
use crate::database;

/// A submission that stands in the way: the same key, or the same text.
#[derive(Debug)]
pub(in crate::comments) struct Earlier {
    pub(in crate::comments) id: CommentId,
    /// The key that it was sent with, hashed.
    pub(in crate::comments) idempotency_key: Option<Vec<u8>>,
    pub(in crate::comments) content_hash: Vec<u8>,
    pub(in crate::comments) submitted_at: OffsetDateTime,
}

impl Earlier {
    /// From columns that are all null where there is none.
    pub(super) fn read(
        id: Option<CommentId>,
        idempotency_key: Option<Vec<u8>>,
        content_hash: Option<Vec<u8>>,
        submitted_at: Option<OffsetDateTime>,
    ) -> Option<Self> {
        Some(Self {
            id: id?,
            idempotency_key,
            content_hash: content_hash?,
            submitted_at: submitted_at?,
        })
    }
}

/// A page that a submission is the first to name.
pub(in crate::comments) struct NewPage<'a> {
    pub(in crate::comments) id: PageId,
    pub(in crate::comments) site: SiteId,
    pub(in crate::comments) draft: &'a Draft,
    pub(in crate::comments) created_at: OffsetDateTime,
}

/// Makes pages, and says which were made: none whose address or key somebody else has taken meanwhile. One round trip.
///
/// Before the comments, in a statement of its own, so that these hold no lock on pages that others wait for. A page whose
/// first comment is refused in the end stays, and has none.
pub(in crate::comments) async fn make_pages(
    connection: &mut PgConnection,
    pages: &[&NewPage<'_>],
) -> Result<Vec<PageId>, Error> {
    let keys = pages.iter().flat_map(|page| {
        let site = page.site.as_uuid().as_bytes();
        let key = page.draft.page_key.as_ref().map(PageKey::as_str);
        [Some(page.draft.page_url.key()), key]
            .into_iter()
            .flatten()
            .map(|name| lock_number(&fingerprint(&[site, name.as_bytes()])))
    });
    let made = sqlx::query_scalar!(
        r#"
        with locked as materialized (
            select count(l.taken) as keys
            from (select pg_advisory_xact_lock(k.key)::text as taken from unnest($1::bigint[]) k (key)) l
        )
        insert into pages (id, site_id, url, url_key, key, title, created_at)
        select g.id, g.site_id, g.url, g.url_key, g.key, g.title, g.created_at
        from locked, unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[])
            g (id, site_id, url, url_key, key, title, created_at)
        where locked.keys >= 0
        on conflict do nothing
        returning id as "id: PageId"
        "#,
        &sorted(keys),
        &pages.iter().map(|page| *page.id.as_uuid()).collect::<Vec<_>>(),
        &pages.iter().map(|page| *page.site.as_uuid()).collect::<Vec<_>>(),
        &pages.iter().map(|page| page.draft.page_url.as_str()).collect::<Vec<_>>() as _,
        &pages.iter().map(|page| page.draft.page_url.key()).collect::<Vec<_>>() as _,
        &pages
            .iter()
            .map(|page| page.draft.page_key.as_ref().map(PageKey::as_str))
            .collect::<Vec<_>>() as _,
        &pages
            .iter()
            .map(|page| page.draft.page_title.as_ref().map(Title::as_str))
            .collect::<Vec<_>>() as _,
        &pages.iter().map(|page| page.created_at).collect::<Vec<_>>()
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(made)
}

/// A judged submission, ready to be stored.
pub(in crate::comments) struct NewComment<'a> {
    pub(in crate::comments) id: CommentId,
    pub(in crate::comments) site: SiteId,
    pub(in crate::comments) page: PageId,
    pub(in crate::comments) parent_id: Option<CommentId>,
    pub(in crate::comments) root_id: CommentId,
    pub(in crate::comments) depth: i16,
    pub(in crate::comments) status: Status,
    pub(in crate::comments) draft: &'a Draft,
    pub(in crate::comments) body_html: &'a str,
    pub(in crate::comments) avatar: &'a str,
    pub(in crate::comments) author: AuthorId,
    pub(in crate::comments) submitted_at: OffsetDateTime,
    pub(in crate::comments) idempotency_key: Option<&'a [u8]>,
    pub(in crate::comments) content_hash: &'a [u8],
    pub(in crate::comments) duplicate_key: [u8; 32],
}

/// What became of it.
#[derive(Debug)]
pub(in crate::comments) enum Stored {
    /// It is on disk.
    Inserted,
    /// Another submission has its key or its text.
    InTheWay(Earlier),
    /// Somebody was faster a moment ago (same key, same text), but not visible yet, or the page has been merged into
    /// another or deleted meanwhile: ask again.
    Raced,
}

/// The columns of the comments, one array each.
#[derive(Default)]
struct Columns<'a> {
    ids: Vec<Uuid>,
    sites: Vec<Uuid>,
    pages: Vec<Uuid>,
    parents: Vec<Option<Uuid>>,
    roots: Vec<Uuid>,
    depths: Vec<i16>,
    statuses: Vec<&'static str>,
    names: Vec<&'a str>,
    emails: Vec<&'a str>,
    email_keys: Vec<&'a str>,
    websites: Vec<Option<&'a str>>,
    bodies: Vec<&'a str>,
    bodies_html: Vec<&'a str>,
    avatars: Vec<&'a str>,
    authors: Vec<Uuid>,
    ips: Vec<IpNetwork>,
    user_agents: Vec<Option<&'a str>>,
    submitted: Vec<OffsetDateTime>,
    idempotency_keys: Vec<Option<&'a [u8]>>,
    content_hashes: Vec<&'a [u8]>,
    duplicate_keys: Vec<&'a [u8]>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, new: &'a NewComment<'_>) {
        let draft = new.draft;
        self.ids.push(*new.id.as_uuid());
        self.sites.push(*new.site.as_uuid());
        self.pages.push(*new.page.as_uuid());
        self.parents.push(new.parent_id.map(|id| *id.as_uuid()));
        self.roots.push(*new.root_id.as_uuid());
        self.depths.push(new.depth);
        self.statuses.push(new.status.as_str());
        self.names.push(draft.name.as_str());
        self.emails.push(draft.email.as_str());
        self.email_keys.push(draft.email.key().as_str());
        self.websites
            .push(draft.website.as_ref().map(Website::as_str));
        self.bodies.push(draft.body.as_str());
        self.bodies_html.push(new.body_html);
        self.avatars.push(new.avatar);
        self.authors.push(*new.author.as_uuid());
        self.ips.push(IpNetwork::from(draft.ip));
        self.user_agents.push(draft.user_agent.as_deref());
        self.submitted.push(new.submitted_at);
        self.idempotency_keys.push(new.idempotency_key);
        self.content_hashes.push(new.content_hash);
        self.duplicate_keys.push(&new.duplicate_key);
    }
}

/// Stores comments with the first lines of their histories, and their pages' counts where they are published at once: all
/// of it or nothing, but for those that somebody else was faster with. Says what became of each, in their order. One round
/// trip, one statement.
///
/// Whoever stores many takes the locks of all keys first, in one order for all instances: of two that hold a key each and
/// want the other's, neither would get on. For the same reason the pages' rows are locked by their ids. They are
/// share-locked and looked at once more: whoever has merged a page away waits for these locks before moving the last
/// comments ([`await_submissions`](super::move_page::await_submissions)), so none is left behind.
#[expect(clippy::too_many_lines, reason = "one statement and its parameters")]
pub(in crate::comments) async fn insert(
    connection: &mut PgConnection,
    comments: &[NewComment<'_>],
) -> Result<Vec<Stored>, Error> {
    let mut columns = Columns::default();
    for new in comments {
        columns.push(new);
    }
    let keys = comments
        .iter()
        .flat_map(|new| [Some(&new.duplicate_key[..]), new.idempotency_key])
        .flatten()
        .map(lock_number);
    let rows = sqlx::query!(
        r#"
        with locked as materialized (
            select count(l.taken) as keys
            from (select pg_advisory_xact_lock(k.key)::text as taken from unnest($1::bigint[]) k (key)) l
        ), given as materialized (
            select
                g.id, g.site_id, g.page_id, g.parent_id, g.root_id, g.depth, g.status, g.name, g.email, g.email_key,
                g.website, g.body, g.body_html, g.avatar, g.author_id, g.ip, g.user_agent, g.submitted_at,
                g.idempotency_key, g.content_hash, g.duplicate_key
            from locked, unnest(
                $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::smallint[], $8::text[], $9::text[],
                $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::uuid[], $17::inet[],
                $18::text[], $19::timestamptz[], $20::bytea[], $21::bytea[], $22::bytea[]
            ) g (
                id, site_id, page_id, parent_id, root_id, depth, status, name, email, email_key, website, body,
                body_html, avatar, author_id, ip, user_agent, submitted_at, idempotency_key, content_hash, duplicate_key
            )
            where locked.keys >= 0
        ), open_pages as materialized (
            select p.id
            from pages p
            where p.id = any ($4::uuid[]) and p.merged_into is null
            order by p.id
            for key share
        ), inserted as (
            insert into comments (
                id, site_id, page_id, parent_id, root_id, depth, status, name, email, email_key, website, body,
                body_html, avatar, author_id, ip, user_agent, submitted_at, published_at, idempotency_key, content_hash,
                duplicate_key
            )
            select
                g.id, g.site_id, g.page_id, g.parent_id, g.root_id, g.depth, g.status, g.name, g.email, g.email_key,
                g.website, g.body, g.body_html, g.avatar, g.author_id, g.ip, g.user_agent, g.submitted_at,
                case when g.status = 'approved' then g.submitted_at end, g.idempotency_key, g.content_hash,
                g.duplicate_key
            from given g
            where g.page_id in (select o.id from open_pages o)
            on conflict do nothing
            returning id, page_id, status, submitted_at
        ), logged as (
            insert into comment_history (comment_id, version, at, actor_kind, to_status)
            select i.id, 1, i.submitted_at, 'author', i.status
            from inserted i
        ), shifts as materialized (
            select
                i.page_id, count(*) filter (where i.status = 'approved')::integer as by,
                min(i.submitted_at) as began
            from inserted i
            group by i.page_id
        ), counted as (
            insert into pages (id, site_id, url, url_key, created_at)
            select p.id, p.site_id, p.url, p.url_key, p.created_at
            from pages p
            where p.id = any (array(select s.page_id from shifts s))
                and (p.first_comment_at is null or p.id = any (array(select s.page_id from shifts s where s.by > 0)))
            order by p.id
            on conflict (id) do update
            set (comment_count, version, first_comment_at) = (
                select
                    pages.comment_count + s.by, pages.version + case when s.by > 0 then 1 else 0 end,
                    coalesce(pages.first_comment_at, s.began)
                from shifts s
                where s.page_id = pages.id
            )
        )
        select
            g.id as "id!: CommentId", i.id is not null as "inserted!",
            e.id as "earlier_id?: CommentId", e.idempotency_key as "earlier_key?",
            e.content_hash as "earlier_hash?", e.submitted_at as "earlier_at?"
        from given g
        left join inserted i on i.id = g.id
        left join lateral (
            (
                select c.id, c.idempotency_key, c.content_hash, c.submitted_at
                from comments c
                where c.idempotency_key = g.idempotency_key
            )
            union all
            (
                select c.id, c.idempotency_key, c.content_hash, c.submitted_at
                from comments c
                where c.duplicate_key = g.duplicate_key
            )
            limit 1
        ) e on i.id is null
        "#,
        &sorted(keys),
        &columns.ids,
        &columns.sites,
        &columns.pages,
        &columns.parents as _,
        &columns.roots,
        &columns.depths,
        &columns.statuses as _,
        &columns.names as _,
        &columns.emails as _,
        &columns.email_keys as _,
        &columns.websites as _,
        &columns.bodies as _,
        &columns.bodies_html as _,
        &columns.avatars as _,
        &columns.authors,
        &columns.ips as _,
        &columns.user_agents as _,
        &columns.submitted,
        &columns.idempotency_keys as _,
        &columns.content_hashes as _,
        &columns.duplicate_keys as _
    )
    .fetch_all(connection)
    .await
    .map_err(database::Error::from)?;
    let mut outcomes: HashMap<CommentId, Stored> = rows
        .into_iter()
        .map(|row| {
            let earlier = Earlier::read(
                row.earlier_id,
                row.earlier_key,
                row.earlier_hash,
                row.earlier_at,
            );
            let stored = match (row.inserted, earlier) {
                (true, _) => Stored::Inserted,
                (false, Some(earlier)) => Stored::InTheWay(earlier),
                (false, None) => Stored::Raced,
            };
            (row.id, stored)
        })
        .collect();
    let of = |new: &NewComment<'_>| outcomes.remove(&new.id).unwrap_or(Stored::Raced);
    Ok(comments.iter().map(of).collect())
}

/// The advisory lock of a key, by its first octets. Two keys that share one wait for each other, and nothing worse.
fn lock_number(key: &[u8]) -> i64 {
    key.first_chunk()
        .map_or(0, |first| i64::from_be_bytes(*first))
}

fn sorted(keys: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut keys: Vec<i64> = keys.collect();
    keys.sort_unstable();
    keys
}

/// Why one submission couldn't be stored. A site that was deleted is known to other instances for up to two seconds more.
pub(in crate::comments) fn refused(error: database::Error) -> Error {
    match error.constraint() {
        Some("pages_site") => Error::UnknownSiteSubmitted,
        _ => Error::Database(error),
    }
}

/// Frees the keys of a submission whose 24 hours are over. One round trip.
pub(in crate::comments) async fn free_keys(
    connection: &mut PgConnection,
    id: CommentId,
    submitted_until: OffsetDateTime,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        update comments
        set idempotency_key = null, duplicate_key = null
        where id = $1 and submitted_at <= $2
        "#,
        id.as_uuid(),
        submitted_until
    )
    .execute(connection)
    .await
    .map_err(database::Error::from)?;
    Ok(())
}
