-- The rows of the temporary table seed as pages and comments with their history; nothing else is left.
set session_replication_role = replica;
truncate comments, pages cascade;

insert into pages (id, site_id, url, url_key, title, comment_count, first_comment_at, created_at)
select
    ('0190000000007000a' || lpad(to_hex(page), 15, '0'))::uuid, (select id from sites order by created_at limit 1),
    'https://example.org/page/' || page, 'example.org/page/' || page, 'Article ' || page,
    count(*) filter (where status = 'approved'), now() - max(age) * interval '1 second', now() - max(age) * interval '1 second'
from seed
group by page;

insert into comments (
    id, site_id, page_id, root_id, depth, status, version, name, email, email_key, body, body_html, avatar, ip, user_agent,
    submitted_at, published_at, decided_at, decided_by_kind, content_hash, author_id
)
select
    c.id, p.site_id, p.id, c.id, 0, s.status, case s.status when 'approved' then 2 else 1 end, s.name, s.email, s.email, s.body,
    '<p>' || s.body || '</p>', md5(s.email), '127.0.0.1', 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
    c.at, case s.status when 'approved' then c.at end, case s.status when 'approved' then c.at end,
    case s.status when 'approved' then 'rule' end, sha256(s.body::bytea), md5(s.email)::uuid
from seed s
join pages p on p.url_key = 'example.org/page/' || s.page
cross join lateral (select now() - s.age * interval '1 second' as at) t
cross join lateral (
    select t.at, (
        lpad(to_hex((extract(epoch from t.at) * 1000)::bigint), 12, '0') || '70008' || lpad(to_hex(s.n), 15, '0')
    )::uuid as id
) c;

insert into comment_history (comment_id, version, at, actor_kind, from_status, to_status)
select c.id, v, c.submitted_at, case v when 1 then 'author' else 'rule' end, case v when 2 then 'pending' end,
    case v when 1 then 'pending' else c.status end
from comments c
cross join generate_series(1, c.version) v;

vacuum analyze;
