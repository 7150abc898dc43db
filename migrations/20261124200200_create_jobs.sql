-- Work to be done beside requests. A row waits, is leased by one runner at a time, and goes when it is done.
create table jobs (
    id uuid primary key,
    kind text not null,
    -- Ids and bounds only, nothing personal.
    payload jsonb not null default '{}',
    -- At most one living job for a kind and key; null: any number.
    unique_key text,
    run_at timestamptz not null,
    -- Runs that failed or were lost.
    attempts smallint not null default 0,
    leased_until timestamptz,
    -- The run that holds it: one whose lease was taken over can't finish another's.
    leased_by uuid,
    -- What the last failure was, in words without personal data.
    last_error text,
    -- Given up after too many failures; waits for a person.
    dead_at timestamptz,
    created_at timestamptz not null,
    constraint jobs_kind_form check (kind ~ '^[a-z_]{1,40}\.[a-z_]{1,40}$'),
    constraint jobs_unique_key_length check (char_length(unique_key) between 1 and 200),
    constraint jobs_attempts_not_negative check (attempts >= 0),
    constraint jobs_lease check ((leased_until is null) = (leased_by is null)),
    constraint jobs_last_error_length check (char_length(last_error) <= 1000)
);

create index jobs_due on jobs (run_at, id) where dead_at is null;
create index jobs_dead on jobs (id) where dead_at is not null;
create unique index jobs_unique_key on jobs (kind, unique_key) where unique_key is not null and dead_at is null;

-- When each regular job is due next; whoever moves the time on enqueues it, so it is one instance.
create table schedules (
    name text primary key,
    next_run_at timestamptz not null
);
