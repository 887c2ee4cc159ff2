select
    indicator,
    breakdown,
    name_ru,
    name_be,
    name_en
from {{ ref('dim_indicator_part') }}
