-- Numerator and denominator of each indicator for every territory and period: the territory's own, or the sum over its
-- reporting territories. Where nothing reports in a region or the country, the row is there and says so.
with known as (
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
    select * from {{ ref('int_indicator_rolled_up') }}
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
            when bool_or(measures.absent_reason = 'not_delivered') then 'not_delivered' else 'not_published'
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
