-- no-transaction
create index concurrently if not exists comments_by_thread on comments (site_id, root_id, depth, id);
