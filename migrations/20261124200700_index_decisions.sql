-- no-transaction
create index concurrently if not exists comment_history_decisions on comment_history (at, comment_id, version) where actor_kind = 'moderator' and from_status is not null;
