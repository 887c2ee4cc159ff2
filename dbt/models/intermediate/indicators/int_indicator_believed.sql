-- What may be shown of each value, without those that cannot be true by a rule of plausibility of severity error.
{{ config(materialized='view') }}
with impossible as (
    select
        found.indicator,
        found.ref_area,
        found.freq,
        found.time_period,
        found.breakdown,
        min(found.rule) as rule
    from {{ ref('int_plausibility') }} as found
    inner join {{ source('catalogue', 'plausibility_rule') }} as rules on found.rule = rules.rule
    where rules.severity = 'error'
    group by found.indicator, found.ref_area, found.freq, found.time_period, found.breakdown
)

select
    decided.indicator,
    decided.method_version,
    decided.ref_area,
    decided.level,
    decided.region,
    decided.freq,
    decided.time_period,
    decided.period_no,
    decided.first_day,
    decided.last_day,
    decided.breakdown,
    {{ fixed('case when found.indicator is null then decided.obs_value end') }} as obs_value,
    case
        when found.indicator is null then decided.obs_status
        else {{ status_of_reason("'held_back'") }}
    end as obs_status,
    case when found.indicator is null then decided.reason else 'held_back' end as reason,
    coalesce(decided.held_by, found.rule) as held_by,
    decided.unit_measure,
    decided.decimals,
    {{ fixed('case when found.indicator is null then decided.numerator end') }} as numerator,
    {{ fixed('case when found.indicator is null then decided.denominator end') }} as denominator,
    decided.denominator_period,
    decided.coverage_population_pct,
    decided.coverage_time_pct,
    decided.is_complete,
    decided.low_coverage,
    decided.is_low_coverage,
    decided.is_carried,
    decided.synthetic,
    decided.has_warnings,
    decided.control_share_pct,
    decided.last_update,
    decided.quality_rank,
    decided.derivation,
    decided.includes_unallocated
from {{ ref('int_indicator_decided') }} as decided
left join impossible as found
    on
        decided.indicator = found.indicator
        and decided.ref_area = found.ref_area
        and decided.freq = found.freq
        and decided.time_period = found.time_period
        and decided.breakdown = found.breakdown
