-- no-transaction
create index concurrently if not exists comments_ip on comments (ip, site_id, status, submitted_at, id) where ip is not null;
