-- Every indicator value, for every territory, period and breakdown: as computed, or filled in by the declared rule.
with figures as (
    select
        decided.*,
        imputed.obs_value as imputed_value,
        imputed.rule as imputed_by,
        imputed.imputed_from,
        coalesce(imputed.quality_class, qualities.quality_class) as quality_class
    from {{ ref('int_indicator_decided') }} as decided
    left join {{ ref('int_indicator_imputed') }} as imputed
        on
            decided.indicator = imputed.indicator
            and decided.ref_area = imputed.ref_area
            and decided.freq = imputed.freq
            and decided.time_period = imputed.time_period
            and decided.breakdown = imputed.breakdown
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
    coalesce(obs_value, imputed_value) as obs_value,
    case when imputed_by is not null then 'I' else obs_status end as obs_status,
    reason as missing_reason,
    imputed_by,
    imputed_from,
    unit_measure,
    decimals,
    numerator,
    denominator,
    denominator_period,
    coverage_population_pct,
    coverage_time_pct,
    quality_class,
    method_version,
    first_day,
    last_day,
    last_update,
    synthetic,
    made,
    includes_unallocated,
    {{ value_note() }} as note_ru
from figures
