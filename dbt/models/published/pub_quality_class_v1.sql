select
    quality_class,
    quality_rank,
    name_ru,
    name_be,
    name_en
from {{ ref('stg_catalogue__quality_class') }}
