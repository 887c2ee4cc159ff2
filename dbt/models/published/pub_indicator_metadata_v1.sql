select
    indicator,
    concept,
    text_ru,
    text_be,
    text_en
from {{ ref('stg_catalogue__indicator_metadata') }}
