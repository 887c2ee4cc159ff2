-- What the figures of each measure and period are made of, as one hash: the loads in force that speak of it, which
-- months were delivered, how reliable they are, and to which territories and parts the measure reaches at all (where
-- those grow, earlier months have zeros more).
with loads as (
    select
        load_id,
        source,
        feed,
        instance
    from {{ source('ops', 'effective_load') }}
),

scopes as (
    select
        scopes.load_id,
        scopes.axis,
        scopes.measure,
        scopes.freq,
        scopes.code,
        loads.source,
        loads.feed,
        loads.instance
    from {{ ref('int_load_scope') }} as scopes
    inner join loads on scopes.load_id = loads.load_id
),

parts as (
    select
        measure,
        string_agg(code, ' ' order by code) as state
    from (select distinct measure, code from scopes where axis = 'breakdown' and freq = 'M') as reached
    group by measure
),

-- the same for all measures of a feed
territories as (
    select
        source,
        feed,
        string_agg(instance || ' ' || code, ' ' order by instance, code) as state
    from (select distinct source, feed, instance, code from scopes where axis = 'ref_area') as reached
    group by source, feed
),

reach as (
    select
        measures.measure,
        'reach ' || md5(coalesce(parts.state, '') || '; ' || coalesce(territories.state, '')) as state
    from {{ source('catalogue', 'measure') }} as measures
    left join parts on measures.measure = parts.measure
    left join territories
        on
            measures.source = territories.source
            and measures.feed = territories.feed
            and measures.freq = 'M'
            and measures.reporting = 'place'
    where parts.state is not null or territories.state is not null
),

-- what each period stands on
pieces as (
    select
        measure,
        code as time_period,
        load_id as piece
    from scopes
    where axis = 'period'
    union
    select
        measures.measure,
        months.time_period,
        coalesce(months.load_id, months.instance) || ' ' || months.state as piece
    from {{ ref('int_delivered_month') }} as months
    inner join {{ source('catalogue', 'measure') }} as measures
        on months.source = measures.source and months.feed = measures.feed
    where measures.freq = 'M'
    union
    select
        scopes.measure,
        scopes.code as time_period,
        reliability.load_id || ' ' || cast(reliability.control_share_pct as varchar) as piece
    from scopes
    inner join {{ ref('int_load_reliability') }} as reliability on scopes.load_id = reliability.load_id
    where scopes.axis = 'period'
    union
    select
        reach.measure,
        months.time_period,
        reach.state as piece
    from reach
    inner join {{ source('catalogue', 'measure') }} as measures on reach.measure = measures.measure
    inner join (select distinct source, feed, time_period from {{ ref('int_delivered_month') }}) as months
        on measures.source = months.source and measures.feed = months.feed
),

observed as (
    select
        measure,
        time_period,
        md5(string_agg(piece, ' ' order by piece)) as state
    from pieces
    group by measure, time_period
)

select
    measure,
    time_period,
    state
from observed
union all
select
    observed.measure,
    months.time_period,
    md5(string_agg(observed.state, ' ' order by observed.time_period)) as state
from observed
inner join {{ ref('int_period_month') }} as months on observed.time_period = months.month
inner join (
    select distinct
        terms.measure,
        frequencies.freq
    from {{ source('catalogue', 'indicator_term') }} as terms
    inner join {{ source('catalogue', 'indicator_frequency') }} as frequencies
        on terms.indicator = frequencies.indicator
    union
    select distinct
        terms.times_measure as measure,
        frequencies.freq
    from {{ source('catalogue', 'indicator_term') }} as terms
    inner join {{ source('catalogue', 'indicator_frequency') }} as frequencies
        on terms.indicator = frequencies.indicator
) as followed on observed.measure = followed.measure and months.freq = followed.freq
group by observed.measure, months.time_period
