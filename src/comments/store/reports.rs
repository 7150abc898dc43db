//! The statements of reports: taking one, reading them, dropping what tells their network. That a decision settles them
//! stands in its own statement (`decide.rs`). Must not know who reports.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::admin_row::{status, unknown};
use crate::accounts::model::SiteScope;
use crate::base::ids::{CommentId, ReportId, SiteId};
use crate::base::text::ReportNote;
use crate::comments::model::Status;
use crate::comments::model::reactions::{Grievance, Report, ReportReason};
use crate::database::Error;

/// At most the latest so many reports of a comment are read.
const REPORTS_MAX: i64 = 100;
/// So many reports lose what tells their network in one statement.
const CHUNK: i64 = 500;

/// A report, ready to be stored.
pub(in crate::comments) struct NewReport<'a> {
    pub(in crate::comments) id: ReportId,
    pub(in crate::comments) comment_id: CommentId,
    pub(in crate::comments) reporter_key: &'a [u8],
    pub(in crate::comments) grievance: &'a Grievance,
    pub(in crate::comments) at: OffsetDateTime,
}

/// The reported comment.
pub(in crate::comments) struct Reported {
    pub(in crate::comments) site: SiteId,
    pub(in crate::comments) status: Status,
    pub(in crate::comments) version: i32,
    /// False where the network has an open report of it already, which stands.
    pub(in crate::comments) is_new: bool,
}

/// Takes a report of a published comment of the scope; where the comment isn't of the scope, nothing is written. None where
/// there is no such comment. One statement.
///
/// The comment is share-locked and judged by the locked row: a report comes before a decision or a deletion, which then
/// settles it or takes it along, or after it.
pub(in crate::comments) async fn insert(
    connection: &mut PgConnection,
    scope: &SiteScope,
    new: &NewReport<'_>,
) -> Result<Option<Reported>, Error> {
    let row = sqlx::query!(
        r#"
        with locked as materialized (
            select c.id, c.site_id, c.status, c.version
            from comments c
            where c.id = $1
            for share
        ), taken as (
            insert into reports (id, site_id, comment_id, reason, note, reporter_key, at)
            select $3, l.site_id, l.id, $4, $5, $6, $7
            from locked l
            where l.status = 'approved' and ($2::uuid[] is null or l.site_id = any($2))
            on conflict (comment_id, reporter_key) where settled_at is null do nothing
            returning id
        )
        select l.site_id as "site: SiteId", l.status, l.version, exists (select 1 from taken) as "is_new!"
        from locked l
        where l.status = 'approved'
        "#,
        new.comment_id.as_uuid(),
        scope.uuids() as _,
        new.id.as_uuid(),
        new.grievance.reason.as_str(),
        new.grievance.note.as_ref().map(ReportNote::as_str),
        new.reporter_key,
        new.at
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Reported {
            site: row.site,
            status: status(&row.status)?,
            version: row.version,
            is_new: row.is_new,
        })
    })
    .transpose()
}

/// The reports of a comment, newest first; at most a hundred. One statement.
pub async fn load_reports(
    connection: &mut PgConnection,
    comment: CommentId,
) -> Result<Vec<Report>, Error> {
    let rows = sqlx::query!(
        r#"
        select r.id as "id: ReportId", r.reason, r.note, r.at, r.settled_at
        from reports r
        where r.comment_id = $1
        order by r.id desc
        limit $2
        "#,
        comment.as_uuid(),
        REPORTS_MAX
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Report {
                id: row.id,
                // What is wrong with the word is of use to those who send one, not here.
                reason: ReportReason::parse(&row.reason)
                    .ok()
                    .ok_or_else(|| unknown("reason of a report"))?,
                note: row.note,
                at: row.at,
                settled_at: row.settled_at,
            })
        })
        .collect()
}

/// Drops what tells the network of the site's next reports made until `until`; says whether there may be more. One
/// statement. Passes over those that are being settled, for another time: waiting for them in another order than
/// decisions do could be for ever.
pub(in crate::comments) async fn drop_reporters(
    connection: &mut PgConnection,
    site: SiteId,
    until: OffsetDateTime,
) -> Result<bool, Error> {
    let dropped = sqlx::query!(
        r#"
        with found as materialized (
            select id
            from reports
            where site_id = $1 and reporter_key is not null and at <= $2
            order by at, id
            limit $3
            for no key update skip locked
        )
        update reports r
        set reporter_key = null
        from found f
        where r.id = f.id
        "#,
        site.as_uuid(),
        until,
        CHUNK
    )
    .execute(connection)
    .await?;
    Ok(i64::try_from(dropped.rows_affected()).is_ok_and(|number| number >= CHUNK))
}
