-- Comments lent to a moderator, so that two don't look at the same one. A claim forbids nothing.
create table claims (
    comment_id uuid primary key,
    moderator_id uuid not null,
    until timestamptz not null,
    constraint claims_comment foreign key (comment_id) references comments (id),
    constraint claims_moderator foreign key (moderator_id) references moderators (id) on delete cascade
);

create index claims_moderator_id on claims (moderator_id);

-- One decision on all comments that a filter took when the batch was made.
create table batches (
    id uuid primary key,
    moderator_id uuid not null,
    -- The sites that the maker saw; null: all. Who sees fewer doesn't see the batch.
    sites uuid[],
    decision text not null,
    reason text,
    as_of timestamptz not null,
    state text not null,
    total integer not null,
    -- How many of its comments, in their order, have been gone over: by the batch, then anew by its undo.
    processed integer not null default 0,
    decided integer not null default 0,
    -- How many the undo has brought back, and who asked for it.
    undone integer not null default 0,
    undone_by uuid,
    created_at timestamptz not null,
    finished_at timestamptz,
    constraint batches_moderator foreign key (moderator_id) references moderators (id),
    constraint batches_undone_by foreign key (undone_by) references moderators (id),
    constraint batches_decision_known check (decision in ('approve', 'reject', 'spam', 'restore')),
    constraint batches_state_known check (state in ('running', 'done', 'undoing', 'undone')),
    constraint batches_total_bound check (total between 0 and 100000),
    constraint batches_processed_bound check (processed between 0 and total)
);

-- The comments of a batch in the order in which they are decided, with what came of each. Without foreign keys: checking
-- 100,000 rows made writing them take 1.8 s instead of 0.4 s, of the 2.5 s that a request has. Comments never go, and a batch
-- goes after its items.
create table batch_items (
    -- Of `batches`.
    batch_id uuid not null,
    place integer not null,
    -- Of `comments`.
    comment_id uuid not null,
    -- State, version and reason when the batch was made: what has changed since is left alone.
    was_status text not null,
    was_version integer not null,
    was_reason text,
    -- Null until decided; then as in the results of decisions.
    outcome text,
    -- The version that the batch gave it; the undo leaves alone what has gone on since.
    version integer,
    undo_outcome text,
    primary key (batch_id, place)
);
