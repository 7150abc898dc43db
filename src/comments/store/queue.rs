//! The moderators' list of comments with its optional filters. Must not know who may read it, nor HTTP.
//!
//! The one file that builds a statement out of pieces. The pieces are fixed text; every value is bound.

use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::admin_row::AdminRow;
use super::decide::scope_ids;
use crate::accounts::model::{PersonalData, SiteScope};
use crate::base::page_url::PageUrl;
use crate::base::paging::{Limit, TimeCursor};
use crate::comments::model::Status;
use crate::comments::model::decisions::AdminComment;
use crate::database::Error;

/// In which order the list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// What waits longest comes first.
    Oldest,
    /// What came last comes first.
    Newest,
}

impl Order {
    const fn direction(self) -> &'static str {
        match self {
            Self::Oldest => " asc",
            Self::Newest => " desc",
        }
    }

    const fn beyond(self) -> &'static str {
        match self {
            Self::Oldest => " > ",
            Self::Newest => " < ",
        }
    }
}

/// Which comments the list has.
#[derive(Debug, Clone)]
pub struct QueueFilter {
    /// The states; at least one, none twice.
    pub statuses: Vec<Status>,
    /// The slug of a site.
    pub site: Option<String>,
    /// The page.
    pub page: Option<PageUrl>,
    /// Words, as people type them into a search box.
    pub words: Option<String>,
    /// The order.
    pub order: Order,
    /// Where to go on.
    pub after: Option<TimeCursor>,
    /// How many.
    pub limit: Limit,
}

/// The comments of a scope that the filter takes: up to [`Limit::rows`] of them, one more than a page has. One
/// statement.
pub async fn list_admin_comments(
    connection: &mut PgConnection,
    scope: &SiteScope,
    personal_data: PersonalData,
    filter: &QueueFilter,
) -> Result<Vec<AdminComment>, Error> {
    let mut statement = statement(scope, personal_data, filter);
    let rows: Vec<AdminRow> = statement.build_query_as().fetch_all(connection).await?;
    rows.into_iter().map(AdminRow::into_comment).collect()
}

/// Whether the scope has a site of this slug. One statement.
pub async fn site_exists(
    connection: &mut PgConnection,
    scope: &SiteScope,
    slug: &str,
) -> Result<bool, Error> {
    let exists = sqlx::query_scalar!(
        r#"
        select exists (
            select 1
            from sites s
            where s.slug = $1 and ($2::uuid[] is null or s.id = any($2))
        ) as "exists!"
        "#,
        slug,
        scope_ids(scope) as _,
    )
    .fetch_one(connection)
    .await?;
    Ok(exists)
}

/// First the keys of the page, from an index alone where it can be; then what belongs to those few.
const COLUMNS: &str = "
    select
        c.id, s.slug as site, c.status, c.version, c.name, c.email, c.website, c.ip, c.user_agent, c.body,
        c.body_html, c.submitted_at, c.edited_at, c.decided_at, c.decided_by_kind, c.decided_by,
        m.name as decided_by_name, c.reason, c.page_id, p.url as page_url, p.title as page_title, c.parent_id,
        r.status as parent_status, r.name as parent_name, r.body_html as parent_body_html
    from keys k
    join comments c on c.id = k.id
    join sites s on s.id = c.site_id
    join pages p on p.id = c.page_id
    left join comments r on r.id = c.parent_id
    left join moderators m on m.id = c.decided_by";

fn statement(
    scope: &SiteScope,
    personal_data: PersonalData,
    filter: &QueueFilter,
) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new("with ");
    push_places(&mut sql, scope, filter);
    match &filter.words {
        Some(words) => push_search(&mut sql, personal_data, words, filter),
        None => push_list(&mut sql, filter),
    }
    sql.push(COLUMNS);
    push_order(&mut sql, "k", filter.order);
    sql
}

/// Where to look: sites, or the pages of one address. Few rows, whose ids lead an index each.
fn push_places(sql: &mut QueryBuilder<Postgres>, scope: &SiteScope, filter: &QueueFilter) {
    sql.push("places as materialized (");
    match &filter.page {
        Some(page) => {
            // An address stands at most once in a site; `limit` keeps it a look into the index for each site. The
            // address of a page that was merged into another leads there.
            sql.push("select g.id from sites s cross join lateral (");
            sql.push("select coalesce(p.merged_into, p.id) as id from pages p");
            sql.push(" where p.site_id = s.id and p.url_key = ")
                .push_bind(page.key().to_owned());
            sql.push(" union all select a.page_id from page_aliases a");
            sql.push(" where a.site_id = s.id and a.url_key = ")
                .push_bind(page.key().to_owned());
            sql.push(" limit 1) g where true");
        }
        None => {
            sql.push("select s.id from sites s where true");
        }
    }
    if let Some(ids) = scope_ids(scope) {
        sql.push(" and s.id = any(").push_bind(ids).push(")");
    }
    if let Some(slug) = &filter.site {
        sql.push(" and s.slug = ").push_bind(slug.clone());
    }
    sql.push("), ");
}

/// The index column that the places stand for.
const fn place_column(filter: &QueueFilter) -> &'static str {
    if filter.page.is_some() {
        "c.page_id"
    } else {
        "c.site_id"
    }
}

/// The first keys in the order of the list.
fn push_list(sql: &mut QueryBuilder<Postgres>, filter: &QueueFilter) {
    sql.push("keys as (");
    push_stretches(sql, filter, "");
    push_order(sql, "f", filter.order);
    sql.push(" limit ").push_bind(filter.limit.rows()).push(")");
}

/// Each place and state is a stretch of an index in the right order: the first few of each, to be merged as `f`. A
/// common `in (…)` over both would sort everything that ever was there.
fn push_stretches(sql: &mut QueryBuilder<Postgres>, filter: &QueueFilter, condition: &'static str) {
    sql.push("select f.id, f.submitted_at from places l cross join unnest(");
    sql.push_bind(status_words(filter));
    sql.push("::text[]) as t (status) cross join lateral (");
    sql.push("select c.id, c.submitted_at from comments c where ");
    sql.push(place_column(filter))
        .push(" = l.id and c.status = t.status")
        .push(condition);
    push_after(sql, "c", filter);
    push_order(sql, "c", filter.order);
    sql.push(" limit ")
        .push_bind(filter.limit.rows())
        .push(") f");
}

/// So many comments that hold the words are looked up in the index of words and sorted; where there are more, the
/// list is walked in its own order instead, in which such common words are found soon.
const HITS_MAX: i64 = 50_000;

/// Sorting all hits of a common word took longer the more comments there were, for every page anew; walking the list
/// for a rare word passes everything that ever was there. The number of hits tells which it is, so the statement
/// counts them first, up to a bound. What only excludes words has no hits in the index (`querytree` says `T`) and is
/// walked. The query is a scalar subselect, so that the planner can't estimate a word and choose a sequential scan;
/// the function in the walk is what `@@` calls, and no index answers it.
fn push_search(
    sql: &mut QueryBuilder<Postgres>,
    personal_data: PersonalData,
    words: &str,
    filter: &QueueFilter,
) {
    sql.push("asked as materialized (");
    sql.push("select q.words, querytree(q.words) <> 'T' as indexable from (select ");
    push_words(sql, personal_data, words);
    sql.push(" as words) q), hits as materialized (select c.id, c.submitted_at, c.status, ");
    sql.push(place_column(filter))
        .push(" as place from comments c");
    sql.push(" where (select a.indexable from asked a) and c.search @@ (select a.words from asked a) limit ");
    sql.push_bind(HITS_MAX + 1);
    sql.push("), rare as materialized (select (select a.indexable from asked a) and count(*) <= ");
    sql.push_bind(HITS_MAX);
    sql.push(" as word from hits), keys as (select f.id, f.submitted_at from (");
    sql.push("select h.id, h.submitted_at from hits h where (select r.word from rare r)");
    sql.push(" and h.status = any(")
        .push_bind(status_words(filter))
        .push(")");
    sql.push(" and h.place in (select l.id from places l)");
    push_after(sql, "h", filter);
    sql.push(" union all ");
    push_stretches(
        sql,
        filter,
        " and ts_match_vq(c.search, (select a.words from asked a))",
    );
    sql.push(" where not (select r.word from rare r)) f");
    push_order(sql, "f", filter.order);
    sql.push(" limit ").push_bind(filter.limit.rows()).push(")");
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

fn push_after(sql: &mut QueryBuilder<Postgres>, table: &'static str, filter: &QueueFilter) {
    if let Some(after) = filter.after {
        sql.push(" and (")
            .push(table)
            .push(".submitted_at, ")
            .push(table)
            .push(".id)");
        sql.push(filter.order.beyond());
        sql.push("(")
            .push_bind(after.at)
            .push(", ")
            .push_bind(after.id)
            .push(")");
    }
}

fn push_order(sql: &mut QueryBuilder<Postgres>, table: &'static str, order: Order) {
    for (before, column) in [(" order by ", ".submitted_at"), (", ", ".id")] {
        sql.push(before)
            .push(table)
            .push(column)
            .push(order.direction());
    }
}

fn status_words(filter: &QueueFilter) -> Vec<&'static str> {
    filter
        .statuses
        .iter()
        .map(|status| status.as_str())
        .collect()
}
