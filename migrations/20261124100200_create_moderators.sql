-- People who decide.
create table moderators (
    id uuid primary key,
    email text not null,
    -- Lower case with the domain in IDNA form: addresses are the same when this is equal.
    email_key text not null,
    name text not null,
    role text not null,
    -- The sites whose comments they see; null: all.
    sites uuid[],
    -- argon2id in PHC form; null until a password is set.
    password_hash text,
    disabled_at timestamptz,
    created_at timestamptz not null,
    constraint moderators_email_unique unique (email_key),
    constraint moderators_email_length check (octet_length(email) between 3 and 254),
    constraint moderators_name_length check (char_length(name) between 1 and 100),
    constraint moderators_role_known check (role in ('owner', 'admin', 'moderator', 'viewer')),
    constraint moderators_owner_sees_all check (role <> 'owner' or sites is null)
);

-- A sign-in of a moderator. The token itself is known to its holder only.
create table sessions (
    id uuid primary key,
    moderator_id uuid not null,
    -- SHA-256 of the token (256 random bits, so a plain hash does).
    token_hash bytea not null,
    created_at timestamptz not null,
    -- Written at most once a minute.
    last_used_at timestamptz not null,
    constraint sessions_moderator foreign key (moderator_id) references moderators (id) on delete cascade,
    constraint sessions_token_unique unique (token_hash),
    constraint sessions_token_length check (octet_length(token_hash) = 32)
);

create index sessions_moderator_id on sessions (moderator_id);
