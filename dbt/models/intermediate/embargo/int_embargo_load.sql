-- Loads of nothing but observations that are held back: of many feeds the number of rows is a figure itself.
with months as (
    select
        measures.source,
        measures.feed,
        periods.first_day,
        periods.last_day,
        max(held.held_until) as held_until
    from {{ ref('int_embargo_measure') }} as held
    inner join {{ source('catalogue', 'measure') }} as measures on held.measure = measures.measure
    inner join {{ ref('dim_period') }} as periods on held.time_period = periods.time_period and periods.freq = 'M'
    group by measures.source, measures.feed, periods.first_day, periods.last_day
)

select
    loads.load_id,
    max(greatest(begins.held_until, ends.held_until)) as held_until
from {{ source('ops', 'load_state') }} as loads
inner join months as begins
    on
        loads.source = begins.source
        and loads.feed = begins.feed
        and loads.first_day between begins.first_day and begins.last_day
inner join months as ends
    on
        loads.source = ends.source
        and loads.feed = ends.feed
        and loads.last_day between ends.first_day and ends.last_day
group by loads.load_id
