-- Observations that would give away what is held back: of the measures behind an indicator, every period that holds a
-- month of it that is held back. The population that a rate divides by has releases of its own.
with behind as (
    select terms.indicator, terms.measure
    from {{ source('catalogue', 'indicator_term') }} as terms
    inner join {{ source('catalogue', 'measure') }} as measures on terms.measure = measures.measure
    where terms.side = 'numerator' or measures.carry_forward_years = 0
    union
    select terms.indicator, terms.times_measure as measure
    from {{ source('catalogue', 'indicator_term') }} as terms
    inner join {{ source('catalogue', 'measure') }} as measures on terms.times_measure = measures.measure
    where measures.carry_forward_years = 0
),

months as (
    select
        behind.measure,
        periods.first_day,
        periods.last_day,
        max(held.held_until) as held_until
    from {{ ref('int_embargo') }} as held
    inner join {{ ref('dim_period') }} as periods on held.time_period = periods.time_period and periods.freq = 'M'
    inner join behind on held.indicator = behind.indicator
    group by behind.measure, periods.first_day, periods.last_day
)

select
    months.measure,
    periods.time_period,
    max(months.held_until) as held_until
from months
inner join {{ ref('dim_period') }} as periods
    on months.first_day >= periods.first_day and months.last_day <= periods.last_day
group by months.measure, periods.time_period
