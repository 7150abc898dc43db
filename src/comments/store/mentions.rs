//! Texts in which an e-mail address may stand, and their change where it does. Must not know what is looked for.
//!
//! Everything is judged by the locked row, in a statement of its own behind that lock: see `locks.rs`.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::admin_row::{status, unknown};
use super::locks::{count, lock_comments};
use crate::accounts::model::SiteScope;
use crate::base::ids::{AuthorId, CommentId, ModeratorId, PageId, ReportId, SiteId};
use crate::comments::model::changes::Deleter;
use crate::comments::model::decisions::{DecisionFacts, DecisionResult, Outcome, SettledReports};
use crate::comments::model::persons::{CommentText, TextKind};
use crate::database::Error;

/// The last of the next `limit` comments of all sites; none behind the last one. One statement, on the key alone.
pub async fn find_end_of_chunk(
    connection: &mut PgConnection,
    after: CommentId,
    limit: i64,
) -> Result<Option<CommentId>, Error> {
    let last = sqlx::query_scalar!(
        r#"
        select id as "id!: CommentId"
        from (
            select id
            from comments
            where id > $1
            order by id
            limit $2
        ) chunk
        order by id desc
        limit 1
        "#,
        after.as_uuid(),
        limit,
    )
    .fetch_optional(connection)
    .await?;
    Ok(last)
}

struct TextRow {
    kind: String,
    report_id: Option<ReportId>,
    comment_id: CommentId,
    version: i32,
    name: String,
    website: Option<String>,
    user_agent: Option<String>,
    body: String,
}

/// Texts with an `@` of the scope's comments after the one and up to the other that aren't the author's: what stands there,
/// what edits replaced, what was noted with decisions and reports. One statement; the chunk bounds it. What stands beside the
/// chunk is found by an array of its ids: a join would read all reports as long as there are few.
pub async fn load_texts(
    connection: &mut PgConnection,
    scope: &SiteScope,
    author: AuthorId,
    (after, until): (CommentId, CommentId),
) -> Result<Vec<CommentText>, Error> {
    let rows = sqlx::query_as!(
        TextRow,
        r#"
        with chunk as materialized (
            select c.id, c.version, c.name, c.website, c.user_agent, c.body
            from comments c
            where c.id > $1 and c.id <= $2
                and ($3::uuid[] is null or c.site_id = any($3))
                and c.author_id is distinct from $4
                and c.status <> 'deleted'
        )
        select
            'current' as "kind!", null::uuid as "report_id: ReportId", k.id as "comment_id!: CommentId", k.version as "version!", k.name as "name!",
            k.website, k.user_agent, k.body as "body!"
        from chunk k
        where position('@' in concat(k.name, k.website, k.user_agent, k.body)) > 0
        union all
        select 'earlier', null, t.comment_id, t.version, t.name, t.website, null, t.body
        from comment_texts t
        where t.comment_id = any(array(select k.id from chunk k)) and position('@' in concat(t.name, t.website, t.body)) > 0
        union all
        select 'decision_note', null, n.comment_id, n.version, '', null, null, n.note
        from comment_notes n
        where n.comment_id = any(array(select k.id from chunk k)) and position('@' in n.note) > 0
        union all
        select 'report_note', r.id, r.comment_id, 1, '', null, null, r.note
        from reports r
        where r.comment_id = any(array(select k.id from chunk k)) and position('@' in r.note) > 0
        "#,
        after.as_uuid(),
        until.as_uuid(),
        scope.uuids() as _,
        author.as_uuid(),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(CommentText {
                kind: match (row.kind.as_str(), row.report_id) {
                    ("current", _) => TextKind::Current,
                    ("earlier", _) => TextKind::Earlier,
                    ("decision_note", _) => TextKind::DecisionNote,
                    ("report_note", Some(id)) => TextKind::ReportNote(id),
                    _ => return Err(unknown("kind of text")),
                },
                comment_id: row.comment_id,
                version: row.version,
                name: row.name,
                website: row.website,
                user_agent: row.user_agent,
                body: row.body,
            })
        })
        .collect()
}

/// Changes comments' texts without keeping what they were, which the history says by the reason `erasure`; each only if it has its version still. What has been changed
/// is returned. Up to four statements; for a transaction.
#[expect(clippy::too_many_lines, reason = "one statement and its parameters")]
pub(in crate::comments) async fn rewrite(
    connection: &mut PgConnection,
    texts: &[(CommentText, String)],
    by: Deleter,
    at: OffsetDateTime,
) -> Result<Vec<DecisionResult>, Error> {
    let all = texts.iter().map(|(text, _)| text);
    let ids: Vec<Uuid> = all.clone().map(|text| *text.comment_id.as_uuid()).collect();
    let versions: Vec<i32> = all.clone().map(|text| text.version).collect();
    let names: Vec<&str> = all.clone().map(|text| text.name.as_str()).collect();
    let websites: Vec<Option<&str>> = all.clone().map(|text| text.website.as_deref()).collect();
    let agents: Vec<Option<&str>> = all.clone().map(|text| text.user_agent.as_deref()).collect();
    let bodies: Vec<&str> = all.map(|text| text.body.as_str()).collect();
    let rendered: Vec<&str> = texts.iter().map(|(_, html)| html.as_str()).collect();
    lock_comments(connection, &SiteScope::All, &ids).await?;
    let rows = sqlx::query!(
        r#"
        with meant as materialized (
            select m.id, m.version, m.name, m.website, m.user_agent, m.body, m.body_html
            from unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
                as m (id, version, name, website, user_agent, body, body_html)
        ), found as materialized (
            select c.id, c.site_id, c.page_id, c.status, c.version
            from comments c
            where c.id = any($1)
        ), judged as materialized (
            select l.id, l.site_id, l.page_id, l.status, l.version
            from found l
            join meant m on m.id = l.id and m.version = l.version
            where l.status <> 'deleted'
        ), changed as (
            update comments c
            set name = m.name,
                website = m.website,
                user_agent = m.user_agent,
                body = m.body,
                body_html = m.body_html,
                version = j.version + 1,
                edited_at = $8
            from judged j
            join meant m on m.id = j.id
            where c.id = j.id
        ), logged as (
            insert into comment_history (
                comment_id, version, at, actor_kind, actor_id, from_status, to_status, reason
            )
            select j.id, j.version + 1, $8, $9, $10, j.status, j.status, 'erasure'
            from judged j
        )
        select
            j.id as "id: CommentId", j.site_id as "site_id: SiteId", j.page_id as "page_id: PageId", j.status,
            j.version + 1 as "version!"
        from judged j
        "#,
        &ids,
        &versions,
        &names as _,
        &websites as _,
        &agents as _,
        &bodies as _,
        &rendered as _,
        at,
        by.kind().as_str(),
        by.moderator_id().map(ModeratorId::as_uuid),
    )
    .fetch_all(&mut *connection)
    .await?;
    let results = rows
        .into_iter()
        .map(|row| {
            let status = status(&row.status)?;
            Ok(DecisionResult {
                comment_id: row.id,
                outcome: Outcome::Decided,
                facts: Some(DecisionFacts {
                    site_id: row.site_id,
                    page_id: row.page_id,
                    was: status,
                    status,
                    version: row.version,
                    reports: SettledReports::None,
                }),
            })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    count(connection, &results).await?;
    Ok(results)
}

/// Changes what an edit replaced, if it is still kept. One statement.
pub(in crate::comments) async fn rewrite_earlier(
    connection: &mut PgConnection,
    text: &CommentText,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        update comment_texts
        set name = $3, website = $4, body = $5
        where comment_id = $1 and version = $2
        "#,
        text.comment_id.as_uuid(),
        text.version,
        text.name,
        text.website,
        text.body,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Changes what was noted with a decision, if it is still kept. One statement.
pub(in crate::comments) async fn rewrite_decision_note(
    connection: &mut PgConnection,
    text: &CommentText,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        update comment_notes
        set note = $3
        where comment_id = $1 and version = $2
        "#,
        text.comment_id.as_uuid(),
        text.version,
        text.body,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Changes what was noted with a report, if it is still kept. One statement.
pub(in crate::comments) async fn rewrite_report_note(
    connection: &mut PgConnection,
    id: ReportId,
    note: &str,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        update reports
        set note = $2
        where id = $1
        "#,
        id.as_uuid(),
        note,
    )
    .execute(connection)
    .await?;
    Ok(())
}
