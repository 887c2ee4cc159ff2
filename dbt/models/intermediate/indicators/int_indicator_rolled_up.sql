-- Numerator and denominator of each indicator summed over the reporting units of a region or the country: both over
-- the same units, so that the ratio is one of sums. What lies in none of them is added where all of them report. A
-- percentile stands in the place of the numerator. The territories they stand for are named within the borders of the
-- period.
{{ config(materialized='follow_inputs', inputs='indicator', volume='int_indicator_member') }}
with changed as {{ changed_inputs('indicator') }},

population as (
    select ref_area, year, value
    from {{ ref('int_vintage') }}
    where measure = '{{ var("coverage_measure") }}' and breakdown = '_T'
),

summed as (
    select
        members.indicator,
        units.method_version,
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
        max(units.last_update) as last_update,
        max(case when units.is_complete then units.quality_rank end) as quality_rank,
        sum(case when units.is_complete then population.value + coalesce(moved.value, 0) end) as covered_population
    from {{ ref('int_indicator_member') }} as members
    inner join {{ ref('int_indicator_unit') }} as units
        on
            members.indicator = units.indicator
            and members.freq = units.freq
            and members.time_period = units.time_period
            and members.member = units.ref_area
    inner join changed on members.indicator = changed.indicator and members.time_period = changed.time_period
    left join population
        on units.ref_area = population.ref_area and {{ year_of('units.time_period') }} = population.year
    left join {{ ref('int_population_moved') }} as moved
        on units.ref_area = moved.ref_area and units.time_period = moved.time_period
    where {{ in_changed_periods('members') }} and {{ in_changed_periods('units') }}
    group by
        members.indicator, units.method_version, members.target, members.freq, members.time_period,
        units.breakdown
),

rolled_up as (
    select
        summed.*,
        indicators.roll_up,
        people.value + coalesce(moved.value, 0) as target_population,
        case
            when
                summed.covered_population = people.value + coalesce(moved.value, 0)
                and summed.breakdown = '_T'
                and indicators.roll_up <> 'percentile'
                then unallocated.numerator
        end as unallocated_numerator,
        case
            when
                summed.covered_population = people.value + coalesce(moved.value, 0)
                and summed.breakdown = '_T'
                and indicators.roll_up <> 'percentile'
                then unallocated.denominator
        end as unallocated_denominator
    from summed
    inner join {{ ref('stg_catalogue__indicator') }} as indicators on summed.indicator = indicators.indicator
    left join population as people
        on summed.ref_area = people.ref_area and {{ year_of('summed.time_period') }} = people.year
    left join {{ ref('int_population_moved') }} as moved
        on summed.ref_area = moved.ref_area and summed.time_period = moved.time_period
    left join {{ ref('int_indicator_unallocated') }} as unallocated
        on
            summed.indicator = unallocated.indicator
            and summed.method_version = unallocated.method_version
            and summed.ref_area = unallocated.ref_area
            and summed.freq = unallocated.freq
            and summed.time_period = unallocated.time_period
)

select
    rolled_up.indicator,
    rolled_up.method_version,
    rolled_up.ref_area,
    rolled_up.freq,
    rolled_up.time_period,
    rolled_up.breakdown,
    cast(case
        when rolled_up.roll_up = 'percentile' then percentiles.value
        else rolled_up.numerator + coalesce(rolled_up.unallocated_numerator, 0)
    end as numeric(24, 6)) as numerator,
    cast(case
        when rolled_up.roll_up <> 'percentile'
            then rolled_up.denominator + coalesce(rolled_up.unallocated_denominator, 0)
    end as numeric(24, 6)) as denominator,
    rolled_up.has_denominator and rolled_up.roll_up <> 'percentile' as has_denominator,
    rolled_up.is_complete,
    rolled_up.obs_status,
    rolled_up.missing_reason,
    rolled_up.months_expected,
    rolled_up.months_delivered,
    rolled_up.denominator_period,
    rolled_up.is_carried,
    rolled_up.synthetic,
    rolled_up.has_warnings,
    rolled_up.control_share_pct,
    rolled_up.last_update,
    rolled_up.quality_rank,
    -- where nobody knows how many people there were, nobody knows that it covers any: 0, which no known share is
    cast(coalesce(case
        when rolled_up.is_complete and rolled_up.covered_population > 0 and rolled_up.target_population > 0
            then greatest(
                {{ percentage('rolled_up.covered_population', 'rolled_up.target_population') }},
                cast(0.01 as numeric(9, 2))
            )
    end, 0) as numeric(9, 2)) as coverage_population_pct,
    case when rolled_up.roll_up = 'percentile' then 'percentile' else 'rolled_up' end as derivation,
    rolled_up.unallocated_numerator is not null or rolled_up.unallocated_denominator is not null
        as includes_unallocated
from rolled_up
left join {{ ref('int_indicator_percentile') }} as percentiles
    on
        rolled_up.indicator = percentiles.indicator
        and rolled_up.ref_area = percentiles.ref_area
        and rolled_up.freq = percentiles.freq
        and rolled_up.time_period = percentiles.time_period
        and rolled_up.breakdown = percentiles.breakdown
