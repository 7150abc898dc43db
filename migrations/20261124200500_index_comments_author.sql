-- no-transaction
create index concurrently if not exists comments_author on comments (author_id, site_id, status, submitted_at, id) where author_id is not null;
