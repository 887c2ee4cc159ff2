select
    figures.indicator,
    figures.ref_area,
    figures.freq,
    figures.time_period,
    figures.breakdown,
    figures.obs_value,
    figures.obs_status,
    figures.missing_reason,
    figures.imputed_by,
    figures.imputed_from,
    figures.unit_measure,
    figures.decimals,
    figures.numerator,
    figures.denominator,
    figures.denominator_period,
    figures.coverage_population_pct,
    figures.coverage_time_pct,
    figures.quality_class,
    figures.method_version,
    figures.first_day,
    figures.last_day,
    figures.last_update,
    figures.synthetic,
    figures.note_ru,
    figures.note_be,
    figures.note_en,
    revised.indicator is not null as is_revised,
    revised.value_before
from {{ ref('mart_open_indicator_value') }} as figures
left join {{ ref('mart_revised_now') }} as revised
    on
        figures.indicator = revised.indicator
        and figures.ref_area = revised.ref_area
        and figures.freq = revised.freq
        and figures.time_period = revised.time_period
        and figures.breakdown = revised.breakdown
