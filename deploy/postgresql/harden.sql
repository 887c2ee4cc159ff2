-- What only a superuser can take from everybody. Once for each database of Gorod after `gorod access sync`, again after a
-- restore of the cluster or pg_upgrade; it may be repeated:
--   psql -X -v ON_ERROR_STOP=1 -d gorod -f /opt/gorod/deploy/postgresql/harden.sql
do $$
declare
    name regprocedure;
    keeper text;
begin
    for name in
        select oid::regprocedure
        from pg_proc
        where
            pronamespace = 'pg_catalog'::regnamespace
            and (
                -- large objects: whoever only reads could fill the disk with them
                proname in ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_import', 'lo_export', 'lo_open', 'lo_put')
                or proname in ('lo_truncate', 'lo_truncate64', 'lowrite', 'lo_unlink')
                -- how many rows went into a table just now, closed ones too: of a load under embargo that is a figure
                or proname like 'pg\_stat\_get\_%tuples%'
                or proname in ('pg_stat_get_mod_since_analyze', 'pg_stat_get_ins_since_vacuum')
            )
    loop
        execute format('revoke execute on function %s from public', name);
        -- Gorod gathers statistics where they are old
        for keeper in
            select rolname from pg_roles
            where
                rolname = 'gorod_loader'
                or oid = (select datdba from pg_database where datname = current_database())
        loop
            execute format('grant execute on function %s to %I', name, keeper);
        end loop;
    end loop;
end
$$;
