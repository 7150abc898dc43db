//! One comment with all that happened to it. Must not know who may read it.

use sqlx::PgConnection;

use super::admin_row::{AdminRow, OpenReports, actor, status};
use crate::accounts::model::SiteScope;
use crate::base::ids::CommentId;
use crate::comments::model::decisions::{AdminComment, EarlierText, HistoryLine};
use crate::database::Error;

/// At most the latest so many lines; more than a person reads, and no answer without a bound.
pub const HISTORY_LINES_MAX: i64 = 1_000;

/// A comment of the scope. One statement.
pub async fn find_admin_comment(
    connection: &mut PgConnection,
    scope: &SiteScope,
    id: CommentId,
) -> Result<Option<AdminComment>, Error> {
    let row = sqlx::query_as!(
        AdminRow,
        r#"
        select
            c.id, s.slug as site, c.status, c.version, c.name, c.email, c.website, c.ip, c.user_agent, c.body,
            c.body_html, c.submitted_at, c.edited_at, c.decided_at, c.decided_by_kind, c.decided_by,
            m.name as "decided_by_name?", c.reason, c.page_id, p.url as page_url, p.title as page_title, c.parent_id,
            r.status as "parent_status?", r.name as "parent_name?", r.body_html as "parent_body_html?",
            open_reports(c.id) as "reports?: OpenReports"
        from comments c
        join sites s on s.id = c.site_id
        join pages p on p.id = c.page_id
        left join comments r on r.id = c.parent_id
        left join moderators m on m.id = c.decided_by
        where c.id = $1 and ($2::uuid[] is null or c.site_id = any($2))
        "#,
        id.as_uuid(),
        scope.uuids() as _,
    )
    .fetch_optional(connection)
    .await?;
    row.map(AdminRow::into_comment).transpose()
}

/// What happened to a comment until `version`, oldest first; the latest [`HISTORY_LINES_MAX`] lines. One statement.
///
/// The version bounds it, so that a change between this statement and the one that read the comment isn't in it.
pub async fn load_history(
    connection: &mut PgConnection,
    id: CommentId,
    version: i32,
) -> Result<Vec<HistoryLine>, Error> {
    let rows = sqlx::query!(
        r#"
        select
            h.at, h.actor_kind, h.actor_id, m.name as "actor_name?", h.from_status, h.to_status, h.reason,
            n.note as "note?", t.name as "earlier_name?", t.website as "earlier_website?", t.body as "earlier_body?"
        from comment_history h
        left join moderators m on m.id = h.actor_id
        left join comment_notes n on n.comment_id = h.comment_id and n.version = h.version
        left join comment_texts t on t.comment_id = h.comment_id and t.version = h.version - 1
        where h.comment_id = $1 and h.version <= $2
        order by h.version desc
        limit $3
        "#,
        id.as_uuid(),
        version,
        HISTORY_LINES_MAX,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .rev()
        .map(|row| {
            let earlier = match (row.earlier_name, row.earlier_body) {
                (Some(name), Some(body)) => Some(EarlierText {
                    name,
                    website: row.earlier_website,
                    body,
                }),
                _ => None,
            };
            Ok(HistoryLine {
                at: row.at,
                actor: actor(&row.actor_kind, row.actor_id, row.actor_name)?,
                from: row.from_status.as_deref().map(status).transpose()?,
                to: status(&row.to_status)?,
                reason: row.reason,
                note: row.note,
                earlier,
            })
        })
        .collect()
}
