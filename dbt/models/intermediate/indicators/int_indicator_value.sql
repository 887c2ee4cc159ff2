-- Numerator and denominator of each indicator for every territory and period: the territory's own, or the sum over its
-- reporting territories. Where nothing reports, the row of each declared level and period is there and says so; parts
-- of a total have such rows in regions and the country alone.
{{ config(materialized='view') }}
with levels as (
    select
        territories.ref_area,
        territories.level,
        territories.listed_from,
        territories.listed_to,
        levels.indicator,
        levels.rolled_up and not indicators.own_figures as is_always_rolled_up
    from {{ source('catalogue', 'indicator_level') }} as levels
    inner join {{ ref('dim_territory') }} as territories on levels.level = territories.level
    inner join {{ source('catalogue', 'indicator') }} as indicators on levels.indicator = indicators.indicator
),

-- asked for by period: each use takes its own part
known as not materialized (
    select
        units.indicator,
        units.method_version,
        units.ref_area,
        units.freq,
        units.time_period,
        units.breakdown,
        units.numerator,
        units.denominator,
        units.has_denominator,
        units.is_complete,
        units.obs_status,
        units.missing_reason,
        units.months_expected,
        units.months_delivered,
        units.denominator_period,
        units.is_carried,
        units.synthetic,
        units.has_warnings,
        units.control_share_pct,
        units.last_update,
        units.quality_rank,
        case when units.is_complete then 100 else 0 end as coverage_population_pct,
        'own' as derivation,
        false as includes_unallocated
    from {{ ref('int_indicator_unit') }} as units
    inner join levels on units.indicator = levels.indicator and units.ref_area = levels.ref_area
    where not levels.is_always_rolled_up
    union all
    select
        indicator,
        method_version,
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
        last_update,
        quality_rank,
        coverage_population_pct,
        derivation,
        includes_unallocated
    from {{ ref('int_indicator_rolled_up') }}
),

reported as (
    select
        indicator,
        time_period,
        breakdown,
        bool_or(synthetic) as synthetic
    from known
    group by indicator, time_period, breakdown
),

wanted as (
    select
        inputs.indicator,
        inputs.time_period,
        '_T' as breakdown
    from {{ ref('int_indicator_input') }} as inputs
    where {{ in_changed_periods('inputs') }}
    union
    select
        indicator,
        time_period,
        breakdown
    from reported
),

divided as (
    select distinct
        indicator,
        method_version
    from {{ source('catalogue', 'indicator_term') }}
    where side = 'denominator'
),

grid as (
    select
        wanted.indicator,
        methods.method_version,
        levels.ref_area,
        periods.freq,
        wanted.time_period,
        wanted.breakdown,
        divided.indicator is not null as has_denominator,
        coalesce(reported.synthetic, false) as synthetic
    from wanted
    inner join {{ ref('dim_period') }} as periods on wanted.time_period = periods.time_period
    inner join {{ source('catalogue', 'indicator_method') }} as methods
        on
            wanted.indicator = methods.indicator
            and periods.last_day >= coalesce(methods.valid_from, periods.last_day)
            and periods.last_day <= coalesce(methods.valid_to, periods.last_day)
    inner join levels
        on
            wanted.indicator = levels.indicator
            and (wanted.breakdown = '_T' or levels.level in ('country', 'region'))
            and periods.last_day >= coalesce(levels.listed_from, periods.last_day)
            and periods.last_day <= coalesce(levels.listed_to, periods.last_day)
    left join divided
        on methods.indicator = divided.indicator and methods.method_version = divided.method_version
    left join reported
        on
            wanted.indicator = reported.indicator
            and wanted.time_period = reported.time_period
            and wanted.breakdown = reported.breakdown
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
        grid.method_version,
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
        null as last_update,
        null as quality_rank,
        0 as coverage_population_pct,
        'absent' as derivation,
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
    indicator,
    method_version,
    ref_area,
    freq,
    time_period,
    breakdown,
    {{ fixed('numerator') }} as numerator,
    {{ fixed('denominator') }} as denominator,
    has_denominator,
    is_complete,
    obs_status,
    missing_reason,
    {{ percentage('months_delivered', 'months_expected') }} as coverage_time_pct,
    cast(coverage_population_pct as numeric(9, 2)) as coverage_population_pct,
    denominator_period,
    is_carried,
    synthetic,
    has_warnings,
    control_share_pct,
    cast(last_update as timestamp) as last_update,
    cast(quality_rank as integer) as quality_rank,
    derivation,
    includes_unallocated
from filled
