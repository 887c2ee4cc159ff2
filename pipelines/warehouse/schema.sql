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

-- Each candidate that was ever taken. What its origin last had for a slice is not new.
create table if not exists ops.candidate (
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

-- What was read of each refused load: a waiver lets in these rows, and no others.
create table if not exists ops.refused_batch (
    load_id VARCHAR not null,
    fingerprint VARCHAR not null
);

create table if not exists ops.flagged_row (
    load_id VARCHAR not null,
    row_no BIGINT not null,
    expectation VARCHAR not null
);

-- What is remembered of each load, for later ones to be held against: pipelines/loading/profile.py.
create table if not exists ops.load_profile (
    load_id VARCHAR not null,
    metric VARCHAR not null,
    key VARCHAR not null,
    value DOUBLE PRECISION not null
);

create table if not exists ops.build (
    invocation_id VARCHAR not null,
    built_at TIMESTAMPTZ not null,
    ok BOOLEAN not null,
    whole BOOLEAN not null,
    definitions_hash VARCHAR,
    ledger_version BIGINT not null
);

-- Every build that began, in the order in which they did. What began and has no row in ops.build did not come to its end.
create table if not exists ops.build_begun (
    build_no BIGINT primary key,
    invocation_id VARCHAR not null,
    begun_at TIMESTAMPTZ not null,
    whole BOOLEAN not null,
    ledger_version BIGINT not null
);

-- In which state each feed was when a build began: by it the next build knows what has changed since.
create table if not exists ops.build_input (
    invocation_id VARCHAR not null,
    source VARCHAR not null,
    feed VARCHAR not null,
    state VARCHAR not null
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

-- Deliveries that left landing when the days of their feed were over; what they brought stays. Times are UTC.
create table if not exists ops.removed_delivery (
    delivery_id VARCHAR not null,
    removed_at TIMESTAMP not null,
    kept_days INTEGER not null
);

-- The steps of approval that a load needs before it counts, in order: those that its feed declared when it was entered.
create table if not exists ops.approval_step (
    load_id VARCHAR not null,
    step_no INTEGER not null,
    step VARCHAR not null
);

-- Who approved a load at which step, and who revoked it. Times are UTC.
create table if not exists ops.approval (
    load_id VARCHAR not null,
    event_no BIGINT not null,
    step VARCHAR not null,
    decision VARCHAR not null check (decision in ('approved', 'revoked')),
    decided_at TIMESTAMP not null,
    by_whom VARCHAR not null,
    note VARCHAR
);

-- Until when a delivery that is owed may come, if later than declared: who allowed it, and why. Times are UTC.
create table if not exists ops.extension (
    source VARCHAR not null,
    feed VARCHAR not null,
    instance VARCHAR not null,
    time_period VARCHAR not null,
    until DATE not null,
    granted_at TIMESTAMP not null,
    by_whom VARCHAR not null,
    why VARCHAR not null
);

-- Approvals in force. A step is approved on the strength of those before it: whoever revokes one, revokes those after it.
create or replace view ops.approval_in_force as
with decided as (
    select
        events.load_id,
        events.event_no,
        steps.step_no,
        steps.step,
        events.decision,
        events.decided_at,
        events.by_whom,
        events.note
    from ops.approval as events
    inner join ops.approval_step as steps on events.load_id = steps.load_id and events.step = steps.step
)

select
    given.load_id,
    given.step_no,
    given.step,
    given.decided_at,
    given.by_whom,
    given.note
from decided as given
where
    given.decision = 'approved'
    and not exists (
        select 1 from decided as revoked
        where
            revoked.load_id = given.load_id
            and revoked.decision = 'revoked'
            and revoked.event_no > given.event_no
            and revoked.step_no <= given.step_no
    );

-- Loads that lack a step of approval: they count for nothing until they have it.
create or replace view ops.unapproved_load as
select
    steps.load_id,
    min(steps.step_no) as step_no
from ops.approval_step as steps
where
    not exists (
        select 1 from ops.approval_in_force as given
        where given.load_id = steps.load_id and given.step_no = steps.step_no
    )
group by steps.load_id;

-- What the gate has let in, or a waiver until a day that has not passed. Days are the country's: Europe/Minsk. Of several
-- waivers of a load the last word counts.
create or replace view ops.passed_load as
with waiver as (
    select said.load_id, max(said.until) as until
    from ops.load_event as said
    where
        said.event = 'waived'
        and not exists (
            select 1 from ops.load_event as later
            where later.event = 'waived' and later.load_id = said.load_id and later.event_no > said.event_no
        )
    group by said.load_id
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
    or (load.readable and waiver.until >= cast(now() at time zone 'Europe/Minsk' as DATE));

create or replace view ops.accepted_load as
select passed.*
from ops.passed_load as passed
where not exists (select 1 from ops.unapproved_load as lacking where lacking.load_id = passed.load_id);

-- The days that each accepted load speaks for; a snapshot speaks for all. Where days were entered wrongly by hand, the
-- span is the widest that they can mean.
create or replace view ops.accepted_span as
select
    load_id,
    load_no,
    outcome,
    source,
    feed,
    instance,
    part,
    not_retained,
    least(coalesce(first_day, date '0001-01-01'), coalesce(last_day, date '9999-12-31')) as from_day,
    greatest(coalesce(first_day, date '0001-01-01'), coalesce(last_day, date '9999-12-31')) as to_day
from ops.accepted_load;

-- Of two accepted loads with days in common the later has to cover the earlier, or those days would count twice.
-- Where it does not, one gives way, whatever let them both in: what is waived to what the gate accepted, else the
-- later. Only loads that have something to count can conflict.
create or replace view ops.conflicting_load as
select given.load_id, kept.load_id as kept_load_id
from ops.accepted_span as given
inner join ops.accepted_span as kept
    on
        given.source = kept.source
        and given.feed = kept.feed
        and given.instance = kept.instance
        and given.part = kept.part
        and given.from_day <= kept.to_day
        and given.to_day >= kept.from_day
where
    not given.not_retained
    and not kept.not_retained
    and (kept.outcome, kept.load_no, kept.load_id) < (given.outcome, given.load_no, given.load_id)
    and not case
        when (given.load_no, given.load_id) > (kept.load_no, kept.load_id)
            then given.from_day <= kept.from_day and given.to_day >= kept.to_day
        else kept.from_day <= given.from_day and kept.to_day >= given.to_day
    end;

-- Of the accepted loads that do not give way to another, those that no newer one covers. An empty delivery of a source
-- that deletes covers nothing but older ones of its kind, and gives way to any load that has rows. Any two of them that
-- have rows have no day in common: if they had, one would cover the other, or give way.
create or replace view ops.effective_load as
with counted as (
    select spans.*
    from ops.accepted_span as spans
    where not exists (
        select 1 from ops.conflicting_load as conflicting where conflicting.load_id = spans.load_id
    )
),

covered as (
    select older.load_id
    from counted as older
    inner join counted as newer
        on
            older.source = newer.source
            and older.feed = newer.feed
            and older.instance = newer.instance
            and older.part = newer.part
            and newer.from_day <= older.from_day
            and newer.to_day >= older.to_day
            and newer.load_id <> older.load_id
    where
        (older.not_retained and not newer.not_retained)
        or (
            older.not_retained = newer.not_retained
            and (newer.load_no, newer.load_id) > (older.load_no, older.load_id)
        )
)

select accepted.*
from ops.accepted_load as accepted
inner join counted on accepted.load_id = counted.load_id
where not exists (select 1 from covered where covered.load_id = accepted.load_id);

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
    coalesce(passed.rows_accepted, load.rows_accepted) as rows_accepted,
    load.rows_quarantined,
    load.warnings,
    load.suite_hash,
    load.seconds,
    case
        when effective.load_id is not null then effective.state
        when passed.load_id is null then 'rejected'
        when accepted.load_id is null then 'unapproved'
        when exists (select 1 from ops.conflicting_load as conflicting where conflicting.load_id = load.load_id)
            then 'conflicting'
        else 'superseded'
    end as state,
    passed.waived_until
from ops.load as load
left join ops.passed_load as passed on load.load_id = passed.load_id
left join ops.accepted_load as accepted on load.load_id = accepted.load_id
left join ops.effective_load as effective on load.load_id = effective.load_id;

-- What has been decided that figures follow from. A load that was refused, and that nobody let in, changes none; nor does
-- one that needs approval, before somebody has approved it.
create or replace view ops.deciding_event as
select said.load_id, said.event_no, said.event
from ops.load_event as said
where
    (
        not exists (
            select 1 from ops.load as refused where refused.load_id = said.load_id and refused.outcome = 'rejected'
        )
        or exists (
            select 1 from ops.load_event as waived where waived.load_id = said.load_id and waived.event = 'waived'
        )
    )
    and (
        not exists (select 1 from ops.approval_step as steps where steps.load_id = said.load_id)
        or exists (select 1 from ops.approval as given where given.load_id = said.load_id)
    )
union all
select said.load_id, said.event_no, said.decision
from ops.approval as said;

-- The state of each feed today, as a hash of what its accepted loads count for. Rows of a load never change.
create or replace view ops.feed_state as
select
    source,
    feed,
    md5(string_agg(
        load_id || ' ' || state || ' ' || rows_accepted || ' ' || coalesce(cast(waived_until as VARCHAR), ''),
        ' ' order by load_no, load_id
    )) as state
from ops.load_state
where state not in ('rejected', 'unapproved')
group by source, feed;

-- Builds in their order, which no clock decides: those that were made before they were numbered come first. None can have
-- ended after one that came later, whatever its clock said.
create or replace view ops.build_state as
with numbered as (
    select
        row_number() over (order by coalesce(begun.build_no, 0), ended.built_at, ended.invocation_id) as build_no,
        coalesce(begun.invocation_id, ended.invocation_id) as invocation_id,
        coalesce(begun.begun_at, ended.built_at) as begun_at,
        ended.built_at,
        ended.invocation_id is not null as ended,
        coalesce(ended.ok, false) as ok,
        coalesce(ended.whole, begun.whole) as whole,
        ended.definitions_hash,
        coalesce(ended.ledger_version, begun.ledger_version) as ledger_version
    from ops.build_begun as begun
    full join ops.build as ended on begun.invocation_id = ended.invocation_id
)

select
    build_no,
    invocation_id,
    begun_at,
    case
        when ended then min(built_at) over (order by build_no rows between current row and unbounded following)
    end as built_at,
    ended,
    ok,
    whole,
    definitions_hash,
    ledger_version
from numbered;
