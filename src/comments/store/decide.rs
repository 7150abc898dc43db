//! The statements of a decision: lock, compare, change, log and count, for one comment or many, in the caller's
//! transaction. Must not know why somebody decides.
//!
//! Everything is judged by the locked rows, in a statement of its own behind that lock (`locks.rs` says why); the order of
//! locks stands there too.
//!
//! It is planned once for each connection (`Lane::Decisions`): that takes twice as long as to decide one comment. So that
//! the plan is right for any size of tables, ids are looked up by `= any`, which is a step down an index each, and not
//! joined, which may be planned as a walk through the table.

use sqlx::PgConnection;
use sqlx::types::ipnetwork::IpNetwork;
use time::OffsetDateTime;
use uuid::Uuid;

use super::admin_row::{AdminRow, OpenReports, status, unknown};
use super::locks::{count, lock_comments, lock_free_comments};
use crate::accounts::model::SiteScope;
use crate::base::ids::{CommentId, ModeratorId, PageId, SiteId};
use crate::comments::model::ActorKind;
use crate::comments::model::decisions::{
    DecidedComment, Decider, DecisionFacts, DecisionRequest, DecisionResult, Outcome,
    SettledReports,
};
use crate::database::Error;

/// What somebody wants of a comment.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The sites whose comments they may decide.
    pub scope: &'a SiteScope,
    /// Who they are.
    pub by: ModeratorId,
    /// What they want.
    pub request: &'a DecisionRequest,
}

/// Decides each comment by itself and returns it as it is afterwards, in the order of the requests. No id may stand twice.
/// Waits for comments that somebody else holds. Two statements, one or two more where pages show something else now; for a
/// transaction.
pub async fn decide_whole(
    connection: &mut PgConnection,
    at: OffsetDateTime,
    asks: &[Ask<'_>],
) -> Result<Vec<DecidedComment>, Error> {
    lock_comments(connection, &SiteScope::All, &ids_of(asks)).await?;
    decide_locked(connection, at, asks).await
}

/// The same, but for those that somebody else holds at this moment or that aren't there: nothing is said of these.
pub async fn decide_free(
    connection: &mut PgConnection,
    at: OffsetDateTime,
    asks: &[Ask<'_>],
) -> Result<Vec<Option<DecidedComment>>, Error> {
    let free = lock_free_comments(connection, &ids_of(asks)).await?;
    let is_free = |ask: &Ask<'_>| free.contains(&ask.request.comment_id);
    let asked: Vec<_> = asks.iter().filter(|ask| is_free(ask)).copied().collect();
    let mut decided = decide_locked(connection, at, &asked).await?.into_iter();
    let of = |ask: &Ask<'_>| if is_free(ask) { decided.next() } else { None };
    Ok(asks.iter().map(of).collect())
}

async fn decide_locked(
    connection: &mut PgConnection,
    at: OffsetDateTime,
    asks: &[Ask<'_>],
) -> Result<Vec<DecidedComment>, Error> {
    let rows = decide(connection, at, asks, Answer::Whole).await?;
    let decided = rows
        .into_iter()
        .map(|row| {
            let result = row.result()?;
            let comment = row
                .into_admin_row()
                .map(AdminRow::into_comment)
                .transpose()?;
            Ok(DecidedComment { result, comment })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let results: Vec<_> = decided.iter().map(|decided| decided.result).collect();
    count(connection, &results).await?;
    Ok(decided)
}

/// Decides each comment by itself and says, in the order of the requests, what came of it. No id may stand twice. Two
/// statements, one or two more where pages show something else now; for a transaction.
pub async fn decide_many(
    connection: &mut PgConnection,
    scope: &SiteScope,
    by: Decider,
    requests: &[DecisionRequest],
) -> Result<Vec<DecisionResult>, Error> {
    let ask = |request| Ask {
        scope,
        by: by.moderator_id,
        request,
    };
    let asks: Vec<_> = requests.iter().map(ask).collect();
    lock_comments(connection, scope, &ids_of(&asks)).await?;
    let rows = decide(connection, by.at, &asks, Answer::Facts).await?;
    let results = rows
        .iter()
        .map(DecisionRow::result)
        .collect::<Result<Vec<_>, _>>()?;
    count(connection, &results).await?;
    Ok(results)
}

fn ids_of(asks: &[Ask<'_>]) -> Vec<Uuid> {
    let ids = asks.iter().map(|ask| *ask.request.comment_id.as_uuid());
    ids.collect()
}

/// What comes back of each comment. Texts of 500 comments that nobody reads would be most of the statement's cost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Facts,
    Whole,
}

/// What a statement says of a comment that was asked for.
#[derive(Debug)]
pub(super) struct DecisionRow {
    pub(super) asked_id: Uuid,
    pub(super) outcome: String,
    pub(super) site_id: Option<Uuid>,
    pub(super) was: Option<String>,
    pub(super) status: Option<String>,
    pub(super) version: Option<i32>,
    pub(super) decided_at: Option<OffsetDateTime>,
    pub(super) decided_by_kind: Option<String>,
    pub(super) decided_by: Option<Uuid>,
    pub(super) decided_by_name: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) page_id: Option<Uuid>,
    pub(super) site: Option<String>,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) website: Option<String>,
    pub(super) ip: Option<IpNetwork>,
    pub(super) user_agent: Option<String>,
    pub(super) body: Option<String>,
    pub(super) body_html: Option<String>,
    pub(super) submitted_at: Option<OffsetDateTime>,
    pub(super) edited_at: Option<OffsetDateTime>,
    pub(super) page_url: Option<String>,
    pub(super) page_title: Option<String>,
    pub(super) parent_id: Option<Uuid>,
    pub(super) parent_status: Option<String>,
    pub(super) parent_name: Option<String>,
    pub(super) parent_body_html: Option<String>,
    pub(super) reports: Option<OpenReports>,
    pub(super) has_settled: bool,
}

impl DecisionRow {
    pub(super) fn result(&self) -> Result<DecisionResult, Error> {
        let outcome = Outcome::parse(&self.outcome).ok_or_else(|| unknown("outcome"))?;
        let facts = match (
            self.site_id,
            self.page_id,
            &self.was,
            &self.status,
            self.version,
        ) {
            (Some(site), Some(page), Some(was), Some(now), Some(version)) => Some(DecisionFacts {
                site_id: SiteId::from_uuid(site),
                page_id: PageId::from_uuid(page),
                was: status(was)?,
                status: status(now)?,
                version,
                reports: if self.has_settled {
                    SettledReports::Some
                } else {
                    SettledReports::None
                },
            }),
            _ => None,
        };
        Ok(DecisionResult {
            comment_id: CommentId::from_uuid(self.asked_id),
            outcome,
            facts,
        })
    }

    /// None where there is no such comment, or only the facts were asked for.
    pub(super) fn into_admin_row(self) -> Option<AdminRow> {
        Some(AdminRow {
            id: self.asked_id,
            site: self.site?,
            status: self.status?,
            version: self.version?,
            name: self.name?,
            email: self.email?,
            website: self.website,
            ip: self.ip,
            user_agent: self.user_agent,
            body: self.body?,
            body_html: self.body_html?,
            submitted_at: self.submitted_at?,
            edited_at: self.edited_at,
            decided_at: self.decided_at,
            decided_by_kind: self.decided_by_kind,
            decided_by: self.decided_by,
            decided_by_name: self.decided_by_name,
            reason: self.reason,
            page_id: self.page_id?,
            page_url: self.page_url?,
            page_title: self.page_title,
            parent_id: self.parent_id,
            parent_status: self.parent_status,
            parent_name: self.parent_name,
            parent_body_html: self.parent_body_html,
            reports: self.reports,
        })
    }
}

/// The requests column by column, as `unnest` takes them.
#[derive(Default)]
struct Asked<'a> {
    ids: Vec<Uuid>,
    targets: Vec<&'static str>,
    reasons: Vec<Option<&'a str>>,
    notes: Vec<Option<&'a str>>,
    versions: Vec<Option<i32>>,
    by: Vec<Uuid>,
    /// Which of `scopes` limits it; none has all sites.
    scope_numbers: Vec<Option<i32>>,
    scopes: Vec<&'a SiteScope>,
}

impl<'a> Asked<'a> {
    fn of(asks: &[Ask<'a>]) -> Self {
        let mut asked = Self::default();
        for ask in asks {
            let request = ask.request;
            asked.ids.push(*request.comment_id.as_uuid());
            asked.targets.push(request.decision.target().as_str());
            let reason = request.reason.as_ref();
            asked
                .reasons
                .push(reason.map(|reason| reason.code().as_str()));
            asked
                .notes
                .push(request.note.as_ref().map(crate::base::text::Note::as_str));
            asked.versions.push(request.version);
            asked.by.push(*ask.by.as_uuid());
            let number = asked.number(ask.scope);
            asked.scope_numbers.push(number);
        }
        asked
    }

    fn number(&mut self, scope: &'a SiteScope) -> Option<i32> {
        if *scope == SiteScope::All {
            return None;
        }
        let known = self.scopes.iter().position(|known| *known == scope);
        let number = known.unwrap_or(self.scopes.len());
        if known.is_none() {
            self.scopes.push(scope);
        }
        // A number that no scope has lets nothing through; none would let everything.
        Some(i32::try_from(number).unwrap_or(-1))
    }

    /// The sites of the scopes: which scope, which site.
    fn sites(&self) -> (Vec<i32>, Vec<Uuid>) {
        let sites = |scope: &SiteScope| scope.uuids().unwrap_or_default();
        let numbered = (0..).zip(&self.scopes);
        numbered
            .flat_map(|(number, scope)| sites(scope).into_iter().map(move |site| (number, site)))
            .unzip()
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "one statement, which can't be cut into pieces"
)]
async fn decide(
    connection: &mut PgConnection,
    at: OffsetDateTime,
    asks: &[Ask<'_>],
    answer: Answer,
) -> Result<Vec<DecisionRow>, Error> {
    let asked = Asked::of(asks);
    let (scopes, sites) = asked.sites();
    let rows = sqlx::query_as!(
        DecisionRow,
        r#"
        with asked as (
            select a.id, a.target, a.reason, a.note, a.expected, a.by, a.scope, a.place
            from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::uuid[], $9::integer[])
                with ordinality as a (id, target, reason, note, expected, by, scope, place)
        ), found as materialized (
            select
                c.id, c.site_id, c.page_id, c.parent_id, c.status, c.version, c.name, c.email, c.website, c.ip,
                c.user_agent, c.body, c.body_html, c.submitted_at, c.edited_at, c.decided_at, c.decided_by_kind,
                c.decided_by, c.reason, c.published_at
            from comments c
            join asked a on a.id = c.id
            where c.id = any($1::uuid[])
                and (
                    a.scope is null
                    or exists (
                        select 1
                        from unnest($11::integer[], $12::uuid[]) s (scope, site)
                        where s.scope = a.scope and s.site = c.site_id
                    )
                )
        ), judged as materialized (
            select
                l.id, l.status as was, l.version, l.published_at, a.target, a.reason, a.note, a.by,
                case
                    when l.status = 'deleted' then 'deleted'
                    when l.status = a.target then 'unchanged'
                    when a.reason is not null and not exists (
                        select 1
                        from reasons e
                        where e.site_id = l.site_id and e.code = a.reason
                    ) then 'unknown_reason'
                    when a.expected <> l.version then 'version_conflict'
                    else 'decided'
                end as outcome
            from found l
            join asked a on a.id = l.id
        ), decided as (
            update comments c
            set status = j.target,
                version = j.version + 1,
                reason = j.reason,
                decided_at = $7,
                decided_by_kind = $8,
                decided_by = j.by,
                published_at = case when j.target = 'approved' then coalesce(j.published_at, $7) else j.published_at end
            from judged j
            where c.id = any($1::uuid[]) and c.id = j.id and j.outcome = 'decided'
            returning c.id, c.version, j.was, j.target, j.reason, j.note, j.by
        ), logged as (
            insert into comment_history (comment_id, version, at, actor_kind, actor_id, from_status, to_status, reason)
            select d.id, d.version, $7, $8, d.by, d.was, d.target, d.reason
            from decided d
        ), noted as (
            insert into comment_notes (comment_id, version, note)
            select d.id, d.version, d.note
            from decided d
            where d.note is not null
        ), settled as (
            update reports r
            set settled_at = $7,
                settled_by = j.by
            from judged j
            where r.comment_id = any($1::uuid[]) and r.comment_id = j.id and r.settled_at is null and j.outcome in ('decided', 'unchanged')
            returning r.comment_id
        )
        select
            a.id as "asked_id!",
            coalesce(j.outcome, 'not_found') as "outcome!",
            l.site_id as "site_id?",
            l.page_id as "page_id?",
            l.status as "was?",
            case when j.outcome = 'decided' then j.target else l.status end as "status?",
            case when j.outcome = 'decided' then l.version + 1 else l.version end as "version?",
            case when j.outcome = 'decided' then $7 else l.decided_at end as "decided_at?",
            case when j.outcome = 'decided' then $8 else l.decided_by_kind end as "decided_by_kind?",
            case when j.outcome = 'decided' then j.by else l.decided_by end as "decided_by?",
            case when j.outcome = 'decided' then j.reason else l.reason end as "reason?",
            m.name as "decided_by_name?",
            s.slug as "site?",
            w.name as "name?",
            w.email as "email?",
            w.website as "website?",
            w.ip as "ip?",
            w.user_agent as "user_agent?",
            w.body as "body?",
            w.body_html as "body_html?",
            w.submitted_at as "submitted_at?",
            w.edited_at as "edited_at?",
            p.url as "page_url?",
            p.title as "page_title?",
            w.parent_id as "parent_id?",
            r.status as "parent_status?",
            r.name as "parent_name?",
            r.body_html as "parent_body_html?",
            case when j.outcome not in ('decided', 'unchanged') then open_reports(w.id) end as "reports?: OpenReports",
            exists (select 1 from settled e where e.comment_id = a.id) as "has_settled!"
        from asked a
        left join judged j on j.id = a.id
        left join found l on l.id = a.id
        left join found w on w.id = a.id and $10::boolean
        left join sites s on s.id = w.site_id
        left join pages p on p.id = w.page_id and p.id = any (array(select o.page_id from found o))
        left join comments r on r.id = w.parent_id and r.id = any (array(select o.parent_id from found o))
        left join moderators m
            on w.id is not null and m.id = case when j.outcome = 'decided' then j.by else w.decided_by end
        order by a.place
        "#,
        &asked.ids,
        &asked.targets as _,
        &asked.reasons as _,
        &asked.notes as _,
        &asked.versions as _,
        &asked.by,
        at,
        ActorKind::Moderator.as_str(),
        &asked.scope_numbers as _,
        answer == Answer::Whole,
        &scopes,
        &sites,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}
