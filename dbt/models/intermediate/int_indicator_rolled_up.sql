-- Numerator and denominator of each indicator summed over the reporting units of a region or the country: both over the
-- same units, so that the ratio is one of sums. What lies in none of them is added where all of them report.
with population as (
    select ref_area, year, value
    from {{ ref('int_vintage') }}
    where measure = '{{ var("coverage_measure") }}' and breakdown = '_T'
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
                then unallocated.numerator
        end as unallocated_numerator,
        case
            when summed.covered_population = people.value and summed.breakdown = '_T'
                then unallocated.denominator
        end as unallocated_denominator
    from summed
    left join population as people
        on summed.ref_area = people.ref_area and {{ year_of('summed.time_period') }} = people.year
    left join {{ ref('int_indicator_unallocated') }} as unallocated
        on
            summed.indicator = unallocated.indicator
            and summed.ref_area = unallocated.ref_area
            and summed.freq = unallocated.freq
            and summed.time_period = unallocated.time_period
)

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
