-- Whoever loses or changes what they may do is named to every instance with the commit, whatever did it (the service, the
-- command line, an operator by hand): streams that are open for them are looked at again at once. The text is what
-- src/database/notices.rs reads: a sender (`-`: a transaction), then a channel and a line.
create function announce_access() returns trigger language plpgsql as $$
declare
    -- By name, since plpgsql would refuse the one that the table doesn't have.
    moderator text := to_jsonb(old) ->> tg_argv[0];
begin
    perform pg_notify('rejoinder', E'-\naccess ' || moderator);
    return null;
end
$$;

create trigger sessions_announce_access after delete on sessions
    for each row execute function announce_access('moderator_id');
create trigger api_tokens_announce_access after delete or update of scopes, sites, expires_at on api_tokens
    for each row execute function announce_access('moderator_id');
create trigger moderators_announce_access after update of role, sites, disabled_at, deleted_at on moderators
    for each row when (
        (old.role, old.sites, old.disabled_at, old.deleted_at) is distinct from
        (new.role, new.sites, new.disabled_at, new.deleted_at)
    )
    execute function announce_access('id');
