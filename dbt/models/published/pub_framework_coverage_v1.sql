select
    framework,
    dimension,
    ref_area,
    dimension_ru,
    dimension_be,
    dimension_en,
    indicator_count,
    reported_count,
    reported_same_count,
    reported_pct,
    synthetic
from {{ ref('mart_framework_coverage') }}
