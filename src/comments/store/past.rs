//! The statement that stores comments with their past, many at once. Must not know where they come from.

use ipnetwork::IpNetwork;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::base::page_url::Website;
use crate::comments::model::ActorKind;
use crate::comments::model::past::PastComment;
use crate::database::Error;

/// A comment, and what is derived from its content.
pub(in crate::comments) struct Prepared {
    pub(in crate::comments) comment: PastComment,
    pub(in crate::comments) derived: Option<Derived>,
}

/// What is made from a content.
pub(in crate::comments) struct Derived {
    pub(in crate::comments) body_html: String,
    pub(in crate::comments) avatar: String,
    pub(in crate::comments) author: Uuid,
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
    versions: Vec<i32>,
    names: Vec<&'a str>,
    emails: Vec<&'a str>,
    email_keys: Vec<&'a str>,
    websites: Vec<Option<&'a str>>,
    bodies: Vec<&'a str>,
    bodies_html: Vec<&'a str>,
    avatars: Vec<Option<&'a str>>,
    authors: Vec<Option<Uuid>>,
    ips: Vec<Option<IpNetwork>>,
    user_agents: Vec<Option<&'a str>>,
    scores: Vec<i32>,
    submitted: Vec<OffsetDateTime>,
    published: Vec<Option<OffsetDateTime>>,
    decided: Vec<Option<OffsetDateTime>>,
    decided_by_kinds: Vec<Option<&'static str>>,
    decided_by: Vec<Option<Uuid>>,
    reasons: Vec<Option<&'a str>>,
}

/// The lines of their histories.
#[derive(Default)]
struct Lines<'a> {
    comments: Vec<Uuid>,
    versions: Vec<i32>,
    at: Vec<OffsetDateTime>,
    kinds: Vec<&'static str>,
    actors: Vec<Option<Uuid>>,
    from: Vec<Option<&'static str>>,
    to: Vec<&'static str>,
    reasons: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, prepared: &'a Prepared) {
        let Prepared { comment, derived } = prepared;
        let content = comment.content.as_ref();
        self.ids.push(*comment.id.as_uuid());
        self.sites.push(*comment.site.as_uuid());
        self.pages.push(*comment.page.as_uuid());
        self.parents
            .push(comment.place.parent.map(|parent| *parent.as_uuid()));
        self.roots.push(*comment.place.root.as_uuid());
        self.depths.push(comment.place.depth);
        self.statuses.push(comment.status().as_str());
        self.versions.push(version(comment.changes.len()));
        self.names.push(content.map_or("", |own| own.name.as_str()));
        self.emails
            .push(content.map_or("", |own| own.email.as_str()));
        self.email_keys
            .push(content.map_or("", |own| own.email.key().as_str()));
        self.websites
            .push(content.and_then(|own| own.website.as_ref().map(Website::as_str)));
        self.bodies
            .push(content.map_or("", |own| own.body.as_str()));
        self.bodies_html
            .push(derived.as_ref().map_or("", |made| &made.body_html));
        self.avatars
            .push(derived.as_ref().map(|made| made.avatar.as_str()));
        self.authors.push(derived.as_ref().map(|made| made.author));
        self.ips
            .push(content.and_then(|own| own.ip.map(IpNetwork::from)));
        self.user_agents
            .push(content.and_then(|own| own.user_agent.as_deref()));
        self.scores.push(comment.score);
        self.submitted.push(comment.submitted_at);
        self.published.push(comment.published_at());
        let last = comment.changes.last();
        self.decided.push(last.map(|last| last.at));
        self.decided_by_kinds
            .push(last.map(|last| last.by.kind().as_str()));
        self.decided_by
            .push(last.and_then(|last| last.by.moderator_id().map(|by| *by.as_uuid())));
        self.reasons
            .push(last.and_then(|last| last.reason.as_deref()));
    }
}

impl<'a> Lines<'a> {
    fn push(&mut self, comment: &'a PastComment) {
        let id = *comment.id.as_uuid();
        self.comments.push(id);
        self.versions.push(1);
        self.at.push(comment.submitted_at);
        self.kinds.push(ActorKind::Author.as_str());
        self.actors.push(None);
        self.from.push(None);
        self.to.push(comment.began_as.as_str());
        self.reasons.push(None);
        let mut from = comment.began_as;
        for (index, change) in comment.changes.iter().enumerate() {
            self.comments.push(id);
            self.versions.push(version(index + 1));
            self.at.push(change.at);
            self.kinds.push(change.by.kind().as_str());
            self.actors
                .push(change.by.moderator_id().map(|by| *by.as_uuid()));
            self.from.push(Some(from.as_str()));
            self.to.push(change.to.as_str());
            self.reasons.push(change.reason.as_deref());
            from = change.to;
        }
    }
}

/// The version after so many changes.
fn version(changes: usize) -> i32 {
    i32::try_from(changes).map_or(i32::MAX, |changes| changes.saturating_add(1))
}

/// Stores the comments with their histories, and moves their pages' counts and versions: all of it or nothing. One round
/// trip. Locks the pages by their ids, as a decision does.
#[expect(
    clippy::too_many_lines,
    reason = "one statement, which can't be cut into pieces"
)]
pub(in crate::comments) async fn insert(
    connection: &mut PgConnection,
    prepared: &[Prepared],
) -> Result<(), Error> {
    let (mut columns, mut lines) = (Columns::default(), Lines::default());
    for one in prepared {
        columns.push(one);
        lines.push(&one.comment);
    }
    sqlx::query!(
        r#"
        with inserted as (
            insert into comments (
                id, site_id, page_id, parent_id, root_id, depth, status, version, name, email, email_key, website,
                body, body_html, avatar, author_id, ip, user_agent, score, submitted_at, published_at, decided_at,
                decided_by_kind, decided_by, reason, content_hash
            )
            select
                g.id, g.site_id, g.page_id, g.parent_id, g.root_id, g.depth, g.status, g.version, g.name, g.email,
                g.email_key, g.website, g.body, g.body_html, coalesce(g.avatar, repeat('0', 32)), g.author_id, g.ip,
                g.user_agent, g.score, g.submitted_at, g.published_at, g.decided_at,
                g.decided_by_kind, g.decided_by, g.reason, ''
            from unnest(
                $1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::smallint[], $7::text[],
                $8::integer[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
                $15::text[], $16::uuid[], $17::inet[], $18::text[], $19::integer[], $20::timestamptz[],
                $21::timestamptz[], $22::timestamptz[], $23::text[], $24::uuid[], $25::text[]
            ) as g (
                id, site_id, page_id, parent_id, root_id, depth, status, version, name, email, email_key, website,
                body, body_html, avatar, author_id, ip, user_agent, score, submitted_at, published_at, decided_at,
                decided_by_kind, decided_by, reason
            )
            returning page_id, status, submitted_at
        ), logged as (
            insert into comment_history (
                comment_id, version, at, actor_kind, actor_id, from_status, to_status, reason
            )
            select l.comment_id, l.version, l.at, l.actor_kind, l.actor_id, l.from_status, l.to_status, l.reason
            from unnest(
                $26::uuid[], $27::integer[], $28::timestamptz[], $29::text[], $30::uuid[], $31::text[], $32::text[],
                $33::text[]
            ) as l (comment_id, version, at, actor_kind, actor_id, from_status, to_status, reason)
        ), shifts as materialized (
            select
                i.page_id, count(*) filter (where i.status = 'approved')::integer as by,
                min(i.submitted_at) as began
            from inserted i
            group by i.page_id
        )
        insert into pages (id, site_id, url, url_key, created_at)
        select p.id, p.site_id, p.url, p.url_key, p.created_at
        from pages p
        where p.id in (select s.page_id from shifts s)
        order by p.id
        on conflict (id) do update
        set (comment_count, version, first_comment_at) = (
            select pages.comment_count + s.by, pages.version + 1, least(pages.first_comment_at, s.began)
            from shifts s
            where s.page_id = pages.id
        )
        "#,
        &columns.ids,
        &columns.sites,
        &columns.pages,
        &columns.parents as _,
        &columns.roots,
        &columns.depths,
        &columns.statuses as _,
        &columns.versions,
        &columns.names as _,
        &columns.emails as _,
        &columns.email_keys as _,
        &columns.websites as _,
        &columns.bodies as _,
        &columns.bodies_html as _,
        &columns.avatars as _,
        &columns.authors as _,
        &columns.ips as _,
        &columns.user_agents as _,
        &columns.scores,
        &columns.submitted,
        &columns.published as _,
        &columns.decided as _,
        &columns.decided_by_kinds as _,
        &columns.decided_by as _,
        &columns.reasons as _,
        &lines.comments,
        &lines.versions,
        &lines.at,
        &lines.kinds as _,
        &lines.actors as _,
        &lines.from as _,
        &lines.to as _,
        &lines.reasons as _
    )
    .execute(connection)
    .await?;
    Ok(())
}
