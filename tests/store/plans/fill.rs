//! What the plans are made over: 200,000 comments and all that stands beside them. Must not know what is asked.

/// Three sites, 2,000 pages of which one has a tenth of all comments, 20,000 authors of which one wrote a tenth, 60 of a
/// hundred comments pending. The word `common` stands in every third, `seldom` in one of 500, `rare` in 20, `late` in the
/// newest 200.
pub(super) const FILL: &str = "
    set session_replication_role = replica;
    drop index comments_search, comments_ip, comments_page_queue, comments_author, comments_site_queue,
        comments_page_list, comments_page_top, comments_thread, comments_answers, comments_without_author;
    insert into sites (id, slug, name, origins, created_at)
    select ('00000000-0000-7000-8000-0000000000a' || n)::uuid, 'site' || n, 'Site',
        array_remove(array[case when n = 0 then 'https://tides.example' end], null), '2026-01-01Z'
    from generate_series(0, 2) n;
    insert into moderators (id, email, email_key, name, role, created_at)
    values ('00000000-0000-7000-8000-0000000000ff', 'mo@example.org', 'mo@example.org', 'Mo', 'moderator', '2026-01-01Z');
    insert into pages (id, site_id, url, url_key, created_at)
    select
        ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
        ('00000000-0000-7000-8000-0000000000a' || n % 3)::uuid,
        'https://tides.example/' || n, 'tides.example/' || n, '2026-01-01Z'
    from generate_series(0, 1999) n;
    insert into comments (id, site_id, page_id, root_id, depth, status, name, email, email_key, body, body_html, avatar, ip,
        submitted_at, published_at, content_hash, author_id)
    select
        m.id, ('00000000-0000-7000-8000-0000000000a' || m.page % 3)::uuid,
        ('00000000-0000-7000-8000-' || lpad(m.page::text, 12, '0'))::uuid, m.id, 0, m.status, 'Author ' || m.author,
        'a' || m.author || '@example.org', 'a' || m.author || '@example.org',
        'Word' || n % 977 || ' of ' || n % 613
            || case when n % 3 = 0 then ' common' else '' end
            || case when n % 500 = 0 then ' seldom' else '' end
            || case when n % 10000 = 0 then ' rare' else '' end
            || case when n > 199800 then ' late' else '' end,
        '<p>Word</p>', repeat('a', 32), ('10.0.' || n % 50 || '.' || n % 20)::inet, m.at,
        case when m.status = 'approved' then m.at end, '\\x00',
        ('00000000-0000-8000-8000-' || lpad(m.author::text, 12, '0'))::uuid
    from generate_series(1, 200000) n
    cross join lateral (
        select
            ('01900000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid as id,
            case when n % 10 = 1 then 0 else n % 2000 end as page,
            case when n % 10 = 2 then 0 else n % 20000 end as author,
            (array['pending', 'pending', 'pending', 'pending', 'pending', 'pending', 'approved', 'approved', 'rejected',
                'spam'])[1 + (n / 7) % 10] as status,
            timestamptz '2026-01-01Z' + n * interval '25 seconds' as at
    ) m;
    insert into comment_history (comment_id, version, at, actor_kind, to_status)
    select id, 1, submitted_at, 'author', status from comments;
    insert into reports (id, site_id, comment_id, reason, reporter_key, at)
    select gen_random_uuid(), site_id, id, 'spam', sha256(n::text::bytea), '2026-03-01Z'
    from comments, generate_series(1, 2) n
    where id in (
        select ('01900000-0000-7000-8000-' || lpad((m * 331)::text, 12, '0'))::uuid from generate_series(1, 600) m
    );
    insert into reports (id, site_id, comment_id, reason, at, settled_at, settled_by)
    select gen_random_uuid(), site_id, id, 'spam', '2026-03-01Z', '2026-03-01Z', '00000000-0000-7000-8000-0000000000ff'
    from comments
    where status = 'rejected';
    insert into notes (id, site_id, comment_id, author_id, moderator_id, note, at)
    select
        ('01900000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, c.site_id,
        case when n % 2 = 0 then c.id end, case when n % 2 = 1 then c.author_id end,
        '00000000-0000-7000-8000-0000000000ff', 'Look again', '2026-03-01Z'
    from generate_series(1, 20000) n
    join comments c on c.id = ('01900000-0000-7000-8000-' || lpad((n * 10 - 7)::text, 12, '0'))::uuid;
    insert into claims (comment_id, moderator_id, until)
    select id, '00000000-0000-7000-8000-0000000000ff', '2126-01-01Z'
    from comments where status = 'pending' order by submitted_at, id limit 300;
    set maintenance_work_mem = '256MB';
    create index comments_search on comments using gin (search);
    create index comments_ip on comments (ip, site_id, status, submitted_at, id) where ip is not null;
    create index comments_page_queue on comments (page_id, status, submitted_at, id);
    create index comments_author on comments (author_id, site_id, status, submitted_at, id) where author_id is not null;
    create index comments_without_author on comments (id) where author_id is null and status <> 'deleted';
    create index comments_page_list on comments (page_id, submitted_at, id) where parent_id is null and published_at is not null;
    create index comments_page_top on comments (page_id, score, submitted_at, id)
        where parent_id is null and published_at is not null;
    create index comments_thread on comments (root_id, submitted_at, id)
        where parent_id is not null and published_at is not null;
    create index comments_answers on comments (parent_id) where parent_id is not null and published_at is not null;
    create index comments_site_queue on comments (site_id, status, submitted_at, id)";

/// The same of what else there are lists of: 20,000 acts, of which one in fifty belongs to a site, and a batch.
pub(super) const FILL_OTHERS: &str = "
    insert into audit_log (id, at, actor_kind, act, subject_kind, site_id)
    select ('01900000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, timestamptz '2026-01-01Z' + n * interval '1 minute',
        'system', 'site.changed', 'site',
        case when n % 50 = 0 then ('00000000-0000-7000-8000-0000000000a' || n % 3)::uuid end
    from generate_series(1, 20000) n;
    insert into batches (id, moderator_id, decision, as_of, state, total, created_at)
    values ('00000000-0000-7000-8000-00000000ba7c', '00000000-0000-7000-8000-0000000000ff', 'approve', now(), 'done', 50000, now());
    insert into batch_items (batch_id, place, comment_id, was_status, was_version)
    select '00000000-0000-7000-8000-00000000ba7c', row_number() over (order by id), id, status, version
    from comments order by id limit 50000;
    analyze";
