-- Exactly one line for every change of state or text: ids and codes only, nothing personal, never changed.
create table comment_history (
    comment_id uuid not null,
    -- The comment's version after the change.
    version integer not null,
    at timestamptz not null,
    actor_kind text not null,
    actor_id uuid,
    from_status text,
    to_status text not null,
    reason text,
    primary key (comment_id, version),
    constraint comment_history_comment foreign key (comment_id) references comments (id),
    constraint comment_history_actor foreign key (actor_id) references moderators (id),
    constraint comment_history_actor_known check (actor_kind in ('moderator', 'rule', 'author', 'system')),
    constraint comment_history_actor_moderator check ((actor_kind = 'moderator') = (actor_id is not null)),
    constraint comment_history_from_known check (from_status in ('pending', 'approved', 'rejected', 'spam', 'deleted')),
    constraint comment_history_to_known check (to_status in ('pending', 'approved', 'rejected', 'spam', 'deleted')),
    constraint comment_history_begins check ((from_status is null) = (version = 1)),
    constraint comment_history_reason_form check (reason ~ '^[a-z][a-z0-9_]{0,39}$')
);

create function refuse_history_change() returns trigger language plpgsql as $$
begin
    raise exception 'the history is append-only' using errcode = 'insufficient_privilege';
end
$$;

create trigger comment_history_append_only before update or delete on comment_history
    for each row execute function refuse_history_change();
create trigger comment_history_no_truncate before truncate on comment_history
    for each statement execute function refuse_history_change();

-- What a moderator noted with a decision. Apart from the history, since it can be erased.
create table comment_notes (
    comment_id uuid not null,
    -- The line of the history that it stands with.
    version integer not null,
    note text not null,
    primary key (comment_id, version),
    constraint comment_notes_history foreign key (comment_id, version) references comment_history (comment_id, version),
    constraint comment_notes_length check (char_length(note) between 1 and 2000)
);
