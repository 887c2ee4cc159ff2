-- The indicator values of each region in a schema of its own, mart_by_br … mart_by_vi, table indicator_value; the whole
-- country in mart_by.
{{ config(
    materialized='for_each_region',
    table_name='indicator_value',
    territories='dim_territory'
) }}
-- depends_on: {{ ref('dim_territory') }}
select
    figures.indicator,
    indicators.name_ru as indicator_ru,
    indicators.name_en as indicator_en,
    figures.ref_area,
    territories.name_ru as ref_area_ru,
    territories.name_en as ref_area_en,
    figures.level,
    figures.region,
    figures.freq,
    figures.time_period,
    figures.breakdown,
    parts.name_ru as part_ru,
    parts.name_en as part_en,
    figures.obs_value,
    figures.obs_status,
    figures.missing_reason,
    figures.imputed_by,
    figures.unit_measure,
    indicators.unit_ru,
    indicators.unit_en,
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
inner join {{ source('catalogue', 'indicator') }} as indicators on figures.indicator = indicators.indicator
inner join {{ ref('dim_territory') }} as territories on figures.ref_area = territories.ref_area
left join {{ ref('dim_indicator_part') }} as parts
    on figures.indicator = parts.indicator and figures.breakdown = parts.breakdown
left join {{ ref('mart_revised_now') }} as revised
    on
        figures.indicator = revised.indicator
        and figures.ref_area = revised.ref_area
        and figures.freq = revised.freq
        and figures.time_period = revised.time_period
        and figures.breakdown = revised.breakdown
