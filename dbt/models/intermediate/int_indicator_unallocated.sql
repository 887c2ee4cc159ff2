-- What a region or the country has in none of its districts (breakdown _U), for each indicator.
with unallocated as (
    -- what a region has in none of its districts
    select
        terms.indicator,
        figures.ref_area,
        figures.freq,
        figures.time_period,
        sum(case when terms.side = 'numerator' then terms.weight * figures.value end) as numerator,
        sum(case when terms.side = 'denominator' then terms.weight * figures.value end) as denominator
    from {{ source('catalogue', 'indicator_term') }} as terms
    inner join {{ ref('int_measure_period') }} as figures
        on terms.measure = figures.measure and figures.breakdown = '_U'
    where terms.taken_at = 'same' and terms.breakdown in ('_T', '*') and figures.value is not null
    group by terms.indicator, figures.ref_area, figures.freq, figures.time_period
)

select
    parts.indicator,
    within.ancestor as ref_area,
    parts.freq,
    parts.time_period,
    sum(parts.numerator) as numerator,
    sum(parts.denominator) as denominator
from unallocated as parts
inner join (
    select ancestor, ref_area from {{ ref('int_territory_ancestor') }}
    union all
    select ref_area as ancestor, ref_area from {{ ref('dim_territory') }}
) as within on parts.ref_area = within.ref_area
group by parts.indicator, within.ancestor, parts.freq, parts.time_period
