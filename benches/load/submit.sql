-- A copy of the comments with all its indexes, and the script of pgbench that inserts into it one row at a time: every
-- column as the program stores it (from the row :template), with fresh ids, keys and texts. Prints the script.
drop table if exists load.comments;
create table load.comments (like comments including all);

-- Unique indexes besides the key are plain ones here: nothing is looked up in them.
do $$
declare
    found record;
begin
    for found in
        select i.indexrelid::regclass as name, replace(pg_get_indexdef(i.indexrelid), 'CREATE UNIQUE', 'CREATE') as definition
        from pg_index i
        where i.indrelid = 'load.comments'::regclass and i.indisunique and not i.indisprimary
    loop
        execute format('drop index %s', found.name);
        execute found.definition;
    end loop;
end
$$;

select format('insert into load.comments (%1$s) select %1$s from comments', string_agg(quote_ident(attname), ', '))
from pg_attribute
where attrelid = 'comments'::regclass and attnum > 0 and not attisdropped and attgenerated = ''
\gexec
analyze load.comments;

with template as (
    select to_jsonb(c) as row
    from comments c
    where c.id = :'template'
), fresh (name, value) as (
    values
        ('id', 'i.id'),
        ('root_id', 'i.id'),
        ('page_id', (
            select format('(array[%s])[:page]', string_agg(quote_literal(p.id) || '::uuid', ', '))
            from (select id from pages order by id limit :pages) p
        )),
        ('name', $$'Reader ' || :a || 'x' || :r$$),
        ('email', $$'reader' || :a || 'x' || :r || '@example.org'$$),
        ('email_key', $$'reader' || :a || 'x' || :r || '@example.org'$$),
        ('body', $$i.body$$),
        ('body_html', $$'<p>' || i.body || '</p>'$$),
        ('avatar', $$md5(:r::text)$$),
        ('submitted_at', 'now()'),
        ('idempotency_key', $$sha256(i.id::text::bytea)$$),
        ('content_hash', $$sha256(i.body::bytea)$$),
        ('duplicate_key', $$sha256(('d' || i.id)::bytea)$$),
        ('author_id', 'gen_random_uuid()')
), columns as (
    select
        a.attnum, quote_ident(a.attname) as name,
        coalesce(f.value, quote_nullable(t.row ->> a.attname) || '::' || format_type(a.atttypid, a.atttypmod)) as value
    from pg_attribute a
    cross join template t
    left join fresh f on f.name = a.attname
    where a.attrelid = 'comments'::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
)
select format(
    E'\\set r random(1, 1000000000000)\n\\set a random(1, %1$s)\n\\set b random(1, %1$s)\n\\set c random(1, %1$s)\n'
    '\\set page random(1, %2$s)\n'
    'insert into load.comments (%3$s) select %4$s from (select '
    '(lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, ''0'') || ''7'' '
    '|| substr(gen_random_uuid()::text, 16, 3) || substr(gen_random_uuid()::text, 20))::uuid as id, '
    '(array[''%5$s''])[:a] || '' '' || :a || ''x'' || :r || '' '' || (array[''%5$s''])[:b] || '' '' || (array[''%5$s''])[:c] as body'
    ') i;',
    :'count', :'pages', string_agg(name, ', ' order by attnum), string_agg(value, ', ' order by attnum), :'fragments'
)
from columns;
