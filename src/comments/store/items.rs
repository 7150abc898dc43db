//! Comments as moderators' lists show them, by their ids: with the author's record and whoever works on them. Must not know
//! who may read them, nor which list it is.

use std::collections::HashMap;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::admin_row::{AdminRow, OpenReports};
use crate::accounts::model::SiteScope;
use crate::base::ids::{AuthorId, CommentId, ModeratorId};
use crate::comments::model::queue::{
    AuthorRecord, AuthorStanding, Claim, QueuedComment, RECORD_MAX,
};
use crate::comments::model::{Actor, ActorKind};
use crate::database::Error;

/// The comments of these ids that the scope has, in the order of the ids. One statement, none where there are no ids.
///
/// An author's record is counted from an index alone: from each of their sites and states to the next, each up to a bound.
#[expect(clippy::too_many_lines, reason = "one statement and its columns")]
pub async fn load_queued(
    connection: &mut PgConnection,
    scope: &SiteScope,
    ids: &[CommentId],
    now: OffsetDateTime,
) -> Result<Vec<QueuedComment>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let asked: Vec<Uuid> = ids.iter().map(|id| *id.as_uuid()).collect();
    let rows = sqlx::query!(
        r#"
        with recursive asked as materialized (
            select
                c.id, c.site_id, c.page_id, c.parent_id, c.status, c.version, c.name, c.email, c.website, c.ip,
                c.user_agent, c.body, c.body_html, c.submitted_at, c.edited_at, c.decided_at, c.decided_by_kind,
                c.decided_by, c.reason, c.author_id
            from comments c
            where c.id = any($1) and ($2::uuid[] is null or c.site_id = any($2))
        ), kinds (author_id, site_id, status) as (
            select a.author_id, f.site_id, f.status
            from (select distinct a.author_id from asked a where a.author_id is not null) a
            cross join lateral (
                select c.site_id, c.status
                from comments c
                where c.author_id = a.author_id
                order by c.site_id, c.status
                limit 1
            ) f
            union all
            select k.author_id, n.site_id, n.status
            from kinds k
            cross join lateral (
                select c.site_id, c.status
                from comments c
                where c.author_id = k.author_id and (c.site_id, c.status) > (k.site_id, k.status)
                order by c.site_id, c.status
                limit 1
            ) n
        ), counted as (
            select k.author_id, k.status, least(sum(n.number), $4::bigint)::bigint as number
            from kinds k
            cross join lateral (
                select count(*) as number
                from (
                    select 1
                    from comments c
                    where c.author_id = k.author_id and c.site_id = k.site_id and c.status = k.status
                    limit $4::bigint
                ) c
            ) n
            where $2::uuid[] is null or k.site_id = any($2)
            group by k.author_id, k.status
        ), records as materialized (
            select
                n.author_id,
                sum(n.number) filter (where n.status = 'pending') as pending,
                sum(n.number) filter (where n.status = 'approved') as approved,
                sum(n.number) filter (where n.status = 'rejected') as rejected,
                sum(n.number) filter (where n.status = 'spam') as spam
            from counted n
            group by n.author_id
        )
        select
            c.id as "id!: CommentId", s.slug as "site!", c.status as "status!", c.version as "version!", c.name as "name!",
            c.email as "email!", c.website as "website?", c.ip as "ip?", c.user_agent as "user_agent?",
            c.body as "body!", c.body_html as "body_html!", c.submitted_at as "submitted_at!",
            c.edited_at as "edited_at?", c.decided_at as "decided_at?", c.decided_by_kind as "decided_by_kind?",
            c.decided_by as "decided_by?", m.name as "decided_by_name?", c.reason as "reason?",
            c.page_id as "page_id!", p.url as "page_url!", p.title as "page_title?", c.parent_id as "parent_id?",
            r.status as "parent_status?", r.name as "parent_name?", r.body_html as "parent_body_html?",
            c.author_id as "author_id?: AuthorId",
            coalesce(o.pending, 0)::bigint as "pending!", coalesce(o.approved, 0)::bigint as "approved!",
            coalesce(o.rejected, 0)::bigint as "rejected!", coalesce(o.spam, 0)::bigint as "spam!",
            k.moderator_id as "claimed_by?: ModeratorId", k.until as "claimed_until?", h.name as "claimed_by_name?",
            open_reports(c.id) as "reports?: OpenReports"
        from asked c
        join sites s on s.id = c.site_id
        join pages p on p.id = c.page_id
        left join comments r on r.id = c.parent_id
        left join moderators m on m.id = c.decided_by
        left join records o on o.author_id = c.author_id
        left join claims k on k.comment_id = c.id and k.until > $3
        left join moderators h on h.id = k.moderator_id
        "#,
        &asked,
        scope.uuids() as _,
        now,
        RECORD_MAX,
    )
    .fetch_all(connection)
    .await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let author = row.author_id.map(|id| AuthorStanding {
            id,
            record: AuthorRecord {
                pending: row.pending,
                approved: row.approved,
                rejected: row.rejected,
                spam: row.spam,
            },
        });
        let claim = match (row.claimed_by, row.claimed_until) {
            (Some(moderator), Some(until)) => Some(Claim {
                by: Actor {
                    kind: ActorKind::Moderator,
                    id: Some(moderator),
                    name: row.claimed_by_name,
                },
                until,
            }),
            _ => None,
        };
        let comment = AdminRow {
            id: *row.id.as_uuid(),
            site: row.site,
            status: row.status,
            version: row.version,
            name: row.name,
            email: row.email,
            website: row.website,
            ip: row.ip,
            user_agent: row.user_agent,
            body: row.body,
            body_html: row.body_html,
            submitted_at: row.submitted_at,
            edited_at: row.edited_at,
            decided_at: row.decided_at,
            decided_by_kind: row.decided_by_kind,
            decided_by: row.decided_by,
            decided_by_name: row.decided_by_name,
            reason: row.reason,
            page_id: row.page_id,
            page_url: row.page_url,
            page_title: row.page_title,
            parent_id: row.parent_id,
            parent_status: row.parent_status,
            parent_name: row.parent_name,
            parent_body_html: row.parent_body_html,
            reports: row.reports,
        };
        let comment = comment.into_comment()?;
        found.insert(
            row.id,
            QueuedComment {
                comment,
                author,
                claim,
            },
        );
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}
