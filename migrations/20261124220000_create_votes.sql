-- What readers think of published comments. One row for each browser that has voted and not taken it back.
create table votes (
    comment_id uuid not null,
    -- Keyed hash of the comment and the id that the browser keeps: votes of one browser on several comments can't be linked.
    voter_key bytea not null,
    value smallint not null,
    -- What it was before it was last changed; 0 at first. So that the statement which changes it knows by how much the
    -- score moves, whatever its snapshot held.
    was smallint not null default 0,
    at timestamptz not null,
    primary key (comment_id, voter_key),
    constraint votes_comment foreign key (comment_id) references comments (id),
    constraint votes_voter_key_length check (octet_length(voter_key) = 32),
    constraint votes_value_known check (value in (-1, 1)),
    constraint votes_was_known check (was in (-1, 0, 1))
);
