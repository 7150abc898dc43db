-- What the benchmark's tables are filled with. A comment has a number from 1 on; ten in a row are a block, which stands
-- under one page: seven approved (two of them answers to the first), two pending, one rejected, spam or deleted. One block
-- in ten stands under page 1, the others anywhere. Everything follows from the number, so nothing need be looked up.
create schema if not exists load;

-- Words as they are spread in life: the n-th as often as 1/n, made of syllables.
create table if not exists load.words as
select n, (
    select string_agg((array[
        'ba', 'ke', 'li', 'mo', 'nu', 'ra', 'se', 'ti', 'vo', 'wu', 'da', 'fe', 'gi', 'ho', 'ju', 'la', 'me', 'ni', 'po', 'ru'
    ])[1 + get_byte(decode(md5(n || ' word'), 'hex'), i) % 20], '' order by i)
    from generate_series(1, 1 + n % 4) i
) as word
from generate_series(1, 20000) n;

create unique index if not exists words_n on load.words (n);
analyze load.words;

create table if not exists load.sentences (n integer primary key, text text not null);

insert into load.sentences (n, text)
select s.n, (
    select string_agg(w.word, ' ')
    from (
        select floor(power(20001, (get_byte(d.bytes, i) * 256 + get_byte(d.bytes, i + 1)) / 65536.0))::integer as pick
        from generate_series(0, 22, 2) i
    ) p
    join load.words w on w.n = p.pick
)
from generate_series(0, 19999) s (n)
cross join lateral (select decode(md5(s.n || ' a') || md5(s.n || ' b'), 'hex') as bytes) d
where not exists (select 1 from load.sentences);
analyze load.sentences;

-- `numbers` are spread over 20 days; `rows` of them are the mixture.
create table if not exists load.wish (
    rows bigint not null, numbers bigint not null, pages bigint not null, began timestamptz not null,
    filled boolean not null default false
);

create or replace procedure load.prepare(rows bigint, numbers bigint, pages bigint) language sql as $$
    insert into load.wish (rows, numbers, pages, began) values (rows, numbers, pages, now() - interval '20 days 3 hours')
$$;

-- A UUID of version 7 whose time is `at`.
create or replace function load.id(number bigint, at timestamptz) returns uuid language sql immutable as $$
    select (
        lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0')
        || '7' || lpad(to_hex(number % 4096), 3, '0') || '8' || lpad(to_hex(number), 15, '0')
    )::uuid
$$;

create or replace function load.page_id(page bigint) returns uuid language sql immutable as $$
    select ('0190000000007000a' || lpad(to_hex(page), 15, '0'))::uuid
$$;

-- A number that looks like chance, from 0 on, below `below`.
create or replace function load.dice(number bigint, throw integer, below bigint) returns bigint language sql immutable as $$
    select (hashint8extended(number, throw) & 9223372036854775807) % below
$$;

create or replace procedure load.fill_pages(first bigint, last bigint) language sql as $$
    insert into pages (id, site_id, url, url_key, title, first_comment_at, created_at)
    select load.page_id(p), s.id, 'https://example.org/p/' || p, 'example.org/p/' || p, 'Article ' || p, w.began, w.began
    from generate_series(first, last) p
    cross join load.wish w
    cross join (select id from sites order by created_at limit 1) s
$$;

-- Comments first to last with their history. `state`: null for the mixture above, else that one for all, at the top level.
create or replace procedure load.fill(first bigint, last bigint, state text) language plpgsql as $$
declare
    site uuid := (select id from sites order by created_at limit 1);
    moderator uuid := (select id from moderators order by created_at limit 1);
    wish load.wish := (select w from load.wish w);
    step interval := interval '20 days' / wish.numbers;
begin
    with numbers as (
        select
            g, wish.began + g * step as at, (g - 1) / 10 as block, case when state is null then (g - 1) % 10 else 1 end as place
        from generate_series(first, last) g
    ), placed as (
        select
            n.g, n.at, n.place, load.id(n.g, n.at) as id,
            case
                when n.block % 10 = 0 then 1
                else 2 + load.dice(n.block, 1, wish.pages - 1)
            end as page,
            case
                when state is not null then state
                when n.place in (4, 8) then 'pending'
                when n.place <> 7 then 'approved'
                when load.dice(n.g, 2, 10) < 6 then 'rejected'
                when load.dice(n.g, 2, 10) < 9 then 'spam'
                else 'deleted'
            end as status,
            case
                when n.place in (3, 6) then load.id(n.block * 10 + 1, wish.began + (n.block * 10 + 1) * step)
            end as parent,
            load.dice(n.g, 3, wish.rows / 5 + 1) as author
        from numbers n
    ), stored as (
        insert into comments (
            id, site_id, page_id, parent_id, root_id, depth, status, version, name, email, email_key, body, body_html,
            avatar, ip, user_agent, submitted_at, published_at, decided_at, decided_by_kind, decided_by, content_hash, author_id
        )
        select
            p.id, site, load.page_id(p.page), p.parent, coalesce(p.parent, p.id), case when p.parent is null then 0 else 1 end,
            p.status, case when p.status = 'pending' then 1 else 2 end,
            case when p.status = 'deleted' then '' else 'Reader ' || p.author end,
            case when p.status = 'deleted' then '' else 'reader' || p.author || '@example.org' end,
            case when p.status = 'deleted' then '' else 'reader' || p.author || '@example.org' end,
            case when p.status = 'deleted' then '' else t.body end,
            case when p.status = 'deleted' then '' else '<p>' || t.body || '</p>' end,
            md5(p.author::text),
            case when p.status = 'deleted' then null else '198.18.0.0'::inet + p.author % 131072 end,
            case when p.status = 'deleted' then null else 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' end,
            p.at,
            case when p.status = 'approved' then p.at + interval '1 hour' end,
            case when p.status <> 'pending' then p.at + interval '1 hour' end,
            case when p.status <> 'pending' then 'moderator' end,
            case when p.status <> 'pending' then moderator end,
            decode(md5(p.g::text) || md5(t.body), 'hex'),
            case
                when p.status <> 'deleted' then
                    overlay(overlay(md5('author ' || p.author) placing '8' from 13) placing '8' from 17)::uuid
            end
        from placed p
        cross join lateral (
            select p.g || ' ' || string_agg(s.text, ' ') as body
            from load.sentences s
            where s.n in (
                load.dice(p.g, 4, 20000), load.dice(p.g, 5, 20000), load.dice(p.g, 6, 20000),
                case when p.g % 2 = 0 then load.dice(p.g, 7, 20000) end, case when p.g % 3 = 0 then load.dice(p.g, 8, 20000) end
            )
        ) t
        returning id, status, submitted_at
    )
    insert into comment_history (comment_id, version, at, actor_kind, actor_id, from_status, to_status)
    select
        s.id, v.version, case when v.version = 1 then s.submitted_at else s.submitted_at + interval '1 hour' end,
        case when v.version = 1 then 'author' else 'moderator' end, case when v.version = 2 then moderator end,
        case when v.version = 2 then 'pending' end, case when v.version = 1 then 'pending' else s.status end
    from stored s
    cross join generate_series(1, 2) v (version)
    where v.version = 1 or s.status <> 'pending';
end
$$;

-- The pages' counts, as the program would have kept them.
create or replace procedure load.count_pages() language sql as $$
    update pages p
    set comment_count = c.published,
        version = p.version + c.published
    from (
        select page_id, count(*) as published
        from comments
        where status = 'approved'
        group by page_id
    ) c
    where c.page_id = p.id
$$;
