//! The schema as statements, read from the server's own catalogue: also what migrations of a newer release have made.
//! Must not know a single table.
//!
//! Only what our migrations use is written. Anything else in the schema is named and refused, never left out silently.

use sqlx::PgConnection;

use super::error::Error;

/// One statement, or several that belong together.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) title: String,
    pub(super) text: String,
}

/// A table: how it is made, and how its rows are copied.
#[derive(Debug)]
pub(super) struct Table {
    /// As it stands in a statement, quoted where it must be.
    pub(super) name: String,
    pub(super) creation: String,
    /// Its columns without generated ones, which can't be written.
    pub(super) columns: String,
    /// What the server thinks it holds.
    pub(super) about_rows: i64,
}

/// What our migrations may have made, in the order in which it is made again: rows go in before keys, indexes, references
/// and triggers are there, which is several times faster and lets no trigger act.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) functions: Vec<Statement>,
    pub(super) tables: Vec<Table>,
    pub(super) behind_rows: Vec<Statement>,
}

/// The tables of our schema as a list for a statement. One round trip.
pub(super) async fn table_names(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select quote_ident(c.relname) as "name!"
        from pg_class c
        where c.relnamespace = current_schema()::regnamespace
            and c.relkind = 'r'
            and not exists (
                select from pg_depend d
                where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
            )
        order by c.relname
        limit 1000
        "#
    )
    .fetch_all(connection)
    .await
}

/// Reads it all. Six round trips; the tables have to be locked.
pub(super) async fn read(connection: &mut PgConnection) -> Result<Schema, Error> {
    if let Some(foreign) = find_foreign(connection).await? {
        return Err(Error::Foreign(foreign));
    }
    let functions = functions(connection).await?;
    let tables = tables(connection).await?;
    let mut behind_rows = constraints(connection, &["p", "u", "x"], "keys").await?;
    behind_rows.extend(indexes(connection).await?);
    behind_rows.extend(constraints(connection, &["f", "c"], "references").await?);
    behind_rows.extend(triggers(connection).await?);
    Ok(Schema {
        functions,
        tables,
        behind_rows,
    })
}

/// Something in the schema that is none of ours, as `view of_somebody`.
async fn find_foreign(connection: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select found.what as "what!"
        from (
            select c.oid, 'pg_class'::regclass as class, format('%s %s',
                    case c.relkind when 'v' then 'view' when 'm' then 'view' when 'S' then 'sequence'
                        when 'c' then 'type' else 'table' end, c.relname) as what
            from pg_class c
            where c.relnamespace = current_schema()::regnamespace
                and (c.relkind in ('v', 'm', 'S', 'c', 'f', 'p') or c.relkind = 'r' and (c.relrowsecurity or c.relispartition))
            union all
            select t.oid, 'pg_type'::regclass, format('type %s', t.typname)
            from pg_type t
            where t.typnamespace = current_schema()::regnamespace and t.typtype in ('d', 'e', 'r')
            union all
            select p.oid, 'pg_proc'::regclass, format('function %s', p.proname)
            from pg_proc p
            where p.pronamespace = current_schema()::regnamespace and p.prokind not in ('f', 'p')
        ) found
        where not exists (
            select from pg_depend d
            where d.classid = found.class and d.objid = found.oid and d.deptype = 'e'
        )
        order by found.what
        limit 1
        "#
    )
    .fetch_optional(connection)
    .await
}

/// Without the schema's name, which the server always writes: the target's may be another.
async fn functions(connection: &mut PgConnection) -> Result<Vec<Statement>, sqlx::Error> {
    sqlx::query_as!(
        Statement,
        r#"
        select format('function %s', p.proname) as "title!",
            format(E'create function %s;\n', substr(
                rtrim(pg_get_functiondef(p.oid), E'\n'),
                length(format('CREATE OR REPLACE %s %I.', case p.prokind when 'p' then 'PROCEDURE' else 'FUNCTION' end, n.nspname)) + 1
            )) as "text!"
        from pg_proc p
        join pg_namespace n on n.oid = p.pronamespace
        where p.pronamespace = current_schema()::regnamespace
            and p.prokind in ('f', 'p')
            and not exists (
                select from pg_depend d
                where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
            )
        order by p.proname, p.oid
        limit 1000
        "#
    )
    .fetch_all(connection)
    .await
}

/// Columns with what is checked row by row; `not null` by the column, since its name as a constraint is new in 18.
async fn tables(connection: &mut PgConnection) -> Result<Vec<Table>, sqlx::Error> {
    sqlx::query_as!(
        Table,
        r#"
        select quote_ident(c.relname) as "name!",
            format(E'create table %I (\n    %s\n)%s;\n', c.relname,
                concat_ws(E',\n    ', columns.definitions, checks.definitions),
                ' with (' || array_to_string(c.reloptions, ', ') || ')') as "creation!",
            columns.copied as "columns!",
            greatest(c.reltuples, 0)::bigint as "about_rows!"
        from pg_class c
        cross join lateral (
            select string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
                    'collate ' || quote_ident(l.collname),
                    case a.attgenerated
                        when '' then 'default ' || pg_get_expr(e.adbin, e.adrelid)
                        else format('generated always as (%s)%s', pg_get_expr(e.adbin, e.adrelid),
                            case a.attgenerated when 's' then ' stored' end)
                    end,
                    case when a.attnotnull then 'not null' end), E',\n    ' order by a.attnum) as definitions,
                string_agg(quote_ident(a.attname), ', ' order by a.attnum) filter (where a.attgenerated = '') as copied
            from pg_attribute a
            join pg_type t on t.oid = a.atttypid
            left join pg_collation l on l.oid = a.attcollation and a.attcollation <> t.typcollation
            left join pg_attrdef e on e.adrelid = a.attrelid and e.adnum = a.attnum
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        ) columns
        cross join lateral (
            select string_agg(format('constraint %I %s', k.conname, pg_get_constraintdef(k.oid)), E',\n    '
                order by k.conname) as definitions
            from pg_constraint k
            where k.conrelid = c.oid and k.contype = 'c' and k.convalidated
        ) checks
        where c.relnamespace = current_schema()::regnamespace
            and c.relkind = 'r'
            and not exists (
                select from pg_depend d
                where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
            )
        order by c.relname
        limit 1000
        "#
    )
    .fetch_all(connection)
    .await
}

/// All of one table in one statement, so that it is read once. A check that older rows needn't fulfil comes with the
/// references, or those rows couldn't go in.
async fn constraints(
    connection: &mut PgConnection,
    kinds: &[&str],
    title: &str,
) -> Result<Vec<Statement>, sqlx::Error> {
    let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    sqlx::query_as!(
        Statement,
        r#"
        select format('%s of %s', $2::text, c.relname) as "title!",
            format(E'alter table %I\n    %s;\n', c.relname, string_agg(
                format('add constraint %I %s', k.conname, pg_get_constraintdef(k.oid)), E',\n    ' order by k.contype, k.conname
            )) as "text!"
        from pg_constraint k
        join pg_class c on c.oid = k.conrelid
        where c.relnamespace = current_schema()::regnamespace
            and k.contype::text = any($1)
            and (k.contype <> 'c' or not k.convalidated)
        group by c.relname
        order by c.relname
        limit 1000
        "#,
        &kinds,
        title
    )
    .fetch_all(connection)
    .await
}

/// Those that no constraint has; without broken ones, which a migration makes anew.
async fn indexes(connection: &mut PgConnection) -> Result<Vec<Statement>, sqlx::Error> {
    sqlx::query_as!(
        Statement,
        r#"
        select format('index %s', c.relname) as "title!",
            format(E'%s;\n', pg_get_indexdef(i.indexrelid, 0, true)) as "text!"
        from pg_index i
        join pg_class c on c.oid = i.indexrelid
        where c.relnamespace = current_schema()::regnamespace
            and i.indisvalid
            and not exists (
                select from pg_constraint k
                where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x')
            )
            and not exists (
                select from pg_depend d
                where d.classid = 'pg_class'::regclass and d.objid = i.indrelid and d.deptype = 'e'
            )
        order by c.relname
        limit 1000
        "#
    )
    .fetch_all(connection)
    .await
}

async fn triggers(connection: &mut PgConnection) -> Result<Vec<Statement>, sqlx::Error> {
    sqlx::query_as!(
        Statement,
        r#"
        select format('trigger %s', t.tgname) as "title!",
            format(E'%s;\n', pg_get_triggerdef(t.oid, true)) as "text!"
        from pg_trigger t
        join pg_class c on c.oid = t.tgrelid
        where c.relnamespace = current_schema()::regnamespace
            and not t.tgisinternal
        order by c.relname, t.tgname
        limit 1000
        "#
    )
    .fetch_all(connection)
    .await
}
