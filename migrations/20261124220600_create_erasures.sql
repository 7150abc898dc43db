-- The erasure of a person's data, by the keyed hash of their e-mail address: the address itself is never written down.
create table erasures (
    id uuid primary key,
    -- Whose comments go; null once it is done, since nobody is meant by it any more.
    author_id uuid,
    -- The sites that it goes over; null: all. Who sees fewer doesn't see it.
    sites uuid[],
    -- Who asked for it; null: the operator at the command line.
    moderator_id uuid,
    -- What is gone over after the comments: the texts of others, each kind in the order of its ids, and how far that is.
    walk text not null default 'comments',
    walked_to uuid not null default '00000000-0000-0000-0000-000000000000',
    -- Comments that the person had, and those that are gone.
    total integer not null,
    erased integer not null default 0,
    -- Texts of others in which the address stood.
    redacted integer not null default 0,
    -- Whether a moderator's account had the address; that stays.
    moderator_account boolean not null,
    created_at timestamptz not null,
    finished_at timestamptz,
    constraint erasures_moderator foreign key (moderator_id) references moderators (id),
    constraint erasures_walk_known check (walk in ('comments', 'notes', 'pages')),
    constraint erasures_author_until_done check ((author_id is null) = (finished_at is not null))
);
