-- Administrative acts: who changed which setting, person or token. Ids and codes only, nothing personal, never changed.
create table audit_log (
    id uuid primary key,
    at timestamptz not null,
    -- A moderator; the operator at the command line; the service itself.
    actor_kind text not null,
    actor_id uuid,
    -- As `moderator.disabled`.
    act text not null,
    subject_kind text not null,
    subject_id uuid,
    -- The site that it belongs to; null where it concerns all.
    site_id uuid,
    -- What changed, by field.
    details jsonb not null default '{}',
    constraint audit_log_actor_known check (actor_kind in ('moderator', 'operator', 'system')),
    constraint audit_log_actor_moderator check ((actor_kind = 'moderator') = (actor_id is not null)),
    constraint audit_log_act_form check (act ~ '^[a-z_]{1,40}\.[a-z_]{1,40}$'),
    constraint audit_log_subject_form check (subject_kind ~ '^[a-z_]{1,40}$')
);

-- For those who see some sites only; the whole log goes by the key.
create index audit_log_site_id on audit_log (site_id, id) where site_id is not null;

create trigger audit_log_append_only before update or delete on audit_log
    for each row execute function refuse_history_change();
create trigger audit_log_no_truncate before truncate on audit_log
    for each statement execute function refuse_history_change();
