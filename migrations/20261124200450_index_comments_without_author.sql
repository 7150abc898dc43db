-- no-transaction
create index concurrently if not exists comments_without_author on comments (id) where author_id is null and status <> 'deleted';
