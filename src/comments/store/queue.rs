//! Which comments a filter takes: for the moderators' lists, for claims, for batches. Must not know who may ask, nor HTTP.
//!
//! The one file that builds statements out of pieces. The pieces are fixed text; every value is bound. Only keys come
//! from here; what belongs to them is read by its own statements.
//!
//! A place (a site, a page), or an author or address within a site, and a state make a *stretch* of an index in the order
//! of the list. A statement takes the first few of each stretch and merges them: a common `in (…)` over all would sort
//! everything that ever was there. What no index holds is looked at comment by comment, and of those a statement looks at
//! [`LOOKED_MAX`] at most: where that cuts a stretch off, the list can't be known beyond, so it ends there for now.

use sqlx::types::ipnetwork::IpNetwork;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use time::OffsetDateTime;
use uuid::Uuid;

use super::admin_row::status;
use crate::accounts::model::PersonalData;
use crate::base::ids::{AuthorId, CommentId};
use crate::base::paging::TimeCursor;
use crate::comments::model::queue::{
    CommentFilter, Completeness, Found, ListAsked, Match, Order, Places,
};
use crate::comments::model::reactions::SignalCode;
use crate::database::Error;

/// One look at a list passes at most so many comments.
pub const LOOKED_MAX: i64 = 50_000;
/// So many of them may be found by the index of words and sorted. Where more comments hold the words, the list is walked
/// in its own order instead, in which such common words are found soon.
const HITS_MAX: i64 = 20_000;
/// So many comments are looked up at once to be lent.
const CANDIDATES: usize = 500;

/// A filter, where it looks, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// Where, from [`find_places`](super::places::find_places) for the same filter.
    pub places: &'a Places,
    /// What.
    pub filter: &'a CommentFilter,
    /// Whether words are looked for in e-mail addresses.
    pub personal_data: PersonalData,
}

/// Whether comments that are lent to somebody are wanted.
#[derive(Debug, Clone, Copy)]
enum Claimed {
    /// They are like all others.
    Regardless,
    /// Only what nobody holds at this time.
    Free(OffsetDateTime),
}

/// The next comments of a list. One statement.
pub async fn look(
    connection: &mut PgConnection,
    search: &Search<'_>,
    asked: &ListAsked,
) -> Result<Found, Error> {
    let part = Part {
        order: asked.order,
        after: asked.after,
        size: asked.limit.get(),
        claimed: Claimed::Regardless,
    };
    find_part(connection, search, &part).await
}

/// The next comments, oldest first, that nobody holds: somewhat more than anybody can be lent. One statement.
pub async fn find_free(
    connection: &mut PgConnection,
    search: &Search<'_>,
    after: Option<TimeCursor>,
    now: OffsetDateTime,
) -> Result<Found, Error> {
    let part = Part {
        order: Order::Oldest,
        after,
        size: CANDIDATES,
        claimed: Claimed::Free(now),
    };
    find_part(connection, search, &part).await
}

/// All comments that match and were submitted until `as_of`, oldest first, up to `limit`. One statement, which passes
/// whatever it must: it is bounded by its answer and the time that statements have.
pub async fn find_matching(
    connection: &mut PgConnection,
    search: &Search<'_>,
    as_of: OffsetDateTime,
    limit: i64,
) -> Result<Vec<Match>, Error> {
    let mut sql = QueryBuilder::new("");
    push_matching(&mut sql, search, as_of, limit, DECISION_COLUMNS);
    sql.push(" select f.id, f.status, f.version, f.reason from found f");
    push_order(&mut sql, "f", Order::Oldest);
    sql.push(" limit ").push_bind(limit);
    let rows: Vec<(Uuid, String, i32, Option<String>)> =
        sql.build_query_as().fetch_all(connection).await?;
    rows.into_iter()
        .map(|(id, word, version, reason)| {
            Ok(Match {
                id: CommentId::from_uuid(id),
                status: status(&word)?,
                version,
                reason,
            })
        })
        .collect()
}

/// How many comments match and were submitted until `as_of`, counted up to `limit`. One statement, bounded as
/// [`find_matching`] is.
pub async fn count_matching(
    connection: &mut PgConnection,
    search: &Search<'_>,
    as_of: OffsetDateTime,
    limit: i64,
) -> Result<i64, Error> {
    let mut sql = QueryBuilder::new("");
    push_matching(&mut sql, search, as_of, limit, [""; 2]);
    sql.push(" select least(count(*), ")
        .push_bind(limit)
        .push(") from found f");
    let count: (i64,) = sql.build_query_as().fetch_one(connection).await?;
    Ok(count.0)
}

/// A part of a list, of any size.
struct Part {
    order: Order,
    after: Option<TimeCursor>,
    size: usize,
    claimed: Claimed,
}

impl Part {
    /// One more than is wanted, which tells whether another part follows.
    fn rows(&self) -> i64 {
        i64::try_from(self.size)
            .unwrap_or(i64::MAX)
            .saturating_add(1)
    }
}

async fn find_part(
    connection: &mut PgConnection,
    search: &Search<'_>,
    part: &Part,
) -> Result<Found, Error> {
    let mut sql = part_statement(search, part);
    let rows: Vec<(Uuid, OffsetDateTime, bool)> =
        sql.build_query_as().fetch_all(connection).await?;
    let cursor = |row: &(Uuid, OffsetDateTime, bool)| TimeCursor {
        at: row.1,
        id: row.0,
    };
    let horizon = rows.iter().find(|row| !row.2).map(cursor);
    let fitting: Vec<_> = rows.iter().filter(|row| row.2).collect();
    let shown = fitting.get(..part.size).unwrap_or(&fitting);
    let last = shown.last().filter(|_| fitting.len() > part.size);
    let is_full = shown.len() == part.size;
    Ok(Found {
        ids: shown
            .iter()
            .map(|row| CommentId::from_uuid(row.0))
            .collect(),
        next: last.map(|row| cursor(row)).or(horizon),
        completeness: if is_full || horizon.is_none() {
            Completeness::Complete
        } else {
            Completeness::CutOff
        },
    })
}

/// Which index leads. Those of an author and of an address are short, so they come first.
#[derive(Clone, Copy)]
enum Lead {
    Author(AuthorId),
    Address(IpNetwork),
    Page,
    Site,
}

impl Lead {
    fn of(filter: &CommentFilter) -> Self {
        if let Some(author) = filter.address_author.or(filter.author) {
            return Self::Author(author);
        }
        match filter.ip {
            Some(ip) => Self::Address(IpNetwork::from(ip)),
            None if filter.page.is_some() => Self::Page,
            None => Self::Site,
        }
    }

    /// The column that the places stand for.
    const fn place_column(self) -> &'static str {
        match self {
            Self::Page => "c.page_id",
            Self::Author(_) | Self::Address(_) | Self::Site => "c.site_id",
        }
    }

    fn places(self, places: &Places) -> &[Uuid] {
        match (self, &places.pages) {
            (Self::Page, Some(pages)) => pages,
            _ => &places.sites,
        }
    }

    /// What an author or an address wrote is soon walked through; a site isn't.
    const fn may_ask_further_indexes(self) -> bool {
        matches!(self, Self::Page | Self::Site)
    }
}

/// The keys of a part, and as a row that doesn't fit the place where the look was cut off.
fn part_statement(search: &Search<'_>, part: &Part) -> QueryBuilder<Postgres> {
    let lead = Lead::of(search.filter);
    let mut sql = QueryBuilder::new("with ");
    let filter = search.filter;
    if let Some(words) = &filter.words {
        push_asked(&mut sql, search, words);
    }
    if lead.may_ask_further_indexes() && (filter.signal.is_some() || filter.words.is_some()) {
        match filter.signal {
            Some(SignalCode::Reported) => push_reported(&mut sql, search, lead),
            None => push_hits(&mut sql, lead),
        }
        push_rare(&mut sql, search, lead, part);
        push_stretches(&mut sql, search, lead, part, LOOKED_MAX - HITS_MAX);
        sql.push(" where not (select r.word from rare r)");
    } else {
        sql.push("found as materialized (");
        push_stretches(&mut sql, search, lead, part, LOOKED_MAX);
    }
    sql.push("), horizon as materialized (select f.id, f.submitted_at from found f where f.cut");
    push_order(&mut sql, "f", part.order);
    sql.push(" limit 1), keys as (select f.id, f.submitted_at from found f where f.fits and not exists (");
    sql.push("select 1 from horizon h where (f.submitted_at, f.id)");
    sql.push(beyond(part.order)).push("(h.submitted_at, h.id))");
    push_order(&mut sql, "f", part.order);
    sql.push(" limit ").push_bind(part.rows());
    sql.push(") select k.id, k.submitted_at, true from keys k");
    sql.push(" union all select h.id, h.submitted_at, false from horizon h");
    sql
}

/// The first of each stretch that fit, and the last that was looked at where the bound came first.
///
/// The row number is counted while the index is read in its order, so a stretch is left as soon as enough was found.
fn push_stretches(
    sql: &mut QueryBuilder<Postgres>,
    search: &Search<'_>,
    lead: Lead,
    part: &Part,
    looked_max: i64,
) {
    let stretches = lead.places(search.places).len() * search.filter.statuses.len();
    let stretches = i64::try_from(stretches).unwrap_or(i64::MAX);
    let each_max = (looked_max / stretches.max(1)).max(1);
    sql.push("select f.id, f.submitted_at, f.fits, f.cut from ");
    push_places_and_states(sql, search, lead);
    sql.push(
        "(select w.id, w.submitted_at, w.fits, w.cut from (select c.id, c.submitted_at, (true",
    );
    push_remainder(sql, search, lead, part.claimed);
    sql.push(") is true as fits, row_number() over (");
    push_order(sql, "c", part.order);
    sql.push(") = ").push_bind(each_max);
    sql.push(" as cut from comments c where ");
    push_stretch(sql, lead);
    push_bounds(sql, "c", search.filter, part);
    push_order(sql, "c", part.order);
    sql.push(" limit ").push_bind(each_max);
    sql.push(") w where w.fits or w.cut");
    push_order(sql, "w", part.order);
    sql.push(" limit ").push_bind(part.rows()).push(") f");
}

fn push_places_and_states(sql: &mut QueryBuilder<Postgres>, search: &Search<'_>, lead: Lead) {
    sql.push("unnest(")
        .push_bind(lead.places(search.places).to_vec());
    sql.push("::uuid[]) as l (place) cross join unnest(")
        .push_bind(status_words(search.filter));
    sql.push("::text[]) as t (status) cross join lateral ");
}

/// What the leading columns of the index hold.
fn push_stretch(sql: &mut QueryBuilder<Postgres>, lead: Lead) {
    match lead {
        Lead::Author(author) => {
            sql.push("c.author_id = ")
                .push_bind(*author.as_uuid())
                .push(" and ");
        }
        Lead::Address(address) => {
            sql.push("c.ip = ").push_bind(address).push(" and ");
        }
        Lead::Page | Lead::Site => {}
    }
    sql.push(lead.place_column())
        .push(" = l.place and c.status = t.status");
}

/// What the index doesn't hold, as conditions that begin with `and`.
fn push_remainder(
    sql: &mut QueryBuilder<Postgres>,
    search: &Search<'_>,
    lead: Lead,
    claimed: Claimed,
) {
    push_conditions(sql, search, lead);
    push_walked_words(sql, search.filter);
    if let Some(SignalCode::Reported) = search.filter.signal {
        sql.push(" and exists (select 1 from reports r where r.comment_id = c.id and r.settled_at is null)");
    }
    push_free(sql, claimed);
}

fn push_walked_words(sql: &mut QueryBuilder<Postgres>, filter: &CommentFilter) {
    if filter.words.is_some() {
        // What `@@` calls: no index answers it, so the planner can't leave the order of the list.
        sql.push(" and ts_match_vq(c.search, (select a.words from asked a))");
    }
}

fn push_free(sql: &mut QueryBuilder<Postgres>, claimed: Claimed) {
    if let Claimed::Free(now) = claimed {
        sql.push(" and not exists (select 1 from claims k where k.comment_id = c.id");
        sql.push(" and k.until > ").push_bind(now).push(")");
    }
}

/// The conditions on columns that don't lead.
fn push_conditions(sql: &mut QueryBuilder<Postgres>, search: &Search<'_>, lead: Lead) {
    let filter = search.filter;
    if let (Some(_), Some(author)) = (filter.address_author, filter.author) {
        sql.push(" and c.author_id = ").push_bind(*author.as_uuid());
    }
    if let (Lead::Author(_), Some(ip)) = (lead, filter.ip) {
        sql.push(" and c.ip = ").push_bind(IpNetwork::from(ip));
    }
    if let (Lead::Author(_) | Lead::Address(_), Some(pages)) = (lead, &search.places.pages) {
        sql.push(" and c.page_id = any(")
            .push_bind(pages.clone())
            .push(")");
    }
}

/// The words as a query, and whether the index of words can answer it.
fn push_asked(sql: &mut QueryBuilder<Postgres>, search: &Search<'_>, words: &str) {
    sql.push("asked as materialized (");
    sql.push("select q.words, querytree(q.words) <> 'T' as indexable from (select ");
    push_words(sql, search.personal_data, words);
    sql.push(" as words) q), ");
}

/// Sorting all hits of a common word took longer the more comments there were, for every page anew; walking the list
/// for a rare word passes everything that ever was there. The number of hits tells which it is, so the statement
/// counts them first, up to a bound. What only excludes words has no hits in the index (`querytree` says `T`) and is
/// walked. The query is a scalar subselect, so that the planner can't estimate a word and choose a sequential scan.
fn push_hits(sql: &mut QueryBuilder<Postgres>, lead: Lead) {
    sql.push("hits as materialized (select c.id, c.submitted_at, c.status, ");
    sql.push(lead.place_column())
        .push(" as place from comments c where (select a.indexable from asked a)");
    sql.push(" and c.search @@ (select a.words from asked a) limit ");
    sql.push_bind(HITS_MAX + 1);
    sql.push("), rare as materialized (select (select a.indexable from asked a) and count(*) <= ");
    sql.push_bind(HITS_MAX);
    sql.push(" as word from hits), ");
}

/// The same by the index of open reports: those of each site, and the comments of all of them.
fn push_reported(sql: &mut QueryBuilder<Postgres>, search: &Search<'_>, lead: Lead) {
    sql.push("reported as materialized (select o.comment_id from unnest(");
    sql.push_bind(search.places.sites.clone());
    sql.push(
        "::uuid[]) as l (site) cross join lateral (select distinct r.comment_id from reports r",
    );
    sql.push(" where r.site_id = l.site and r.settled_at is null order by r.comment_id limit ");
    sql.push_bind(HITS_MAX + 1).push(") o limit ");
    sql.push_bind(HITS_MAX + 1);
    sql.push("), hits as materialized (select c.id, c.submitted_at, c.status, ");
    sql.push(lead.place_column())
        .push(" as place from reported o join comments c on c.id = o.comment_id where true");
    push_walked_words(sql, search.filter);
    sql.push("), rare as materialized (select count(*) <= ");
    sql.push_bind(HITS_MAX);
    sql.push(" as word from reported), ");
}

/// What was found of hits that are few.
fn push_rare(sql: &mut QueryBuilder<Postgres>, search: &Search<'_>, lead: Lead, part: &Part) {
    sql.push("found as materialized ((select c.id, c.submitted_at, true as fits, false as cut from hits c");
    sql.push(" where (select r.word from rare r) and c.status = any(")
        .push_bind(status_words(search.filter));
    sql.push(") and c.place = any(")
        .push_bind(lead.places(search.places).to_vec())
        .push(")");
    push_bounds(sql, "c", search.filter, part);
    push_free(sql, part.claimed);
    push_order(sql, "c", part.order);
    sql.push(" limit ").push_bind(part.rows());
    sql.push(") union all ");
}

/// What a decision goes by, in the comments and in what was found of them.
const DECISION_COLUMNS: [&str; 2] = [", c.version, c.reason", ", f.version, f.reason"];

/// All that matches, as `found`. Words are looked up where the index can answer them, however many they are; each stretch
/// ends at the limit.
fn push_matching(
    sql: &mut QueryBuilder<Postgres>,
    search: &Search<'_>,
    as_of: OffsetDateTime,
    limit: i64,
    [columns, found_columns]: [&'static str; 2],
) {
    let lead = Lead::of(search.filter);
    let whole = Part {
        order: Order::Oldest,
        after: None,
        size: 0,
        claimed: Claimed::Regardless,
    };
    sql.push("with ");
    if let Some(words) = &search.filter.words {
        push_asked(sql, search, words);
    }
    sql.push("found as materialized (");
    if lead.may_ask_further_indexes() && search.filter.signal == Some(SignalCode::Reported) {
        push_all_reported(sql, search, lead, &whole, as_of, columns);
        return;
    }
    let by_index = search.filter.words.is_some() && lead.may_ask_further_indexes();
    if by_index {
        sql.push("select c.id, c.submitted_at, c.status")
            .push(columns);
        sql.push(" from comments c where (select a.indexable from asked a)");
        sql.push(" and c.search @@ (select a.words from asked a) and c.status = any(")
            .push_bind(status_words(search.filter));
        sql.push(") and ").push(lead.place_column()).push(" = any(");
        sql.push_bind(lead.places(search.places).to_vec()).push(")");
        push_bounds(sql, "c", search.filter, &whole);
        sql.push(" and c.submitted_at <= ").push_bind(as_of);
        sql.push(" union all ");
    }
    sql.push("select f.id, f.submitted_at, f.status")
        .push(found_columns);
    sql.push(" from ");
    push_places_and_states(sql, search, lead);
    sql.push("(select c.id, c.submitted_at, c.status")
        .push(columns);
    sql.push(" from comments c where ");
    push_stretch(sql, lead);
    push_bounds(sql, "c", search.filter, &whole);
    sql.push(" and c.submitted_at <= ").push_bind(as_of);
    push_remainder(sql, search, lead, Claimed::Regardless);
    push_order(sql, "c", Order::Oldest);
    sql.push(" limit ").push_bind(limit).push(") f");
    if by_index {
        sql.push(" where not (select a.indexable from asked a)");
    }
    sql.push(")");
}

/// All of it that has open reports, led by their index, as the last part of `found`.
fn push_all_reported(
    sql: &mut QueryBuilder<Postgres>,
    search: &Search<'_>,
    lead: Lead,
    whole: &Part,
    as_of: OffsetDateTime,
    columns: &'static str,
) {
    sql.push("select c.id, c.submitted_at, c.status")
        .push(columns);
    sql.push(" from (select distinct r.comment_id from reports r where r.settled_at is null");
    sql.push(" and r.site_id = any(")
        .push_bind(search.places.sites.clone());
    sql.push(")) o join comments c on c.id = o.comment_id where c.status = any(");
    sql.push_bind(status_words(search.filter));
    sql.push(") and ").push(lead.place_column()).push(" = any(");
    sql.push_bind(lead.places(search.places).to_vec()).push(")");
    push_bounds(sql, "c", search.filter, whole);
    sql.push(" and c.submitted_at <= ").push_bind(as_of);
    push_walked_words(sql, search.filter);
    sql.push(")");
}

/// Where e-mail addresses may not be seen, each word of the query looks at names and bodies only. It has to be in the
/// query itself: a second condition beside it would still tell, by `-word`, what is in an address.
fn push_words(sql: &mut QueryBuilder<Postgres>, personal_data: PersonalData, words: &str) {
    match personal_data {
        PersonalData::Shown => {
            sql.push("websearch_to_tsquery('simple', ")
                .push_bind(words.to_owned())
                .push(")");
        }
        PersonalData::Hidden => {
            sql.push("regexp_replace(websearch_to_tsquery('simple', ")
                .push_bind(words.to_owned())
                .push(r")::text, '''([^'']|'''')*''', '\&:AB', 'g')::tsquery");
        }
    }
}

/// The times that the filter sets, and where the list goes on.
///
/// Of the cursor and the bound where the list begins only the later one stands in the statement: with both the index is
/// entered at either, and a page would cost more the deeper it lies.
fn push_bounds(
    sql: &mut QueryBuilder<Postgres>,
    table: &'static str,
    filter: &CommentFilter,
    part: &Part,
) {
    let (near, far) = match part.order {
        Order::Oldest => (filter.submitted_after, filter.submitted_before),
        Order::Newest => (filter.submitted_before, filter.submitted_after),
    };
    let (beyond, within) = match part.order {
        Order::Oldest => (beyond(Order::Oldest), beyond(Order::Newest)),
        Order::Newest => (beyond(Order::Newest), beyond(Order::Oldest)),
    };
    let is_past = |cursor: &TimeCursor| {
        near.is_none_or(|near| match part.order {
            Order::Oldest => cursor.at > near,
            Order::Newest => cursor.at < near,
        })
    };
    match (part.after.filter(is_past), near) {
        (Some(after), _) => {
            sql.push(" and (").push(table).push(".submitted_at, ");
            sql.push(table).push(".id)").push(beyond);
            sql.push("(").push_bind(after.at).push(", ");
            sql.push_bind(after.id).push(")");
        }
        (None, Some(near)) => push_time(sql, table, beyond, near),
        (None, None) => {}
    }
    if let Some(far) = far {
        push_time(sql, table, within, far);
    }
}

fn push_time(
    sql: &mut QueryBuilder<Postgres>,
    table: &'static str,
    comparison: &'static str,
    at: OffsetDateTime,
) {
    sql.push(" and ").push(table).push(".submitted_at");
    sql.push(comparison).push_bind(at);
}

fn push_order(sql: &mut QueryBuilder<Postgres>, table: &'static str, order: Order) {
    for (before, column) in [(" order by ", ".submitted_at"), (", ", ".id")] {
        sql.push(before)
            .push(table)
            .push(column)
            .push(direction(order));
    }
}

const fn direction(order: Order) -> &'static str {
    match order {
        Order::Oldest => " asc",
        Order::Newest => " desc",
    }
}

const fn beyond(order: Order) -> &'static str {
    match order {
        Order::Oldest => " > ",
        Order::Newest => " < ",
    }
}

fn status_words(filter: &CommentFilter) -> Vec<&'static str> {
    filter
        .statuses
        .iter()
        .map(|status| status.as_str())
        .collect()
}
