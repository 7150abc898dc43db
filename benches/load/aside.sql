-- Drops all indexes and foreign keys of the big tables but the primary keys, and says how to make them again, a statement a
-- line: indexes first.
create temporary table aside (place integer, make text, dropping text);

insert into aside (place, make, dropping)
select 1, pg_get_indexdef(i.indexrelid), format('drop index %s', i.indexrelid::regclass)
from pg_index i
where i.indrelid in ('comments'::regclass, 'comment_history'::regclass)
    and not exists (select 1 from pg_constraint c where c.conindid = i.indexrelid and c.contype in ('p', 'u'));

insert into aside (place, make, dropping)
select
    2,
    format('alter table %s add constraint %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)),
    format('alter table %s drop constraint %I', c.conrelid::regclass, c.conname)
from pg_constraint c
where c.contype = 'f' and c.conrelid in ('comments'::regclass, 'comment_history'::regclass);

do $$
declare
    statement text;
begin
    for statement in select dropping from aside loop
        execute statement;
    end loop;
end
$$;

select make
from aside
order by place, make;
