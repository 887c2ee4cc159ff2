-- Numerator and denominator of each indicator for every territory and period: the territory's own, or the sum over its
-- reporting territories. Where nothing reports in a region or the country, the row is there and says so.
with population as (
    select ref_area, year, value
    from {{ ref('int_vintage') }}
    where measure = '{{ var("coverage_measure") }}' and breakdown = '_T'
),

unallocated as (
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
),

unallocated_within as (
    select
        parts.indicator,
        within.ancestor as target,
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
),

summed as (
    select
        members.indicator,
        members.target as ref_area,
        members.freq,
        members.time_period,
        units.breakdown,
        sum(units.numerator) as numerator,
        sum(units.denominator) as denominator,
        bool_or(units.has_denominator) as has_denominator,
        bool_or(units.is_complete) as is_complete,
        {{ worst_status('case when units.is_complete then units.obs_status end') }} as obs_status,
        {{ worst_reason('units.missing_reason') }} as missing_reason,
        sum(units.months_expected) as months_expected,
        sum(units.months_delivered) as months_delivered,
        max(units.denominator_period) as denominator_period,
        bool_or(units.is_carried) as is_carried,
        bool_or(units.synthetic) as synthetic,
        bool_or(units.has_warnings) as has_warnings,
        min(units.control_share_pct) as control_share_pct,
        sum(case when units.is_complete then population.value end) as covered_population
    from {{ ref('int_indicator_member') }} as members
    inner join {{ ref('int_indicator_unit') }} as units
        on
            members.indicator = units.indicator
            and members.freq = units.freq
            and members.time_period = units.time_period
            and members.member = units.ref_area
    left join population
        on units.ref_area = population.ref_area and {{ year_of('units.time_period') }} = population.year
    group by members.indicator, members.target, members.freq, members.time_period, units.breakdown
),

rolled_up as (
    select
        summed.*,
        people.value as target_population,
        case
            when summed.covered_population = people.value and summed.breakdown = '_T'
                then unallocated_within.numerator
        end as unallocated_numerator,
        case
            when summed.covered_population = people.value and summed.breakdown = '_T'
                then unallocated_within.denominator
        end as unallocated_denominator
    from summed
    left join population as people
        on summed.ref_area = people.ref_area and {{ year_of('summed.time_period') }} = people.year
    left join unallocated_within
        on
            summed.indicator = unallocated_within.indicator
            and summed.ref_area = unallocated_within.target
            and summed.freq = unallocated_within.freq
            and summed.time_period = unallocated_within.time_period
),

known as (
    select
        indicator,
        ref_area,
        freq,
        time_period,
        breakdown,
        numerator,
        denominator,
        has_denominator,
        is_complete,
        obs_status,
        missing_reason,
        months_expected,
        months_delivered,
        denominator_period,
        is_carried,
        synthetic,
        has_warnings,
        control_share_pct,
        case when is_complete then 100 else 0 end as coverage_population_pct,
        'own' as made,
        false as includes_unallocated
    from {{ ref('int_indicator_unit') }}
    union all
    select
        indicator,
        ref_area,
        freq,
        time_period,
        breakdown,
        numerator + coalesce(unallocated_numerator, 0) as numerator,
        denominator + coalesce(unallocated_denominator, 0) as denominator,
        has_denominator,
        is_complete,
        obs_status,
        missing_reason,
        months_expected,
        months_delivered,
        denominator_period,
        is_carried,
        synthetic,
        has_warnings,
        control_share_pct,
        case when is_complete then {{ percentage('covered_population', 'target_population') }} else 0 end
            as coverage_population_pct,
        'rolled_up' as made,
        unallocated_numerator is not null or unallocated_denominator is not null as includes_unallocated
    from rolled_up
),

grid as (
    select
        periods.indicator,
        territories.ref_area,
        periods.freq,
        periods.time_period,
        periods.breakdown,
        periods.has_denominator,
        periods.synthetic
    from (
        select
            indicator,
            freq,
            time_period,
            breakdown,
            bool_or(has_denominator) as has_denominator,
            bool_or(synthetic) as synthetic
        from known
        group by indicator, freq, time_period, breakdown
    ) as periods
    inner join {{ source('catalogue', 'indicator_level') }} as levels on periods.indicator = levels.indicator
    inner join {{ ref('dim_territory') }} as territories on levels.level = territories.level
    where territories.level in ('country', 'region')
),

absences as (
    select
        terms.indicator,
        case
            when bool_or(measures.absence = 'zero') then 'not_delivered' else 'not_published'
        end as missing_reason
    from {{ source('catalogue', 'indicator_term') }} as terms
    inner join {{ source('catalogue', 'measure') }} as measures on terms.measure = measures.measure
    where terms.side = 'numerator'
    group by terms.indicator
),

filled as (
    select * from known
    union all
    select
        grid.indicator,
        grid.ref_area,
        grid.freq,
        grid.time_period,
        grid.breakdown,
        null as numerator,
        null as denominator,
        grid.has_denominator,
        false as is_complete,
        'A' as obs_status,
        absences.missing_reason,
        1 as months_expected,
        0 as months_delivered,
        null as denominator_period,
        false as is_carried,
        grid.synthetic,
        false as has_warnings,
        null as control_share_pct,
        0 as coverage_population_pct,
        'absent' as made,
        false as includes_unallocated
    from grid
    inner join absences on grid.indicator = absences.indicator
    left join known
        on
            grid.indicator = known.indicator
            and grid.ref_area = known.ref_area
            and grid.freq = known.freq
            and grid.time_period = known.time_period
            and grid.breakdown = known.breakdown
    where known.ref_area is null
)

select
    filled.indicator,
    filled.ref_area,
    filled.freq,
    filled.time_period,
    filled.breakdown,
    {{ fixed('filled.numerator') }} as numerator,
    {{ fixed('filled.denominator') }} as denominator,
    filled.has_denominator,
    filled.is_complete,
    filled.obs_status,
    filled.missing_reason,
    {{ percentage('filled.months_delivered', 'filled.months_expected') }} as coverage_time_pct,
    cast(filled.coverage_population_pct as numeric(9, 2)) as coverage_population_pct,
    filled.denominator_period,
    filled.is_carried,
    filled.synthetic,
    filled.has_warnings,
    filled.control_share_pct,
    filled.made,
    filled.includes_unallocated
from filled
inner join {{ ref('dim_territory') }} as territories on filled.ref_area = territories.ref_area
inner join {{ source('catalogue', 'indicator_level') }} as levels
    on filled.indicator = levels.indicator and territories.level = levels.level
