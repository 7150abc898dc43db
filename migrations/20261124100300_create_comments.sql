-- What readers wrote, in every state.
create table comments (
    id uuid primary key,
    site_id uuid not null,
    page_id uuid not null,
    -- The comment it answers; null at the top level.
    parent_id uuid,
    -- The top-level comment of its thread; its own id at the top level.
    root_id uuid not null,
    -- Answers to depth 9 are stored under that comment's parent.
    depth smallint not null,
    status text not null,
    -- Raised with every change of state or text; every value has one line in comment_history.
    version integer not null default 1,
    name text not null,
    email text not null,
    -- Lower case with the domain in IDNA form: addresses are the same when this is equal.
    email_key text not null,
    website text,
    body text not null,
    -- The body as safe HTML, rendered once when it is written.
    body_html text not null,
    is_staff boolean not null default false,
    -- 32 hexadecimal digits: the keyed hash that the avatar is drawn from.
    avatar text not null,
    ip inet,
    user_agent text,
    score integer not null default 0,
    submitted_at timestamptz not null,
    edited_at timestamptz,
    -- When it was first published; stays when it is taken back, so that answers keep their place.
    published_at timestamptz,
    decided_at timestamptz,
    -- Who took the last decision, and why: a kind of actor, a moderator's id, a reason's code.
    decided_by_kind text,
    decided_by uuid,
    reason text,
    -- Manage tokens and status links carry this version; raising it revokes them.
    token_version integer not null default 1,
    -- Keyed hash of the site and the client's Idempotency-Key; cleared when its 24 hours are over.
    idempotency_key bytea,
    -- Hash of all that was submitted, to tell a retry from a reused key.
    content_hash bytea not null,
    -- Hash of page, e-mail address and text; cleared after 24 hours and when the comment is withdrawn.
    duplicate_key bytea,
    -- Words of name (weight A), body (B) and e-mail address (C, left out for those who may not see it).
    search tsvector not null generated always as (
        setweight(to_tsvector('simple', name), 'A')
        || setweight(to_tsvector('simple', body), 'B')
        || setweight(to_tsvector('simple', email || ' ' || translate(email, '@.', '  ')), 'C')
    ) stored,
    constraint comments_site foreign key (site_id) references sites (id),
    constraint comments_page foreign key (page_id) references pages (id),
    constraint comments_parent foreign key (parent_id) references comments (id),
    constraint comments_root foreign key (root_id) references comments (id),
    constraint comments_decided_by foreign key (decided_by) references moderators (id),
    constraint comments_status_known check (status in ('pending', 'approved', 'rejected', 'spam', 'deleted')),
    constraint comments_depth_bound check (depth between 0 and 9),
    constraint comments_top_level check ((parent_id is null) = (depth = 0) and (parent_id is null) = (root_id = id)),
    constraint comments_version_positive check (version > 0),
    constraint comments_name_length check (char_length(name) <= 100 and (name <> '' or status = 'deleted')),
    constraint comments_email_length check (octet_length(email) <= 254 and (email <> '' or status = 'deleted')),
    constraint comments_website_length check (char_length(website) between 1 and 2048),
    constraint comments_body_length check (char_length(body) <= 10000 and (body <> '' or status = 'deleted')),
    constraint comments_body_html_present check (body_html <> '' or status = 'deleted'),
    constraint comments_avatar_form check (avatar ~ '^[0-9a-f]{32}$'),
    constraint comments_user_agent_length check (char_length(user_agent) <= 512),
    constraint comments_published_once_approved check (status <> 'approved' or published_at is not null),
    constraint comments_decided_by_known check (decided_by_kind in ('moderator', 'rule', 'author', 'system')),
    constraint comments_decided_by_moderator check ((decided_by_kind is not distinct from 'moderator') = (decided_by is not null)),
    constraint comments_reason_form check (reason ~ '^[a-z][a-z0-9_]{0,39}$')
);

-- One submission for a key, and one for the same text, whoever races.
create unique index comments_idempotency_key on comments (idempotency_key) where idempotency_key is not null;
create unique index comments_duplicate_key on comments (duplicate_key) where duplicate_key is not null;

-- A page's list: comments that are or once were published (those stay while they have public answers).
create index comments_page_list on comments (page_id, submitted_at, id) where parent_id is null and published_at is not null;
create index comments_page_top on comments (page_id, score, submitted_at, id) where parent_id is null and published_at is not null;
create index comments_thread on comments (root_id, submitted_at, id) where parent_id is not null and published_at is not null;
create index comments_answers on comments (parent_id) where parent_id is not null and published_at is not null;

-- The queue and every other list by state, of a site and of a page.
create index comments_site_queue on comments (site_id, status, submitted_at, id);
create index comments_page_queue on comments (page_id, status, submitted_at, id);
create index comments_search on comments using gin (search);

-- Deleted is final: the content is gone, so no decision can bring it back.
create function refuse_revival() returns trigger language plpgsql as $$
begin
    raise exception 'a deleted comment stays deleted' using errcode = 'check_violation', constraint = 'comments_deleted_is_final';
end
$$;

create trigger comments_deleted_is_final before update of status on comments
    for each row when (old.status = 'deleted' and new.status <> 'deleted')
    execute function refuse_revival();

-- True when an answer below the given comment, however deep, is public. Walks down only through answers
-- that once were published; at most nine levels.
create function has_public_answer(comment uuid) returns boolean language sql stable as $$
    with recursive below (id, status) as (
        select c.id, c.status
        from comments c
        where c.parent_id = comment and c.published_at is not null
        union all
        select c.id, c.status
        from below b
        join comments c on c.parent_id = b.id
        where c.published_at is not null and b.status <> 'approved'
    )
    select exists (select 1 from below where status = 'approved')
$$;
