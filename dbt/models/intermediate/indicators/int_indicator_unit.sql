-- Numerator and denominator of each indicator for each territory that reports by itself, before any rolling up.
{{ config(materialized='follow_inputs', inputs='indicator', volume='int_measure_period') }}
-- depends_on: {{ ref('int_measure_period') }}
with changed as {{ changed_inputs('indicator') }},

sides as (
    select
        terms.indicator,
        terms.method_version,
        terms.ref_area,
        terms.freq,
        terms.time_period,
        terms.breakdown,
        sum(case when terms.side = 'numerator' then {{ product('terms.value', 'terms.weight') }} end) as numerator,
        sum(case when terms.side = 'denominator' then {{ product('terms.value', 'terms.weight') }} end) as denominator,
        bool_or(terms.side = 'denominator') as has_denominator,
        bool_and(
            terms.value is not null
            and 100 * terms.months_delivered >= indicators.minimum_time_coverage_pct * terms.months_expected
        ) as is_complete,
        {{ worst_status("case when terms.side = 'numerator' then terms.obs_status end") }} as obs_status,
        {{ worst_reason('terms.missing_reason') }} as missing_reason,
        max(case when terms.is_timeless then 1 else terms.months_expected end) as months_expected,
        min(case when not terms.is_timeless then terms.months_delivered end) as months_delivered,
        max(
            -- the year of a constant is that of its borders
            case
                when terms.side = 'denominator' and terms.term_period <> '_Z' and not measures.constant
                    then terms.term_period
            end
        ) as denominator_period,
        bool_or(terms.is_carried) as is_carried,
        bool_or(terms.synthetic) as synthetic,
        bool_or(terms.has_warnings) as has_warnings,
        min(terms.control_share_pct) as control_share_pct,
        max(terms.last_update) as last_update,
        max(terms.quality_rank) as quality_rank
    from {{ ref('int_indicator_term') }} as terms
    inner join {{ source('catalogue', 'indicator') }} as indicators on terms.indicator = indicators.indicator
    inner join {{ source('catalogue', 'measure') }} as measures on terms.measure = measures.measure
    inner join changed on terms.indicator = changed.indicator and terms.time_period = changed.time_period
    where {{ in_changed_periods('terms') }}
    group by
        terms.indicator, terms.method_version, terms.ref_area, terms.freq, terms.time_period,
        terms.breakdown
)

select
    indicator,
    method_version,
    ref_area,
    freq,
    time_period,
    breakdown,
    {{ fixed('case when is_complete then numerator end') }} as numerator,
    {{ fixed('case when is_complete then denominator end') }} as denominator,
    has_denominator,
    is_complete,
    obs_status,
    case when not is_complete then coalesce(missing_reason, 'not_delivered') end as missing_reason,
    cast(months_expected as integer) as months_expected,
    cast(coalesce(months_delivered, 0) as integer) as months_delivered,
    denominator_period,
    is_carried,
    synthetic,
    has_warnings,
    control_share_pct,
    last_update,
    quality_rank
from sides
