-- Every indicator value, for every territory, period and breakdown: as computed, or filled in by the declared rule.
{{ config(materialized='view') }}
with standing_out as (
    select
        found.indicator,
        found.ref_area,
        found.freq,
        found.time_period,
        found.breakdown,
        string_agg(rules.says_ru, '; ' order by found.rule) as stands_out_ru,
        string_agg(rules.says_be, '; ' order by found.rule) as stands_out_be,
        string_agg(rules.says_en, '; ' order by found.rule) as stands_out_en
    from {{ ref('int_plausibility') }} as found
    inner join {{ source('catalogue', 'plausibility_rule') }} as rules on found.rule = rules.rule
    where rules.severity = 'warning'
    group by found.indicator, found.ref_area, found.freq, found.time_period, found.breakdown
),

figures as (
    select
        decided.*,
        imputed.obs_value as imputed_value,
        imputed.rule as imputed_by,
        imputed.imputed_from,
        standing_out.stands_out_ru,
        standing_out.stands_out_be,
        standing_out.stands_out_en,
        low_coverage.whose_ru,
        low_coverage.whose_be,
        low_coverage.whose_en,
        coalesce(imputed.quality_class, qualities.quality_class) as quality_class
    from {{ ref('int_indicator_believed') }} as decided
    left join {{ ref('int_indicator_imputed') }} as imputed
        on
            decided.indicator = imputed.indicator
            and decided.ref_area = imputed.ref_area
            and decided.freq = imputed.freq
            and decided.time_period = imputed.time_period
            and decided.breakdown = imputed.breakdown
    left join standing_out
        on
            decided.indicator = standing_out.indicator
            and decided.ref_area = standing_out.ref_area
            and decided.freq = standing_out.freq
            and decided.time_period = standing_out.time_period
            and decided.breakdown = standing_out.breakdown
    left join {{ ref('int_indicator_low_coverage') }} as low_coverage
        on
            decided.indicator = low_coverage.indicator
            and decided.ref_area = low_coverage.ref_area
            and decided.freq = low_coverage.freq
            and decided.time_period = low_coverage.time_period
            and decided.breakdown = low_coverage.breakdown
    left join {{ source('catalogue', 'quality_class') }} as qualities
        on decided.quality_rank = qualities.quality_rank and decided.reason is null
)

select
    indicator,
    ref_area,
    level,
    region,
    freq,
    time_period,
    breakdown,
    {{ fixed('coalesce(obs_value, imputed_value)') }} as obs_value,
    case when imputed_by is not null then 'I' else obs_status end as obs_status,
    reason as missing_reason,
    imputed_by,
    imputed_from,
    unit_measure,
    decimals,
    {{ fixed('numerator') }} as numerator,
    {{ fixed('denominator') }} as denominator,
    denominator_period,
    coverage_population_pct,
    coverage_time_pct,
    quality_class,
    method_version,
    first_day,
    last_day,
    last_update,
    synthetic,
    derivation,
    includes_unallocated,
    {{ value_note('ru') }} as note_ru,
    {{ value_note('be') }} as note_be,
    {{ value_note('en') }} as note_en
from figures
