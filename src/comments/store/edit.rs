//! The statements of an edit: lock, compare, keep what was, change and log. Must not know why somebody edits.
//!
//! Everything is judged by the locked row, in a statement of its own behind that lock: see `locks.rs`.

use sqlx::PgConnection;

use super::admin_row::{AdminRow, OpenReports};
use super::decide::DecisionRow;
use super::locks::{count, lock_comments};
use crate::accounts::model::SiteScope;
use crate::base::change::Change;
use crate::base::email::EmailKey;
use crate::base::ids::{CommentId, SiteId};
use crate::comments::model::ActorKind;
use crate::comments::model::decisions::{DecidedComment, Decider};
use crate::database::Error;

/// What is to be changed; what is none stays.
pub(in crate::comments) struct Edit<'a> {
    pub(in crate::comments) comment_id: CommentId,
    /// The name, and the avatar that belongs to it.
    pub(in crate::comments) name: Option<(&'a str, String)>,
    pub(in crate::comments) website: Change<&'a str>,
    /// The text, and the same as HTML.
    pub(in crate::comments) body: Option<(&'a str, String)>,
    pub(in crate::comments) version: Option<i32>,
}

/// What a comment's avatar is made of besides the name: neither changes but by deletion. One statement.
pub(in crate::comments) async fn find_avatar_facts(
    connection: &mut PgConnection,
    scope: &SiteScope,
    id: CommentId,
) -> Result<Option<(SiteId, EmailKey)>, Error> {
    let row = sqlx::query!(
        r#"
        select site_id as "site_id: SiteId", email_key
        from comments
        where id = $1 and ($2::uuid[] is null or site_id = any($2))
        "#,
        id.as_uuid(),
        scope.uuids() as _
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.site_id, EmailKey::from_stored(row.email_key))))
}

/// Edits a comment and returns it as it is afterwards. Where nothing would change, nothing is written, whatever the
/// version. Two statements, another one where its page shows something else now; for a transaction.
#[expect(
    clippy::too_many_lines,
    reason = "one statement, which can't be cut into pieces"
)]
pub(in crate::comments) async fn edit_one(
    connection: &mut PgConnection,
    scope: &SiteScope,
    by: Decider,
    edit: &Edit<'_>,
) -> Result<DecidedComment, Error> {
    lock_comments(connection, scope, &[*edit.comment_id.as_uuid()]).await?;
    let row = sqlx::query_as!(
        DecisionRow,
        r#"
        with found as materialized (
            select
                c.id, c.site_id, c.page_id, c.parent_id, c.status, c.version, c.name, c.email, c.website, c.ip,
                c.user_agent, c.body, c.body_html, c.avatar, c.submitted_at, c.edited_at, c.decided_at,
                c.decided_by_kind, c.decided_by, c.reason
            from comments c
            where c.id = $1 and ($2::uuid[] is null or c.site_id = any($2))
        ), meant as materialized (
            select
                l.id, coalesce($3, l.name) as name, case when $3::text is null then l.avatar else $4 end as avatar,
                case when $5::boolean then $6 else l.website end as website, coalesce($7, l.body) as body,
                case when $7::text is null then l.body_html else $8 end as body_html
            from found l
        ), judged as materialized (
            select
                l.id, l.status, l.version,
                case
                    when l.status = 'deleted' then 'deleted'
                    when l.name = t.name and l.website is not distinct from t.website and l.body = t.body then 'unchanged'
                    when $9 <> l.version then 'version_conflict'
                    else 'decided'
                end as outcome
            from found l
            join meant t on t.id = l.id
        ), kept as (
            insert into comment_texts (comment_id, version, name, website, body)
            select l.id, l.version, l.name, l.website, l.body
            from found l
            join judged j on j.id = l.id and j.outcome = 'decided'
        ), edited as (
            update comments c
            set name = t.name,
                avatar = t.avatar,
                website = t.website,
                body = t.body,
                body_html = t.body_html,
                version = j.version + 1,
                edited_at = $10
            from judged j
            join meant t on t.id = j.id
            where c.id = j.id and j.outcome = 'decided'
        ), logged as (
            insert into comment_history (comment_id, version, at, actor_kind, actor_id, from_status, to_status)
            select j.id, j.version + 1, $10, $11, $12, j.status, j.status
            from judged j
            where j.outcome = 'decided'
        )
        select
            a.id as "asked_id!",
            coalesce(j.outcome, 'not_found') as "outcome!",
            l.site_id as "site_id?",
            l.page_id as "page_id?",
            l.status as "was?",
            l.status as "status?",
            case when j.outcome = 'decided' then l.version + 1 else l.version end as "version?",
            l.decided_at as "decided_at?",
            l.decided_by_kind as "decided_by_kind?",
            l.decided_by as "decided_by?",
            l.reason as "reason?",
            m.name as "decided_by_name?",
            s.slug as "site?",
            case when j.outcome = 'decided' then t.name else l.name end as "name?",
            l.email as "email?",
            case when j.outcome = 'decided' then t.website else l.website end as "website?",
            l.ip as "ip?",
            l.user_agent as "user_agent?",
            case when j.outcome = 'decided' then t.body else l.body end as "body?",
            case when j.outcome = 'decided' then t.body_html else l.body_html end as "body_html?",
            l.submitted_at as "submitted_at?",
            case when j.outcome = 'decided' then $10 else l.edited_at end as "edited_at?",
            p.url as "page_url?",
            p.title as "page_title?",
            l.parent_id as "parent_id?",
            r.status as "parent_status?",
            r.name as "parent_name?",
            r.body_html as "parent_body_html?",
            open_reports(l.id) as "reports?: OpenReports",
            false as "has_settled!"
        from (select $1::uuid as id) a
        left join found l on l.id = a.id
        left join judged j on j.id = a.id
        left join meant t on t.id = a.id
        left join sites s on s.id = l.site_id
        left join pages p on p.id = l.page_id
        left join comments r on r.id = l.parent_id
        left join moderators m on m.id = l.decided_by
        "#,
        edit.comment_id.as_uuid(),
        scope.uuids() as _,
        edit.name.as_ref().map(|(name, _)| *name),
        edit.name.as_ref().map(|(_, avatar)| avatar.as_str()),
        !edit.website.is_keep(),
        edit.website.value(),
        edit.body.as_ref().map(|(body, _)| *body),
        edit.body.as_ref().map(|(_, html)| html.as_str()),
        edit.version,
        by.at,
        ActorKind::Moderator.as_str(),
        by.moderator_id.as_uuid()
    )
    .fetch_one(&mut *connection)
    .await?;
    let result = row.result()?;
    count(connection, std::slice::from_ref(&result)).await?;
    let comment = row
        .into_admin_row()
        .map(AdminRow::into_comment)
        .transpose()?;
    Ok(DecidedComment { result, comment })
}
