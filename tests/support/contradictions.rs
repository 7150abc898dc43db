//! What must hold of comments, their history, votes, reports and pages whatever was done, counted from scratch. Must not know who did it.

use sqlx::PgPool;

/// What contradicts an invariant, in words; nothing when all is well.
///
/// Comments without any history are left out: tests make such by SQL, the service can't.
#[expect(clippy::too_many_lines, reason = "one statement")]
pub(crate) async fn contradictions(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar!(
        r#"
        with lines as (
            select h.comment_id, h.version, h.from_status, h.to_status, h.reason,
                lag(h.to_status) over (partition by h.comment_id order by h.version) as before
            from comment_history h
        ), histories as (
            select l.comment_id, count(*) as lines, max(l.version) as version,
                bool_and(l.from_status is not distinct from l.before) as chained,
                (array_agg(l.to_status order by l.version desc))[1] as status,
                (array_agg(l.reason order by l.version desc))[1] as reason
            from lines l
            group by l.comment_id
        )
        select 'page ' || p.url || ' counts ' || p.comment_count || ', not ' || count(c.id) as "words!"
        from pages p
        left join comments c on c.page_id = p.id and c.status = 'approved'
        group by p.id
        having p.comment_count <> count(c.id)
        union all
        select 'comment ' || c.id || ' has version ' || c.version || ' and state ' || c.status
            || ', its history ' || h.lines || ' lines to version ' || h.version || ' and state ' || h.status
        from comments c
        join histories h on h.comment_id = c.id
        where h.lines <> c.version or h.version <> c.version or h.status <> c.status
        union all
        select 'the history of ' || h.comment_id || ' has a gap between states'
        from histories h
        where not h.chained
        union all
        select 'comment ' || c.id || ' is deleted and has ' || f.what
        from comments c
        cross join lateral (
            select concat_ws(
                ', ',
                case when c.name <> '' then 'a name' end,
                case when c.email <> '' or c.email_key <> '' or c.author_id is not null then 'an author' end,
                case when c.body <> '' or c.body_html <> '' then 'a text' end,
                case when c.website is not null then 'a website' end,
                case when c.ip is not null or c.user_agent is not null then 'an origin' end,
                case when exists (select 1 from comment_notes n where n.comment_id = c.id) then 'notes of decisions' end,
                case when exists (select 1 from comment_texts t where t.comment_id = c.id) then 'earlier texts' end,
                case when exists (select 1 from votes v where v.comment_id = c.id) then 'votes' end,
                case when exists (select 1 from reports r where r.comment_id = c.id) then 'reports' end
            ) as what
        ) f
        where c.status = 'deleted' and f.what <> ''
        union all
        select 'comment ' || c.id || ' has the score ' || c.score || ', its votes ' || sum(v.value)
        from comments c
        join histories h on h.comment_id = c.id
        left join votes v on v.comment_id = c.id
        where c.status <> 'deleted'
        group by c.id
        having count(v.value) > 0 and c.score <> sum(v.value)
        union all
        select 'comment ' || l.comment_id || ' has lost what it was before its edit to version ' || l.version
        from comment_history l
        join comments c on c.id = l.comment_id
        where c.status <> 'deleted'
            -- An erasure takes an address out of texts of others, so it keeps none.
            and l.reason is distinct from 'erasure'
            and (l.from_status = l.to_status or (l.actor_kind = 'author' and l.from_status is not null))
            and not exists (
                select 1 from comment_texts t where t.comment_id = l.comment_id and t.version = l.version - 1
            )
        union all
        select 'an author has published comment ' || l.comment_id
        from comment_history l
        where l.actor_kind = 'author' and l.to_status = 'approved' and l.from_status <> 'approved'
        union all
        select 'the report ' || r.id || ' stands with another site than its comment'
        from reports r
        join comments c on c.id = r.comment_id
        where r.site_id <> c.site_id
        union all
        select 'comment ' || c.id || ' stands on another page than its thread'
        from comments c
        join comments root on root.id = c.root_id
        join pages p on p.id = root.page_id
        where root.page_id <> c.page_id and p.merged_into is null
        "#
    )
    .fetch_all(pool)
    .await
    .unwrap()
}
