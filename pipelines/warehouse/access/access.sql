-- What access control needs in the database itself. Made anew when this text changes; every statement may be repeated.

-- The record of what the ledger does not hold: publications, changes of access. Loads, refusals and waivers are in
-- ops.load_event, approvals in ops.approval. The server itself notes who connected, from where.
create table if not exists ops.audit_event (
    event_no bigint generated always as identity primary key,
    happened_at timestamp not null default (now() at time zone 'UTC'),
    event varchar not null,
    subject varchar not null,
    by_whom varchar not null,
    why varchar,
    login varchar not null default session_user,
    client varchar not null default coalesce(host(inet_client_addr()), 'local')
);
comment on table ops.audit_event is 'Who published and who changed access, when, from where. Only added to.';

create or replace view ops.audit with (security_barrier = true) as
select
    happened_at,
    event,
    load_id as subject,
    by_whom,
    why,
    until,
    null::varchar as login,
    null::varchar as client
from ops.load_event
union all
select
    decided_at,
    decision || ': ' || step,
    load_id,
    by_whom,
    note,
    null,
    null,
    null
from ops.approval
union all
select
    granted_at,
    'deadline extended',
    source || '.' || feed || ' ' || instance || ' ' || time_period,
    by_whom,
    why,
    until,
    null,
    null
from ops.extension
union all
select
    coalesce(built_at, begun_at) at time zone 'UTC',
    case
        when ok then 'built'
        when ended then 'build failed'
        when invocation_id = 'copied' then 'copied'
        else 'build begun'
    end,
    invocation_id,
    'gorod',
    null,
    null,
    null,
    null
from ops.build_state
union all
select
    happened_at,
    event,
    subject,
    by_whom,
    why,
    null,
    login,
    client
from ops.audit_event
union all
select
    cut_at,
    'released',
    release_id,
    by_whom,
    why,
    null,
    null,
    null
from ops.release
union all
select
    read_at,
    'embargoed figures read',
    what,
    by_whom,
    why,
    cast(held_until as date),
    null,
    null
from ops.embargoed_read
union all
select
    removed_at,
    'delivery removed',
    delivery_id,
    'gorod',
    'its ' || kept_days || ' days in landing were over',
    null,
    null,
    null
from ops.removed_delivery;
comment on view ops.audit is
'Who did what, and when (UTC): received, accepted, rejected, waived, replayed, approved, revoked, deadline extended, built, published, released, embargoed figures read, delivery removed, access changed.';

-- For the audit: which loads there are and what became of them, without how many rows they have, which of many feeds is
-- a figure that may be under embargo.
create or replace view ops.audit_load with (security_barrier = true) as
select
    load_id,
    load_no,
    source,
    feed,
    instance,
    ref_area,
    slice,
    first_day,
    last_day,
    sha256,
    files,
    received_at,
    decided_at,
    outcome,
    not_retained,
    suite_hash,
    state,
    waived_until,
    synthetic
from ops.load_state;
comment on view ops.audit_load is 'Every load with its state today, without its numbers of rows.';

create or replace function ops.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
    raise exception '%.% is only added to: % is refused', tg_table_schema, tg_table_name, tg_op
        using hint = 'A decision is corrected by a new one: gorod waive, gorod replay.',
            errcode = 'insufficient_privilege';
end
$$;
revoke all on function ops.refuse_change() from public;

do $$
declare
    name text;
begin
    foreach name in array array[{append_only}] loop
        execute format('create or replace trigger only_added before update or delete on ops.%I'
            ' for each row execute function ops.refuse_change()', name);
        execute format('create or replace trigger never_emptied before truncate on ops.%I'
            ' for each statement execute function ops.refuse_change()', name);
    end loop;
end
$$;

-- What a supplier is answered: its own source's loads, findings and rows kept back. The views read the closed ledger
-- with their owner's rights; the condition on who asks is evaluated before any condition of the one who asks.
create schema if not exists supplier;

create or replace view supplier.load with (security_barrier = true) as
select
    load_id,
    source,
    feed,
    instance,
    slice,
    first_day,
    last_day,
    files,
    received_at,
    decided_at,
    state,
    waived_until,
    rows_delivered,
    rows_accepted,
    rows_quarantined,
    warnings,
    synthetic
from ops.load_state
where exists (
    select 1 from pg_catalog.pg_roles as own
    where own.rolname = replace({supplier}, '{source}', load_state.source)
        and pg_has_role(current_user, own.oid, 'usage')
);
comment on view supplier.load is 'Ваши поставки: что с каждой решено. / Deliveries of your source and what was decided.';

create or replace view supplier.load_result with (security_barrier = true) as
select
    results.load_id,
    results.expectation,
    results.level,
    results.severity,
    results.dimension,
    results.column_name,
    results.success,
    results.evaluated_count,
    results.unexpected_count,
    results.says,
    results.remedy,
    results.sample_rows
from ops.load_result as results
where exists (
    select 1
    from ops.load as load
    inner join pg_catalog.pg_roles as own on own.rolname = replace({supplier}, '{source}', load.source)
    where load.load_id = results.load_id and pg_has_role(current_user, own.oid, 'usage')
);
comment on view supplier.load_result is 'Что проверено в поставке и что найдено. / Expectations and their findings.';

create or replace view supplier.quarantine with (security_barrier = true) as
select
    kept.load_id,
    kept.row_no,
    kept.reasons,
    kept.record
from ops.quarantine as kept
where exists (
    select 1
    from ops.load as load
    inner join pg_catalog.pg_roles as own on own.rolname = replace({supplier}, '{source}', load.source)
    where load.load_id = kept.load_id and pg_has_role(current_user, own.oid, 'usage')
);
comment on view supplier.quarantine is
'Задержанные строки с причинами. / Rows kept back, with the reasons, as a list of JSON objects.';
