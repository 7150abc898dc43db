//! The statements of an export, each a bounded part. Must not know the format of the file; writes nothing.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::model::{
    ActorPart, AuthorNoteLine, CommentLine, EarlierPart, FORMAT, HistoryPart, NotePart, PageLine,
    PolicyPart, ReasonPart, ReportPart, SiteLine,
};
use crate::accounts::model::SiteScope;
use crate::base::ids::{CommentId, ModeratorId, NoteId, PageId, ReportId, SiteId};
use crate::database::Error;

/// Pages, notes or lines of history that are read at once.
pub(super) const ROWS_MAX: usize = 1_000;
/// Comments that are read at once; fewer, since each may have 10,000 characters.
pub(super) const COMMENTS_MAX: usize = 200;
/// More reasons than a site can have.
const REASONS_MAX: i64 = 1_000;

/// How a site is named.
#[derive(Clone, Copy)]
pub(super) enum SiteName<'a> {
    Id(SiteId),
    Slug(&'a str),
}

fn rows(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn uuids(ids: &[CommentId]) -> Vec<Uuid> {
    ids.iter().map(|id| *id.as_uuid()).collect()
}

/// A site of the scope with its reasons. Two statements.
pub(super) async fn find_site(
    connection: &mut PgConnection,
    scope: &SiteScope,
    name: SiteName<'_>,
    exported_at: OffsetDateTime,
) -> Result<Option<SiteLine>, Error> {
    let (id, slug) = match name {
        SiteName::Id(id) => (Some(*id.as_uuid()), None),
        SiteName::Slug(slug) => (None, Some(slug)),
    };
    let site = sqlx::query!(
        r#"
        select id as "id: SiteId", slug, name, origins, hold, pages, max_links, edit_window_minutes, close_after_days,
            ip_retention_days, spam_retention_days, after_form, created_at
        from sites
        where (id = $1 or slug = $2) and ($3::uuid[] is null or id = any($3))
        "#,
        id,
        slug,
        scope.uuids() as _,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(site) = site else { return Ok(None) };
    let reasons = sqlx::query_as!(
        ReasonPart,
        r#"
        select code, text
        from reasons
        where site_id = $1
        order by id
        limit $2
        "#,
        site.id.as_uuid(),
        REASONS_MAX,
    )
    .fetch_all(connection)
    .await?;
    Ok(Some(SiteLine {
        format: FORMAT,
        exported_at,
        id: site.id,
        slug: site.slug,
        name: site.name,
        origins: site.origins,
        policy: PolicyPart {
            hold: site.hold,
            pages: site.pages,
            max_links: site.max_links,
            edit_window_minutes: site.edit_window_minutes,
            close_after_days: site.close_after_days,
            ip_retention_days: site.ip_retention_days,
            spam_retention_days: site.spam_retention_days,
            after_form: site.after_form,
        },
        reasons,
        created_at: site.created_at,
    }))
}

/// Pages of a site in the order of their ids, from `after` on, by the index `pages_site`; with `only`, no others than these.
/// One statement.
pub(super) async fn load_pages(
    connection: &mut PgConnection,
    site: SiteId,
    after: Option<PageId>,
    only: Option<&[PageId]>,
) -> Result<Vec<PageLine>, Error> {
    let only: Option<Vec<Uuid>> = only.map(|ids| ids.iter().map(|id| *id.as_uuid()).collect());
    let pages = sqlx::query_as!(
        PageLine,
        r#"
        select
            p.id as "id: PageId", p.url, p.key, p.wordpress_id, p.title, p.comments_open,
            p.merged_into as "merged_into: PageId", p.published_at, p.first_comment_at, p.created_at,
            array(
                select a.url
                from page_aliases a
                where a.page_id = p.id
                order by a.created_at, a.url_key
            ) as "aliases!"
        from pages p
        where p.site_id = $1 and p.id > $2 and ($3::uuid[] is null or p.id = any($3))
        order by p.id
        limit $4
        "#,
        site.as_uuid(),
        after.map_or(Uuid::nil(), |after| *after.as_uuid()),
        only.as_deref(),
        rows(ROWS_MAX),
    )
    .fetch_all(connection)
    .await?;
    Ok(pages)
}

/// A comment's place in the order of an export: thread by thread, each level behind the one above it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) root: CommentId,
    pub(super) depth: i16,
    pub(super) id: CommentId,
}

impl Place {
    /// Before every comment.
    pub(super) fn beginning() -> Self {
        let nobody = CommentId::from_uuid(Uuid::nil());
        Self {
            root: nobody,
            depth: -1,
            id: nobody,
        }
    }
}

/// Comments of a site behind this place, at most [`COMMENTS_MAX`], without history and notes; by the index
/// `comments_by_thread`. One statement.
pub(super) async fn load_comments(
    connection: &mut PgConnection,
    site: SiteId,
    after: Place,
) -> Result<Vec<(Place, CommentLine)>, Error> {
    let comments = sqlx::query!(
        r#"
        select
            c.id as "id: CommentId", c.root_id as "root_id: CommentId", c.depth, c.page_id as "page_id: PageId",
            c.parent_id as "parent_id: CommentId", c.status, c.version, nullif(c.name, '') as name,
            nullif(c.email, '') as email, c.website, nullif(c.body, '') as body, c.is_staff, host(c.ip) as ip,
            c.user_agent, c.score, c.submitted_at, c.edited_at, c.published_at, c.decided_at, c.decided_by_kind,
            c.decided_by as "decided_by: ModeratorId", m.name as "decided_by_name?", c.reason, c.token_version
        from comments c
        left join moderators m on m.id = c.decided_by
        where c.site_id = $1 and (c.root_id, c.depth, c.id) > ($2, $3, $4)
        order by c.root_id, c.depth, c.id
        limit $5
        "#,
        site.as_uuid(),
        after.root.as_uuid(),
        after.depth,
        after.id.as_uuid(),
        rows(COMMENTS_MAX),
    )
    .fetch_all(connection)
    .await?;
    let comments = comments.into_iter().map(|row| {
        let place = Place {
            root: row.root_id,
            depth: row.depth,
            id: row.id,
        };
        let decided_by = row.decided_by_kind.map(|kind| ActorPart {
            kind,
            id: row.decided_by,
            name: row.decided_by_name,
        });
        let comment = CommentLine {
            id: row.id,
            page: row.page_id,
            parent_id: row.parent_id,
            status: row.status,
            version: row.version,
            name: row.name,
            email: row.email,
            website: row.website,
            body: row.body,
            is_staff: row.is_staff,
            ip: row.ip,
            user_agent: row.user_agent,
            score: row.score,
            submitted_at: row.submitted_at,
            edited_at: row.edited_at,
            published_at: row.published_at,
            decided_at: row.decided_at,
            decided_by,
            reason: row.reason,
            token_version: row.token_version,
            history: Vec::new(),
            notes: Vec::new(),
            reports: Vec::new(),
        };
        (place, comment)
    });
    Ok(comments.collect())
}

/// A comment and a version of it.
pub(super) type Step = (CommentId, i32);

/// What happened to these comments behind this step, at most [`ROWS_MAX`] lines: by comment, then oldest first. One
/// statement.
pub(super) async fn load_history(
    connection: &mut PgConnection,
    ids: &[CommentId],
    after: Step,
) -> Result<Vec<(Step, CommentId, HistoryPart)>, Error> {
    let lines = sqlx::query!(
        r#"
        select
            h.comment_id as "comment_id: CommentId", h.version, h.at, h.actor_kind, h.actor_id as "actor_id: ModeratorId",
            m.name as "actor_name?", h.from_status, h.to_status, h.reason, n.note as "note?", t.name as "earlier_name?",
            t.website as "earlier_website?", t.body as "earlier_body?"
        from comment_history h
        left join moderators m on m.id = h.actor_id
        left join comment_notes n on n.comment_id = h.comment_id and n.version = h.version
        left join comment_texts t on t.comment_id = h.comment_id and t.version = h.version - 1
        where h.comment_id = any($1) and (h.comment_id, h.version) > ($2, $3)
        order by h.comment_id, h.version
        limit $4
        "#,
        &uuids(ids),
        after.0.as_uuid(),
        after.1,
        rows(ROWS_MAX),
    )
    .fetch_all(connection)
    .await?;
    let lines = lines.into_iter().map(|row| {
        let earlier = match (row.earlier_name, row.earlier_body) {
            (Some(name), Some(body)) => Some(EarlierPart {
                name,
                website: row.earlier_website,
                body,
            }),
            _ => None,
        };
        let line = HistoryPart {
            at: row.at,
            actor: ActorPart {
                kind: row.actor_kind,
                id: row.actor_id,
                name: row.actor_name,
            },
            from: row.from_status,
            to: row.to_status,
            reason: row.reason,
            note: row.note,
            earlier,
        };
        ((row.comment_id, row.version), row.comment_id, line)
    });
    Ok(lines.collect())
}

/// A note of a moderator.
fn note(at: OffsetDateTime, id: ModeratorId, name: String, note: String) -> NotePart {
    NotePart {
        at,
        by: ActorPart {
            kind: "moderator".to_owned(),
            id: Some(id),
            name: Some(name),
        },
        note,
    }
}

/// Notes about these comments behind this one, at most [`ROWS_MAX`], oldest first. One statement.
pub(super) async fn load_notes(
    connection: &mut PgConnection,
    ids: &[CommentId],
    after: NoteId,
) -> Result<Vec<(NoteId, CommentId, NotePart)>, Error> {
    let notes = sqlx::query!(
        r#"
        select n.id as "id: NoteId", n.comment_id as "comment_id!: CommentId", n.at,
            n.moderator_id as "moderator_id: ModeratorId", m.name, n.note
        from notes n
        join moderators m on m.id = n.moderator_id
        where n.comment_id = any($1) and n.id > $2
        order by n.id
        limit $3
        "#,
        &uuids(ids),
        after.as_uuid(),
        rows(ROWS_MAX),
    )
    .fetch_all(connection)
    .await?;
    let notes = notes.into_iter();
    Ok(notes
        .map(|row| {
            let note = note(row.at, row.moderator_id, row.name, row.note);
            (row.id, row.comment_id, note)
        })
        .collect())
}

/// Reports of these comments behind this one, at most [`ROWS_MAX`]: by comment, then oldest first; by the index
/// `reports_comment_id`. One statement.
pub(super) async fn load_reports(
    connection: &mut PgConnection,
    ids: &[CommentId],
    after: (CommentId, ReportId),
) -> Result<Vec<((CommentId, ReportId), CommentId, ReportPart)>, Error> {
    let reports = sqlx::query!(
        r#"
        select r.comment_id as "comment_id: CommentId", r.id as "id: ReportId", r.at, r.reason, r.note, r.settled_at
        from reports r
        where r.comment_id = any($1) and (r.comment_id, r.id) > ($2, $3)
        order by r.comment_id, r.id
        limit $4
        "#,
        &uuids(ids),
        after.0.as_uuid(),
        after.1.as_uuid(),
        rows(ROWS_MAX),
    )
    .fetch_all(connection)
    .await?;
    let reports = reports.into_iter().map(|row| {
        let report = ReportPart {
            at: row.at,
            reason: row.reason,
            note: row.note,
            settled_at: row.settled_at,
        };
        ((row.comment_id, row.id), row.comment_id, report)
    });
    Ok(reports.collect())
}

/// A site's notes about authors behind this one, at most [`ROWS_MAX`], oldest first. One statement.
pub(super) async fn load_author_notes(
    connection: &mut PgConnection,
    site: SiteId,
    after: NoteId,
) -> Result<Vec<(NoteId, AuthorNoteLine)>, Error> {
    let notes = sqlx::query!(
        r#"
        select n.id as "id: NoteId", n.at, n.moderator_id as "moderator_id: ModeratorId", m.name, n.note,
            (
                select c.email
                from comments c
                where c.author_id = n.author_id and c.site_id = n.site_id
                limit 1
            ) as email
        from notes n
        join moderators m on m.id = n.moderator_id
        where n.site_id = $1 and n.author_id is not null and n.id > $2
        order by n.id
        limit $3
        "#,
        site.as_uuid(),
        after.as_uuid(),
        rows(ROWS_MAX),
    )
    .fetch_all(connection)
    .await?;
    let notes = notes.into_iter();
    Ok(notes
        .map(|row| {
            let note = note(row.at, row.moderator_id, row.name, row.note);
            let email = row.email;
            (row.id, AuthorNoteLine { email, note })
        })
        .collect())
}
