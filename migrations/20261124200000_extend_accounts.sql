-- The second factor: the key that a moderator's app holds is derived from the server's secret and this nonce, so that a
-- copy of the database alone gives no codes.
alter table moderators
    add column totp_nonce bytea,
    -- Null while set-up waits for a first code; only then is the factor asked for.
    add column totp_confirmed_at timestamptz,
    -- The time step of the last code taken: a code counts once.
    add column totp_last_step bigint,
    add constraint moderators_totp_nonce_length check (octet_length(totp_nonce) = 16),
    add constraint moderators_totp_confirmed check (totp_confirmed_at is null or totp_nonce is not null);

-- People who have left. The row stays, since the history and the log name who decided; the address goes, and is free again.
alter table moderators
    add column deleted_at timestamptz,
    alter column email drop not null,
    alter column email_key drop not null,
    add constraint moderators_deleted_without_email check (
        (deleted_at is null) = (email is not null) and (deleted_at is null) = (email_key is not null)
    ),
    add constraint moderators_deleted_is_disabled check (deleted_at is null or disabled_at is not null);

-- The browser's name of itself, by which people tell their sessions apart.
alter table sessions
    add column user_agent text,
    add constraint sessions_user_agent_length check (char_length(user_agent) between 1 and 512);

-- For whoever has lost the device of the second factor; each is good once and goes when used.
create table recovery_codes (
    moderator_id uuid not null,
    -- SHA-256 of the code (80 random bits).
    code_hash bytea not null,
    primary key (moderator_id, code_hash),
    constraint recovery_codes_moderator foreign key (moderator_id) references moderators (id) on delete cascade,
    constraint recovery_codes_hash_length check (octet_length(code_hash) = 32)
);

-- One-time links by which a moderator sets a password. One for each account; a new one voids the old.
create table setup_links (
    moderator_id uuid primary key,
    -- SHA-256 of the token (256 random bits).
    token_hash bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint setup_links_moderator foreign key (moderator_id) references moderators (id) on delete cascade,
    constraint setup_links_token_unique unique (token_hash),
    constraint setup_links_token_length check (octet_length(token_hash) = 32)
);

-- Tokens for programs. What one may do is cut down to what its maker may do at the time of each request.
create table api_tokens (
    id uuid primary key,
    -- Who made it.
    moderator_id uuid not null,
    name text not null,
    -- SHA-256 of the token (256 random bits).
    token_hash bytea not null,
    scopes text[] not null,
    -- The sites that it is good for; null: all that its maker sees.
    sites uuid[],
    created_at timestamptz not null,
    expires_at timestamptz,
    -- Written at most once a minute.
    last_used_at timestamptz,
    constraint api_tokens_moderator foreign key (moderator_id) references moderators (id) on delete cascade,
    constraint api_tokens_token_unique unique (token_hash),
    constraint api_tokens_token_length check (octet_length(token_hash) = 32),
    constraint api_tokens_name_length check (char_length(name) between 1 and 100),
    constraint api_tokens_scopes_known check (
        cardinality(scopes) between 1 and 4
        and scopes <@ array['comments:read', 'comments:personal', 'comments:decide', 'settings']
    )
);

create index api_tokens_moderator_id on api_tokens (moderator_id);
