-- What a region or the country has in none of its districts (breakdown _U), for each indicator. Not for a weighted
-- mean: there its weight would stand in the denominator, and nothing of it above.
with weighted as (
    select distinct indicator, method_version
    from {{ source('catalogue', 'indicator_term') }}
    where times_measure is not null
),

unallocated as (
    select
        terms.indicator,
        terms.method_version,
        figures.ref_area,
        figures.freq,
        figures.time_period,
        sum(case when terms.side = 'numerator' then terms.weight * figures.value end) as numerator,
        sum(case when terms.side = 'denominator' then terms.weight * figures.value end) as denominator
    from {{ source('catalogue', 'indicator_term') }} as terms
    inner join {{ ref('int_measure_period') }} as figures
        on terms.measure = figures.measure and figures.breakdown = '_U'
    left join weighted on terms.indicator = weighted.indicator and terms.method_version = weighted.method_version
    where
        terms.reference = 'same'
        and terms.breakdown in ('_T', '*')
        and weighted.indicator is null
        and figures.value is not null
    group by terms.indicator, terms.method_version, figures.ref_area, figures.freq, figures.time_period
),

within as (
    select ancestor, ref_area, valid_from, valid_to from {{ ref('int_territory_ancestor') }}
    union all
    select
        ref_area as ancestor,
        ref_area,
        cast('0001-01-01' as date) as valid_from,
        cast('9999-12-31' as date) as valid_to
    from {{ ref('dim_territory') }}
)

select
    parts.indicator,
    parts.method_version,
    within.ancestor as ref_area,
    parts.freq,
    parts.time_period,
    sum(parts.numerator) as numerator,
    sum(parts.denominator) as denominator
from unallocated as parts
inner join {{ ref('dim_period') }} as periods on parts.time_period = periods.time_period
inner join within
    on parts.ref_area = within.ref_area and periods.last_day between within.valid_from and within.valid_to
group by parts.indicator, parts.method_version, within.ancestor, parts.freq, parts.time_period
