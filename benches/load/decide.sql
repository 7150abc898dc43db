-- Copies of the comments and their history with all their indexes, for decisions by pgbench; says how many rows there are.
drop table if exists load.decided;
drop table if exists load.decided_history;
create table load.decided (like comments including all);
create table load.decided_history (like comment_history including all);

create temporary table source as
select row_number() over (order by id) - 1 as n, id
from comments
where status = 'pending' and parent_id is null
limit 100000;

select format(
    'insert into load.decided (%1$s) select %2$s from source s join comments c on c.id = s.id order by s.n',
    string_agg(quote_ident(attname), ', '),
    string_agg(
        case
            when attname in ('id', 'root_id') then $$('0190000000007000a' || lpad(to_hex(s.n), 15, '0'))::uuid$$
            when attname in ('idempotency_key', 'duplicate_key') then 'null'
            else 'c.' || quote_ident(attname)
        end,
        ', '
    )
)
from pg_attribute
where attrelid = 'comments'::regclass and attnum > 0 and not attisdropped and attgenerated = ''
\gexec
vacuum analyze load.decided;
select count(*) from load.decided;
