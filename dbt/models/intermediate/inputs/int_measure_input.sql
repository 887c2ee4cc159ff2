-- What the figures of each measure and period are made of, as one hash: the loads in force that speak of it, which
-- months were delivered, how reliable they are, what of them is held back, and to which territories and parts the
-- measure reaches at all (where those grow, earlier months have zeros more).
with loads as (
    select
        load_id,
        source,
        feed,
        instance
    from {{ source('ops', 'effective_load') }}
),

-- the loads that speak of a measure in a period, and how reliable each is
told as (
    select
        scopes.measure,
        scopes.code as time_period,
        string_agg(loads.load_id || coalesce(' ' || reliability.state, ''), ' ' order by loads.load_id) as state
    from {{ ref('int_load_scope') }} as scopes
    inner join loads on scopes.load_id = loads.load_id
    left join (
        select
            load_id,
            string_agg(cast(control_share_pct as varchar), ' ' order by control_share_pct) as state
        from {{ ref('int_load_reliability') }}
        group by load_id
    ) as reliability on scopes.load_id = reliability.load_id
    where scopes.axis = 'period'
    group by scopes.measure, scopes.code
),

parts as (
    select
        measure,
        string_agg(code, ' ' order by code) as state
    from (
        select distinct
            scopes.measure,
            scopes.code
        from {{ ref('int_load_scope') }} as scopes
        inner join loads on scopes.load_id = loads.load_id
        where scopes.axis = 'breakdown' and scopes.freq = 'M'
    ) as reached
    group by measure
),

-- the same for all measures of a feed
territories as (
    select
        source,
        feed,
        string_agg(instance || ' ' || code, ' ' order by instance, code) as state
    from (
        select distinct
            loads.source,
            loads.feed,
            loads.instance,
            scopes.code
        from {{ ref('int_load_scope') }} as scopes
        inner join loads on scopes.load_id = loads.load_id
        where scopes.axis = 'ref_area'
    ) as reached
    group by source, feed
),

months as (
    select
        source,
        feed,
        time_period,
        string_agg(coalesce(load_id, instance) || ' ' || state, ' ' order by coalesce(load_id, instance), state)
            as state
    from {{ ref('int_delivered_month') }}
    group by source, feed, time_period
),

reach as (
    select
        measures.measure,
        measures.source,
        measures.feed,
        md5(coalesce(parts.state, '') || '; ' || coalesce(territories.state, '')) as state
    from {{ source('catalogue', 'measure') }} as measures
    left join parts on measures.measure = parts.measure
    left join territories
        on measures.source = territories.source and measures.feed = territories.feed and measures.reporting = 'place'
    where measures.freq = 'M'
),

delivered as (
    select
        reach.measure,
        months.time_period,
        months.state || '; ' || reach.state as state
    from reach
    inner join months on reach.source = months.source and reach.feed = months.feed
),

held as (
    select
        measure,
        time_period,
        string_agg(ref_area || ' ' || breakdown, ' ' order by ref_area, breakdown) as state
    from {{ ref('int_observation_held') }}
    group by measure, time_period
),

known as (
    select
        coalesce(told.measure, delivered.measure) as measure,
        coalesce(told.time_period, delivered.time_period) as time_period,
        coalesce(told.state, '') || '; ' || coalesce(delivered.state, '') as state
    from told
    full outer join delivered on told.measure = delivered.measure and told.time_period = delivered.time_period
),

observed as (
    select
        known.measure,
        known.time_period,
        md5(known.state || coalesce('; ' || held.state, '')) as state
    from known
    left join held on known.measure = held.measure and known.time_period = held.time_period
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
