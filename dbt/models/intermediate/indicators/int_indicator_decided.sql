-- What of each value may be shown: the value itself, or the reason why there is none. Of a period that has not ended
-- nothing is missing yet, unless it is gone for ever. A share outside 0 to 100 and a
-- figure of parts with more people than the whole cannot be true: held back. Growth and comparisons may exceed 100:
-- they are recognised by their terms.
{{ config(materialized='follow_inputs', inputs='indicator', volume='int_indicator_unit') }}
-- depends_on: {{ ref('int_indicator_unit') }}
with changed as {{ changed_inputs('indicator') }},

cells as (
    select
        terms.indicator,
        max(measures.minimum_cell) as minimum_cell
    from {{ ref('stg_catalogue__indicator_term') }} as terms
    inner join {{ ref('stg_catalogue__measure') }} as measures on terms.measure = measures.measure
    where terms.side = 'numerator'
    group by terms.indicator
),

shares as (
    select indicator
    from {{ ref('stg_catalogue__indicator_term') }}
    group by indicator
    having bool_and(reference = 'same')
),

parts as (
    select
        computed.indicator,
        computed.ref_area,
        computed.time_period,
        computed.breakdown,
        {{ is_hidden_part('indicator', 'computed', 'computed.numerator', 'cells.minimum_cell') }} as is_hidden
    from {{ ref('int_indicator_value') }} as computed
    inner join cells on computed.indicator = cells.indicator
    where
        {{ in_changed_periods('computed') }}
        and cells.minimum_cell > 0
        and computed.breakdown <> '_T'
        and computed.numerator > 0
),

valued as (
    select
        computed.*,
        indicators.unit_measure,
        indicators.decimals,
        methods.scale,
        territories.level,
        territories.region,
        periods.period_no,
        periods.first_day,
        periods.last_day,
        periods.has_ended,
        coalesce(parts.is_hidden, false) as is_hidden,
        computed.is_complete
        and coalesce(computed.coverage_population_pct, 0) < indicators.minimum_population_coverage_pct as low_coverage,
        computed.is_complete
        and coalesce(computed.coverage_population_pct, 0) < indicators.reliable_population_coverage_pct
            as is_low_coverage,
        exempt.ref_area is not null as is_exempt,
        -- the first period of a new version of the method
        not methods.is_first and methods.valid_from >= periods.first_day as is_break,
        coalesce(computed.coverage_population_pct, 0) > 100 as is_overfull,
        indicators.unit_measure = 'PCT' and shares.indicator is not null as is_share
    from {{ ref('int_indicator_value') }} as computed
    inner join changed on computed.indicator = changed.indicator and computed.time_period = changed.time_period
    inner join {{ ref('stg_catalogue__indicator') }} as indicators on computed.indicator = indicators.indicator
    inner join {{ ref('stg_catalogue__indicator_method') }} as methods
        on computed.indicator = methods.indicator and computed.method_version = methods.method_version
    inner join {{ ref('dim_territory') }} as territories on computed.ref_area = territories.ref_area
    inner join {{ ref('dim_period') }} as periods on computed.time_period = periods.time_period
    left join shares on computed.indicator = shares.indicator
    left join {{ ref('stg_catalogue__indicator_not_applicable') }} as exempt
        on computed.indicator = exempt.indicator and computed.ref_area = exempt.ref_area
    left join parts
        on
            computed.indicator = parts.indicator
            and computed.ref_area = parts.ref_area
            and computed.time_period = parts.time_period
            and computed.breakdown = parts.breakdown
    where {{ in_changed_periods('computed') }}
),

figures as (
    select
        valued.*,
        case
            when not is_complete then null
            when derivation = 'percentile' then numerator
            when has_denominator then {{ exact_ratio('numerator', 'denominator', 'scale') }}
            else {{ product('numerator', 'scale') }}
        end as figure
    from valued
),

decided as (
    select
        figures.*,
        case
            when is_exempt then 'not_applicable'
            when not is_complete and not has_ended and missing_reason in ('not_delivered', 'not_published')
                then 'not_yet'
            when not is_complete then missing_reason
            when low_coverage then 'not_published'
            when has_denominator and denominator = 0 then 'not_applicable'
            when is_hidden then 'suppressed'
            when is_overfull or (is_share and figure not between 0 and 100) then 'held_back'
        end as reason
    from figures
)

select
    indicator,
    method_version,
    ref_area,
    level,
    region,
    freq,
    time_period,
    period_no,
    first_day,
    last_day,
    breakdown,
    case when reason is null then figure end as obs_value,
    case
        when reason is not null then {{ status_of_reason('reason') }}
        when is_low_coverage then 'U'
        when is_break and obs_status = 'A' then 'B'
        else obs_status
    end as obs_status,
    reason,
    case
        when reason is null or reason <> 'held_back' or not is_complete then null
        when is_overfull then 'more_people_than_the_whole'
        else 'share_out_of_bounds'
    end as held_by,
    unit_measure,
    decimals,
    case when reason is null or (reason = 'not_applicable' and not is_exempt) then numerator end as numerator,
    case when reason is null or (reason = 'not_applicable' and not is_exempt) then denominator end as denominator,
    denominator_period,
    cast(case when is_overfull then 0 else coverage_population_pct end as numeric(9, 2)) as coverage_population_pct,
    coverage_time_pct,
    is_complete,
    low_coverage,
    is_low_coverage and reason is null as is_low_coverage,
    is_carried,
    synthetic,
    has_warnings,
    control_share_pct,
    last_update,
    quality_rank,
    derivation,
    includes_unallocated
from decided
