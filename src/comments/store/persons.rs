//! What one author wrote, by the id that stands for their address. Must not know how ids are made, nor who may ask.

use std::collections::HashMap;

use sqlx::PgConnection;
use sqlx::types::ipnetwork::IpNetwork;
use time::OffsetDateTime;
use uuid::Uuid;

use super::admin_row::{status, unknown};
use crate::accounts::model::SiteScope;
use crate::base::email::EmailKey;
use crate::base::ids::{AuthorId, CommentId, PageId};
use crate::comments::model::ActorKind;
use crate::comments::model::persons::{HeldChange, HeldComment, HeldReport, HeldText};
use crate::comments::model::reactions::ReportReason;
use crate::database::Error;

/// Reports of one comment that are listed.
const REPORTS_OF_ONE_MAX: i64 = 1_000;
/// Lines of histories that one statement reads.
const LINES_AT_ONCE: i64 = 5_000;

/// How many comments the author has on the scope's sites. One statement, on an index of the author's comments alone.
pub async fn count_of_author(
    connection: &mut PgConnection,
    scope: &SiteScope,
    author: AuthorId,
) -> Result<i64, Error> {
    let number = sqlx::query_scalar!(
        r#"
        select count(*) as "number!"
        from comments
        where author_id = $1 and ($2::uuid[] is null or site_id = any($2))
        "#,
        author.as_uuid(),
        scope.uuids() as _,
    )
    .fetch_one(connection)
    .await?;
    Ok(number)
}

/// The author's next comments on the scope's sites, in the order of their ids. One statement, which gathers what the index of
/// the author's comments has: in the order of the key it would pass over all that others wrote.
pub async fn find_of_author(
    connection: &mut PgConnection,
    scope: &SiteScope,
    author: AuthorId,
    after: CommentId,
    limit: i64,
) -> Result<Vec<CommentId>, Error> {
    let ids = sqlx::query_scalar!(
        r#"
        with theirs as materialized (
            select id
            from comments
            where author_id = $1 and ($2::uuid[] is null or site_id = any($2)) and id > $3
        )
        select id as "id: CommentId"
        from theirs
        order by id
        limit $4
        "#,
        author.as_uuid(),
        scope.uuids() as _,
        after.as_uuid(),
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids)
}

/// The address and the author's id of the latest comment that has both: they go together by the server's secret. One
/// statement.
pub async fn find_latest_author(
    connection: &mut PgConnection,
) -> Result<Option<(EmailKey, AuthorId)>, Error> {
    let row = sqlx::query!(
        r#"
        select email_key, author_id as "author_id!: AuthorId"
        from comments
        where author_id is not null
        order by id desc
        limit 1
        "#,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (EmailKey::from_stored(row.email_key), row.author_id)))
}

struct HeldRow {
    id: CommentId,
    site: String,
    page_id: PageId,
    page_url: String,
    page_title: Option<String>,
    parent_id: Option<CommentId>,
    status: String,
    version: i32,
    name: String,
    email: String,
    website: Option<String>,
    body: String,
    is_staff: bool,
    ip: Option<IpNetwork>,
    user_agent: Option<String>,
    score: i32,
    submitted_at: OffsetDateTime,
    edited_at: Option<OffsetDateTime>,
    published_at: Option<OffsetDateTime>,
    decided_at: Option<OffsetDateTime>,
    reason: Option<String>,
}

/// These comments of the author with their histories, in the order of their ids; those that are theirs no more are left
/// out. One statement, and one for each 5,000 lines of history.
pub async fn load_of_author(
    connection: &mut PgConnection,
    author: AuthorId,
    ids: &[CommentId],
) -> Result<Vec<HeldComment>, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| *id.as_uuid()).collect();
    let rows = sqlx::query_as!(
        HeldRow,
        r#"
        select
            c.id as "id: CommentId", s.slug as site, c.page_id as "page_id: PageId", p.url as page_url,
            p.title as page_title, c.parent_id as "parent_id: CommentId", c.status, c.version, c.name, c.email,
            c.website, c.body, c.is_staff, c.ip, c.user_agent, c.score, c.submitted_at, c.edited_at, c.published_at,
            c.decided_at, c.reason
        from comments c
        join sites s on s.id = c.site_id
        join pages p on p.id = c.page_id
        where c.id = any($1::uuid[]) and c.author_id = $2
        order by c.id
        "#,
        &ids,
        author.as_uuid(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut lines = load_lines(connection, &ids).await?.into_iter().peekable();
    let mut reports = load_reports(connection, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let reports = reports.remove(&row.id).unwrap_or_default();
            let mut history = Vec::new();
            while let Some((id, line)) = lines.next_if(|(id, _)| *id <= row.id) {
                if id == row.id {
                    history.push(line);
                }
            }
            held(row, history, reports)
        })
        .collect()
}

/// The first reports of each of these comments.
async fn load_reports(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<CommentId, Vec<HeldReport>>, Error> {
    let rows = sqlx::query!(
        r#"
        select f.comment_id as "comment_id!: CommentId", f.reason as "reason!", f.at as "at!", f.settled_at
        from unnest($1::uuid[]) as a (id)
        cross join lateral (
            select r.comment_id, r.id, r.reason, r.at, r.settled_at
            from reports r
            where r.comment_id = a.id
            order by r.id
            limit $2
        ) f
        order by f.comment_id, f.id
        "#,
        ids,
        REPORTS_OF_ONE_MAX,
    )
    .fetch_all(connection)
    .await?;
    let mut reports: HashMap<CommentId, Vec<HeldReport>> = HashMap::new();
    for row in rows {
        let reason = ReportReason::parse(&row.reason)
            .ok()
            .ok_or_else(|| unknown("reason of a report"))?;
        let report = HeldReport {
            reason,
            at: row.at,
            settled_at: row.settled_at,
        };
        reports.entry(row.comment_id).or_default().push(report);
    }
    Ok(reports)
}

fn held(
    row: HeldRow,
    history: Vec<HeldChange>,
    reports: Vec<HeldReport>,
) -> Result<HeldComment, Error> {
    Ok(HeldComment {
        id: row.id,
        site: row.site,
        page_id: row.page_id,
        page_url: row.page_url,
        page_title: row.page_title,
        parent_id: row.parent_id,
        status: status(&row.status)?,
        version: row.version,
        name: row.name,
        email: row.email,
        website: row.website,
        body: row.body,
        is_staff: row.is_staff,
        ip: row.ip.map(|network| network.ip()),
        user_agent: row.user_agent,
        score: row.score,
        submitted_at: row.submitted_at,
        edited_at: row.edited_at,
        published_at: row.published_at,
        decided_at: row.decided_at,
        reason: row.reason,
        history,
        reports,
    })
}

struct LineRow {
    comment_id: CommentId,
    version: i32,
    at: OffsetDateTime,
    actor_kind: String,
    from_status: Option<String>,
    to_status: String,
    reason: Option<String>,
    note: Option<String>,
    earlier_name: Option<String>,
    earlier_website: Option<String>,
    earlier_body: Option<String>,
}

/// The histories of these comments, in the order of ids and versions.
async fn load_lines(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<(CommentId, HeldChange)>, Error> {
    let mut lines: Vec<(CommentId, HeldChange)> = Vec::new();
    loop {
        let last = lines.last().map(|(id, line)| (*id.as_uuid(), line.version));
        let (after, version) = last.unwrap_or_default();
        let rows = sqlx::query_as!(
            LineRow,
            r#"
            select
                h.comment_id as "comment_id: CommentId", h.version, h.at, h.actor_kind, h.from_status, h.to_status,
                h.reason, n.note as "note?", t.name as "earlier_name?", t.website as "earlier_website?",
                t.body as "earlier_body?"
            from comment_history h
            left join comment_notes n on n.comment_id = h.comment_id and n.version = h.version
            left join comment_texts t on t.comment_id = h.comment_id and t.version = h.version - 1
            where h.comment_id = any($1::uuid[]) and (h.comment_id, h.version) > ($2, $3)
            order by h.comment_id, h.version
            limit $4
            "#,
            ids,
            after,
            version,
            LINES_AT_ONCE,
        )
        .fetch_all(&mut *connection)
        .await?;
        let full = i64::try_from(rows.len()).unwrap_or(LINES_AT_ONCE) >= LINES_AT_ONCE;
        for row in rows {
            lines.push((row.comment_id, change(row)?));
        }
        if !full {
            return Ok(lines);
        }
    }
}

fn change(row: LineRow) -> Result<HeldChange, Error> {
    let earlier = match (row.earlier_name, row.earlier_body) {
        (Some(name), Some(body)) => Some(HeldText {
            name,
            website: row.earlier_website,
            body,
        }),
        _ => None,
    };
    Ok(HeldChange {
        version: row.version,
        at: row.at,
        by: ActorKind::parse(&row.actor_kind).ok_or_else(|| unknown("kind of actor"))?,
        from: row.from_status.as_deref().map(status).transpose()?,
        to: status(&row.to_status)?,
        reason: row.reason,
        note: row.note,
        earlier,
    })
}
