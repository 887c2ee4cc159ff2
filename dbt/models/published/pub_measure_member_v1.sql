select
    measure,
    breakdown,
    name_ru,
    name_be,
    name_en
from {{ source('catalogue', 'measure_member') }}
