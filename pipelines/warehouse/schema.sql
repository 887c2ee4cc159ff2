-- Gorod's own tables, the same text on DuckDB and PostgreSQL. dbt owns everything from staging on.
-- What this cannot change in a warehouse of before (a column, a type) is a step in migrations/.
create schema if not exists ops;
create schema if not exists raw;
create schema if not exists catalogue;

create table if not exists ops.version (version INTEGER primary key, made_at TIMESTAMP not null);

create table if not exists ops.load (
    load_id VARCHAR primary key,
    load_no BIGINT not null,
    source VARCHAR not null,
    feed VARCHAR not null,
    instance VARCHAR not null,
    ref_area VARCHAR not null,
    part VARCHAR not null,
    slice VARCHAR not null,
    first_day DATE,
    last_day DATE,
    delivery_id VARCHAR not null,
    sha256 VARCHAR not null,
    files VARCHAR not null,
    folder VARCHAR not null,
    origin VARCHAR not null,
    synthetic BOOLEAN not null,
    received_at TIMESTAMP not null,
    decided_at TIMESTAMP not null,
    outcome VARCHAR not null check (outcome in ('accepted', 'rejected')),
    readable BOOLEAN not null,
    not_retained BOOLEAN not null,
    rows_delivered BIGINT not null,
    rows_accepted BIGINT not null,
    rows_quarantined BIGINT not null,
    warnings INTEGER not null,
    suite_hash VARCHAR not null,
    seconds DOUBLE PRECISION not null
);

create table if not exists ops.load_event (
    load_id VARCHAR not null,
    event_no BIGINT not null,
    event VARCHAR not null check (event in ('received', 'accepted', 'rejected', 'waived', 'replayed')),
    happened_at TIMESTAMP not null,
    by_whom VARCHAR not null,
    why VARCHAR,
    until DATE
);

-- Each offer that was ever taken. What its origin last offered for a slice is not new.
create table if not exists ops.offer (
    load_id VARCHAR not null,
    origin VARCHAR not null,
    fingerprint VARCHAR,
    seen_at TIMESTAMP not null
);

create table if not exists ops.load_result (
    load_id VARCHAR not null,
    expectation VARCHAR not null,
    level VARCHAR not null,
    severity VARCHAR not null,
    dimension VARCHAR not null,
    column_name VARCHAR,
    success BOOLEAN not null,
    evaluated_count BIGINT not null,
    unexpected_count BIGINT not null,
    says VARCHAR not null,
    remedy VARCHAR not null,
    sample_rows VARCHAR
);

create table if not exists ops.quarantine (
    load_id VARCHAR not null,
    row_no BIGINT not null,
    reasons VARCHAR not null,
    record VARCHAR not null
);

create table if not exists ops.flagged_row (
    load_id VARCHAR not null,
    row_no BIGINT not null,
    expectation VARCHAR not null
);

create table if not exists ops.build (
    invocation_id VARCHAR not null,
    built_at TIMESTAMPTZ not null,
    ok BOOLEAN not null,
    whole BOOLEAN not null,
    definitions_hash VARCHAR,
    ledger_version BIGINT not null
);

-- From which build of the values the indices were computed.
create table if not exists ops.index_build (
    invocation_id VARCHAR not null,
    built_at TIMESTAMPTZ not null,
    rows BIGINT not null
);

-- Every release that was cut; its folder holds the rest. Times are UTC.
create table if not exists ops.release (
    release_id VARCHAR primary key,
    release VARCHAR not null,
    time_period VARCHAR not null,
    as_of TIMESTAMP not null,
    known_at TIMESTAMP not null,
    cut_at TIMESTAMP not null,
    by_whom VARCHAR not null,
    why VARCHAR,
    embargo_until TIMESTAMP,
    content_hash VARCHAR not null,
    manifest_sha256 VARCHAR not null,
    invocation_id VARCHAR not null
);

-- Who read figures under embargo through the command, which, and why. Times are UTC.
create table if not exists ops.embargoed_read (
    read_at TIMESTAMP not null,
    what VARCHAR not null,
    held_until TIMESTAMP not null,
    by_whom VARCHAR not null,
    why VARCHAR not null
);

-- Days are the country's: Europe/Minsk, UTC+3 all year.
create or replace view ops.accepted_load as
with waiver as (
    select load_id, max(until) as until
    from ops.load_event
    where event = 'waived'
    group by load_id
)

select
    load.load_id,
    load.load_no,
    load.source,
    load.feed,
    load.instance,
    load.ref_area,
    load.part,
    load.slice,
    load.first_day,
    load.last_day,
    load.delivery_id,
    load.sha256,
    load.files,
    load.folder,
    load.origin,
    load.synthetic,
    load.received_at,
    load.decided_at,
    load.outcome,
    load.readable,
    load.not_retained,
    load.rows_delivered,
    case when load.outcome = 'accepted' then load.rows_accepted else load.rows_delivered - load.rows_quarantined end
    as rows_accepted,
    load.rows_quarantined,
    load.warnings,
    load.suite_hash,
    load.seconds,
    case when load.outcome = 'accepted' then 'accepted' else 'waived' end as state,
    waiver.until as waived_until
from ops.load as load
left join waiver on load.load_id = waiver.load_id
where
    load.outcome = 'accepted'
    or (load.readable and waiver.until >= cast((now() at time zone 'UTC') + interval '3 hours' as DATE));

-- A newer accepted load supersedes those whose days lie within its own; an empty delivery of a source that
-- deletes supersedes nothing, and gives way to any load that has rows.
create or replace view ops.effective_load as
select older.*
from ops.accepted_load as older
where not exists (
    select 1
    from ops.accepted_load as newer
    where
        newer.source = older.source
        and newer.feed = older.feed
        and newer.instance = older.instance
        and newer.part = older.part
        and newer.load_id <> older.load_id
        and not newer.not_retained
        and (newer.load_no > older.load_no or older.not_retained)
        and (
            newer.first_day is null
            or (newer.first_day <= older.first_day and newer.last_day >= older.last_day)
        )
)
and not exists (
    select 1
    from ops.accepted_load as newer
    where
        older.not_retained
        and newer.not_retained
        and newer.source = older.source
        and newer.feed = older.feed
        and newer.instance = older.instance
        and newer.part = older.part
        and newer.slice = older.slice
        and newer.load_no > older.load_no
);

create or replace view ops.load_state as
select
    load.load_id,
    load.load_no,
    load.source,
    load.feed,
    load.instance,
    load.ref_area,
    load.part,
    load.slice,
    load.first_day,
    load.last_day,
    load.delivery_id,
    load.sha256,
    load.files,
    load.folder,
    load.origin,
    load.synthetic,
    load.received_at,
    load.decided_at,
    load.outcome,
    load.readable,
    load.not_retained,
    load.rows_delivered,
    coalesce(accepted.rows_accepted, load.rows_accepted) as rows_accepted,
    load.rows_quarantined,
    load.warnings,
    load.suite_hash,
    load.seconds,
    case
        when effective.load_id is not null then effective.state
        when accepted.load_id is not null then 'superseded'
        else 'rejected'
    end as state,
    accepted.waived_until
from ops.load as load
left join ops.accepted_load as accepted on load.load_id = accepted.load_id
left join ops.effective_load as effective on load.load_id = effective.load_id;
