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
    figures.ref_area,
    territories.name_ru as ref_area_ru,
    figures.level,
    figures.region,
    figures.freq,
    figures.time_period,
    figures.breakdown,
    figures.obs_value,
    figures.obs_status,
    figures.missing_reason,
    figures.imputed_by,
    figures.unit_measure,
    indicators.unit_ru,
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
    figures.note_en
from {{ ref('mart_open_indicator_value') }} as figures
inner join {{ source('catalogue', 'indicator') }} as indicators on figures.indicator = indicators.indicator
inner join {{ ref('dim_territory') }} as territories on figures.ref_area = territories.ref_area
