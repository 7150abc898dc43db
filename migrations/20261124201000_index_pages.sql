-- no-transaction
create index concurrently if not exists pages_site on pages (site_id, id);
