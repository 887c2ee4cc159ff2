select
    quality_class,
    quality_rank,
    name_ru,
    name_be,
    name_en
from {{ source('catalogue', 'quality_class') }}
